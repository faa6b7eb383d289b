"""Executors for tests that decide themselves what is done when, and how tests wait for threads.

A test with real threads takes the fixture `real_time`: threads do not count as work for a clock that jumps.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks.executors import lane, work, worker

R = TypeVar("R")
SECONDS = 60.0
"""How long a test waits for a thread before it fails."""


class HandOver:
    """What an executor was given: a call that the test has done, or not."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.future: Future[Any] = Future()

    def run(self) -> None:
        """Do the work, unless it was cancelled."""
        if self.begin():
            self.end()

    def begin(self) -> bool:
        """From now on it cannot be cancelled."""
        return self.future.set_running_or_notify_cancel()

    def end(self) -> None:
        """Do the work that was begun."""
        try:
            result = self.call()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Lose the work."""
        if self.begin():
            self.future.set_exception(error)


class ByHand(Executor):
    """Does nothing by itself.

    Attributes:
        all: Every hand-over, in order.
    """

    def __init__(self) -> None:
        self.all: list[HandOver] = []

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Keep a call."""
        self.all.append(HandOver(partial(fn, *args, **kwargs)))
        return self.all[-1].future

    @property
    def out(self) -> list[HandOver]:
        """The hand-overs that are neither done nor cancelled."""
        return [one for one in self.all if not one.future.done()]


class OnLoop(ByHand):
    """Does its work on the loop: hand-over by hand-over, a turn of the loop later, or after some seconds.

    Tests that use it can run on a clock that jumps. Up to `workers` of those that take time run at once.
    """

    def __init__(self, seconds: float = 0.0, workers: int = 1) -> None:
        super().__init__()
        self.seconds = seconds
        self.limiter = trio.CapacityLimiter(workers)

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Do a call soon."""
        future = super().submit(fn, *args, **kwargs)
        if self.seconds:
            trio.lowlevel.spawn_system_task(self._work, self.all[-1])
        else:
            trio.lowlevel.current_trio_token().run_sync_soon(self.all[-1].run)
        return future

    async def _work(self, hand_over: HandOver) -> None:
        async with self.limiter:
            if hand_over.begin():
                await trio.sleep(self.seconds)
                hand_over.end()


class Gauge:
    """A function that counts how many calls of it run at once, and can keep them in it.

    Attributes:
        began: What it was called with, in order.
        most: The most calls at once.
        threads: Where it was called.
    """

    def __init__(self, *, is_open: bool = True, function: Callable[[Any], Any] = lambda item: item) -> None:
        self.began: list[Any] = []
        self.most = 0
        self.threads: set[threading.Thread] = set()
        self._function = function
        self._running = 0
        self._permits = 0
        self._is_open = is_open
        self._changed = threading.Condition()

    def __call__(self, item: Any) -> Any:
        """Begin, wait until it may go on, and call the function that it stands for."""
        with self._changed:
            self.began.append(item)
            self.threads.add(threading.current_thread())
            self._running += 1
            self.most = max(self.most, self._running)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._is_open or self._permits > 0, SECONDS)
            self._permits -= 1
            self._running -= 1
        return self._function(item)

    def open(self) -> None:
        """Let all calls go on."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def let(self, calls: int = 1) -> None:
        """Let this many calls go on."""
        with self._changed:
            self._permits += calls
            self._changed.notify_all()

    async def wait_begun(self, calls: int) -> None:
        """Wait until this many calls have begun."""
        await threads_reach(lambda: self.wait(calls))

    def wait(self, calls: int) -> bool:
        """Wait, not on the loop, until this many calls have begun; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.began) >= calls, SECONDS)


async def first_batch(block: Any, executor: ByHand) -> HandOver:
    """Send 9 items, and have the last 8 of them travel together."""
    for n in range(9):
        await block.send(n)
    await wait_all_tasks_blocked()
    executor.all[0].run()
    await wait_all_tasks_blocked()
    return executor.all[1]


class Time:
    """The clock by which hand-overs are sized; it stands still but for functions that take time.

    Like `perf_counter`, it does not begin at zero: a start that was never noted is long ago.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        for module in (work, lane, worker):
            monkeypatch.setattr(module, "perf_counter", lambda: self.now)

    def taking(self, seconds: float) -> Any:
        """A function that takes so long."""

        def function(item: Any) -> Any:
            self.now += seconds
            return item

        return function


async def threads_reach(wait: Callable[[], bool]) -> None:
    """Wait in a thread, for other threads."""
    assert await trio.to_thread.run_sync(wait), "no thread got there"


async def is_set(event: threading.Event) -> None:
    """Wait until a thread sets an event."""
    await threads_reach(partial(event.wait, SECONDS))


async def turns(count: int = 5) -> None:
    """Let the other tasks on the loop, and the calls that threads have sent there, have some turns."""
    for _ in range(count):
        await trio.lowlevel.checkpoint()


async def comes_true(condition: Callable[[], bool]) -> None:
    """Let the other tasks have turns until a condition is true."""
    with trio.fail_after(SECONDS):
        while not condition():
            await turns()
