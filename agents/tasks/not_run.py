"""The exception of a task that was not run."""

from __future__ import annotations


class NotRun(Exception):
    """Raised for the result of a task that was not run: it was cancelled, or one of its inputs has no result.

    Its `__cause__` is the exception of the first task that failed; None if nothing failed.
    """
