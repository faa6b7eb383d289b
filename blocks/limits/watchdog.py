"""Notices, from a thread of its own, that the loop is blocked, and says where.

The loop counts each of its rounds and says when it waits for something to happen; the thread looks at that from time to
time. So an idle loop is not woken, nothing but real time matters, and a loop that is blocked, for ever perhaps, is
noticed all the same. States: quiet → (one round has lasted too long) → barking → (the next round) → quiet.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import FrameType
from typing import Protocol, cast

import trio

from ..base.checks import check_number
from ..base.frames import variables_of
from ..base.log import log
from ..base.loop_token import LoopToken, loop_token
from ..base.threads import resident

LOOKS = 4
"""So often the thread looks in the time that is the limit."""
GRACE = 1.0
"""Seconds that the thread may take to end; it takes longer only if a handler of the log does."""


def check_watchdog(who: str, seconds: float | None) -> None:
    """Raise a `ValueError` if a limit for the watchdog is none."""
    if seconds is not None:
        check_number(who, "watchdog", seconds, above=True)


class Heartbeat(trio.abc.Instrument):
    """What the loop shows of itself.

    Attributes:
        rounds: How many rounds have begun.
        is_idle: Whether it waits for something to happen.
    """

    def __init__(self) -> None:
        self.rounds: int = 0
        self.is_idle: bool = False

    def before_io_wait(self, timeout: float) -> None:
        """All tasks that could run have had their turn."""
        self.is_idle = True

    def after_io_wait(self, timeout: float) -> None:
        """The next round."""
        self.rounds += 1
        self.is_idle = False


class Watched(Protocol):
    """A network, as far as it is watched."""

    name: str

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """The name of the block whose step a task runs, if it runs any."""
        ...


class Watchdog:
    """Watches the loop of one thread for the networks that run there.

    Args:
        frame: Gives the innermost frame of the loop's thread, if there is one.
        clock: Real time.

    Attributes:
        networks: For whom, each with the seconds that the loop may be blocked.
        heartbeat: To be installed in the loop.
    """

    def __init__(self, frame: Callable[[], FrameType | None], clock: Callable[[], float] = perf_counter) -> None:
        self.networks: dict[Watched, float] = {}
        self.heartbeat: Heartbeat = Heartbeat()
        self._frame = frame
        self._clock = clock
        self._seen = -1
        self._since = clock()
        self._is_barking = False

    @property
    def seconds(self) -> float:
        """How long the loop may be blocked."""
        return min(tuple(self.networks.values()), default=1.0)

    def look(self) -> None:
        """See whether the loop has gone on since the last look; called in any thread but the loop's."""
        now = self._clock()
        heartbeat = self.heartbeat
        if heartbeat.is_idle or heartbeat.rounds != self._seen:
            if self._is_barking:
                self._is_barking = False
                log.warning("the event loop goes on; it was blocked for about %.3g s", now - self._since)
            self._seen = heartbeat.rounds
            self._since = now
        elif not self._is_barking and now - self._since >= self.seconds:
            self._is_barking = True
            self._bark(now - self._since)

    def _bark(self, seconds: float) -> None:
        frame = self._frame()
        if frame is None:  # the thread has just ended
            return
        where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        who = self._who(task_of(frame))
        stack = "".join(traceback.format_stack(frame))
        log.warning("the event loop is blocked %s: %.3g s so far, %s\n%s", who, seconds, where, stack)

    def _who(self, task: trio.lowlevel.Task | None) -> str:
        """Whose code runs: that of a block, if it is known, or of a task."""
        if task is None:
            return "outside of any task"
        for network in tuple(self.networks):
            if (step := network.step_of(task)) is not None:
                return f"in block {step!r} of network {network.name!r}"
        return f"in task {task.name!r}"


def task_of(frame: FrameType | None) -> trio.lowlevel.Task | None:
    """The task that the loop runs, found by the frame of trio's loop; None if it runs none, or is not there."""
    while frame is not None:
        if frame.f_code.co_name == "unrolled_run":
            return cast("trio.lowlevel.Task | None", variables_of(frame).get("task"))
        frame = frame.f_back
    return None


class Round:
    """The thread in which a watchdog makes its rounds."""

    def __init__(self, watchdog: Watchdog) -> None:
        self.watchdog = watchdog
        self._is_over = False
        self._bell = threading.Event()
        self._thread = threading.Thread(target=self._run, name="penstock watchdog", daemon=True)
        resident.add(self._thread)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over:
            self._bell.wait(self.watchdog.seconds / LOOKS)
            self._bell.clear()
            self.watchdog.look()

    def hurry(self) -> None:
        """Look now, and then perhaps more often than before."""
        self._bell.set()

    def end(self) -> None:
        """Look once more, and be gone."""
        self._is_over = True
        self._bell.set()
        self._thread.join(GRACE)


class Kennel(threading.local):
    """The watchdog of this thread's loop: there is one while a network that wants it runs."""

    round: Round | None = None
    token: LoopToken | None = None

    def enter(self, network: Watched, seconds: float) -> None:
        """A network that wants to be watched has started."""
        token = loop_token()
        if self.round is None or self.token is not token:  # the loop of before may have crashed
            watchdog = Watchdog(partial(frame_of, threading.get_ident()))
            watchdog.networks[network] = seconds
            trio.lowlevel.add_instrument(watchdog.heartbeat)
            self.round, self.token = Round(watchdog), token
        else:
            self.round.watchdog.networks[network] = seconds
            self.round.hurry()

    def leave(self, network: Watched) -> None:
        """A network has ended; after the last one nothing is left."""
        if self.round is None or self.round.watchdog.networks.pop(network, None) is None:
            return
        if not self.round.watchdog.networks:
            last, self.round, self.token = self.round, None, None
            last.end()
            trio.lowlevel.remove_instrument(last.watchdog.heartbeat)


kennel: Kennel = Kennel()


def frame_of(thread: int) -> FrameType | None:
    """The innermost frame of a thread, if it runs."""
    return sys._current_frames().get(thread)
