"""Finds list items and headings at the beginning of lines, as CommonMark defines them."""

import re
from enum import Enum

from penstock.samples.sentences.punctuation import BREAKING_SPACES

__all__ = ["Kind", "begin"]

_SPACE = f"[{BREAKING_SPACES}]"
_MARKER = re.compile(rf"{_SPACE}*(?:([-*+•‣◦])|([0-9]{{1,9}})[.)]|#{{1,6}}){_SPACE}+(?=[^{BREAKING_SPACES}])")


class Kind(Enum):
    """The kinds of passages."""

    PARAGRAPH = "paragraph"
    BULLET = "item of a list"
    NUMBERED = "item of a numbered list"
    HEADING = "heading"


def begin(line: str, before: Kind | None) -> tuple[Kind, str, str] | None:
    """Return the kind of passage that the line begins, its marker, and the text after it; None if it begins none.

    Args:
        line: the line without its end.
        before: the kind of the passage that is still open; None if there is none.
    """
    found = _MARKER.match(line)
    if found is None:
        return None
    kind = Kind.BULLET if found[1] else Kind.NUMBERED if found[2] else Kind.HEADING
    if kind is Kind.NUMBERED and before not in (None, Kind.NUMBERED) and int(found[2]) != 1:
        return None  # a line may begin with a year or another number that ends a sentence
    return kind, found[0].strip(), line[found.end() :]
