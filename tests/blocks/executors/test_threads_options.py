"""Threads: what their workers have of their own, where they run, and what they are called."""

import math
import os
import re
import sys
import threading
from itertools import count
from time import perf_counter
from typing import Any

import pytest
import trio

from penstock.blocks import Call, Network, Threads, Transformer, worker_state
from penstock.blocks.base.cpus import usable_cpus
from penstock.blocks.executors import threads as threads_module
from penstock.blocks.executors.threads import switch_interval
from tests.blocks.executors.kinds import SECONDS, Gauge, Time
from tests.blocks.tools import contents, faults, linked, notes, run

pytestmark = pytest.mark.usefixtures("real_time")


# Arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "Threads 'pool': workers must be an int >= 1, got 0"),
        ({"workers": True}, "Threads 'pool': workers must be an int >= 1, got True"),
        ({"workers": 1.5}, "Threads 'pool': workers must be an int >= 1, got 1.5"),
        ({"cpus": []}, "Threads 'pool': cpus must be numbers out of [0"),
        ({"cpus": [-1]}, "got [-1]"),
        ({"cpus": [10_000]}, "got [10000]"),
        ({"cpus": ["0"]}, "got ['0']"),
        ({"cpus": [False]}, "got [False]"),
    ],
)
def test_wrong_numbers_are_errors_that_say_what_is_right(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Threads(**arguments, name="pool")


def test_processors_may_come_one_by_one() -> None:
    assert Threads(1, cpus=iter([min(os.sched_getaffinity(0))])).cpus  # type: ignore[arg-type]  # that is the point


def test_a_worker_init_that_cannot_be_called_is_an_error() -> None:
    with pytest.raises(TypeError, match="Threads 'pool': worker_init must be"):
        Threads(1, worker_init=3, name="pool")  # type: ignore[arg-type]  # that is the point


def test_it_has_a_name_and_shows_its_state() -> None:
    assert re.fullmatch(r"Threads 'Threads-\d+'", str(Threads(1)))
    threads = Threads(2, name="pool")
    assert str(threads) == "Threads 'pool'"
    assert repr(threads) == "<Threads 'pool', 0 of 2 workers>"


@pytest.mark.parametrize("has_affinity", [True, False])
def test_by_default_there_are_as_many_workers_as_processors(
    has_affinity: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    if has_affinity:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 3}, raising=False)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    else:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert Threads().workers == (2 if has_affinity else 7)


# State


async def test_worker_init_is_called_once_a_worker_and_its_result_is_there_for_the_function() -> None:
    numbers = count(1)
    gauge = Gauge(is_open=False)

    def work(item: int) -> tuple[int, int]:
        gauge(item)
        return item, worker_state()

    def init() -> int:
        return next(numbers)

    block = Transformer(work, concurrency=3, executor=Threads(3, worker_init=init))
    collector = linked(block)
    async with Network(block):
        for n in range(30):
            await block.send(n)
        await gauge.wait_begun(3)
        gauge.open()
    results = contents(collector)
    assert [item for item, _ in results] == list(range(30))
    assert {state for _, state in results} == {1, 2, 3}
    assert next(numbers) == 4


async def test_a_state_may_be_none() -> None:
    def nothing() -> None:
        return None

    block = Transformer[int, Any](lambda item: worker_state(), executor=Threads(1, worker_init=nothing))
    collector = linked(block)
    await run(block, [1])
    assert contents(collector) == [None]


async def test_a_network_of_its_own_has_new_workers_with_a_new_state_and_with_has_the_same() -> None:
    numbers = count(1)

    async def states(threads: Threads) -> list[int]:
        block = Transformer[int, int](lambda item: worker_state(), executor=threads)
        collector = linked(block)
        await run(block, [1, 2])
        return contents(collector)

    threads = Threads(1, worker_init=lambda: next(numbers))
    assert await states(threads) == [1, 1]
    assert await states(threads) == [2, 2]
    with threads:
        assert await states(threads) == [3, 3]
        assert await states(threads) == [3, 3]


def test_outside_a_worker_there_is_no_state() -> None:
    message = r"worker_state\(\) was called outside a worker that has a state: .*Threads\(\.\.\., worker_init=\.\.\.\)"
    with pytest.raises(RuntimeError, match=message):
        worker_state()
    with pytest.raises(RuntimeError, match=message):
        Threads(1).submit(worker_state).result(SECONDS)
    with Threads(1, worker_init=object) as threads:
        threads.submit(worker_state).result(SECONDS)
        with pytest.raises(RuntimeError, match=message):
            worker_state()


def broken() -> None:
    raise LookupError("no model")


def exits() -> None:
    raise SystemExit(3)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
async def test_a_worker_init_that_raises_is_a_fault_of_its_own_type(on_error: Any) -> None:
    block = Transformer(str, executor=Threads(1, worker_init=broken), on_error=on_error, name="block")
    linked(block)
    with faults(LookupError) as found:
        async with Network(block) as network:
            for n in range(5):
                await block.send(n)
    assert str(found[0]) == "'no model'" or str(found[0]) == "no model"
    assert any("block" in note for note in notes(found[0]))
    balance = network.balance()["block"]
    assert balance.discarded == balance.accepted
    assert network.shutdown.is_shutdown_pending


async def test_a_worker_init_that_exits_stops_the_network_with_that() -> None:
    block = Transformer(str, executor=Threads(1, worker_init=exits))
    linked(block)
    with pytest.RaisesGroup(SystemExit):
        await run(block, [1])


