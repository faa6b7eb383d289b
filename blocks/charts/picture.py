"""A picture as plain data: boxes and labels with their places. SVG and PNG are made from it, so they cannot differ."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from enum import Enum

import attrs


class Role(Enum):
    """The role of a box or a label, which decides how it looks.

    Attributes:
        PAPER: The background of the whole picture.
        BAND: The background of the rows of every other stage.
        GRID: A line at a round time.
        ITEM: Work on one item, in the colour of the item.
        MANY: Work on items that is too short to be drawn one by one.
        FAILED: Work that failed.
        INPUT: A wait for an item.
        OUTPUT: A wait to hand an item on; hatched.
        RATE: A wait until a rate allows a call; two lines.
        TEXT: A label.
        FAINT: A label that stands out less.
        ON_ITEM: A label on a bar.
    """

    PAPER = "paper"
    BAND = "band"
    GRID = "grid"
    ITEM = "item"
    MANY = "many"
    FAILED = "failed"
    INPUT = "input"
    OUTPUT = "output"
    RATE = "rate"
    TEXT = "text"
    FAINT = "faint"
    ON_ITEM = "on-item"


LIGHT = {
    Role.PAPER: "#ffffff",
    Role.BAND: "#f1f3f6",
    Role.GRID: "#d5dae1",
    Role.ITEM: "#9aa7b8",
    Role.MANY: "#5f7fa8",
    Role.FAILED: "#b00020",
    Role.INPUT: "#6b7686",
    Role.OUTPUT: "#c2410c",
    Role.RATE: "#0f6b7a",
    Role.TEXT: "#14181f",
    Role.FAINT: "#4d5766",
    Role.ON_ITEM: "#101010",
}
DARK = LIGHT | {
    Role.PAPER: "#14171c",
    Role.BAND: "#1e232b",
    Role.GRID: "#39414d",
    Role.MANY: "#7f9fc8",
    Role.INPUT: "#7d8896",
    Role.OUTPUT: "#fb923c",
    Role.RATE: "#4cc3d6",
    Role.TEXT: "#f2f4f7",
    Role.FAINT: "#b4bdc9",
}
EDGE = "#4a4a4a"
"""The colour of a bar's outline, which separates light bars from light paper."""
OUTLINED = 4.0
"""Pixels: narrower bars get no outline, which would cover them."""
HATCH = 7.0
"""Pixels from one line of the hatching to the next, measured at a right angle to the lines."""


class Anchor(Enum):
    """The part of a label that is at the x of the label."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@attrs.frozen
class Box:
    """A rectangle; `fill` is the colour of an item, and `title` is the text that a pointer on it shows."""

    x: float
    y: float
    width: float
    height: float
    role: Role
    fill: str = ""
    title: str = ""


@attrs.frozen
class Label:
    """A line of text; `y` is its baseline."""

    x: float
    y: float
    text: str
    size: float
    role: Role = Role.TEXT
    anchor: Anchor = Anchor.START
    bold: bool = False


@attrs.frozen
class Picture:
    """Boxes, and labels on top of them; earlier boxes are below later boxes.

    Attributes:
        scale: The factor by which everything is larger than usual.
        title: The title, in one line.
        description: A description, for people who do not see the picture.
    """

    width: int
    height: int
    scale: float
    title: str
    description: str
    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]


LONGEST = 120
"""Characters; a longer name is cut to its beginning and its end, which bounds the time to handle it."""


def clean(text: str) -> str:
    """Replace characters that no picture can show: control characters and surrogates; white space becomes one space."""
    return "".join(character if is_drawn(character) else "�" for character in " ".join(text.split()))


def is_drawn(character: str) -> bool:
    """Whether XML allows a character, and a font may have it."""
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in "\ufffe\uffff"


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Estimate the width of a text; the estimate is rather too large, because the font is not known."""
    wide = sum(1.05 if unicodedata.east_asian_width(character) in "WF" else 0.58 for character in text)
    return wide * size * (1.25 if bold else 1)


def shorten(text: str, size: float, width: float, bold: bool = False) -> str:
    """Leave out the middle of a text so that it fits, because similar names often differ at the end."""
    if text_width(text, size, bold) <= width:
        return text

    def cut(kept: int) -> str:
        return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"

    fitting = bisect_right(range(len(text)), width, key=lambda kept: text_width(cut(kept), size, bold))
    return cut(max(0, fitting - 1))


def bounded(text: str) -> str:
    """Leave out the middle of a text of more than LONGEST characters; `shorten` makes the rest fit."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
