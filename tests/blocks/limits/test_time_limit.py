"""Time limits of a whole network: what is done when, and that nothing is left of them."""

import logging
import pickle
import re
from typing import Any

import pytest
import trio

from penstock.blocks import (
    BoundedBuffer,
    Call,
    Network,
    Shutdown,
    Stalled,
    Threads,
    TimeLimit,
    TimeLimitExceeded,
    Timer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.limits.limits import Limits
from tests.blocks.executors.kinds import Gauge
from tests.blocks.tools import faults, leaves, notes, run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "TimeLimit: give at least one of report, warn, cancel, fail"),
        ({"warn": 0}, "TimeLimit: warn must be a number > 0, got 0"),
        ({"fail": "1 s"}, "TimeLimit: fail must be a number > 0, got '1 s'"),
        ({"report": 2, "fail": 2}, "TimeLimit: fail must come after report, 2 s, got 2"),
        ({"cancel": 3, "fail": 2}, "TimeLimit: fail must come after cancel, 3 s, got 2"),
    ],
)
def test_a_time_limit_says_what_is_wrong_with_its_numbers(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        TimeLimit(**arguments)


@pytest.mark.parametrize("what", ["time_limit", "progress_limit", "watchdog"])
@pytest.mark.parametrize("value", [0, -1, "soon", True])
def test_a_network_says_what_is_wrong_with_a_limit(what: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"network 'n': {what} must be a number > 0, got {value!r}"):
        Network(name="n", **{what: value})


def test_the_exception_says_what_where_and_survives_a_pickle() -> None:
    error = TimeLimitExceeded("too slow", "who holds what")
    assert isinstance(error, TimeoutError)
    assert str(error) == "too slow\nwho holds what"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.report) == (str(error), error.report)
    assert str(TimeLimitExceeded("too slow")) == "too slow"


def slow() -> "Transformer[float, Any]":
    """A pipeline in which each item takes as many seconds as it says."""
    first: Transformer[float, float] = Transformer(lambda seconds: seconds, name="first")
    first.link_target(Call(trio.sleep, name="sleeper"))
    return first


async def test_a_number_is_the_time_after_which_the_network_fails() -> None:
    with faults(TimeLimitExceeded) as found:
        await run(slow(), [1000, 1000], name="n", time_limit=10)
    message, report = str(found[0]).split("\n", 1)
    assert message == "network 'n' has run for 10 s; its time limit (fail) is 10 s"
    assert report == found[0].report
    assert "sleeper" in report
    assert notes(found[0]) == ["in n"]
    assert trio.current_time() == 10


async def test_a_network_that_ends_in_time_takes_no_notice() -> None:
    network = await run(slow(), [3, 4], time_limit=10, progress_limit=100)
    assert network.balance().discarded == 0
    assert trio.current_time() == 7  # no timer was waited for


async def test_it_counts_from_the_start_and_in_the_body_too() -> None:
    network = Network(slow(), name="n", time_limit=10)
    await trio.sleep(5)
    with faults(TimeLimitExceeded):
        async with network:
            await trio.sleep_forever()
    assert trio.current_time() == 15


async def test_first_it_reports_then_warns_then_cancels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "penstock")
    network = await run(slow(), [1000] * 3, name="n", time_limit=TimeLimit(report=1, warn=2, cancel=150, fail=200))
    assert network.cancel_called
    assert network.balance().discarded == 3
    assert trio.current_time() == 150
    assert [(record.levelname, record.message.splitlines()[0]) for record in caplog.records] == [
        ("INFO", "network 'n' has run for 1 s; its time limit (report) is 1 s"),
        ("WARNING", "network 'n' has run for 2 s; its time limit (warn) is 2 s"),
        ("WARNING", "network 'n' has run for 150 s; its time limit (cancel) is 150 s: it is cancelled"),
    ]
    assert all("sleeper" in record.message for record in caplog.records)


async def test_without_fail_or_cancel_it_runs_on(caplog: pytest.LogCaptureFixture) -> None:
    network = await run(slow(), [50], time_limit=TimeLimit(warn=5))
    assert network.balance().ok
    assert trio.current_time() == 50
    assert len(caplog.records) == 1


async def shielded(seconds: float) -> None:
    with trio.CancelScope(shield=True):
        await trio.sleep(seconds)


@pytest.mark.parametrize("seconds", [15, 25, 5], ids=["in between", "never", "before"])
async def test_after_a_cancellation_it_fails_only_if_the_network_does_not_end(seconds: float) -> None:
    limit = TimeLimit(cancel=10, fail=20)
    shutdown = Shutdown()
    if seconds < 20:
        network = await run(Call(shielded), [seconds], shutdown=shutdown, time_limit=limit)
        assert network.cancel_called is (seconds > 10)
        assert not shutdown.is_cancellation_pending
        return
    with faults(TimeLimitExceeded) as found:
        await run(Call(shielded), [seconds], name="n", shutdown=shutdown, time_limit=limit)
    message, report = str(found[0]).split("\n", 1)
    assert message == "network 'n' was cancelled and had not ended after 20 s, its time limit (fail)"
    assert "shielded" in report
    assert trio.current_time() == 25
    assert shutdown.is_shutdown_pending


