"""Shows a run in the terminal while it goes on: a bar, the images in flight, and the failures."""

# The trio thread only counts events. A thread of the display draws, because drawing takes milliseconds, and much longer
# if the terminal is slow or halted.

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
_MOST_LINES = 20  # for failures; the counts at the end, or a file, include the others


def describe(failure: Failure) -> str:
    """Return the failure as one line of text: file, phase, reason."""
    return f"{shown_name(failure.path)}: {failure.phase.value}: {printable(failure.reason)}"


class Reported:
    """Chooses the failures that are printed in this run and the runs before: the first few, each once.

    Args:
        most: up to this many failures are printed.
        are_counted: whether a report at the end counts all failures.
    """

    def __init__(self, most: int = _MOST_LINES, *, are_counted: bool = True) -> None:
        self._most = most
        self._are_counted = are_counted
        self._lines: set[str] = set()
        self._is_full = False

    def line_for(self, failure: Failure) -> str | None:
        """Return the line to print for a failure; None for no line."""
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
        console: shows the bar, with failures above it; only the failures if it is not a terminal. If it is quiet, it
            shows nothing, and failures are printed on standard error.
        mode: its name is shown at the left of the bar.
        total: the number of jobs.
        reported: chooses the failures that are printed.
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
        """Count the image as done."""
        self._in_flight.discard(info.sequence)
        self._done += 1

    def on_error(self, failure: Failure) -> None:
        """Count the image as done, and print its file, phase and reason."""
        self._in_flight.discard(failure.sequence)
        self._done += 1
        self._failed += 1
        line = self._reported.line_for(failure)
        if line is not None:
            self._lines.append(line)

    def _draw_on(self) -> None:
        """Draw until the run has ended, and once more after that; stop if the terminal has no reader."""
        drawing = self._progress if self._is_drawn else contextlib.nullcontext()
        with contextlib.suppress(OSError, SystemExit), drawing:  # rich ends the thread if a pipe is closed
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
