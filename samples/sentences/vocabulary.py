"""The vocabulary of generated phrases, and the mistakes that are put into them."""

from random import Random

from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.text import JOINING_WORDS

OPENINGS = ("after dark", "before the tide turned", "when nobody looked", "for once", "under the bridge")
SUBJECTS = (
    "the quick brown fox",
    "the lock keeper",
    "a heron from Zürich",
    "Ada of NASA",
    "the miller's youngest daughter",
    "every duck in Éire",
    "two otters",
    "İpek's barge",
)
VERBS = (
    "jumped over",
    "waited for",
    "sailed past",
    "whistled to",
    "drew a map of",
    "quarrelled about",
    "greeted",
)
OBJECTS = (
    "the lazy dog",
    "the water wheel",
    "an open sluice",
    "the mill in Gießen",
    "a BBC van",
    "a leaking bucket",
    "the old weir",
    "half a mile of river",
)
CLOSINGS = (
    "and went home",
    "while the rain fell",
    "because the gate was shut",
    "but nobody noticed",
    "with great care",
    "over and over again",
)
MARKS = ".....!?…"


def slips(phrase: str) -> list[str]:
    """Return the phrase with wrong case, in each way that can be corrected at the start of a sentence."""
    word, space, rest = phrase.partition(" ")
    if word not in JOINING_WORDS:
        return []
    wrong = [word[:2].upper() + word[2:], word[0] + word[1:].upper()]
    return [f"{each}{space}{rest}" for each in wrong if each != word.upper()]


class Grammar:
    """Makes sentences: perhaps an opening, a subject, a verb, an object, perhaps a closing."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def sentence(self, end: End) -> list[Phrase]:
        """Return the phrases of one sentence; `end` is what ends with its last phrase."""
        random = self._random
        texts = [random.choice(part) for part in (SUBJECTS, VERBS, OBJECTS)]
        if random.random() < 0.3:
            texts.insert(0, random.choice(OPENINGS))
        if random.random() < 0.4:
            texts.append(random.choice(CLOSINGS))
        texts[0] = self._mistyped(texts[0])  # no other phrase is corrected
        texts[-1] += random.choice(MARKS)
        return [Phrase(text) for text in texts[:-1]] + [Phrase(texts[-1], end)]

    def _mistyped(self, phrase: str) -> str:
        wrong = slips(phrase)
        return self._random.choice(wrong) if wrong and self._random.random() < 0.3 else phrase
