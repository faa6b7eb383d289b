"""What is asked of an executor that the user gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from penstock.blocks.base.cpus import usable_cpus

R = TypeVar("R")


def is_executor(value: object) -> bool:
    """Whether a value has the standard interface of executors."""
    return callable(getattr(value, "submit", None))


def check_executor(who: str, value: object) -> None:
    """Raise a `TypeError` if a value is neither None nor an executor."""
    if value is not None and not is_executor(value):
        raise TypeError(f"{who}: executor must be an executor, such as Threads(4), or None, got {value!r}")


def runs_here(executor: object) -> bool:
    """Whether functions run in this process, as far as that is known; also without an executor."""
    from concurrent.futures.process import ProcessPoolExecutor  # late: most programs need no processes

    return executor is None or getattr(executor, "is_here", not isinstance(executor, ProcessPoolExecutor))


def as_sent(executor: object, function: Callable[..., R], who: str) -> Callable[..., R]:
    """What an executor gets in place of a function: if its processes cannot import the function, its code.

    Args:
        executor: The executor.
        function: The function.
        who: The task, for errors.

    Raises:
        TypeError: The function cannot be pickled; the message says what to do.
    """
    if runs_here(executor):
        return function
    from penstock.blocks.executors.by_value import sealed

    return sealed(function, who)


def workers_of(executor: object, unknown: int | None = None) -> int:
    """How many workers an executor has; `unknown`, by default the number of processors, if it does not say so."""
    found: int | None = getattr(executor, "workers", None) or getattr(executor, "_max_workers", None)
    return found or unknown or usable_cpus()
