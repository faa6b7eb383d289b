"""The legend below a chart, which explains its colours and patterns."""

from __future__ import annotations

from collections.abc import Set

from .bars import HEIGHTS, Frame, draw_wait
from .colours import item_colour
from .picture import Box, Label, Role, text_width

MEANINGS = {
    Role.ITEM: "works on an item, each in its colour",
    Role.MANY: "works on many items, for that share of the time",
    Role.INPUT: "waits for an item",
    Role.OUTPUT: "waits to hand an item on",
    Role.RATE: "waits for its rate",
    Role.FAILED: "failed",
}


def draw_legend(roles: Set[Role], frame: Frame, left: float, top: float) -> tuple[list[Box], list[Label], float]:
    """Explain the given roles; return the boxes, the labels, and the y at which they end."""
    boxes: list[Box] = []
    labels: list[Label] = []
    size, sample, line = 15 * frame.scale, 30 * frame.scale, 24 * frame.scale
    x, y = left, top
    for role, text in MEANINGS.items():
        width = sample + 8 * frame.scale + text_width(text, size)
        if role not in roles:
            continue
        if x > left and x + width > frame.left + frame.width:
            x, y = left, y + line
        if role is Role.RATE:
            boxes.extend(draw_wait(role, x, sample, y, line))
        else:
            height = HEIGHTS.get(role, 0.7) * line
            fill = item_colour(1) if role is Role.ITEM else ""
            boxes.append(Box(x, y + (line - height) / 2, sample, height, role, fill))
        labels.append(Label(x + sample + 8 * frame.scale, y + line / 2 + 0.36 * size, text, size, Role.FAINT))
        x += width + 18 * frame.scale
    return boxes, labels, y + line if boxes else y
