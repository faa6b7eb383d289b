"""Cuts text that arrives in pieces into phrases.

A passage is a paragraph, an item of a list, or a heading. It is cut into sentences when it is complete. A long passage
hands on all its sentences but the last earlier, so that time and memory stay in proportion to the text.
"""

import re
from collections.abc import Iterator

from penstock.samples.sentences.boundaries import Boundaries
from penstock.samples.sentences.lines import LONG, LineReader
from penstock.samples.sentences.markdown import Kind, begin
from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.punctuation import BREAKING_SPACES, CLOSERS, SENTENCE_MARKS
from penstock.samples.sentences.text import phrases_of

__all__ = ["PhraseSplitter"]

_LONGEST = 4 * LONG  # characters: a passage of this length without the end of a sentence is not prose
_GAP = re.compile(f"[{BREAKING_SPACES}]+")


class PhraseSplitter:
    r"""Takes text in pieces of any size with `feed`, then `finish`, and returns phrases.

    Phrases end at commas, semicolons, ends of sentences, empty lines, and items of a list. Line ends must be ``\n``.
    The sizes of the pieces make no difference. It holds the incomplete passage.

    Args:
        language: the language of the text, see `Boundaries`.
    """

    def __init__(self, language: str = "en") -> None:
        self._boundaries = Boundaries(language)
        self._lines = LineReader()
        self._at_line_start = True
        self._start_passage()

    def feed(self, text: str) -> list[Phrase]:
        """Return the phrases of the passages that the next piece of the text completes."""
        return [phrase for line, ends in self._lines.feed(text) for phrase in self._add(line, ends)]

    def finish(self) -> list[Phrase]:
        """Return the phrases that the end of the text completes: it ends a sentence and a paragraph."""
        phrases = [phrase for line, ends in self._lines.finish() for phrase in self._add(line, ends)]
        return phrases + list(self._finish_passage(End.PARAGRAPH))

    def _start_passage(self, kind: Kind = Kind.PARAGRAPH, marker: str = "") -> None:
        self._kind, self._marker = kind, marker
        self._parts: list[str] = []
        self._length = 0
        self._enough = LONG

    def _add(self, line: str, ends: bool) -> Iterator[Phrase]:
        if self._at_line_start:
            if not line.strip():
                yield from self._finish_passage(End.PARAGRAPH)
                return
            begun = begin(line, self._kind if self._parts else None)
            if begun is not None or self._kind is Kind.HEADING:
                yield from self._finish_passage(End.SENTENCE)
            if begun is not None:
                kind, marker, line = begun
                self._start_passage(kind, marker)
        self._at_line_start = ends
        self._parts.append(f"{line}\n" if ends else line)
        self._length += len(line)
        if self._length >= self._enough:
            yield from self._hand_on()

    def _finish_passage(self, end: End) -> Iterator[Phrase]:
        *sentences, last = self._boundaries.cut(self._text().rstrip(" ")) or [""]
        for sentence in sentences:
            yield from self._phrases(sentence, End.SENTENCE)
        yield from self._phrases(last, end)
        self._start_passage()

    def _hand_on(self) -> Iterator[Phrase]:
        """Return the phrases of a long passage, except those of its last sentence."""
        *sentences, last = self._boundaries.cut(self._text())
        for sentence in sentences:
            yield from self._phrases(sentence, End.SENTENCE)
        if len(last) >= _LONGEST:
            done, space, last = last.rpartition(" ")
            if space:
                yield from self._phrases(done, End.PHRASE)
        self._parts, self._length = [last], len(last)
        self._enough = max(LONG, 2 * len(last))

    def _text(self) -> str:
        return _GAP.sub(" ", "".join(self._parts))

    def _phrases(self, sentence: str, end: End) -> Iterator[Phrase]:
        words = [word for each in sentence.split(" ") if (word := each.strip())]  # of no-break spaces
        # A text that is not a sentence keeps its case: it is not known whether it should begin with a capital.
        is_fragment = self._kind is not Kind.PARAGRAPH and (
            end is End.PHRASE or not words or words[-1].rstrip(CLOSERS)[-1:] not in SENTENCE_MARKS
        )
        if self._marker:
            words.insert(0, self._marker)
            self._marker = ""
        return phrases_of(words, end, is_fragment)
