"""A table for people, as plain text or in colour; empty columns are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

EMPTY = ("", "0")


@attrs.frozen
class Column:
    """One column.

    Attributes:
        title: The title above it; may have several lines.
        cells: The cells from top to bottom.
        is_text: Whether it is aligned on the left, like text, or on the right, like numbers.
        style: Its colour, as a style of rich.
        rank: If a terminal is too narrow, columns of the highest rank are left out first; columns of rank 0 stay.
    """

    title: str
    cells: tuple[str, ...]
    is_text: bool = False
    style: str = ""
    rank: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether all its cells are empty."""
        return all(cell in EMPTY for cell in self.cells)


@attrs.frozen
class Grid:
    """Columns of the same length; `str()` aligns them, rich draws them.

    Attributes:
        columns: All columns from left to right, including empty ones.
        marked: The number of the row that is highlighted, in colour only.
    """

    columns: tuple[Column, ...]
    marked: int | None = None

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns that are not empty."""
        return tuple(column for column in self.columns if not column.is_empty)

    def __str__(self) -> str:
        columns = self.shown
        height = max((column.title.count("\n") + 1 for column in columns if column.title), default=0)
        blocks = [align(column, height) for column in columns]
        return "\n".join("  ".join(line).rstrip() for line in zip(*blocks, strict=True))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        columns = list(self.shown)
        while sum(width_of(column) + 2 for column in columns) - 2 > options.max_width and any(c.rank for c in columns):
            columns.remove(max(reversed(columns), key=lambda column: column.rank))
        yield self._table(columns)

    def _table(self, columns: Sequence[Column]) -> Table:
        from rich.table import Table  # here, because the import takes a while and most programs never show a table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
        for column in columns:
            table.add_column(
                Text(column.title),
                justify="left" if column.is_text else "right",
                style=column.style,
                vertical="bottom",
                no_wrap=True,
            )
        for number, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
            table.add_row(*map(Text, row), style="bold red" if number == self.marked else None)
        return table


def width_of(column: Column) -> int:
    """Return how many character columns of a terminal it takes."""
    from rich.cells import cell_len  # knows the width of characters, for example of Chinese ones

    return max(map(cell_len, (*column.title.split("\n"), *column.cells)))


def align(column: Column, height: int) -> list[str]:
    """Return the title of a column, as `height` lines, and its cells, all with the same width."""
    from rich.cells import cell_len

    title, width = column.title.split("\n"), width_of(column)
    lines = [*[""] * (height - len(title)), *title[-height or len(title) :], *column.cells]
    gaps = [" " * (width - cell_len(line)) for line in lines]
    return [line + gap if column.is_text else gap + line for line, gap in zip(lines, gaps, strict=True)]
