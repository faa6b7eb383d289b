"""The rules of the text: where a sentence ends and how the case of a phrase is corrected. Pure functions.

What `correct_case` may change is little on purpose, because the case of a name or an acronym cannot be
guessed:

1. A joining word ("the", "and", ...) in a case nobody writes on purpose ("tHE", "THe") becomes lower case.
2. A joining word with a capital that opens a phrase in the middle of a sentence becomes lower case if a word
   in lower case follows: "he ran, The dog slept" is corrected, "he went to, The Hague" is left alone.
3. The first word of a sentence gets its capital, if it is a plain word in lower case: "iPhone", "mRNA",
   "3rd", "example.com" and "ßen" are left as they are.

Nothing but case is changed, and what was corrected once is not changed again. Where a sentence ends does not
depend on anything that a correction can change, so the same holds for a whole text.
"""

import re

from penstock.samples.sentences.phrase import End
from penstock.samples.sentences.punctuation import CLOSERS, EDGES, MARKS, OPENERS, PHRASE_MARKS, WIDE_MARKS

# Words that no name consists of and that are no acronym.
JOINING_WORDS = frozenset(
    {"after", "and", "because", "before", "but", "for", "from", "if", "into"}
    | {"of", "over", "that", "the", "under", "when", "while", "with"}
)
TITLES = frozenset(
    {"capt", "col", "dr", "fr", "gen", "hon", "lt", "messrs", "mlle"}
    | {"mme", "mr", "mrs", "ms", "mx", "prof", "rev", "sgt", "st"}
)
ABBREVIATIONS = frozenset({"al", "approx", "ca", "cf", "ed", "eds", "etc", "fig", "pp", "resp", "viz", "vol", "vs"})

_DOTTED = re.compile(r"\w{1,3}(?:\.\w{1,3})+")  # e.g, U.S, Ph.D
_NOT_PROSE = re.compile(r"[\d_/@\\=<>{}|#~^]|\w\.\w")  # numbers, addresses, paths, code


def end_after(word: str, following: str) -> End | None:
    """What ends behind a word, as far as the word and what follows it in the same paragraph can tell.

    A full stop behind a title ("Dr.") or an initial ("J.") ends nothing. Before a lower-case letter neither
    does one behind an abbreviation ("e.g."), nor an ellipsis ("wait … what"), nor a mark inside quotes
    ('"No!" he said').

    Args:
        word: without white space.
        following: the text that follows, at least its first character.
    """
    core = word.rstrip(CLOSERS)
    mark = core[-1:]
    if mark not in MARKS:
        return None
    if mark in PHRASE_MARKS:
        return End.PHRASE
    if mark in WIDE_MARKS:
        return End.SENTENCE
    if following[0] in ".…!?":  # a spaced ellipsis: only its last mark counts
        return None
    goes_on = following[0].islower()
    if goes_on and (len(core) < len(word) or mark == "…" or core.endswith("..")):
        return None
    if mark == "." and _is_shortened(core[:-1].lstrip(OPENERS), goes_on):
        return None
    return End.SENTENCE


def _is_shortened(word: str, goes_on: bool) -> bool:
    # Compared without case: the capital of a sentence's first word must not change where the sentence ends.
    folded = word.casefold()
    if folded in TITLES or (len(word) == 1 and word.lower() != word.upper() and folded != "i"):
        return True
    return goes_on and (folded in ABBREVIATIONS or _DOTTED.fullmatch(word) is not None)


def correct_case(phrase: str, starts_sentence: bool) -> str:
    """The phrase with its case corrected by the three rules above.

    Args:
        phrase: words with single spaces between them.
        starts_sentence: whether it is the first phrase of its sentence.
    """
    words = [_mend_joining_word(word) for word in phrase.split(" ")]
    if starts_sentence:
        for index, word in enumerate(words):
            if any(map(str.isalnum, word)):
                words[index] = _capitalised(word)
            elif MARKS.isdisjoint(word):
                continue  # a dash or a quote
            break  # behind "…" a sentence goes on in lower case
    elif len(words) > 1 and words[0].istitle() and _is_joining(words[0]) and words[1][:1].islower():
        words[0] = words[0].lower()
    return " ".join(words)


def _is_joining(word: str) -> bool:
    return word.isascii() and word.lower() in JOINING_WORDS


def _mend_joining_word(word: str) -> str:
    if word.islower():
        return word
    core = word.strip(EDGES)
    if not _is_joining(core) or core.islower() or core.istitle() or core.isupper():
        return word
    return word.replace(core, core.lower())


def _capitalised(word: str) -> str:
    first = next(index for index, character in enumerate(word) if character.isalnum())
    last = next(index for index in range(len(word), 0, -1) if word[index - 1].isalnum())
    core = word[first:last]
    if any(character.isupper() or character.istitle() for character in core) or _NOT_PROSE.search(core):
        return word
    capital = word[first].title()
    # Only where lower case leads back: "ß" would become two letters, "µ" another one.
    if len(capital) != 1 or capital.lower() != word[first]:
        return word
    return word[:first] + capital + word[first + 1 :]
