"""Shows the user a progress bar during the run, a table at the end, and one line for an error."""

import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from penstock.blocks import Report
from penstock.samples.command.show import name_of, shown
from penstock.samples.command.streams import show
from penstock.samples.sentences.options import Options
from penstock.samples.sentences.phrase import Counts
from penstock.samples.watch import Saved, print_network

_SECONDS_BETWEEN_UPDATES = 0.1


class Measured(Protocol):
    """Something with known progress."""

    @property
    def done(self) -> int:
        """How much of `total` is done."""
        ...

    @property
    def total(self) -> int | None:
        """The whole amount of work; None if it is not known."""
        ...


class Presentation:
    """Writes progress and errors to standard error, the table to standard output.

    Args:
        quiet: whether to show neither progress nor table.
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
        """Shows a bar until the ``with`` block ends, if standard error is a terminal."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._progress,
            transient=True,
            disable=self._quiet or not self._progress.is_terminal,
        )
        # old versions of rich print an empty line after a hidden bar
        with nullcontext() if bar.disable else bar:
            self._source, self._bar = source, bar
            self._task = bar.add_task("0 sentences", total=source.total)
            yield

    def on_sentence(self) -> None:
        """Counts a written sentence, and moves the bar from time to time."""
        self._sentences += 1
        if not self._bar.disable and (now := time.monotonic()) >= self._next_update:
            self._next_update = now + _SECONDS_BETWEEN_UPDATES
            self._bar.update(self._task, description=f"{self._sentences} sentences", completed=self._source.done)

    def result(self, options: Options, counts: Counts, replaced: int, seconds: float, saved: Saved) -> str | None:
        """Shows the table; returns the reason why it cannot be shown, or None."""
        if replaced:
            were = "run of bytes was" if replaced == 1 else "runs of bytes were"
            self.error(f"{replaced} undecodable {were} replaced by U+FFFD in {_from(options)}")
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
        """Shows the report of the network, even if quiet; returns the reason why it cannot be shown, or None."""
        return show(self._table, lambda console: print_network(console, report))

    def error(self, message: str) -> None:
        """Shows an error in one line."""
        line = Text(f"penstock-sentences: {message}")
        show(self._progress, lambda console: console.print(line, soft_wrap=True))


def _from(options: Options) -> str:
    if options.file is None:
        return f"seed {options.seed}"
    return name_of(options.file, "standard input")
