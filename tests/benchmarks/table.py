"""Prints what was measured, as it comes; with rich if that is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from .measuring import Row

WIDTHS = (28, 36, 30, 10, 26, 18, 4)
HEADS = ("workload", "who", "measured", "ratio", "against", "target", "")


def cells(row: Row) -> tuple[str, ...]:
    """The row as text."""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×" if row.ratio < 100 else f"{row.ratio:,.0f} ×"
    verdict = {None: "", True: "yes", False: "NO"}[row.is_met]
    return row.what, row.who, row.value, ratio, row.against, row.target, verdict


def line(texts: tuple[str, ...]) -> str:
    """Texts in columns."""
    columns = zip(texts, WIDTHS, strict=True)
    return "".join(text.ljust(width) if len(text) < width else f"{text} " for text, width in columns).rstrip()


def markdown(texts: tuple[str, ...]) -> str:
    """Texts as a row of a table in Markdown."""
    return f"| {' | '.join(texts)} |"


def printer() -> Callable[[str, str], None]:
    """Make the function that prints a line in a style of rich's, or without styles."""
    if find_spec("rich") is None:
        return lambda text, style: print(text, flush=True)
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    return lambda text, style: console.print(Text(text, style=style))


def style_of(row: Row) -> str:
    """How a row is shown."""
    return {None: "", True: "green", False: "bold red"}[row.is_met]
