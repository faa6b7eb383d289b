"""Tables and sentences as HTML, for notebooks.

The HTML has no script, and almost no colours of its own, so it suits light and dark notebooks. Every text is escaped.
The number of rows and lines is bounded, so a large network does not freeze the notebook.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Protocol

from .grid import Column, Grid
from .units import printable

MOST = 100
"""The maximum number of rows of a table, and of lines below each other; further ones are only counted."""
MARK = "border-left:4px solid #e5484d;font-weight:bold"
"""The style of the first cell of the highlighted row; this red can be seen on white and on black."""


class Printer(Protocol):
    """The part of IPython's printer that is needed to display an object as text."""

    def text(self, obj: str) -> None:
        """Print a text."""
        ...


def division(*parts: str) -> str:
    """Put parts, which are HTML, below one another."""
    return f'<div class="penstock" style="overflow-x:auto">{"".join(parts)}</div>'


def heading(text: str) -> str:
    """Return a title."""
    return f'<p style="margin:0.3em 0"><b>{shown(text)}</b></p>'


def sentences(lines: Sequence[str], strong: str = "") -> str:
    """Return each line as a paragraph; spaces at its beginning stay.

    Args:
        lines: The lines.
        strong: The line that stands out.
    """
    parts = [sentence(line, line == strong) for line in lines[:MOST]]
    return "".join([*parts, *([sentence(more(len(lines)))] if len(lines) > MOST else [])])


def sentence(line: str, is_strong: bool = False) -> str:
    """Return a line as a paragraph."""
    text = f"<b>{shown(line)}</b>" if is_strong else shown(line)
    return f'<p style="margin:0.2em 0;white-space:pre-wrap">{text}</p>'


def table(grid: Grid) -> str:
    """Return a table without its empty columns; an empty text if all are empty."""
    columns = grid.shown
    if not columns:
        return ""
    head = "".join(
        f"<th{side(column)}>{'<br>'.join(map(shown, column.title.split(chr(10))))}</th>" for column in columns
    )
    rows = "".join(table_rows(grid, columns))
    return f'<table style="border-collapse:collapse;white-space:nowrap"><thead><tr>{head}</tr></thead>' + (
        f"<tbody>{rows}</tbody></table>"
    )


def table_rows(grid: Grid, columns: Sequence[Column]) -> Iterator[str]:
    """Yield the first rows, the highlighted row, and the number of rows that are left out."""
    total = len(columns[0].cells)
    numbers = list(range(min(total, MOST)))
    if grid.marked is not None and grid.marked >= MOST:
        numbers.append(grid.marked)
    for number in numbers:
        yield table_row(columns, number, number == grid.marked)
    if total > len(numbers):
        yield f'<tr><td colspan="{len(columns)}" style="text-align:left">{more(total, len(numbers))}</td></tr>'


def table_row(columns: Sequence[Column], number: int, is_marked: bool) -> str:
    """Return a row."""
    looks = [MARK if is_marked and not place else "" for place in range(len(columns))]
    cells = (
        f"<td{side(column, look)}>{shown(column.cells[number])}</td>"
        for column, look in zip(columns, looks, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def side(column: Column, look: str = "") -> str:
    """Return the style of a cell: text is aligned on the left, numbers on the right."""
    styles = ["text-align:left" if column.is_text else "text-align:right", *([look] if look else [])]
    return f' style="{";".join(styles)}"'


def more(total: int, displayed: int = MOST) -> str:
    """Return the number of rows or lines that are left out, in words."""
    return f"… and {total - displayed:,} more"


def shown(text: str) -> str:
    """Return a text as HTML: characters with a meaning there are escaped, and control characters are made visible."""
    return escape(printable(text))


def listed(lines: Sequence[str]) -> str:
    """Return lines as a list."""
    items = [shown(line) for line in lines[:MOST]] + ([more(len(lines))] if len(lines) > MOST else [])
    return f'<ul style="margin:0.3em 0">{"".join(f"<li>{item}</li>" for item in items)}</ul>'
