"""Which workers this thread works for: how an executor knows that it is used from inside one of its own calls.

A call that uses, from inside, the executor whose worker it holds would wait for ever if all the workers did that. So
its worker does not count as long as what it has handed over there is not done: another one may work in its place.

A call on level 0 was handed over from outside, one on level 1 from a call on level 0, and so on. At most as many calls
as there may be workers are under way on each level, and at most as many in all do not wait. So there is always one that
can go on: the deepest that wait do so for calls which wait for none. And what is begun is finished before more of its
level is begun, so that calls which divide their work need workers by the depth of that, and not by its size.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar


class Host:
    """A call that uses the executor in which it runs.

    Attributes:
        level: How many calls it is inside of.
        uses: How many of its users are not done: networks that run in it, and the futures that it has asked for.
    """

    __slots__ = ("level", "uses")

    def __init__(self, level: int) -> None:
        self.level: int = level
        self.uses: int = 0


Line = tuple[object, ...]
"""The workers in whose calls something runs, of whatever executors; the innermost one is the last."""


class Here(threading.local):
    """What is known of this thread."""

    line: Line = ()


here: Here = Here()
carried: ContextVar[Line] = ContextVar("penstock_workers", default=())
"""For threads that are started with the context of the one that waits for them, as `trio.to_thread` does it."""


def enter(line: Line) -> None:
    """Begin to work for a line of workers, in this thread."""
    here.line = line
    carried.set(line)


def current_line() -> Line:
    """The workers in whose calls this thread is."""
    return here.line or carried.get()
