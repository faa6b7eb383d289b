"""The buffers of pools in shared memory that a worker process has on loan.

A buffer is lent when an object that refers to it is sent, and comes back when the last view of it in the worker process
has died, or when the process has ended. Its place is that of a slot, with the negative number of its memory instead of
the number of an arena. A loan is a reference to the hold of the buffer, so nothing has to be counted: the buffer is
free when the lease and all loans have let go of the hold.
"""

from __future__ import annotations

import weakref
from collections import defaultdict, deque
from typing import Protocol
from weakref import WeakKeyDictionary

from ..base.lending import Loan
from ..base.shared_memory import Handle, SharedMemory
from .slots import Place, Span


class Informed(Protocol):
    """Tells the worker process what memory there is."""

    def announce(self, handle: Handle, size: int, number: int | None = None) -> None:
        """Let it map memory with a number; raises `Lost`."""
        ...

    def forget(self, number: int) -> None:
        """Let it forget memory that it needs no more; raises `Lost`."""
        ...


class Loans:
    """The loans of one worker process; used in the thread of this worker.

    Args:
        worker: The pipe to the worker process.
    """

    __slots__ = ("_gone", "_holds", "_last", "_numbers", "_worker")

    def __init__(self, worker: Informed) -> None:
        self._worker = worker
        self._numbers: WeakKeyDictionary[SharedMemory, int] = WeakKeyDictionary()
        self._last = 0
        self._gone: deque[int] = deque()
        self._holds: defaultdict[Place, list[object]] = defaultdict(list)

    def lend(self, loan: Loan) -> Span:
        """Lend a buffer; return what to send in its place. Raises `Lost`."""
        number = self._numbers.get(loan.memory)
        if number is None:
            number = self._introduce(loan.memory)
        place = (number, loan.offset, loan.size)
        self._holds[place].append(loan.hold)
        return place, loan.size

    def _introduce(self, memory: SharedMemory) -> int:
        self._last -= 1
        number = self._last
        self._worker.announce(memory.handle, memory.size, number)
        self._numbers[memory] = number
        weakref.finalize(memory, self._gone.append, number).atexit = False
        return number

    def forget(self) -> None:
        """Let the worker process forget the memory of pools that are not there any more; raises `Lost`."""
        while self._gone:
            self._worker.forget(self._gone.popleft())

    def end(self, place: Place) -> None:
        """End a loan: the worker process has no view of the buffer any more."""
        holds = self._holds[place]
        holds.pop()
        if not holds:
            del self._holds[place]

    def end_all(self) -> None:
        """End all loans: the worker process has ended."""
        self._holds.clear()
