"""What the user sees: a progress bar while it runs, a table at the end, one line for what went wrong."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from penstock.blocks import Report
from penstock.samples.sentences.options import Options
from penstock.samples.sentences.phrase import Counts
from penstock.samples.sentences.show import shown
from penstock.samples.watch import Saved, print_network

_SECONDS_BETWEEN_UPDATES = 0.1


class Measured(Protocol):
    """Something that knows how far it is."""

    @property
    def done(self) -> int:
        """How much of `total` is behind it."""
        ...

    @property
    def total(self) -> int | None:
        """How much there is, if that is known."""
        ...


class Presentation:
    """Writes progress and errors to standard error, the table to standard output."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._table = Console()
        self._progress = Console(stderr=True)
        self._sentences = 0
        self._next_update = 0.0

    @contextmanager
    def progress(self, source: Measured) -> Generator[None]:
        """Shows a bar, if there is a terminal to show it on, until the ``with`` block ends."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._progress,
            transient=True,
            disable=self._quiet or not self._progress.is_terminal,
        )
        with bar:
            self._source, self._bar = source, bar
            self._task = bar.add_task("0 sentences", total=source.total)
            yield

    def on_sentence(self) -> None:
        """Counts a sentence that was written, and moves the bar now and then."""
        self._sentences += 1
        if not self._bar.disable and (now := time.monotonic()) >= self._next_update:
            self._next_update = now + _SECONDS_BETWEEN_UPDATES
            self._bar.update(self._task, description=f"{self._sentences} sentences", completed=self._source.done)

    def result(self, options: Options, counts: Counts, replaced: int, seconds: float, saved: Saved) -> None:
        """Shows what was done, in how long."""
        if replaced:
            self.error(f"{replaced} undecodable byte runs of {_from(options)} were replaced by U+FFFD")
        if self._quiet:
            return
        table = Table(title="Sentences", show_header=False, title_justify="left")
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        rows = {
            "mode": options.mode,
            "from": _from(options),
            "to": shown(options.output),
            "phrases": f"{counts.phrases:,}",
            "sentences": f"{counts.sentences:,}",
            "time": f"{seconds:.3f} s",
        }
        rows |= {
            "recorded in": "\n".join(map(shown, saved.recordings)),
            "drawn in": "\n".join(map(shown, saved.diagrams)),
        }
        for name, value in rows.items():
            if value:
                table.add_row(name, Text(value))
        self._table.print(table)

    def report(self, report: Report) -> None:
        """Shows what the blocks and agents have done; it was asked for, so also if all else is quiet."""
        print_network(self._table, report)

    def error(self, message: str) -> None:
        """Says in one line what went wrong."""
        self._progress.print(Text(f"penstock-sentences: {message}"), soft_wrap=True)


def _from(options: Options) -> str:
    return shown(options.file) if options.file is not None else f"seed {options.seed}"
