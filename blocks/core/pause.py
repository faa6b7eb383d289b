"""What a block knows of its pause."""

from __future__ import annotations

from ..base.timing import time_slice
from .waiting import WaitList


class Pause:
    """A pause of one block.

    Attributes:
        since: When it began, in seconds of the time slices' clock.
        waits: The tasks that wait until nothing is in work.
    """

    __slots__ = ("since", "waits")

    def __init__(self) -> None:
        self.since: float = time_slice.clock()
        self.waits: WaitList[None] = WaitList()

    def is_quiet(self) -> None:
        """Wake the tasks that wait, because nothing is in work."""
        for waiter in self.waits:
            self.waits.wake(waiter)

    def is_broken(self, error: Exception) -> None:
        """Wake the tasks that wait with an error, because the network has stopped."""
        for waiter in self.waits:
            self.waits.fail(waiter, error)
