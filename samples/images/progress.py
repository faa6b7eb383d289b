"""Shows a run in the terminal while it goes on: a bar, what is in flight, and who failed."""

# What the run tells is only counted where it is told, on the trio thread. A thread of the display's own draws, for that
# takes milliseconds, and as long as it likes where the terminal is slow or halted.

from __future__ import annotations

import contextlib
import threading
from collections import deque
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from penstock.samples.images.names import printable, shown_name
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.settings import Mode

__all__ = ["ProgressDisplay", "Reported", "describe"]

_SECONDS_BETWEEN = 0.1
_MOST_LINES = 20  # of failures; whoever has thousands reads the counts at the end, or a file


def describe(failure: Failure) -> str:
    """Return the failure as one line of text: file, phase, reason."""
    return f"{shown_name(failure.path)}: {failure.phase.value}: {printable(failure.reason)}"


class Reported:
    """The failures that were printed, in this run or one before: none is printed twice, and only the first few are.

    Args:
        most: how many are printed.
        are_counted: whether there will be a report that counts all of them.
    """

    def __init__(self, most: int = _MOST_LINES, *, are_counted: bool = True) -> None:
        self._most = most
        self._are_counted = are_counted
        self._lines: set[str] = set()
        self._is_full = False

    def line_for(self, failure: Failure) -> str | None:
        """Return what is to be printed of a failure; None for nothing."""
        line = describe(failure)
        if self._is_full or line in self._lines:
            return None
        if len(self._lines) == self._most:
            self._is_full = True
            return f"and more{', which are counted at the end' * self._are_counted}; --errors FILE writes all of them"
        self._lines.add(line)
        return line


class ProgressDisplay(Observer):
    """A progress bar for one run; use it as a context manager around the run.

    Args:
        console: where to draw; errors are printed there above the bar, and alone if it is no terminal. On a quiet one
            nothing is drawn, and errors are printed on standard error.
        mode: named at the left of the bar.
        total: the number of jobs.
        reported: what was printed before.
    """

    def __init__(self, console: Console, mode: Mode, total: int, reported: Reported) -> None:
        self._is_drawn = not console.quiet
        self._errors = console if self._is_drawn else Console(stderr=True)
        self._reported = reported
        self._in_flight: set[int] = set()
        self._done = self._failed = 0
        self._lines = deque[str]()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw_on, name="progress", daemon=True)
        self._progress = Progress(
            TextColumn("{task.description:>13}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[in_flight]} in flight"),
            TextColumn("[red]{task.fields[failed]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
            expand=True,
            auto_refresh=False,
        )
        self._task = self._progress.add_task(mode.value, total=total, in_flight=0, failed="")

    def __enter__(self) -> ProgressDisplay:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Count a loaded image as in flight."""
        if phase is Phase.LOAD:
            self._in_flight.add(info.sequence)

    def on_image(self, info: ImageInfo) -> None:
        """Count it as done."""
        self._in_flight.discard(info.sequence)
        self._done += 1

    def on_error(self, failure: Failure) -> None:
        """Count it as done too, and have it said who failed, where and why."""
        self._in_flight.discard(failure.sequence)
        self._done += 1
        self._failed += 1
        line = self._reported.line_for(failure)
        if line is not None:
            self._lines.append(line)

    def _draw_on(self) -> None:
        """Draw until the run has ended, and once more; nothing if there is nobody to see it."""
        drawing = self._progress if self._is_drawn else contextlib.nullcontext()
        with contextlib.suppress(OSError, SystemExit), drawing:  # rich ends the thread where a pipe is closed
            while not self._ended.wait(_SECONDS_BETWEEN):
                self._draw()
            self._draw()

    def _draw(self) -> None:
        while self._lines:
            self._errors.print(f"[red]failed[/]  {escape(self._lines.popleft())}", highlight=False, soft_wrap=True)
        failed = f"{self._failed} failed" if self._failed else ""
        self._progress.update(
            self._task, completed=self._done, in_flight=len(self._in_flight), failed=failed, refresh=True
        )
