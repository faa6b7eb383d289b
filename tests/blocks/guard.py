"""Keeps the tests of blocks and agents from hanging and from leaking.

Each runs on a clock that jumps, so "it waits for ever" is found at once: the clock jumps to the limit. A test that
spins without ever waiting is ended when it has used too much processor time, which a busy machine does not add to. One
that waits for threads, in real time, for ever is ended by an alarm.
"""

import functools
import inspect
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from penstock.blocks.core.waiting import parked

LONGEST = 100_000.0
"""Seconds of virtual time after which a test is taken to hang."""
SPINNING = 180
"""Seconds of processor time after which a test is taken to spin; one with many generated cases needs a minute."""
HANGING = 300
"""Seconds of real time after which a test is taken to wait for ever."""


def run(
    test: Callable[[], Awaitable[object]], clock: trio.abc.Clock | None, instruments: Sequence[trio.abc.Instrument]
) -> None:
    """Run a test on a clock that jumps, with a limit."""

    async def limited() -> None:
        with trio.fail_after(LONGEST):
            await test()

    trio.run(limited, clock=clock or MockClock(autojump_threshold=0), instruments=instruments)


def run_in_real_time(
    test: Callable[[], Awaitable[object]], clock: trio.abc.Clock | None, instruments: Sequence[trio.abc.Instrument]
) -> None:
    """Run a test that waits for threads: a clock that jumps does not know that they are at work."""
    run(test, clock or MockClock(rate=1.0), instruments)


def guard(items: Sequence[pytest.Item], folder: Path) -> None:
    """Have the asynchronous tests below a folder run by `run`, in real time if they use the fixture `real_time`."""
    for item in items:
        if is_below(folder, item.path) and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            in_real_time = "real_time" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.trio(run=run_in_real_time if in_real_time else run), append=False)


@functools.cache  # some thousand tests are in some hundred files
def is_below(folder: Path, path: Path) -> bool:
    """Whether a file is below a folder."""
    return folder in path.parents


def watch() -> Iterator[None]:
    """Around each test: end it if it never ends, and make sure that it leaves no parked task and no thread."""

    def spins(*_: Any) -> None:
        raise TimeoutError("the test spins")

    def hangs(*_: Any) -> None:
        raise TimeoutError("the test hangs")

    threads = set(threading.enumerate())
    before = {
        signal.SIGPROF: signal.signal(signal.SIGPROF, spins),
        signal.SIGALRM: signal.signal(signal.SIGALRM, hangs),
    }
    signal.setitimer(signal.ITIMER_PROF, SPINNING)
    signal.alarm(HANGING)
    yield
    signal.alarm(0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    for number, handler in before.items():
        signal.signal(number, handler)
    left = [str(waiter) for waiter in parked.values()]
    parked.clear()
    assert not left, f"the test left tasks parked: {left}"
    for thread in set(threading.enumerate()) - threads:
        if " worker " in thread.name:
            thread.join(60)
            assert not thread.is_alive(), f"the test left a thread: {thread}"
