"""What a task says about itself."""

from __future__ import annotations

from penstock.blocks.base.checks import check_number

from .waiting import here


def report_progress(done: float, of: float = 100.0) -> None:
    """Say how far the task is that runs here; `Runtime.get_progress` shows it. Elsewhere it does nothing.

    Args:
        done: How much is done, >= 0. More than `of` counts as `of`.
        of: How much there is, > 0.

    Raises:
        ValueError: A number is out of its range.
    """
    check_number("report_progress", "done", done)
    check_number("report_progress", "of", of, above=True)
    if here.worker is not None:
        here.worker.report(min(100.0, 100.0 * done / of))