async def test_all_who_share_the_shutdown_buffers_are_stopped() -> None:
    shutdown = Shutdown()
    limited = Network(slow(), name="limited", shutdown=shutdown, time_limit=5)
    other = Network(Call(trio.sleep), name="other", shutdown=shutdown)

    raised: dict[Network, BaseException] = {}

    async def idle(network: Network) -> None:
        try:
            async with network:
                await trio.sleep_forever()
        except* Exception as group:
            (raised[network],) = leaves(group)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(idle, limited)
        nursery.start_soon(idle, other)
    broken, exceeded = raised[other], raised[limited]
    assert isinstance(exceeded, TimeLimitExceeded)
    assert "network 'other' was stopped by a fault in limited" in str(broken)
    info = shutdown.errors.receive_nowait()
    assert (info.phase, info.exception) == ("limited", exceeded)


async def test_a_limit_that_cancels_leaves_those_alone_who_share_the_shutdown_buffers() -> None:
    shutdown = Shutdown()
    async with Network(slow(), name="other", shutdown=shutdown) as other:
        await run(slow(), [1000], shutdown=shutdown, time_limit=TimeLimit(cancel=5))
        assert not other.cancel_called
    assert not shutdown.is_cancellation_pending


@pytest.mark.parametrize("how", ["network", "shutdown", "scope"])
async def test_the_user_who_cancels_comes_first(how: str) -> None:
    network = Network(slow(), time_limit=5, progress_limit=5)
    with trio.CancelScope() as scope:
        async with network:
            limits = network._run._plugs.limits
            assert isinstance(limits, Limits)
            (limit, _) = limits._limits
            await trio.sleep(1)
            {"network": network.cancel, "shutdown": network.shutdown.cancel, "scope": scope.cancel}[how]()
            with trio.CancelScope(shield=True):
                if how != "scope":
                    await limit.run()  # as one does that was woken in the same moment
    assert network.balance().ok
    assert trio.current_time() == (1 if how == "scope" else 6)


async def fails(seconds: float) -> None:
    await trio.sleep(seconds)
    raise KeyError(seconds)


async def test_of_a_fault_and_limits_at_the_same_moment_at_least_one_comes_out() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await run(Call(fails), [5], time_limit=5, progress_limit=5)
    assert raised.group_contains((KeyError, TimeLimitExceeded), depth=1)
    assert trio.current_time() == 5


async def test_of_two_limits_at_the_same_moment_one_is_enough() -> None:
    with faults(TimeLimitExceeded):
        await run(Call(trio.sleep), [1000], time_limit=10, progress_limit=TimeLimit(fail=10))


async def test_a_limit_keeps_nobody_from_seeing_a_standstill() -> None:
    full: BoundedBuffer[int] = BoundedBuffer(1, name="full")
    with faults(Stalled):
        async with Network(full, time_limit=100, progress_limit=50):
            for n in range(3):
                await full.send(n)
    assert trio.current_time() < 5


async def test_a_limit_keeps_no_finished_network_from_ending() -> None:
    collector: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(collector, time_limit=TimeLimit(report=1000), progress_limit=TimeLimit(report=1000)):
        await collector.send(1)
    assert trio.current_time() == 0


async def test_a_network_that_was_cancelled_before_it_began_ends_at_once() -> None:
    network = Network(slow(), time_limit=10, progress_limit=10, watchdog=10)
    network.cancel()
    async with network:
        await trio.sleep_forever()
    assert trio.current_time() == 0


async def test_what_raises_in_the_body_comes_first() -> None:
    with faults(ZeroDivisionError):
        async with Network(slow(), time_limit=10):
            await trio.sleep(9)
            raise ZeroDivisionError
    await trio.sleep(100)


async def test_a_thread_at_work_is_no_excuse() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(1, abandon_on_cancel=True)
    with faults(TimeLimitExceeded):
        await run(Call(gauge, executor=threads), [1], time_limit=5)
    gauge.open()


# A stretch without progress


async def test_what_moves_moves_the_limit() -> None:
    with faults(TimeLimitExceeded) as found:
        await run(slow(), [6] * 5 + [1000], name="n", progress_limit=10)
    message = str(found[0]).splitlines()[0]
    assert re.fullmatch(
        r"in network 'n' no item has moved for 10(\.\d)? s; its progress limit \(fail\) is 10 s", message
    )
    assert 40 <= trio.current_time() <= 41  # a tenth late at most


async def test_to_wait_for_input_from_outside_is_no_progress() -> None:
    with faults(TimeLimitExceeded) as found:
        async with Network(slow(), name="n", progress_limit=10):
            await trio.sleep_forever()
    assert "first" in found[0].report
    assert trio.current_time() == 10


async def test_every_tick_of_a_timer_is_progress() -> None:
    timer = Timer(5, "tick", repeating=True)
    timer.link_target(Call(str))
    timer.start()
    async with Network(timer, progress_limit=10):
        await trio.sleep(100)
    assert trio.current_time() == 100


async def test_each_stretch_is_looked_at_anew(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "penstock")
    network = await run(slow(), [10, 1, 25, 1], name="n", progress_limit=TimeLimit(report=5, warn=20))
    assert network.balance().ok
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING"]
    assert trio.current_time() == 37


async def test_what_is_dropped_is_progress_and_to_try_again_is_none() -> None:
    async def bad(seconds: float) -> None:
        await trio.sleep(seconds)
        raise KeyError

    await run(Call(bad, on_error="skip"), [6] * 5, progress_limit=10)
    assert trio.current_time() == 30


async def test_a_stretch_can_cancel_and_then_fail() -> None:
    with faults(TimeLimitExceeded) as found:
        await run(Call(shielded), [1, 1000], name="n", progress_limit=TimeLimit(cancel=10, fail=20))
    assert "network 'n' was cancelled and had not ended after 20 s, its progress limit (fail)" in str(found[0])
