"""Decodes bytes in pieces of any size; bytes that cannot be decoded are reported or counted."""

import codecs
import io
from typing import Literal

Undecodable = Literal["fail", "replace"]

_MARK = "\udfff"  # stands for bytes that cannot be decoded, until they are counted; no text contains it


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _MARK, error.end


codecs.register_error("penstock-mark", _mark)


class UndecodableBytesError(ValueError):
    """Bytes cannot be decoded. `offset` is the position of the first of them, from 0."""

    def __init__(self, offset: int, byte: int, encoding: str) -> None:
        super().__init__(
            f"byte 0x{byte:02x} at offset {offset} is not {encoding}; try another --encoding, or --undecodable replace"
        )
        self.offset = offset


def text_encoding(name: str) -> str:
    """Return the usual name of an encoding.

    Raises:
        LookupError: Python does not know such an encoding of text.
    """
    if "\0" in name:
        raise LookupError(name)
    io.TextIOWrapper(io.BytesIO(), encoding=name).detach()  # refuses codecs that turn bytes into bytes, such as base64
    return codecs.lookup(name).name


class TextDecoder:
    r"""Decodes text that arrives in pieces of any size; a byte order mark at the start is left out.

    ``\r\n`` and ``\r`` become ``\n``. With `undecodable="replace"`, each run of undecodable bytes becomes U+FFFD, and
    `replaced` counts these runs. With "fail", the first one raises `UndecodableBytesError`.
    """

    def __init__(self, encoding: str = "utf-8", undecodable: Undecodable = "fail") -> None:
        self.replaced = 0
        self._encoding = text_encoding(encoding)
        errors = "strict" if undecodable == "fail" else "penstock-mark"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._line_ends = io.IncrementalNewlineDecoder(None, translate=True)
        self._position = 0
        self._at_start = True

    def decode(self, data: bytes, final: bool = False) -> str:
        """Return the text of the next bytes; an incomplete character waits for its other bytes."""
        waiting = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            offset = self._position - len(waiting) + error.start
            raise UndecodableBytesError(offset, (waiting + data)[error.start], self._encoding.upper()) from None
        self._position += len(data)
        if found := text.count(_MARK):
            self.replaced += found
            text = text.replace(_MARK, "\N{REPLACEMENT CHARACTER}")
        if self._at_start and text:
            text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
            self._at_start = False
        return self._line_ends.decode(text, final)
