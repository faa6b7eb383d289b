"""Observes a run of a sample with a recording, a report and a time limit of Penstock."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import attrs
from rich.console import Console

from penstock.blocks import Network, Node, Recording, Report
from penstock.samples.command.whole_file import WholeFile

__all__ = ["Saved", "Watch", "print_network"]


@attrs.frozen
class Saved:
    """The files about a run that were written.

    Args:
        recordings: the files with its recording.
        diagrams: the files with its diagram.
        problems: why other files could not be written, a text per file.
    """

    recordings: tuple[Path, ...] = ()
    diagrams: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


@attrs.define(eq=False)
class Watch:
    """Observes one run.

    Args:
        recordings: the files for its recording; the run is recorded if there is at least one.
        diagrams: the files for a diagram of its network.
        time_limit: the run may take up to this many seconds; None for no limit.
        recording: the recording, once the run has begun.
    """

    recordings: Sequence[Path] = ()
    diagrams: Sequence[Path] = ()
    time_limit: float | None = None
    recording: Recording | None = None
    _network: Network | None = None

    def network(self, *nodes: Node, name: str) -> Network:
        """Return a network that records and limits its run as chosen."""
        self.recording = Recording() if self.recordings else None
        self._network = Network(*nodes, name=name, time_limit=self.time_limit, recording=self.recording)
        return self._network

    def report(self) -> Report | None:
        """Return the report of the network; None if there was no network."""
        return None if self._network is None else self._network.report()

    def save(self) -> Saved:
        """Write the files."""
        problems: list[str] = []
        recording, report = self.recording, self.report()
        recordings = [] if recording is None else _written(recording.save, self.recordings, problems)
        diagrams = [] if report is None else _written(partial(_draw, report), self.diagrams, problems)
        return Saved(tuple(recordings), tuple(diagrams), tuple(problems))


def _written(write: Callable[[Path], None], files: Iterable[Path], problems: list[str]) -> list[Path]:
    written: list[Path] = []
    for file in files:
        try:
            _whole(write, file)
            written.append(file)
        except OSError as error:
            problems.append(f"cannot write {file}: {error.strerror or error}")
    return written


def _whole(write: Callable[[Path], None], file: Path) -> None:
    """Write `file` whole or not at all."""
    with (
        tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as folder,
        WholeFile(file) as whole,
    ):
        draft = Path(folder, file.name)
        write(draft)
        with open(draft, "rb") as written:
            shutil.copyfileobj(written, whole)


def _draw(report: Report, file: Path) -> None:
    file.write_text(report.mermaid() if file.suffix.lower() == ".mmd" else report.graphviz(), "utf-8")


def print_network(console: Console, report: Report) -> None:
    """Print a report: in colour on a terminal, elsewhere without wrapping its lines."""
    if console.is_terminal:
        console.print(report)
    else:
        console.print(str(report), markup=False, highlight=False, soft_wrap=True)
