"""A limit on how many calls start in a time, shared by the blocks that use it.

It is a token bucket, kept as the generic cell rate algorithm (ITU-T I.371) keeps it: one number, the starts that still
count, which falls with time. A start is allowed while this number is at most `burst` - 1.

States of a block that waits: in line → called (it may take a start now) → not waiting. Invariants: while blocks wait,
only a called block starts anything, so the blocks take turns; up to as many blocks are called as starts are allowed.
Each block in line has an alarm of its own, at the time of its turn. So no block depends on another one's network.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any, Protocol
from weakref import ReferenceType, ref

import trio

from ..base.checks import check_count, check_number
from ..base.names import given_name
from ..base.threads import Loop, wrong_thread

TINY = 1e-9
"""A part of a start that is smaller than this is a rounding error."""
LATE = 0.01
"""Seconds by which a waiting call may start late and still count as if it had started in time."""


class Starter(Protocol):
    """A block whose calls start at a rate."""

    @property
    def loop(self) -> Loop | None:
        """The loop in which the block runs."""
        ...

    def called(self) -> None:
        """Make the block take a step, because it may start a call."""
        ...

    def alarm_in(self, seconds: float) -> None:
        """Call `serve` of the rate after a time, and not at the time that was set before."""
        ...


class Rate:
    """A limit on how often calls start: up to `n` in `seconds`, evenly. Blocks with the same rate share it.

    `Transformer(function, rate=Rate(10))` starts up to 10 calls per second: one every 0.1 s. Every try of a `Retry`
    counts too. Items start in the order in which they came. Several blocks may share a rate; they take turns.

    With `burst=5`, a block that has started nothing for a while may start up to 5 calls at once; after that, one start
    becomes possible every `seconds` / `n`. So in any period of t seconds, up to burst + t × n / seconds calls start.
    This is the size of the bucket of the token bucket algorithm. Timers are some milliseconds late. The calls after a
    late one make up for this, up to 10 ms, so that the rate is reached.

    `rate.n = 20` changes the limit at once, also while networks run, and also for calls that wait already. The times
    are those of trio's clock. A rate may be used again in a later network, also in another run of trio, and remembers
    its last starts.

    Args:
        n: The number of calls, > 0.
        seconds: The time for `n` calls, > 0. Default: 1.
        burst: The largest number of calls that may start at once, >= 1. Default: 1.
        name: The name of the rate in reports.

    Raises:
        ValueError: A number is out of its range.

    Examples:
        >>> Rate(100, seconds=60, burst=10, name="api")
        <Rate 'api', 100 per 60 s, burst 10>
    """

    def __init__(self, n: float, seconds: float = 1, *, burst: int = 1, name: str | None = None) -> None:
        self.name: str = given_name("Rate", name)
        check_number(str(self), "n", n, above=True)
        check_number(str(self), "seconds", seconds, above=True)
        check_count(str(self), "burst", burst)
        self.seconds: float = seconds
        self.burst: int = burst
        self._n: float = n
        self._counting: float = 0.0
        self._at: float = 0.0
        self._until: float = -math.inf
        self._real_time: float = 0.0
        self._run: ReferenceType[trio.lowlevel.TrioToken] | None = None
        self._users: dict[Starter, None] = {}
        self._line: dict[Starter, None] = {}
        self._called: dict[Starter, None] = {}

    def __str__(self) -> str:
        return f"rate {self.name!r}"

    def __repr__(self) -> str:
        burst = f", burst {self.burst}" if self.burst > 1 else ""
        return f"<Rate {self.name!r}, {self._n:g} per {self.seconds:g} s{burst}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"{self} cannot be copied or pickled: it counts the starts of all blocks that share it")

    @property
    def n(self) -> float:
        """The number of calls that may start in `seconds`; a change takes effect at once.

        Raises:
            ValueError: The new number is not greater than 0.
            RuntimeError: A network that uses the rate runs in another thread; change it with
                `trio.from_thread.run_sync`.
        """
        return self._n

    @n.setter
    def n(self, n: float) -> None:
        check_number(str(self), "n", n, above=True)
        loops = [user.loop for user in self._users]
        if any(loop is not None and not loop.is_here for loop in loops):
            raise wrong_thread(f"change the limit of {self}")
        if loops:
            self._count_down()
        self._n = n
        self.serve()

    # For blocks

    def join(self, starter: Starter) -> None:
        """Let a block use the rate.

        Raises:
            RuntimeError: A block of another thread uses it.
        """
        here = starter.loop
        for other in self._users:
            if here is not None and other.loop is not None and other.loop.thread != here.thread:
                raise RuntimeError(
                    f"{self} is used by blocks of networks in two threads at the same time; give each its own rate"
                )
        if not self._users:
            self._find_clock()
        self._users[starter] = None

    def leave(self, starter: Starter) -> None:
        """Remove a block that starts no more calls."""
        self._users.pop(starter, None)
        self._line.pop(starter, None)
        self._called.pop(starter, None)
        self.serve()

    def may_start(self, starter: Starter) -> bool:
        """Whether a block may start a call now; if not, the block is called when it may."""
        if starter in self._called or (not (self._called or self._line) and self._free() >= 1):
            return True
        if starter not in self._line:
            self._line[starter] = None
            self.serve()
        return False

    def start(self, starter: Starter) -> None:
        """Count the start of a call of a block that may start one."""
        self._called.pop(starter, None)
        self._counting += 1

    def waits_now(self, starter: Starter) -> bool:
        """Whether a block waits until it may start a call."""
        return starter in self._line

    def pass_by(self, starter: Starter) -> None:
        """Give up the turn of a block that was called and starts nothing, and call the next block."""
        if starter in self._called:
            del self._called[starter]
            self.serve()

    def serve(self) -> None:
        """Call the blocks that may start a call now, and set the alarms of the others."""
        if not self._line:
            return
        free = self._free()
        while self._line and len(self._called) < free:
            starter = next(iter(self._line))
            del self._line[starter]
            self._called[starter] = None
            starter.called()
        before = len(self._called)
        for place, starter in enumerate(self._line, 1):
            starter.alarm_in((self._counting + before + place - self.burst) * self.seconds / self._n)

    # The count

    def _free(self) -> int:
        """The number of calls that may start now."""
        self._count_down()
        rounding = TINY + 4 * math.ulp(self._at) * self._n / self.seconds
        return int(self.burst - self._counting + rounding)

    def _count_down(self) -> None:
        """Forget the starts that have been long enough ago."""
        now = trio.current_time()
        per_second = self._n / self.seconds
        if self._line or self._called:  # a waiting call is late: the starts that it has missed are made up for soon
            least = -LATE * per_second
            self._until = now + LATE
        else:
            least = min(0.0, self._counting) if now <= self._until else 0.0
        self._counting = max(least, self._counting - (now - self._at) * per_second)
        self._at = now
        self._real_time = perf_counter()

    def _find_clock(self) -> None:
        """Read the clock of this run of trio; it is not the clock of an earlier run."""
        run = ref(trio.lowlevel.current_trio_token())  # weak: an object that keeps the token might call into the loop
        if self._run != run:
            passed = perf_counter() - self._real_time
            self._counting = max(0.0, self._counting - passed * self._n / self.seconds)
            self._at = trio.current_time()
            self._until = -math.inf
            self._run = run


def as_rate(who: str, rate: Rate | float | None) -> Rate | None:
    """Convert the `rate` argument of a block: a number is the number of calls per second.

    Raises:
        ValueError: It is a number that is not greater than 0.
        TypeError: It is neither a rate nor a number.
    """
    if rate is None or isinstance(rate, Rate):
        return rate
    if isinstance(rate, bool) or not isinstance(rate, (int, float)):
        raise TypeError(f"{who}: rate must be a Rate, or the number of calls per second, got {rate!r}")
    check_number(who, "rate", rate, above=True)
    return Rate(rate)
