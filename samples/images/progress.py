"""Shows a run in the terminal while it goes on: a bar, what is in flight, and who failed."""

from __future__ import annotations

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

__all__ = ["ProgressDisplay", "describe"]


def describe(failure: Failure) -> str:
    """Return the failure as one line of text: file, phase, reason."""
    return f"{shown_name(failure.path)}: {failure.phase.value}: {printable(failure.reason)}"


class ProgressDisplay(Observer):
    """A progress bar for one run; use it as a context manager around the run.

    Args:
        console: where to draw; errors are printed there above the bar, and alone if it is no terminal.
        mode: named at the left of the bar.
        total: the number of jobs.
        reported: lines that were printed before, in this run or another; none is printed twice.
    """

    def __init__(self, console: Console, mode: Mode, total: int, reported: set[str]) -> None:
        self._console = console
        self._reported = reported
        self._in_flight: set[int] = set()
        self._failed = 0
        self._progress = Progress(
            TextColumn("{task.description:>13}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[in_flight]} in flight"),
            TextColumn("[red]{task.fields[failed]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
            expand=True,
        )
        self._task = self._progress.add_task(mode.value, total=total, in_flight=0, failed="")

    def __enter__(self) -> ProgressDisplay:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Count a loaded image as in flight."""
        if phase is Phase.LOAD:
            self._in_flight.add(info.sequence)
            self._progress.update(self._task, in_flight=len(self._in_flight))

    def on_image(self, info: ImageInfo) -> None:
        """Move the bar."""
        self._in_flight.discard(info.sequence)
        self._progress.update(self._task, advance=1, in_flight=len(self._in_flight))

    def on_error(self, failure: Failure) -> None:
        """Move the bar too, and say who failed, where and why."""
        self._failed += 1
        self._in_flight.discard(failure.sequence)
        self._progress.update(self._task, advance=1, in_flight=len(self._in_flight), failed=f"{self._failed} failed")
        line = describe(failure)
        if line not in self._reported:
            self._reported.add(line)
            self._console.print(f"[red]failed[/]  {escape(line)}", highlight=False, soft_wrap=True)
