"""Prints the result at the end, on standard output: a few lines of text, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
from rich.console import Console

from penstock.blocks import Report
from penstock.samples.images.failures import by_reason
from penstock.samples.images.names import printable, shown_name
from penstock.samples.images.run import Outcome, RunResult
from penstock.samples.images.settings import Mode, Workers
from penstock.samples.images.summary import same_pictures, summarise
from penstock.samples.images.table import result_table
from penstock.samples.watch import Saved, print_network

__all__ = ["RunReport", "print_networks", "print_report", "what_went_wrong"]

_MOST_STALE = 10


@attrs.frozen
class RunReport:
    """A run and the files that belong to it.

    Args:
        result: the result of the run.
        folder: the folder of its thumbnails.
        executor: the kind of workers; None for threads of trio, without an executor.
        workers: the number of images that could be worked on at once.
        saved: the files of its recording and its diagram.
        network: the report of its network; None not to print it.
        kept: the number of images that were up to date.
        manifest: the files of the manifest.
        problems: the reasons why other files could not be written.
        stale: thumbnails and pages of earlier runs that belong to no picture of this run.
        predicted: the seconds that the chapter predicts for the run; None if the phases did work.
    """

    result: RunResult
    folder: Path
    executor: Workers | None = None
    workers: int = 1
    saved: Saved = attrs.field(factory=Saved)
    network: Report | None = None
    kept: int = 0
    manifest: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    predicted: float | None = None

    @property
    def all_came_out(self) -> bool:
        """Whether every image came out."""
        return self.result.outcome is Outcome.DONE and not self.result.failures

    @property
    def all_was_written(self) -> bool:
        """Whether every other file was written, and no thumbnail failed because of the output folder."""
        problems = (*self.problems, *self.saved.problems, *(page.problem for page in self.result.pages))
        return not any(problems) and not any(failure.ends_run for failure in self.result.failures)


def print_report(console: Console, reports: Sequence[RunReport], left_out: str = "") -> None:
    """Print the files that were left out, then the lines and the table for `reports`, which has one per mode."""
    if left_out:
        console.print(f"left out: {printable(left_out)}", markup=False, highlight=False, soft_wrap=True)
    for report in reports:
        for line in _lines(report):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if report.network is not None:
            print_network(console, report.network)
    results = [report.result for report in reports]
    if _can_be_compared(results):
        console.print(_comparison(results), highlight=False)
    if any(result.finished for result in results):
        console.print()
        workers = [(report.executor, report.workers) for report in reports]
        predicted = [report.predicted for report in reports]
        console.print(result_table([summarise(result) for result in results], workers, predicted))
        if all(result.mode is not Mode.SEQUENTIAL for result in results):
            note = "ratio: the work over ms per image; --compare measures it against a sequential run"
            console.print(note, highlight=False, soft_wrap=True)


def print_networks(console: Console, reports: Sequence[RunReport]) -> None:
    """Print only the reports of the networks, if they were asked for."""
    for report in reports:
        if report.network is not None:
            print_network(console, report.network)


def what_went_wrong(reports: Sequence[RunReport]) -> list[str]:
    """Return a line per problem, except for failed images, which have been printed already."""
    lines: list[str] = []
    for report in reports:
        result = report.result
        if result.outcome is not Outcome.DONE:
            lines.append(f"{result.mode.value}: {_how_it_ended(report)}")
        sheet = [f"contact sheet not written: {page.problem}" for page in result.pages if page.problem is not None]
        problems = (*sheet[:1], *report.problems, *report.saved.problems, *result.late.splitlines())
        lines += [printable(problem) for problem in problems]
    results = [report.result for report in reports]
    if _can_be_compared(results) and not same_pictures(results):
        lines.append(_comparison(results))
    return lines


def _can_be_compared(results: Sequence[RunResult]) -> bool:
    return len(results) > 1 and all(result.outcome is Outcome.DONE for result in results)


def _comparison(results: Sequence[RunResult]) -> str:
    same = "the same" if same_pictures(results) else "DIFFERENT"
    return f"The modes wrote {same} thumbnails, compared byte for byte."


def _lines(report: RunReport) -> list[str]:
    result = report.result
    lines = [f"{result.mode.value}: {_how_it_ended(report)}"]
    lines += [f"  {line}" for line in by_reason(result.failures)]
    if result.finished or report.kept:
        lines.append(f"  thumbnails in {printable(str(report.folder))}")
    lines += _sheet_lines(result)
    if report.manifest:
        lines.append(f"  manifest {printable(' and '.join(str(path) for path in report.manifest))}")
    lines += [f"  {printable(line)}" for line in _notes(result)]
    lines += [f"  no longer belongs: {printable(name)}" for name in report.stale[:_MOST_STALE]]
    if len(report.stale) > _MOST_STALE:
        lines.append(f"  no longer belong: {len(report.stale) - _MOST_STALE} more")
    lines += [f"  recorded in {printable(str(file))}" for file in report.saved.recordings]
    lines += [f"  drawn in {printable(str(file))}" for file in report.saved.diagrams]
    lines += [f"  {printable(problem)}" for problem in (*report.problems, *report.saved.problems)]
    lines += [f"  {printable(line)}" for line in result.late.splitlines()]
    return lines


def _sheet_lines(result: RunResult) -> list[str]:
    lines: list[str] = []
    written = [page for page in result.pages if page.problem is None]
    if written:
        pages = "1 page" if len(written) == 1 else f"{len(written)} pages"
        lines.append(f"  contact sheet {printable(str(written[0].file))} ({pages})")
    problems = [page.problem for page in result.pages if page.problem is not None]
    if problems:
        lines.append(f"  contact sheet not written: {printable(problems[0])}")
    return lines


def _notes(result: RunResult) -> list[str]:
    """Return a line per assumption that was needed to read files, with the first file and the number of the others."""
    noted: dict[str, list[str]] = {}
    for image in result.finished:
        if image.note:
            noted.setdefault(image.note, []).append(shown_name(image.path))
    return [
        f"{note}: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for note, names in noted.items()
    ]


def _how_it_ended(report: RunReport) -> str:
    result = report.result
    finished, failed = len(result.finished), len(result.failures)
    came_out = f"{finished} of {result.total} images came out"
    kept = f", {report.kept} were up to date" if report.kept else ""
    if report.kept and not result.total:
        came_out, kept = f"nothing to do, all {report.kept} images are up to date", ""
    match result.outcome:
        case Outcome.DONE:
            return came_out + kept + (f", {failed} skipped" if failed else "")
        case Outcome.FAILED:
            return f"ended by an error; {came_out} before it{kept}"
        case Outcome.LATE:
            return f"ended by the time limit; {came_out} before that, whole{kept}"
        case Outcome.STOPPED:
            return f"stopped; {came_out} before that, whole{kept}" + (f", {failed} skipped" if failed else "")
