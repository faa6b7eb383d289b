"""The watchdog: when it barks, what it says, and that nothing is left of it."""

import logging
import re
import sys
import threading
from collections.abc import Callable
from types import FrameType

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Call, Network
from penstock.blocks.limits.watchdog import Watchdog, Watchdogs, WatchdogThread, task_of, watchdogs
from tests.blocks.executors.kinds import SECONDS
from tests.blocks.tools import run


class Trial:
    """A watchdog whose time and whose loop are driven by hand."""

    def __init__(self, seconds: float = 2.0) -> None:
        self.now = 100.0
        self.frame: FrameType | None = sys._getframe()
        self.watchdog = Watchdog(lambda: self.frame, lambda: self.now)
        self.watchdog.networks[Network(name="n")] = seconds
        self.heartbeat = self.watchdog.heartbeat

    def turn(self) -> None:
        """The loop makes a round."""
        self.heartbeat.before_io_wait(0.0)
        self.heartbeat.after_io_wait(0.0)

    def look_after(self, seconds: float) -> None:
        self.now += seconds
        self.watchdog.look()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The first line of everything that was logged since this was asked last."""
    assert all((record.name, record.levelno) == ("penstock", logging.WARNING) for record in caplog.records)
    lines = [record.message.splitlines()[0] for record in caplog.records]
    caplog.clear()
    return lines


def test_a_loop_that_makes_rounds_is_fine(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial()
    for _ in range(10):
        trial.turn()
        trial.look_after(1.9)
    assert not said(caplog)


def test_a_loop_that_has_nothing_to_do_is_fine(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial()
    trial.heartbeat.before_io_wait(1000.0)
    for _ in range(10):
        trial.look_after(500)
    trial.heartbeat.after_io_wait(1000.0)
    trial.look_after(500)
    trial.look_after(1.9)
    assert not said(caplog)


def test_a_round_that_lasts_too_long_is_reported_once_with_its_length_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trial = Trial()
    trial.turn()
    trial.look_after(0.5)
    trial.look_after(1.5)
    assert not said(caplog)
    trial.look_after(0.5)
    (line,) = said(caplog)
    assert line.startswith("the event loop is blocked outside of any task: 2 s so far, ")
    trial.look_after(0.5)
    trial.look_after(0.5)
    assert not said(caplog)
    trial.turn()
    trial.look_after(0.5)
    assert said(caplog) == ["the event loop goes on; it was blocked for about 3.5 s"]
    trial.look_after(0.5)
    trial.turn()
    trial.look_after(2.5)
    assert not said(caplog)
    trial.look_after(2.5)
    assert len(said(caplog)) == 1  # the next time


def test_a_loop_that_is_blocked_from_the_start_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial()
    trial.look_after(0.5)
    trial.look_after(2.0)
    assert len(said(caplog)) == 1


def test_a_loop_that_is_idle_after_a_blockage_goes_on_too(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial()
    trial.look_after(0.5)
    trial.look_after(2.0)
    trial.heartbeat.before_io_wait(1000.0)
    trial.look_after(0.5)
    assert len(said(caplog)) == 2


def test_a_thread_that_has_just_ended_has_no_place(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial()
    trial.frame = None
    trial.look_after(0.5)
    trial.look_after(2.0)
    assert not said(caplog)


def test_it_says_file_line_function_and_how_one_got_there(caplog: pytest.LogCaptureFixture) -> None:
    def inner(trial: Trial) -> None:
        trial.frame = sys._getframe()
        trial.look_after(0.5)
        trial.look_after(2.0)

    inner(Trial())
    first, rest = caplog.records[0].message.split("\n", 1)
    here = re.escape(__file__)
    assert re.search(rf"{here}:\d+ in test_it_says_file_line_function_and_how_one_got_there.<locals>.inner$", first)
    assert "in test_it_says_file_line_function_and_how_one_got_there\n    inner(Trial())" in rest


def test_the_strictest_of_the_networks_decides() -> None:
    trial = Trial(seconds=5)
    trial.watchdog.networks[Network()] = 3
    assert trial.watchdog.seconds == 3
    trial.watchdog.networks.clear()
    assert trial.watchdog.seconds > 0


# Whose code it is, in a real loop


def report(frame: FrameType, network: Network) -> None:
    """Have a watchdog find the loop where it is now."""
    now = 0.0
    watchdog = Watchdog(lambda: frame, lambda: now)
    watchdog.networks[Network(name="another")] = 1
    watchdog.networks[network] = 1
    for now in (0.5, 10.0):  # noqa: B007  # the watchdog reads it
        watchdog.look()


async def test_it_names_the_block_whose_step_runs(caplog: pytest.LogCaptureFixture) -> None:
    def step(_: int) -> None:
        report(sys._getframe(), network)

    block = Call(step, name="filter")
    network = Network(block, name="n")
    async with network:
        await block.send(1)
    (line,) = said(caplog)
    assert line.startswith("the event loop is blocked in block 'filter' of network 'n': 9.5 s so far, ")


async def test_it_names_the_task_of_an_async_function(caplog: pytest.LogCaptureFixture) -> None:
    async def fetch(_: int) -> None:
        report(sys._getframe(), network)

    block = Call(fetch)
    network = Network(block, name="n")
    async with network:
        await block.send(1)
    (line,) = said(caplog)
    assert line.startswith("the event loop is blocked in task 'fetch worker 1': ")


async def test_before_the_first_step_the_pump_is_a_task_like_others() -> None:
    network = Network(name="n")
    watchdog = Watchdog(sys._getframe)
    watchdog.networks[network] = 1
    network._run.pump._task = task_of(sys._getframe())
    assert watchdog._who(network._run.pump._task)[0].startswith("in task ")


# The thread


def ignore(_: int) -> None:
    """Do nothing."""


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "penstock watchdog"]


async def test_there_is_one_thread_for_all_networks_and_none_in_the_end() -> None:
    async with Network(Call(abs), watchdog=3600):
        (thread,) = watchers()
        assert thread.daemon
        async with Network(Call(abs), watchdog=1800):
            await run(Call(ignore), [1], watchdog=900)
            assert watchers() == [thread]
            assert watchdogs.thread is not None
            assert watchdogs.thread.watchdog.seconds == 1800
        assert watchers() == [thread]
    assert watchers() == []
    assert watchdogs.thread is None


async def test_there_is_none_that_was_not_asked_for() -> None:
    async with Network(Call(abs)):
        assert watchers() == []


async def test_the_loop_shows_its_rounds_and_that_it_is_idle() -> None:
    async with Network(Call(abs), watchdog=3600):
        assert watchdogs.thread is not None
        heartbeat = watchdogs.thread.watchdog.heartbeat
        before = heartbeat.rounds
        await trio.lowlevel.checkpoint()
        assert heartbeat.rounds > before
        assert not heartbeat.is_idle
        await wait_all_tasks_blocked()


async def test_a_network_that_fails_leaves_none_behind() -> None:
    with pytest.raises(ExceptionGroup):
        async with Network(Call(abs), watchdog=3600):
            raise ZeroDivisionError
    assert watchers() == []


def test_a_loop_that_has_crashed_leaves_no_watchdog_to_the_next_one() -> None:
    mine = Watchdogs()

    async def crash() -> None:
        mine.enter(Network(), 3600)

    async def go_on() -> None:
        last = mine.thread
        assert last is not None
        network = Network()
        mine.enter(network, 3600)
        assert mine.thread is not last
        mine.leave(network)
        last.end()

    trio.run(crash)
    trio.run(go_on)
    assert watchers() == []


def test_the_thread_looks_when_it_is_told_to_and_once_more_at_the_end() -> None:
    looks = threading.Semaphore(0)

    class Counting(Watchdog):
        def look(self) -> None:
            looks.release()

    frame: Callable[[], FrameType | None] = sys._getframe
    watchdog = Counting(frame)
    watchdog.networks[Network()] = 3600
    thread = WatchdogThread(watchdog)
    thread.hurry()
    assert looks.acquire(timeout=SECONDS)
    thread.end()
    assert looks.acquire(timeout=SECONDS)
    assert watchers() == []


async def test_a_loop_that_is_really_blocked_is_found_from_outside() -> None:
    barked = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "in block 'filter' of network 'n'" in record.getMessage():  # it may have been slow elsewhere too
                barked.set()

    listener = Listener()
    logging.getLogger("penstock").addHandler(listener)

    def block_the_loop(_: int) -> None:
        assert barked.wait(SECONDS)

    try:
        await run(Call(block_the_loop, name="filter"), [1], name="n", watchdog=0.001)
    finally:
        logging.getLogger("penstock").removeHandler(listener)
