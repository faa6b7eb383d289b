"""Detects, from a separate thread, that the event loop is blocked, and logs where.

The loop counts its rounds and says when it waits for events. The thread polls this count. So an idle loop is not woken,
only real time matters, and even a loop that is blocked forever is noticed.
States: quiet → (one round lasts too long) → warned → (the next round) → quiet.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import FrameType
from typing import Protocol, cast

import trio

from ..base.checks import check_number
from ..base.frames import variables_of
from ..base.log import fields, log
from ..base.loop_token import LoopToken, loop_token
from ..base.threads import resident
from ..base.traceback_text import stack_text

LOOKS = 4
"""Polls of the thread per limit."""
GRACE = 1.0
"""Seconds to wait for the thread to end; only a slow log handler makes it take longer."""


def check_watchdog(who: str, seconds: float | None) -> None:
    """Raise a `ValueError` if `seconds` is neither None nor a number > 0."""
    if seconds is not None:
        check_number(who, "watchdog", seconds, above=True)


class Heartbeat(trio.abc.Instrument):
    """Counts the rounds of the loop, for the thread to read.

    Attributes:
        rounds: The number of rounds that have begun.
        is_idle: Whether the loop waits for events.
    """

    def __init__(self) -> None:
        self.rounds: int = 0
        self.is_idle: bool = False

    def before_io_wait(self, timeout: float) -> None:
        """Note that the loop is idle: all runnable tasks have run."""
        self.is_idle = True

    def after_io_wait(self, timeout: float) -> None:
        """Note that the next round begins."""
        self.rounds += 1
        self.is_idle = False


class Watched(Protocol):
    """A network, as the watchdog needs it."""

    name: str

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """The name of the block whose step a task runs; None if it runs none."""
        ...


class Watchdog:
    """Watches the loop of one thread for the networks that run there.

    Args:
        frame: Gives the innermost frame of the loop's thread; None if the thread has ended.
        clock: Gives real time, in seconds.

    Attributes:
        networks: The watched networks, each with the seconds that the loop may be blocked.
        heartbeat: The instrument to install in the loop.
    """

    def __init__(self, frame: Callable[[], FrameType | None], clock: Callable[[], float] = perf_counter) -> None:
        self.networks: dict[Watched, float] = {}
        self.heartbeat: Heartbeat = Heartbeat()
        self._frame = frame
        self._clock = clock
        self._seen = -1
        self._since = clock()
        self._has_reported = False

    @property
    def seconds(self) -> float:
        """The seconds that the loop may be blocked: the least of all networks."""
        return min(tuple(self.networks.values()), default=1.0)

    def look(self) -> None:
        """Check whether the loop has gone on since the last call; call this in any thread but the loop's."""
        now = self._clock()
        heartbeat = self.heartbeat
        if heartbeat.is_idle or heartbeat.rounds != self._seen:
            if self._has_reported:
                self._has_reported = False
                seconds = now - self._since
                found = fields("loop_goes_on", seconds=seconds)
                log.warning("the event loop goes on; it was blocked for about %.3g s", seconds, extra=found)
            self._seen = heartbeat.rounds
            self._since = now
        elif not self._has_reported and now - self._since >= self.seconds:
            self._has_reported = True
            self._report(now - self._since)

    def _report(self, seconds: float) -> None:
        frame = self._frame()
        if frame is None:  # the thread has just ended
            return
        where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
        who, network, block = self._who(task_of(frame))
        found = fields("loop_blocked", network=network, block=block, seconds=seconds)
        stack = stack_text(frame)
        log.warning("the event loop is blocked %s: %.3g s so far, %s\n%s", who, seconds, where, stack, extra=found)

    def _who(self, task: trio.lowlevel.Task | None) -> tuple[str, str | None, str | None]:
        """Describe the code that runs: in a block, if that is known, or else in a task; and name network and block."""
        if task is None:
            return "outside of any task", None, None
        for network in tuple(self.networks):
            if (step := network.step_of(task)) is not None:
                return f"in block {step!r} of network {network.name!r}", network.name, step
        return f"in task {task.name!r}", None, None


def task_of(frame: FrameType | None) -> trio.lowlevel.Task | None:
    """The task that the loop runs now, read from the frame of trio's loop; None without a task or such a frame."""
    while frame is not None:
        if frame.f_code.co_name == "unrolled_run":
            return cast("trio.lowlevel.Task | None", variables_of(frame).get("task"))
        frame = frame.f_back
    return None


class WatchdogThread:
    """The thread that polls a watchdog."""

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
        """Poll now; after that, use the interval of the current limit."""
        self._bell.set()

    def end(self) -> None:
        """Poll once more, and end the thread."""
        self._is_over = True
        self._bell.set()
        self._thread.join(GRACE)


class Watchdogs(threading.local):
    """Holds the watchdog of this thread's loop: there is one while a network that wants it runs."""

    thread: WatchdogThread | None = None
    token: LoopToken | None = None

    def enter(self, network: Watched, seconds: float) -> None:
        """Watch for a network, which has started."""
        token = loop_token()
        if self.thread is None or self.token is not token:  # the previous loop may have crashed
            watchdog = Watchdog(partial(frame_of, threading.get_ident()))
            watchdog.networks[network] = seconds
            trio.lowlevel.add_instrument(watchdog.heartbeat)
            self.thread, self.token = WatchdogThread(watchdog), token
        else:
            self.thread.watchdog.networks[network] = seconds
            self.thread.hurry()

    def leave(self, network: Watched) -> None:
        """Stop watching for a network, which has ended; after the last one, end the thread."""
        if self.thread is None or self.thread.watchdog.networks.pop(network, None) is None:
            return
        if not self.thread.watchdog.networks:
            last, self.thread, self.token = self.thread, None, None
            last.end()
            trio.lowlevel.remove_instrument(last.watchdog.heartbeat)


watchdogs: Watchdogs = Watchdogs()


def frame_of(thread: int) -> FrameType | None:
    """The innermost frame of a thread; None if it has ended."""
    return sys._current_frames().get(thread)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # its only name
