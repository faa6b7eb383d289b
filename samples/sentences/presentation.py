"""What the user sees: a progress bar while it runs, a table at the end, one line for what went wrong."""

import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from penstock.blocks import Report
from penstock.samples.command.streams import show
from penstock.samples.sentences.options import Options
from penstock.samples.sentences.phrase import Counts
from penstock.samples.sentences.show import name_of, shown
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
    """Writes progress and errors to standard error, the table to standard output.

    Args:
        quiet: no progress and no table.
        table_to_error: write the table to standard error too, because the sentences go to standard output.
    """

    def __init__(self, *, quiet: bool = False, table_to_error: bool = False) -> None:
        self._quiet = quiet
        self._progress = Console(stderr=True)
        self._table = self._progress if table_to_error else Console()
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
        # an old rich ends even a bar that is not shown with an empty line
        with nullcontext() if bar.disable else bar:
            self._source, self._bar = source, bar
            self._task = bar.add_task("0 sentences", total=source.total)
            yield

    def on_sentence(self) -> None:
        """Counts a sentence that was written, and moves the bar now and then."""
        self._sentences += 1
        if not self._bar.disable and (now := time.monotonic()) >= self._next_update:
            self._next_update = now + _SECONDS_BETWEEN_UPDATES
            self._bar.update(self._task, description=f"{self._sentences} sentences", completed=self._source.done)

    def result(self, options: Options, counts: Counts, replaced: int, seconds: float, saved: Saved) -> str | None:
        """Shows what was done, in how long; returns why that cannot be shown, or None."""
        if replaced:
            self.error(f"{replaced} undecodable byte runs of {_from(options)} were replaced by U+FFFD")
        if self._quiet:
            return None
        table = Table(title="Sentences", show_header=False, title_justify="left")
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        rows = {
            "mode": options.mode,
            "from": _from(options),
            "to": name_of(options.output, "standard output"),
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
        return show(self._table, lambda console: console.print(table))

    def report(self, report: Report) -> str | None:
        """Shows what the agents have done, also if all else is quiet; returns why it cannot be shown, or None."""
        return show(self._table, lambda console: print_network(console, report))

    def error(self, message: str) -> None:
        """Says in one line what went wrong."""
        line = Text(f"penstock-sentences: {message}")
        show(self._progress, lambda console: console.print(line, soft_wrap=True))


def _from(options: Options) -> str:
    if options.file is None:
        return f"seed {options.seed}"
    return name_of(options.file, "standard input")
