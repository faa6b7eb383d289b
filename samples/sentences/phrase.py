"""The items of the sentence pipeline: phrases and sentences."""

from enum import Enum
from typing import Protocol

import attrs


class End(Enum):
    """What ends with a phrase. The end of a paragraph also ends its last sentence."""

    PHRASE = "phrase"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


@attrs.frozen
class Phrase:
    """A few words of a sentence with their punctuation, and with single spaces between them.

    Args:
        text: the words.
        end: what ends with the phrase.
        is_fragment: whether it belongs to a heading or a list item that is not a sentence; then its case is kept.
    """

    text: str
    end: End = End.PHRASE
    is_fragment: bool = False

    @property
    def ends_sentence(self) -> bool:
        """Whether the next phrase starts a new sentence."""
        return self.end is not End.PHRASE

    @property
    def ends_paragraph(self) -> bool:
        """Whether an empty line follows its sentence."""
        return self.end is End.PARAGRAPH


@attrs.frozen
class Sentence:
    """A whole sentence, which is written to one line."""

    text: str
    ends_paragraph: bool = False

    def line(self, after: "Sentence | None") -> str:
        """Return the line to write, with an empty line before it if the sentence `after` ended a paragraph."""
        gap = "\n" if after is not None and after.ends_paragraph else ""
        return f"{gap}{self.text}\n"


@attrs.frozen
class Counts:
    """The counts of a run."""

    phrases: int = 0
    sentences: int = 0


class PhraseSource(Protocol):
    """A source of phrases. Both programs use it, so both get the same phrases.

    The very last phrase must end a sentence.
    """

    def read(self) -> list[Phrase]:
        """Return the next phrases, in order; an empty list at the end. May block on a disk or a pipe."""
        ...
