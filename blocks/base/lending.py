"""How a buffer in shared memory goes to a worker process: an object that refers to it is pickled, and lends it."""

from __future__ import annotations

import threading

import attrs

from .shared_memory import SharedMemory


@attrs.frozen(eq=False)
class Loan:
    """A buffer that a worker process may use.

    Attributes:
        memory: The memory in which it lies.
        offset: Where it begins there.
        size: Its number of bytes.
        hold: The buffer is not free as long as this object is there.
    """

    memory: SharedMemory
    offset: int
    size: int
    hold: object


class Passage(threading.local):
    """Where the objects go that are pickled in this thread.

    Attributes:
        loans: Takes the loans of these objects, by the `id` of the view that is pickled; None if they do not go to a
            worker process of this process.
        leads_home: Whether they go from a worker process to the process that has sent its items.
    """

    loans: dict[int, Loan] | None = None
    leads_home: bool = False


passage: Passage = Passage()