def test_a_worker_init_that_raises_is_in_the_future_and_may_do_better_the_next_time() -> None:
    tries = count(1)

    def init() -> str:
        if next(tries) == 1:
            raise LookupError("not yet")
        return "ready"

    with Threads(1, worker_init=init) as threads:
        assert isinstance(threads.submit(worker_state).exception(SECONDS), LookupError)
        assert threads.submit(worker_state).result(SECONDS) == "ready"


# Names


async def test_workers_are_named_after_the_block_that_they_work_for() -> None:
    def name(item: int) -> str:
        return threading.current_thread().name

    threads = Threads(1, name="pool")
    first = Transformer(name, executor=threads, name="first")
    second = Transformer[str, tuple[str, str]](lambda before: (before, name(0)), executor=threads, name="second")
    first.link_target(second)
    collector = linked(second)
    await run(first, [1])
    assert contents(collector) == [("first worker 1", "second worker 1")]
    assert threads.submit(name, 0).result(SECONDS) == "pool worker 1"


def test_workers_have_numbers() -> None:
    gauge = Gauge(is_open=False)
    threads = Threads(3, name="pool")
    for n in range(3):
        threads.submit(gauge, n)
    assert gauge.wait(3)
    assert sorted(thread.name for thread in gauge.threads) == [f"pool worker {n}" for n in (1, 2, 3)]
    assert all(thread.daemon for thread in gauge.threads)
    gauge.open()


# Processors


needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin threads")


@needs_affinity
async def test_workers_are_kept_on_their_processors_in_turn() -> None:
    allowed = sorted(os.sched_getaffinity(0))
    cpus = allowed[:2]
    gauge = Gauge(is_open=False)

    def where(item: int) -> tuple[str, set[int]]:
        gauge(item)
        return threading.current_thread().name[-1], os.sched_getaffinity(0)

    block = Transformer(where, concurrency=3, executor=Threads(3, cpus=cpus))
    collector = linked(block)
    async with Network(block):
        for n in range(3):
            await block.send(n)
        await gauge.wait_begun(3)
        gauge.open()
    assert dict(contents(collector)) == {str(number): {cpus[(number - 1) % len(cpus)]} for number in (1, 2, 3)}
    assert sorted(os.sched_getaffinity(0)) == allowed


def test_where_threads_cannot_be_pinned_cpus_have_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cpus() == 1
    assert Threads(1, cpus=[0]).submit(int).result(SECONDS) == 0
    with pytest.raises(ValueError, match=re.escape("cpus must be numbers out of [0], got [1]")):
        Threads(1, cpus=[1])


# The interpreter's switch interval


def burn(_: object = None) -> float:
    """Compute for longer than the shorter interval; tell the interval."""
    until = perf_counter() + 0.002
    while perf_counter() < until:
        pass
    return sys.getswitchinterval()


@pytest.fixture
def lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that has computed for long is expected to do so for ever."""
    monkeypatch.setattr(threads_module, "LINGER", math.inf)


@pytest.mark.usefixtures("lingers")
@pytest.mark.parametrize(("before", "during"), [(0.005, 0.0005), (0.0001, 0.0001)])
def test_while_workers_compute_for_long_the_interpreter_switches_sooner(before: float, during: float) -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(before)
    try:
        with Threads(1) as first:
            assert sys.getswitchinterval() == pytest.approx(before, abs=2e-6)  # no worker yet
            assert first.submit(burn).result(SECONDS) == pytest.approx(during, abs=2e-6)
            with Threads(1) as second:
                assert second.submit(burn).result(SECONDS) == pytest.approx(during, abs=2e-6)
                second.submit(int).result(SECONDS)
            assert sys.getswitchinterval() == pytest.approx(during, abs=2e-6)
        assert sys.getswitchinterval() == pytest.approx(before, abs=2e-6)
    finally:
        sys.setswitchinterval(usual)


def test_quick_calls_need_no_sooner_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = sys.getswitchinterval()
    shorter = pytest.approx(0.0005, abs=2e-6)
    slow = Time(monkeypatch).taking(0.001)
    monkeypatch.setattr(threads_module, "LINGER", 0.0)
    with Threads(1) as threads:
        assert threads.submit(sys.getswitchinterval).result(SECONDS) == shorter  # it might take long
        assert threads.submit(sys.getswitchinterval).result(SECONDS) == usual
        assert threads.submit(slow, 1).result(SECONDS) == 1
        assert threads.submit(sys.getswitchinterval).result(SECONDS) == shorter
        assert threads.submit(sys.getswitchinterval).result(SECONDS) == usual


@pytest.mark.usefixtures("lingers")
async def test_after_a_network_the_interpreter_is_as_before() -> None:
    usual = sys.getswitchinterval()
    seen: list[float] = []
    await run(Call(lambda item: seen.append(burn(item)), executor=Threads(2), concurrency=2), range(9))
    assert seen == [pytest.approx(0.0005, abs=2e-6)] * 9
    assert sys.getswitchinterval() == usual
    assert switch_interval._workers == 0


def test_a_worker_that_never_got_ready_changes_nothing() -> None:
    usual = sys.getswitchinterval()
    threads = Threads(1, worker_init=broken)
    assert threads.submit(int).exception(SECONDS) is not None
    threads.shutdown()
    assert sys.getswitchinterval() == usual
    assert switch_interval._workers == 0


async def test_the_state_of_the_network_thread_is_left_alone() -> None:
    await run(Call(str, executor=Threads(1, worker_init=object)), [1])
    with pytest.raises(RuntimeError):
        worker_state()
    await trio.lowlevel.checkpoint()
