"""The sources of phrases: a text file, standard input, or a generator with a seed."""

import stat
from pathlib import Path
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from penstock.samples.command.show import STANDARD, name_of
from penstock.samples.command.streams import why
from penstock.samples.sentences.decoding import TextDecoder, Undecodable, UndecodableBytesError
from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.vocabulary import Grammar

if TYPE_CHECKING:
    from penstock.samples.sentences.splitter import PhraseSplitter

_CHUNK = 1 << 14  # bytes: about a millisecond of splitting


class UnreadableFileError(Exception):
    """A file cannot be opened or read, or is not text; the message has its name and the reason."""

    def __init__(self, path: Path, error: OSError | UndecodableBytesError) -> None:
        reason = why(error) if isinstance(error, OSError) else error
        super().__init__(f"cannot read {name_of(path, 'standard input')}: {reason}")
        self.path = path


class FilePhrases:
    """Reads the phrases of a text file piece by piece. A context manager that closes the file.

    Args:
        path: a file, a pipe or a terminal; "-" is standard input.
        splitter: cuts the text into phrases.
        encoding: the encoding of the text.
        undecodable: "fail" raises an error that says where the undecodable bytes are; "replace" puts U+FFFD there and
            counts them in `replaced`.

    Raises:
        UnreadableFileError: The file cannot be opened; `read` may raise it too.
    """

    def __init__(
        self, path: Path, splitter: "PhraseSplitter", encoding: str = "utf-8", undecodable: Undecodable = "fail"
    ) -> None:
        self._path = path
        self._decoder = TextDecoder(encoding, undecodable)
        self._splitter = splitter
        self._finished = False
        self._file: BinaryIO | None = None
        self.total = self._size()
        self.done = 0

    def _size(self) -> int | None:
        if self._path == STANDARD:
            return None
        try:
            status = self._path.stat()
        except OSError as error:
            raise UnreadableFileError(self._path, error) from error
        if stat.S_ISFIFO(status.st_mode):  # the first read opens it, because that waits for the writer of a pipe
            return None
        self._file = self._open()
        return status.st_size or None

    def _open(self) -> BinaryIO:
        # Unbuffered, so that closing it never waits for the read of another thread on a quiet pipe.
        try:
            if self._path == STANDARD:
                return open(0, "rb", buffering=0, closefd=False)
            return open(self._path, "rb", buffering=0)
        except OSError as error:
            raise UnreadableFileError(self._path, error) from error

    @property
    def replaced(self) -> int:
        """The number of runs of undecodable bytes that were replaced so far."""
        return self._decoder.replaced

    def read(self) -> list[Phrase]:
        """Read on until at least one phrase is complete, and return the phrases; an empty list at the end."""
        if self._file is None:
            self._file = self._open()
        phrases: list[Phrase] = []
        while not phrases and not self._finished:
            try:
                data = self._file.read(_CHUNK)
                text = self._decoder.decode(data, final=not data)
            except (OSError, UndecodableBytesError) as error:
                raise UnreadableFileError(self._path, error) from error
            self.done += len(data)
            self._finished = not data
            phrases = self._splitter.feed(text)
            if self._finished:
                phrases += self._splitter.finish()
        return phrases

    def __enter__(self) -> "FilePhrases":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


class RandomPhrases:
    """Makes phrases, always the same for the same seed; some have wrong case.

    Args:
        seed: any whole number.
        sentences: the number of sentences, >= 0.
    """

    def __init__(self, seed: int, sentences: int) -> None:
        if sentences < 0:
            raise ValueError(f"RandomPhrases: sentences must be >= 0, got {sentences}")
        # Seeded with a text, because Random(-1) and Random(1) are the same.
        self._random = Random(f"sentences {seed}")
        self._grammar = Grammar(self._random)
        self.replaced = 0
        self.total: int | None = sentences
        self.done = 0

    def read(self) -> list[Phrase]:
        """Return the phrases of the next paragraph of a few sentences; an empty list at the end."""
        assert self.total is not None
        length = min(self._random.randint(1, 8), self.total - self.done)
        self.done += length
        phrases: list[Phrase] = []
        for index in range(length):
            phrases += self._grammar.sentence(End.PARAGRAPH if index == length - 1 else End.SENTENCE)
        return phrases

    def __enter__(self) -> "RandomPhrases":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""
