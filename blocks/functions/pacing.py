"""Lets the calls of a block start at a rate: the first calls of items, in order, and further tries of failed items.

The runner calls `ready` before it takes items. If the block also has a pool, an item starts when both allow it: the
rate is asked first, and counts the start only when there is a lease.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import trio

from ..base.activity import Activity
from ..base.threads import Loop
from ..base.times import Histogram, Times
from ..base.timing import time_slice
from ..core.block_core import BlockCore
from ..core.carried import plain
from ..core.contexts import Indexed
from ..core.rate import Rate
from ..core.resource_pool import ResourcePool
from ..core.threads import loop_of
from .at_end import END
from .leasing import Leasing

joining = threading.Lock()
"""Held while a block begins or ends to use a rate: a network in another thread may try the same, and is refused."""


class Pacing:
    """Lets the calls of one block start at a rate.

    Args:
        block: The block.
        rate: The rate.
        leasing: Gives each item a lease, if the block has a pool.
    """

    is_paced = True
    __slots__ = ("_alarm", "_block", "_gives", "_is_in", "_leasing", "_on_wait", "_since", "_tries", "_waits", "rate")

    def __init__(self, block: BlockCore, rate: Rate, leasing: Leasing | None) -> None:
        self.rate: Rate = rate
        self._block = block
        self._leasing = leasing
        self._gives = leasing  # None if items come with their leases
        self._waits: Histogram = Histogram()
        self._since: float | None = None
        self._on_wait: Callable[[Activity, float, float], None] | None = None
        self._tries: deque[trio.Event] = deque()
        self._alarm: trio.CancelScope | None = None
        self._is_in = False  # whether it uses the rate now

    @property
    def pool(self) -> ResourcePool[Any] | None:
        """The pool, if there is one."""
        return None if self._leasing is None else self._leasing.pool

    @property
    def lessee(self) -> Leasing | None:
        """What takes the leases from the pool, if there is one."""
        return self._leasing

    # For the rate

    @property
    def loop(self) -> Loop | None:
        """The loop in which the block runs."""
        return loop_of(self._block)

    def called(self) -> None:
        """Let the block take a step: it may start a call."""
        self._stop_waiting()
        self._block.wake()

    def alarm_in(self, seconds: float) -> None:
        """Look at the rate again after a time; until then there is no standstill."""
        self._cancel_alarm()
        network = self._block.host
        assert network is not None
        if network.is_open:  # else it ends, and the blocks before this one have left the rate
            self._alarm = network.after(seconds, self.rate.serve)

    def _stop_waiting(self) -> None:
        self._cancel_alarm()
        if self._since is not None:
            now = time_slice.clock()
            self._waits.add(now - self._since)
            if self._on_wait is not None:
                self._on_wait(Activity.WAIT_FOR_RATE, self._since, now)
            self._since = None

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _may_start(self) -> bool:
        """Whether a call may start now; if not, the block is called when it may."""
        if self.rate.may_start(self):
            return True
        if self._since is None and self.rate.waits_now(self):
            self._since = time_slice.clock()
        return False

    # For the block

    def begin(self) -> None:
        """Use the rate from now on."""
        if (tracer := self._block.tracer) is not None:
            self._on_wait = tracer.waits_of(self._block.name)
        with joining:
            self.rate.join(self)
            self._is_in = True

    @property
    def waits_for_lease(self) -> bool:
        """Whether the next item waits for a lease."""
        return self._leasing is not None and self._leasing.waits_for_lease

    @property
    def waits(self) -> bool:
        """Whether the next item waits for the rate or for a lease."""
        return self.rate.waits_now(self) or self.waits_for_lease

    @property
    def holds_up_tries(self) -> bool:
        """Whether a further try of a failed item waits for the rate."""
        return self.rate.waits_now(self)

    @property
    def waits_for_rate(self) -> Times:
        """The periods in which a call had to wait for the rate, including the current one."""
        return self._waits.summary(None if self._since is None else time_slice.clock() - self._since)

    def stepped(self) -> None:
        """Let further tries start; pass the turn to the next block, if this block was called and needs nothing."""
        while self._tries and self._may_start():
            self.rate.start(self)
            self._tries.popleft().set()
        self.rate.pass_by(self)
        if self._leasing is not None:
            self._leasing.stepped()

    def close(self) -> None:
        """Leave the rate: no call will start any more."""
        self._stop_waiting()
        with joining:
            if self._is_in:  # one that was refused must not touch a rate that another thread uses
                self._is_in = False
                self.rate.leave(self)
        if self._leasing is not None:
            self._leasing.close()

    # For the runner

    def ready(self, queue: Indexed, wanted: int) -> int:
        """Return how many of the next items can start now, 0 or 1; count the start (but not of the call at the end)."""
        if not wanted or not len(queue):
            return 0
        if plain(queue[0]) is END:
            return 1
        if self._tries or not self._may_start():
            return 0
        if self._gives is not None and not self._gives.ready(queue, 1):
            return 0
        self.rate.start(self)
        return 1

    def ready_for(self, item: Any) -> bool:
        """Whether an item that has left the queue can start now; count the start."""
        return self.ready((item,), 1) > 0

    def split(self, is_ordered: bool) -> tuple[Leasing | None, Pacing]:
        """Divide for a block with keys: what an item needs when it is taken, and what when its turn has come.

        Args:
            is_ordered: As for a `Leasing`; a start is counted when the turn of the item has come, in any case.
        """
        if not is_ordered:
            return None, self
        early, self._gives = self._gives, None
        return early, self

    def give(self, item: Any) -> Any:
        """Add the lease to an item that starts, if there is a pool."""
        return item if self._gives is None else self._gives.give(item)

    def start(self) -> bool:
        """Whether a call can start now; count its start."""
        if not self._may_start():
            return False
        self.rate.start(self)
        return True

    def may_try_again(self) -> bool:
        """Whether a further try of a failed item can start now; count its start."""
        return self.start()

    async def wait_to_try_again(self) -> None:
        """Wait until a further try of a failed item can start; count its start."""
        if not self._tries and self.may_try_again():
            return
        turn = trio.Event()
        self._tries.append(turn)  # if the wait is cancelled, so is the network
        await turn.wait()
