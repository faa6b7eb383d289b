"""The rules of the text: where a phrase ends in a sentence, and how its case is corrected. Pure functions.

`correct_case` changes little on purpose, because the case of a name or an acronym cannot be guessed. It changes only
the word that starts a sentence:

1. A joining word ("the", "and", ...) in a case that is surely a mistake ("tHE", "THe") becomes "The".
2. Another word gets its capital if it is a plain word in lower case: "iPhone", "mRNA", "3rd", "example.com" and
   "ßen" are left as they are.

Only case is changed, and correcting a text twice changes nothing more.
"""

import re
from collections.abc import Iterator, Sequence

from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.punctuation import CLOSERS, EDGES, PHRASE_MARKS, SENTENCE_MARKS

# Words that are neither names nor acronyms.
JOINING_WORDS = frozenset(
    {"after", "and", "because", "before", "but", "for", "from", "if", "into"}
    | {"of", "over", "that", "the", "under", "when", "while", "with"}
)

_PHRASE_MARKS = frozenset(PHRASE_MARKS)
_CAN_END_PHRASE = frozenset(PHRASE_MARKS + CLOSERS)
_MARKS = frozenset(PHRASE_MARKS + SENTENCE_MARKS)
_NUMBER_OF_ITEM = re.compile(r"[0-9]{1,9}[.)]")
_NOT_PROSE = re.compile(r"[\d_/@\\=<>{}|#~^]|\w\.\w")  # numbers, addresses, paths, code


def phrases_of(words: Sequence[str], end: End, is_fragment: bool = False) -> Iterator[Phrase]:
    """Return the phrases of a sentence, or of a part of one; the last of them has the `end`."""
    start = 0
    for index, word in enumerate(words[:-1], start=1):
        if word[-1] in _CAN_END_PHRASE and word.rstrip(CLOSERS)[-1:] in _PHRASE_MARKS:
            yield Phrase(" ".join(words[start:index]), is_fragment=is_fragment)
            start = index
    if words:
        yield Phrase(" ".join(words[start:]), end, is_fragment)


def correct_case(phrase: str, starts_sentence: bool) -> str:
    """Return the phrase with its case corrected by the two rules above.

    Args:
        phrase: words with single spaces between them.
        starts_sentence: whether it starts a sentence; if not, nothing is changed.
    """
    if not starts_sentence:
        return phrase
    words = phrase.split(" ")
    first = 1 if len(words) > 1 and _NUMBER_OF_ITEM.fullmatch(words[0]) else 0
    for index, word in enumerate(words[first:], start=first):
        if any(map(str.isalnum, word)):
            words[index] = _capitalised(_mended(word))
        elif _MARKS.isdisjoint(word):
            continue  # a dash, a quote, or the marker of a list item
        break  # after "…" a sentence goes on in lower case
    return " ".join(words)


def _mended(word: str) -> str:
    core = word.strip(EDGES)
    if not core.isascii() or core.lower() not in JOINING_WORDS or core.istitle() or core.isupper():
        return word
    return word.replace(core, core.lower())


def _capitalised(word: str) -> str:
    first = next(index for index, character in enumerate(word) if character.isalnum())
    last = next(index for index in range(len(word), 0, -1) if word[index - 1].isalnum())
    core = word[first:last]
    if any(character.isupper() or character.istitle() for character in core) or _NOT_PROSE.search(core):
        return word
    capital = word[first].title()
    # Only if lower case leads back: "ß" would become two letters, "µ" another one.
    if len(capital) != 1 or capital.lower() != word[first]:
        return word
    return word[:first] + capital + word[first + 1 :]
