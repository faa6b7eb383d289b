"""Bytes to text: UTF-8 in pieces, line ends made equal, what cannot be decoded either reported or counted."""

import codecs
import io
from typing import Literal

Undecodable = Literal["fail", "replace"]

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()


class UndecodableBytesError(ValueError):
    """The bytes are not UTF-8. `offset` is where the first that cannot be decoded is, counted from 0."""

    def __init__(self, offset: int, byte: int) -> None:
        super().__init__(f"byte 0x{byte:02x} at offset {offset} is not UTF-8")
        self.offset = offset


class Utf8Decoder:
    r"""Decodes UTF-8 that arrives in pieces of any size; a byte order mark at the start is left out.

    ``\r\n`` and ``\r`` become ``\n``. With `undecodable="replace"` each run of bytes that is no character
    becomes U+FFFD and `replaced` counts them; with "fail" the first one raises `UndecodableBytesError`.
    """

    def __init__(self, undecodable: Undecodable = "fail") -> None:
        self.replaced = 0
        errors = "strict" if undecodable == "fail" else "replace"
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors)
        self._line_ends = io.IncrementalNewlineDecoder(None, translate=True)
        self._position = 0
        self._tail = b""
        self._at_start = True

    def decode(self, data: bytes, final: bool = False) -> str:
        """The text of the next bytes; a character that the bytes cut waits for the rest of it."""
        waiting = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            offset = self._position - len(waiting) + error.start
            raise UndecodableBytesError(offset, (waiting + data)[error.start]) from None
        self._position += len(data)
        # Exact: the bytes of a genuine U+FFFD always decode to one, as their first only starts characters.
        searched = self._tail + data
        self.replaced += text.count("\N{REPLACEMENT CHARACTER}") - searched.count(_REPLACEMENT)
        self._tail = searched[-2:]
        if self._at_start and text:
            text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
            self._at_start = False
        return self._line_ends.decode(text, final)
