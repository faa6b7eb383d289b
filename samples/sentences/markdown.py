"""What a line of text begins: an item of a list or a heading, as CommonMark has them, or nothing of its own."""

import re
from enum import Enum

from penstock.samples.sentences.punctuation import BREAKING_SPACES

__all__ = ["Kind", "begin"]

_SPACE = f"[{BREAKING_SPACES}]"
_MARKER = re.compile(rf"{_SPACE}*(?:([-*+•‣◦])|([0-9]{{1,9}})[.)]|#{{1,6}}){_SPACE}+(?=[^{BREAKING_SPACES}])")


class Kind(Enum):
    """What a passage is."""

    PARAGRAPH = "paragraph"
    BULLET = "item of a list"
    NUMBERED = "item of a numbered list"
    HEADING = "heading"


def begin(line: str, before: Kind | None) -> tuple[Kind, str, str] | None:
    """What the line begins, the marker it begins with, and the text behind it; None if it begins nothing.

    Args:
        line: the line without its end.
        before: the passage that it would go on with; None if there is none.
    """
    found = _MARKER.match(line)
    if found is None:
        return None
    kind = Kind.BULLET if found[1] else Kind.NUMBERED if found[2] else Kind.HEADING
    if kind is Kind.NUMBERED and before not in (None, Kind.NUMBERED) and int(found[2]) != 1:
        return None  # a year or another number that ends a sentence, and that a line happens to begin with
    return kind, found[0].strip(), line[found.end() :]
