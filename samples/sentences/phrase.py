"""The values that travel through the sentence pipeline: phrases in, sentences out."""

from enum import Enum
from typing import Protocol

import attrs


class End(Enum):
    """What ends together with a phrase. The end of a paragraph is the end of its last sentence too."""

    PHRASE = "phrase"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


@attrs.frozen
class Phrase:
    """A few words of a sentence, single spaces between them, with the punctuation that belongs to them.

    Args:
        text: the words.
        end: what ends together with it.
        is_fragment: whether it is of a heading or an item of a list that is no sentence. Its case stays as it is.
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
        """Whether an empty line belongs behind its sentence."""
        return self.end is End.PARAGRAPH


@attrs.frozen
class Sentence:
    """A whole sentence, as it is written to one line."""

    text: str
    ends_paragraph: bool = False

    def line(self, after: "Sentence | None") -> str:
        """The line to write, with an empty line before it where the sentence `after` ended a paragraph."""
        gap = "\n" if after is not None and after.ends_paragraph else ""
        return f"{gap}{self.text}\n"


@attrs.frozen
class Counts:
    """What a run took in and wrote."""

    phrases: int = 0
    sentences: int = 0


class PhraseSource(Protocol):
    """Where phrases come from. Both programs read through it, so both see the same phrases.

    The last phrase of all must end a sentence.
    """

    def read(self) -> list[Phrase]:
        """The next phrases, in order; an empty list when there are no more. May block on a disk or a pipe."""
        ...
