"""Where progress is shown: on a screen that is drawn anew again and again, or as lines of text."""

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
"""Seconds from one line to the next, where there is no terminal."""
WIDE = 76
"""Columns of a terminal from which on there is room for bars."""
BAR = 20
"""Columns that a bar takes."""
NARROW = 48
"""Columns of a terminal below which there is room for what is done and no more."""


def standard_error() -> Console:
    """Make a console on the standard error output."""
    from rich.console import Console  # here, because it takes a while and most programs show no progress

    class PatientConsole(Console):
        """Leaves it to others what to do when its pipe is broken; rich would close the standard output too."""

        def on_broken_pipe(self) -> None:
            raise  # it is called where the exception is caught

    return PatientConsole(stderr=True)


class Screen:
    """Draws the lines again and again in the same place; what the program prints goes above them."""

    _taken: ClassVar[bool] = False
    """There is one screen; another network that shows its progress at the same time prints lines."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        to_screen = sys.stdout is not None and sys.stdout.isatty()  # else what is printed goes into a file or pipe
        self._live: Live = Live(console=console, auto_refresh=False, redirect_stdout=to_screen)

    @classmethod
    def on(cls, console: Console) -> Screen | None:
        """Take the screen, if there is one and it is free."""
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
        lines = self._console.height - 4  # for the title, the head, what was left out, and the cursor
        self._live.update(screen_of(view, self._console.width, most=max(1, lines)), refresh=True)

    def finish(self, view: View, how: str) -> None:
        """Draw for the last time; it stays there."""
        Screen._taken = False
        self._live.update(screen_of(view, self._console.width, how))
        self._live.stop()

    def give_up(self) -> None:
        """Something went wrong: give back the standard output that was taken."""
        Screen._taken = False
        with suppress(Exception, SystemExit):
            self._live.stop()


class Lines:
    """Prints a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def begin(self, view: View) -> None:
        """Nothing is to be said yet."""
        del view
        self._next = monotonic() + LINES_EVERY

    def draw(self, view: View) -> None:
        """Print a line if it is time."""
        now = monotonic()
        if now >= self._next:
            self._next = now + LINES_EVERY
            self._print(line_of(view))

    def finish(self, view: View, how: str) -> None:
        """Print the last line."""
        self._print(line_of(view, how))

    def give_up(self) -> None:
        """Something went wrong; there is nothing to give back."""

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


def title_of(view: View, how: str = "") -> str:
    """The network, how long it has run, and how it has ended."""
    return f"{printable(view.network)}, {how}{' after ' if how else ''}{show_aligned(view.seconds)}"


def line_of(view: View, how: str = "") -> str:
    """The progress in one line."""
    parts = [f"{printable(stage.name)} {so_far(stage, ' of ').lstrip()}" for stage in view.stages]
    rate = f" ({show_rate(view.stages[-1].rate)} a second)" if view.stages and not how else ""
    return f"{title_of(view, how)}: {', '.join(parts)}{rate}"


def so_far(stage: StageView, between: str) -> str:
    """What is done, and of how much if that is known; always as wide as it will be in the end."""
    if stage.total is None:
        return f"{stage.done:,}"
    total = f"{stage.total:,}"
    return f"{f'{stage.done:,}'.rjust(len(total))}{between}{total}"


def screen_of(view: View, width: int, how: str = "", most: int | None = None) -> Group:
    """The progress as lines that fit a terminal of so many columns; if there are too many, only the last of them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    numbers = ("done",) if width < NARROW else ("done", "in work", "queued", "a second")
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
    """What stands in the columns of a stage."""
    rate = show_rate(stage.rate) if stage.rate else ""
    return (so_far(stage, " / "), f"{stage.in_work:,}", f"{stage.queued:,}", rate)


def bar_of(stage: StageView) -> ProgressBar | str:
    """How much is done as a bar, if it is known how much there is."""
    from rich.progress_bar import ProgressBar

    return ProgressBar(stage.total, stage.done, width=BAR) if stage.total else ""
