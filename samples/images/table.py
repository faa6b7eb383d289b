"""The table at the end, with a column per mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Mode, Workers
from penstock.samples.images.summary import PhaseFigures, Summary

__all__ = ["result_table"]

_NOTHING = "–"  # a dash stands for no figure


def result_table(
    summaries: Sequence[Summary],
    workers: Sequence[tuple[Workers | None, int]],
    predicted: Sequence[float | None] = (),
) -> Table:
    """Return a table of the runs, with the speed of each relative to the sequential run.

    Without a sequential run, the sum of the phases is used instead.

    Args:
        summaries: the figures of the runs.
        workers: the kind of workers of each run (None without an executor), and their number.
        predicted: the seconds that the chapter predicts for each run; the row is left out if all are None.
    """
    table = Table(title="Image pipelines", title_justify="left", title_style="bold", header_style="bold")
    table.add_column("")
    for summary in summaries:
        table.add_column(summary.mode.value, justify="right")
    table.add_row("executor", *[_NOTHING if executor is None else executor.value for executor, _ in workers])
    table.add_row("workers", *[str(number) for _, number in workers])
    table.add_section()
    _add_phases(table, summaries, "work per image, ms", Phase, lambda figures: f"{figures.work_ms:.1f}")
    if any(summary.mode is not Mode.SEQUENTIAL for summary in summaries):
        _add_queues(table, summaries)
    if any(summary.pages for summary in summaries):
        _add_sheet(table, summaries)
    table.add_row("images (skipped)", *[f"{s.images} ({s.skipped})" for s in summaries])
    table.add_row("seconds", *[f"{s.seconds:.2f}" for s in summaries])
    if any(seconds is not None for seconds in predicted):
        table.add_row("seconds, predicted", *[_NOTHING if one is None else f"{one:.2f}" for one in predicted])
    table.add_row("ms per image", *[_ms(s.ms_per_image) for s in summaries], style="bold")
    _add_ratio(table, summaries)
    return table


def _add_queues(table: Table, summaries: Sequence[Summary]) -> None:
    """Add two groups of rows about the queues between phases; the sequential mode has no queues."""
    later = [phase for phase in Phase if phase is not Phase.LOAD]
    queued = [s if s.mode is not Mode.SEQUENTIAL else None for s in summaries]
    _add_phases(table, queued, "wait before, ms", later, lambda figures: f"{figures.wait_ms:.1f}")
    _add_phases(
        table,
        queued,
        "queue, mean (max)",
        later,
        lambda figures: f"{figures.queue_mean:.1f} ({figures.queue_max})",
    )


def _add_sheet(table: Table, summaries: Sequence[Summary]) -> None:
    """Add a row for the contact sheet, which is not a phase."""
    cells = [f"{s.page_ms:.1f} ({s.pages})" if s.pages else _NOTHING for s in summaries]
    table.add_row("contact sheet", style="dim")
    table.add_row("  ms per page (pages)", *cells)
    table.add_section()


def _add_phases(
    table: Table,
    summaries: Sequence[Summary | None],
    title: str,
    phases: Sequence[Phase] | type[Phase],
    figure: Callable[[PhaseFigures], str],
) -> None:
    """Add a group of rows, with a row per phase."""
    table.add_row(title, style="dim")
    for phase in phases:
        figures = [None if summary is None else summary.phases.get(phase) for summary in summaries]
        table.add_row(f"  {phase.value}", *[_NOTHING if one is None else figure(one) for one in figures])
    table.add_section()


def _add_ratio(table: Table, summaries: Sequence[Summary]) -> None:
    """Add the row with the speed-up over the sequential mode."""
    reference = next((s.ms_per_image for s in summaries if s.mode is Mode.SEQUENTIAL), None)
    cells: list[str] = []
    for summary in summaries:
        own = summary.ms_per_image
        cells.append(f"{(reference or summary.work_ms) / own:.2f} x" if own else _NOTHING)
    table.add_row("ratio to sequential", *cells, style="bold")


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.1f}"
