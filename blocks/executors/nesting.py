"""The workers for which this thread works: they tell an executor that it is used from inside one of its own calls.

A call that uses its own executor holds a worker while it waits. If all workers did that, they would wait forever. So
such a worker does not count until the work that it has submitted is done: another worker may run instead.

A call on level 0 was submitted from outside, a call on level 1 from a call on level 0, and so on. With n workers, up to
n calls run on each level, and up to n calls in all do not wait. So one call can always go on: the deepest
waiting calls wait for calls that do not wait. Begun calls are finished before more calls of their level begin. So
calls that divide their work recursively need workers in proportion to the depth of the recursion, not to its size.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar


class Host:
    """A call that uses the executor in which it runs.

    Attributes:
        level: How many calls of the executor it is nested in.
        uses: How many of its users are not done: networks that run in it, and groups of futures that it has requested.
    """

    __slots__ = ("level", "uses")

    def __init__(self, level: int) -> None:
        self.level: int = level
        self.uses: int = 0


Line = tuple[object, ...]
"""The workers, of all executors, in whose calls some code runs; the innermost worker is the last."""


class Here(threading.local):
    """The line of workers of this thread."""

    line: Line = ()


here: Here = Here()
carried: ContextVar[Line] = ContextVar("penstock_workers", default=())
"""The line for threads that start with the context of the thread that waits for them, as with `trio.to_thread`."""


def enter(line: Line) -> None:
    """Begin to work for a line of workers, in this thread."""
    here.line = line
    carried.set(line)


def current_line() -> Line:
    """The workers in whose calls this thread runs."""
    return here.line or carried.get()
