"""The two displays of progress: a table that is redrawn in place, and lines of text."""

from __future__ import annotations

import sys
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from ..base.units import printable, shortened, show_aligned, show_rate
from .progress_view import StageView, View

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.progress_bar import ProgressBar

LINES_EVERY = 5.0
"""Seconds from one line to the next, without a terminal."""
WIDE = 76
"""The minimum number of columns of a terminal with bars."""
BAR = 20
"""The columns of a bar."""
NARROW = 48
"""The minimum number of columns of a terminal with all numbers; a narrower terminal shows only the done items."""


def standard_error() -> Console:
    """Make a console on standard error."""
    from rich.console import Console  # imported late: it is slow, and most programs show no progress

    class PatientConsole(Console):
        """Raises the error of a broken pipe to its caller; rich would close the standard output too."""

        def on_broken_pipe(self) -> None:
            raise  # rich calls this in its `except` clause

    return PatientConsole(stderr=True)


class Screen:
    """Redraws a table in the same place; the output of the program goes above it."""

    _taken: ClassVar[bool] = False
    """Whether the screen is in use; another network that shows its progress at the same time prints lines."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        to_screen = sys.stdout is not None and sys.stdout.isatty()  # else the output goes to a file or pipe
        self._live: Live = Live(console=console, auto_refresh=False, redirect_stdout=to_screen)

    @classmethod
    def on(cls, console: Console) -> Screen | None:
        """Make a display on the screen; None if there is no terminal or the screen is in use."""
        if cls._taken or not console.is_terminal or console.is_dumb_terminal:
            return None
        return cls(console)

    def begin(self, view: View) -> None:
        """Draw for the first time."""
        Screen._taken = True
        self._live.start()
        self.draw(view)

    def draw(self, view: View) -> None:
        """Draw again."""
        lines = self._console.height - 4  # without the title, the head, the line for omitted stages, and the cursor
        self._live.update(screen_of(view, self._console.width, most=max(1, lines)), refresh=True)

    def finish(self, view: View, how: str) -> None:
        """Draw for the last time; the table stays."""
        Screen._taken = False
        self._live.update(screen_of(view, self._console.width, how))
        self._live.stop()

    def give_up(self) -> None:
        """Restore standard output after an error."""
        Screen._taken = False
        with suppress(Exception, SystemExit):
            self._live.stop()


class Lines:
    """Prints a line from time to time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def begin(self, view: View) -> None:
        """Set the time of the first line; print nothing yet."""
        del view
        self._next = monotonic() + LINES_EVERY

    def draw(self, view: View) -> None:
        """Print a line if it is due."""
        now = monotonic()
        if now >= self._next:
            self._next = now + LINES_EVERY
            self._print(line_of(view))

    def finish(self, view: View, how: str) -> None:
        """Print the last line."""
        self._print(line_of(view, how))

    def give_up(self) -> None:
        """Do nothing: there is nothing to restore after an error."""

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


def title_of(view: View, how: str = "") -> str:
    """Return the title: the network, how it has ended, and the time that it has run."""
    return f"{printable(view.network)}, {how}{' after ' if how else ''}{show_aligned(view.seconds)}"


def line_of(view: View, how: str = "") -> str:
    """Return the progress as one line."""
    parts = [f"{printable(stage.name)} {so_far(stage, ' of ').lstrip()}" for stage in view.stages]
    rate = f" ({show_rate(view.stages[-1].rate)} per second)" if view.stages and not how else ""
    return f"{title_of(view, how)}: {', '.join(parts)}{rate}"


def so_far(stage: StageView, between: str) -> str:
    """Return the number of done items, and the total if it is known; padded to the width of the total."""
    if stage.total is None:
        return f"{stage.done:,}"
    total = f"{stage.total:,}"
    return f"{f'{stage.done:,}'.rjust(len(total))}{between}{total}"


def screen_of(view: View, width: int, how: str = "", most: int | None = None) -> Group:
    """Return the progress as a table for a terminal of `width` columns, with only the last `most` stages."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    numbers = ("done",) if width < NARROW else ("done", "in work", "queued", "per second")
    has_bars = width >= WIDE and any(stage.total for stage in view.stages)
    table = Table(box=None, pad_edge=False)
    table.add_column(no_wrap=True, overflow="ellipsis")
    if has_bars:
        table.add_column(width=BAR)
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True, min_width=8, style="cyan")
    left_out = 0 if most is None else max(0, len(view.stages) - most)
    if left_out:
        table.add_row(Text(f"… {left_out} before", "dim"))
    for stage in view.stages[left_out:]:
        bar = [bar_of(stage)] if has_bars else []
        table.add_row(Text(shortened(stage.name)), *bar, *numbers_of(stage)[: len(numbers)])
    return Group(Text(title_of(view, how), "bold", no_wrap=True, overflow="ellipsis"), table)


def numbers_of(stage: StageView) -> tuple[str, ...]:
    """Return the numbers for the columns of a stage."""
    rate = show_rate(stage.rate) if stage.rate else ""
    return (so_far(stage, " / "), f"{stage.in_work:,}", f"{stage.queued:,}", rate)


def bar_of(stage: StageView) -> ProgressBar | str:
    """Return a bar of the done items; an empty text if the total is not known."""
    from rich.progress_bar import ProgressBar

    return ProgressBar(stage.total, stage.done, width=BAR) if stage.total else ""
