"""What an anti-pattern shows: figures of two runs, one with the harm and one with the cure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

__all__ = ["AntiPattern", "Figures", "table_of"]

Figures = Mapping[str, float]
"""Figures of a run, by what they count."""


@attrs.frozen
class AntiPattern:
    """An anti-pattern, and how to show it.

    Args:
        title: its name.
        harm: runs a program that does it.
        cure: runs a program that does the same without it.
        lesson: what to do instead, in one or two sentences.
    """

    title: str
    harm: Callable[[], Figures]
    cure: Callable[[], Figures]
    lesson: str


def table_of(harm: Figures, cure: Figures) -> str:
    """Return the figures of both runs as lines, side by side."""
    width = max(map(len, harm))
    lines = [f"  {'':{width}}  {'harm':>12}  {'cure':>12}"]
    lines += [f"  {name:{width}}  {_number(harm[name]):>12}  {_number(cure[name]):>12}" for name in harm]
    return "\n".join(lines)


def _number(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"
