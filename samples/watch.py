"""Looks at a run of a sample by Penstock's own means: a recording, a report, a time limit."""

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
    """What was written of a run, and what could not be.

    Args:
        recordings: files of its recording.
        diagrams: files of its diagram.
        problems: why others are missing.
    """

    recordings: tuple[Path, ...] = ()
    diagrams: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


@attrs.define(eq=False)
class Watch:
    """Looks at one run.

    Args:
        recordings: files for its recording; if there are none, it is not recorded.
        diagrams: files for a diagram of its network.
        time_limit: seconds that it may take; None for as many as it likes.
        recording: who worked on what from when to when.
    """

    recordings: Sequence[Path] = ()
    diagrams: Sequence[Path] = ()
    time_limit: float | None = None
    recording: Recording | None = None
    _network: Network | None = None

    def network(self, *nodes: Node, name: str) -> Network:
        """Return a network that is looked at."""
        self.recording = Recording() if self.recordings else None
        self._network = Network(*nodes, name=name, time_limit=self.time_limit, recording=self.recording)
        return self._network

    def report(self) -> Report | None:
        """Return what the network has done; None if there was none."""
        return None if self._network is None else self._network.report()

    def save(self) -> Saved:
        """Write the files, as far as there is something to write."""
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
    """Have `file` written whole or not at all."""
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
    """Print a report in colour on a terminal; elsewhere as wide as it is, for nobody knows what fits there."""
    if console.is_terminal:
        console.print(report)
    else:
        console.print(str(report), markup=False, highlight=False, soft_wrap=True)
