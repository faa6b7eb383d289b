"""The concurrency and the rate of a stage, changed while a pipeline runs: in plain Python, in trio and in asyncio."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import Pipeline, Plan, PlanStage, Run, Stream
from penstock.agents.pipelines.driving import Drive
from penstock.blocks import DeadLetter, IterableSource, MemoryBudget, Network, Rate, Threads
from penstock.blocks.base.timing import time_slice
from tests.agents.pipelines.recipes import comes_true, fail_some, inc, invert, is_wanted, later, same, twice

SELDOM = 1e-6
"""Calls per second: after the first one, none starts in a test."""


class Gate:
    """A function that returns when it is let go; it counts its calls."""

    def __init__(self) -> None:
        self.running = 0
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(0)

    def __call__(self, item: int) -> int:
        with self._lock:
            self.running += 1
        assert self._turns.acquire(timeout=60)
        with self._lock:
            self.running -= 1
        return item

    def pipeline(self, workers: int = 4) -> Pipeline[int, int]:
        return Pipeline(self, executor=Threads(workers), name="gate")

    def has(self, running: int) -> None:
        """Wait until this many calls run, and no further one comes."""
        comes_true(lambda: self.running == running)

    def let_go(self, calls: int) -> None:
        self._turns.release(calls)


class AsyncGate:
    """The same as an asynchronous function."""

    def __init__(self) -> None:
        self.running = 0
        self._turns = trio.Semaphore(0)

    async def __call__(self, item: int) -> int:
        self.running += 1
        await self._turns.acquire()
        self.running -= 1
        return item

    async def has(self, running: int) -> None:
        await wait_all_tasks_blocked()
        assert self.running == running

    def let_go(self, calls: int) -> None:
        for _ in range(calls):
            self._turns.release()


# The concurrency


async def test_the_concurrency_is_raised_and_lowered_in_trio() -> None:
    gate = AsyncGate()
    async with Pipeline(gate, name="gate").stream(range(20)) as results:
        await gate.has(1)
        stage = results.stage("gate")
        assert stage.concurrency == 1
        stage.concurrency = 4
        assert stage.concurrency == results.stage("gate").concurrency == 4
        await gate.has(4)
        stage.concurrency = 2
        await gate.has(4)  # calls that run go on
        gate.let_go(2)
        await gate.has(2)
        gate.let_go(18)
        assert [n async for n in results] == [*range(20)]


def check_in_another_thread(results: Run[int] | Stream[int], gate: Gate) -> None:
    """Change the concurrency of a run whose loop is in another thread."""
    stage = results.stage("gate")
    gate.has(1)
    stage.concurrency += 1
    stage.concurrency += 2  # also if the loop has not seen the first change yet
    assert stage.concurrency == 4
    gate.has(4)
    stage.concurrency = 1
    comes_true(lambda: results.network.statistics()["gate"].at_once == 1)
    gate.let_go(3)
    gate.has(1)
    gate.let_go(17)


def test_the_concurrency_is_raised_and_lowered_in_plain_python() -> None:
    gate = Gate()
    with gate.pipeline().run(range(20)) as results:
        changes = threading.Thread(target=check_in_another_thread, args=(results, gate))
        changes.start()  # in this thread, the first result would have to come first
        assert list(results) == [*range(20)]
        changes.join()


def test_the_concurrency_is_changed_in_the_middle_of_a_for_loop() -> None:
    most = 0
    running = 0
    lock = threading.Lock()
    meet = threading.Barrier(3, timeout=60)

    def call(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if item > 30:
            meet.wait()  # passes only when three calls run
        with lock:
            running -= 1
        return item

    results = Pipeline(call, executor=Threads(3), time_limit=60).run(range(61), limit=8)  # one item a job
    for n in results:
        if n == 5:
            assert most == 1
            results.stage("call").concurrency = 3
    assert most == 3


def test_the_concurrency_is_raised_and_lowered_in_asyncio() -> None:
    gate = Gate()

    async def main() -> None:
        async with gate.pipeline().stream(range(20)) as results:
            check_in_another_thread(results, gate)
            assert [n async for n in results] == [*range(20)]

    asyncio.run(main())


def test_a_change_before_the_start_holds_from_the_first_item() -> None:
    gate = Gate()
    with gate.pipeline().run(range(4)) as results:
        results.stage("gate").concurrency = 4
        assert results.stage("gate").concurrency == 4
        gate.let_go(4)
        assert list(results) == [*range(4)]
        assert results.network.statistics()["gate"].at_once == 4


def test_a_change_is_for_one_run_only() -> None:
    pipeline = Pipeline(inc, executor=Threads(2))
    results = pipeline.run(range(3))
    results.stage("inc").concurrency = 2
    assert pipeline.run(range(3)).stage("inc").concurrency == 1


def change_after_the_end(results: Run[int] | Stream[int], rate: Rate) -> None:
    stage = results.stage("later")
    stage.concurrency, stage.rate = 3, 7
    assert (stage.concurrency, stage.rate) == (3, 7)
    assert results.network.statistics()["later"].at_once == 1
    assert rate.n == 1e6


async def test_after_the_end_a_change_has_no_effect_in_trio() -> None:
    rate = Rate(1e6)
    async with Pipeline(later, rate=rate).stream(range(3)) as results:
        assert [n async for n in results] == [1, 2, 3]
    change_after_the_end(results, rate)


def test_after_the_end_a_change_has_no_effect_in_plain_python() -> None:
    rate = Rate(1e6)
    results = Pipeline(later, rate=rate).run(range(3))
    assert list(results) == [1, 2, 3]
    change_after_the_end(results, rate)


def test_after_the_end_a_change_has_no_effect_in_asyncio() -> None:
    async def main() -> None:
        pipeline = Pipeline(inc, executor=Threads(2))
        async with pipeline.stream(range(3)) as results:
            assert [n async for n in results] == [1, 2, 3]
        results.stage("inc").concurrency = 2
        await pipeline.collect([1])  # the loop has seen it
        assert results.network.statistics()["inc"].at_once == 1

    asyncio.run(main())


async def test_a_limit_that_was_not_given_changes_with_the_concurrency() -> None:
    gate = AsyncGate()
    async with Pipeline(gate, name="gate").batch(3).stream(range(100)) as results:
        await gate.has(1)
        assert results.limit == 16 + 2
        results.stage("gate").concurrency = 20
        assert results.limit == 4 * (20 + 1) + 2
        await gate.has(20)
        results.stage("gate").concurrency = 1
        gate.let_go(100)
        assert sum([len(batch) async for batch in results]) == 100


@pytest.mark.parametrize("limit", [5, MemoryBudget(1000), None])
async def test_a_limit_that_was_given_stays(limit: Any) -> None:
    async with Pipeline(later).stream(range(9), limit=limit) as results:
        was = results.limit
        results.stage("later").concurrency = 20
        assert results.limit == was
        assert len([n async for n in results]) == 9


async def test_a_limit_that_was_set_stays() -> None:
    async with Pipeline(later).stream(range(9)) as results:
        results.limit = 5
        results.stage("later").concurrency = 20
        assert results.limit == 5
        assert len([n async for n in results]) == 9


async def test_a_default_limit_falls_again_with_the_concurrency(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)  # else the items are quick on a quick machine

    async def slow(item: int) -> int:
        await trio.sleep(1)
        return item

    async with Pipeline(slow).stream(range(200)) as results:
        results.stage("slow").concurrency = 20
        assert results.limit == 80
        results.stage("slow").concurrency = 1
        assert [n async for n in results] == [*range(200)]
        assert results.limit == 16


# The rate


async def test_a_rate_is_changed_in_trio(autojump_clock: MockClock) -> None:
    times: list[float] = []
    start = trio.current_time()

    def note(item: int) -> int:
        times.append(round(trio.current_time() - start, 3))
        return item

    async with Pipeline(note, rate=1).throttle(1e6, name="out").stream(range(6)) as results:
        stage = results.stage("note")
        assert stage.rate == 1
        async for n in results:
            if n == 2:
                stage.rate = 10
                assert stage.rate == 10
        assert results.stage("out").rate == 1e6
    assert times == [0, 1, 2, 2.1, 2.2, 2.3]


def test_a_rate_is_changed_in_a_plain_for_loop() -> None:
    results = Pipeline(inc, rate=SELDOM).run(range(50))
    got: list[int] = []
    for n in results:
        got.append(n)
        if n == 1:
            results.stage("inc").rate = 1e6
    assert got == [*range(1, 51)]
    assert results.stage("inc").rate == 1e6


def test_a_rate_is_changed_in_asyncio() -> None:
    async def main() -> list[int]:
        got: list[int] = []
        async with Pipeline.of(int).throttle(Rate(SELDOM), name="slow").stream(range(5)) as results:
            assert results.stage("slow").rate == SELDOM
            async for n in results:
                got.append(n)
                results.stage("slow").rate = 1e6
        return got

    assert asyncio.run(main()) == [*range(5)]


def test_a_rate_is_in_calls_per_second_whatever_its_period_is() -> None:
    rate = Rate(120, seconds=60)
    stage = Pipeline(inc, rate=rate).run(range(3)).stage("inc")
    assert stage.rate == 2
    stage.rate = 3
    assert rate.n == 180
    assert stage.rate == 3
    rate.n = 60
    assert stage.rate == 1


def test_a_rate_that_another_thread_uses_is_not_changed() -> None:
    rate = Rate(SELDOM)
    pipeline = Pipeline(inc, rate=rate)
    with pipeline.run(range(3)) as first:
        assert next(first) == 1
        second = pipeline.run(range(3))
        with pytest.raises(RuntimeError, match="change the limit of rate"):
            second.stage("inc").rate = 7
        assert second.stage("inc").rate == rate.n == SELDOM
        first.stage("inc").rate = 1e6
        assert list(first) == [2, 3]


async def test_a_change_that_comes_when_the_run_is_about_to_fail_harms_nothing() -> None:
    def refuse() -> None:
        raise RuntimeError("a network in another thread uses the rate")

    gate = AsyncGate()
    drive = Drive(Pipeline(gate).steps, range(3), {}, None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drive.drive)
        await gate.has(1)
        drive.change(refuse)
        gate.let_go(1)
        await wait_all_tasks_blocked()
        assert drive.hand_over.take_nowait() == [0]
        drive.stop()


# Names, and what is refused


def test_stages_have_the_names_of_the_report() -> None:
    branch = Pipeline(same).map(same)
    letters: list[Any] = []
    pipeline = branch.fork(branch, branch).map(fail_some, on_error=DeadLetter(letters.append)).batch(2)
    results = pipeline.run([(1, 1)])
    names = [*(f"same{end}" for end in ("", "-2", "-3", "-4", "-5", "-6")), "fail_some", "batch 2", "dead letters"]
    for name in names:
        assert results.stage(name).name == name
    assert repr(results.stage("same-3")) == "<Stage 'same-3', transformer, concurrency 1>"
    assert repr(results.stage("batch 2")) == "<Stage 'batch 2', batch>"
    list(results)
    assert {*names, "fork", "join"} < {block.name for block in results.network.statistics().blocks}


def test_a_wrong_name_is_an_error_that_lists_the_stages() -> None:
    results = Pipeline(same).map(same).batch(2).run([])
    with pytest.raises(KeyError, match=r"no stage 'sane'; there are 'same', 'same-2', 'batch 2'\""):
        results.stage("sane")


def test_a_run_says_which_stages_it_has_and_whether_it_has_ended() -> None:
    results = Pipeline(inc, rate=2e6).batch(2).run(range(3), name="numbers")
    assert repr(results.stage("inc")) == "<Stage 'inc', transformer, concurrency 1, 2e+06 per second>"
    assert repr(results) == "<Run 'numbers' new, stages 'inc', 'batch 2'>"
    assert next(results) == [1, 2]
    assert repr(results).startswith("<Run 'numbers' ")
    assert list(results) == [[3]]
    assert repr(results) == "<Run 'numbers' ended, stages 'inc', 'batch 2'>"


async def test_a_stream_says_the_same_in_trio() -> None:
    async with Pipeline(inc).stream(range(3)) as results:
        assert repr(results) == "<Stream 'pipeline' running, stages 'inc'>"
        assert [n async for n in results] == [1, 2, 3]
    assert repr(results) == "<Stream 'pipeline' ended, stages 'inc'>"


def test_a_number_that_is_assigned_to_a_wrong_name_is_an_error() -> None:
    async def main() -> None:
        async with Pipeline(later).stream(range(3)) as results:
            refuse(results)
            assert [n async for n in results] == [1, 2, 3]
        assert repr(results) == "<Stream 'pipeline' ended, stages 'later'>"

    def refuse(results: Any) -> None:
        for thing, name in [(results, "concurrency"), (results.stage("later"), "concurency")]:
            with pytest.raises(AttributeError, match=name):
                setattr(thing, name, 3)

    refuse(Pipeline(later).run(range(3)))
    trio.run(main)
    asyncio.run(main())


def test_functions_in_one_stage_of_a_plan_are_changed_together() -> None:
    plan = Plan([PlanStage("inc", "is_wanted", workers=2, executor="threads"), PlanStage("twice")])
    pipeline = Pipeline(inc).filter(is_wanted).flat_map(twice).planned(plan)
    results = pipeline.run(range(4))
    stage = results.stage("inc + is_wanted")
    assert stage.concurrency == 2
    stage.concurrency = 1
    assert list(results) == [1, 1, 2, 2, 4, 4]
    assert results.network.statistics()["inc + is_wanted"].at_once == 1
    with pytest.raises(KeyError, match=r"no stage 'inc'; .*; the plan has put 'inc' into 'inc \+ is_wanted'"):
        results.stage("inc")
    with pytest.raises(KeyError, match=r"no stage 'dec'; there are [^;]*$"):
        results.stage("dec")


@pytest.mark.parametrize("number", [0, -1, 2.5, True, None, "3"])
def test_a_wrong_number_changes_nothing(number: Any) -> None:
    results = Pipeline(inc, executor=Threads(2), concurrency=2, rate=5).run(range(3))
    stage = results.stage("inc")
    with pytest.raises(ValueError, match="transformer 'inc': concurrency must be an int >= 1, got"):
        stage.concurrency = number
    if number != 2.5:
        with pytest.raises(ValueError, match="transformer 'inc': rate, the number of calls per second, must be a numb"):
            stage.rate = number
    assert (stage.concurrency, stage.rate) == (2, 5)


def test_a_concurrency_that_does_not_fit_the_stage_is_refused_where_it_is_set() -> None:
    results = Pipeline(inc).map(later, window=4).flat_map(twice, at_end=list, executor=Threads(2)).run(range(3))
    for name, number, message in [
        ("inc", 2, "transformer 'inc': concurrency=2 needs an executor or an async function"),
        ("later", 5, "transformer 'later': window must be at least the concurrency, 5, got 4"),
        ("twice", 2, "at_end"),
    ]:
        with pytest.raises(ValueError, match=message):
            results.stage(name).concurrency = number


def test_what_a_stage_does_not_have_is_refused() -> None:
    results = Pipeline(inc).batch(2).run(range(3))
    batch = results.stage("batch 2")
    with pytest.raises(RuntimeError, match="batch 'batch 2' has no concurrency: only a map"):
        _ = batch.concurrency
    with pytest.raises(RuntimeError, match="batch 'batch 2' has no concurrency: only a map"):
        batch.concurrency = 2
    assert batch.rate is None
    for name, kind in [("inc", "transformer"), ("batch 2", "batch")]:
        with pytest.raises(RuntimeError, match=f"{kind} '{name}' was made without a rate; give it a rate that can be"):
            results.stage(name).rate = 5


async def test_a_change_while_a_stream_fails_changes_nothing_any_more() -> None:
    async def fail() -> None:
        async with Pipeline(invert).map(later).stream(range(3)) as results:
            try:
                await trio.sleep_forever()
            finally:
                results.stage("later").concurrency = 7

    with pytest.raises(ZeroDivisionError):
        await fail()


# In a network that is built by hand


async def test_the_stages_of_a_section_are_found_by_their_names_in_the_pipeline() -> None:
    pipeline = Pipeline(later, name="load", rate=SELDOM).map(same)
    first, second = pipeline.section("first"), pipeline.section("second")
    source = IterableSource(range(9))
    source.link_target(first)
    first.link_target(second)
    async with Network(source) as network:
        second.stage("load").concurrency = 3
        first.stage("load").rate = second.stage("load").rate = 1e6
        assert second.stage("load").rate == 1e6
        assert [n async for n in second] == [*range(2, 11)]
    assert [network.statistics()[name].at_once for name in ("load", "load-2")] == [1, 3]
    with pytest.raises(KeyError, match="no stage 'load-2'; there are 'load', 'same'"):
        second.stage("load-2")


async def test_a_stage_of_trio_is_changed_in_its_thread() -> None:
    async with Pipeline(later, rate=1e6).stream(range(3)) as results:
        stage = results.stage("later")
        with ThreadPoolExecutor(1) as thread:  # the loop stands still meanwhile
            with pytest.raises(RuntimeError, match="change the concurrency of transformer 'later'"):
                thread.submit(setattr, stage, "concurrency", 3).result()
            with pytest.raises(RuntimeError, match="change the limit of rate"):
                thread.submit(setattr, stage, "rate", 3).result()
        assert (stage.concurrency, stage.rate) == (1, 1e6)
        assert [n async for n in results] == [1, 2, 3]
