"""The style of charts on pages: that of the library, and waits that a governor has caused, which get their own look."""

from __future__ import annotations

from typing import Any

from penstock.blocks import LiveChart
from penstock.blocks.dashboard import as_json

__all__ = ["chart_style"]

_HELD = "held"
_LIGHT, _DARK = "#6d28d9", "#b79cf9"


def chart_style() -> Any:
    """Return the style, ready for JSON."""
    style: dict[str, Any] = as_json(LiveChart.style)
    heights = style["heights"]
    return style | {
        "light": {**style["light"], _HELD: _LIGHT},
        "dark": {**style["dark"], _HELD: _DARK},
        "heights": {**heights, _HELD: heights["output"]},
        "meanings": {**style["meanings"], _HELD: "held back by the governor"},
    }
