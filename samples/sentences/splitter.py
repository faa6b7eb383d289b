"""Cuts text that arrives in pieces into phrases, in time and memory that are linear in the text.

A word is a run of characters without a breaking white space (no-break spaces stay inside a word); behind "。"
and its kin a word ends without one. Each word is looked at once. What ends behind it is decided when the next
word is there, because that depends on how the next word starts and on whether an empty line lies between.
"""

import re

from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.punctuation import BREAKING_SPACES, CLOSERS, WIDE_MARKS
from penstock.samples.sentences.text import end_after

_WIDE_END = rf"[{WIDE_MARKS}!?.…{re.escape(CLOSERS)}]*"
_TOKEN = re.compile(rf"([^{BREAKING_SPACES}{WIDE_MARKS}]*(?:[{WIDE_MARKS}]{_WIDE_END})?)([{BREAKING_SPACES}]*)")
_REST_OF_WIDE_END = re.compile(_WIDE_END)
_WIDE_MARK = re.compile(rf"[{WIDE_MARKS}]")


class PhraseSplitter:
    r"""Text in, phrases out: `feed` it pieces of any size, then `finish`.

    Phrases are bounded by commas, semicolons, ends of sentences and empty lines. Line ends must be ``\n``.
    How the text is cut into pieces makes no difference. It holds the phrase that is not yet complete.
    """

    def __init__(self) -> None:
        self._words: list[str] = []  # of the phrase at work; what ends behind the last one is still open
        self._breaks = 0  # line breaks since that word
        self._parts: list[str] = []  # of a word that the pieces of text cut
        self._in_wide_end = False  # that word ends in "。" so far: only marks and quotes can still belong to it

    def feed(self, text: str) -> list[Phrase]:
        """The phrases that the next piece of the text completes."""
        phrases: list[Phrase] = []
        if self._in_wide_end:
            text = self._finish_wide_end(text, phrases)
        tokens: list[tuple[str, str]] = _TOKEN.findall(text)
        tokens.pop()  # the empty match at the end of the text
        cut_word = tokens.pop()[0] if tokens and not tokens[-1][1] else ""
        for word, gap in tokens:
            self._add_word(word, phrases)
            if gap != " ":
                self._breaks += _line_breaks(gap)
        if cut_word:
            self._parts.append(cut_word)
            self._in_wide_end = _WIDE_MARK.search(cut_word) is not None
        return phrases

    def finish(self) -> list[Phrase]:
        """The phrases that the end of the text completes: it ends a sentence and a paragraph."""
        phrases: list[Phrase] = []
        self._add_word("", phrases)
        self._close_phrase(End.PARAGRAPH, phrases)
        return phrases

    def _finish_wide_end(self, text: str, phrases: list[Phrase]) -> str:
        rest = _REST_OF_WIDE_END.match(text)
        assert rest is not None  # it matches the empty string
        self._parts.append(rest.group())
        if rest.end() < len(text):
            self._in_wide_end = False
            self._add_word("", phrases)
        return text[rest.end() :]

    def _add_word(self, word: str, phrases: list[Phrase]) -> None:
        if self._parts:
            self._parts.append(word)
            word = "".join(self._parts)
            self._parts = []
        word = word.strip()  # of no-break spaces
        if not word:
            return
        if self._words:
            end = End.PARAGRAPH if self._breaks >= 2 else end_after(self._words[-1], word)
            if end is not None:
                self._close_phrase(end, phrases)
        self._words.append(word)
        self._breaks = 0

    def _close_phrase(self, end: End, phrases: list[Phrase]) -> None:
        if self._words:
            phrases.append(Phrase(" ".join(self._words), end))
            self._words = []


def _line_breaks(gap: str) -> int:
    return gap.count("\n") + gap.count("\x85") + gap.count("\u2028") + 2 * gap.count("\u2029")
