"""Profiles of pipelines, measured with instruments that tell what the test wants."""

import asyncio
import functools
import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
import trio
import trio.lowlevel

from penstock.agents import HandOverCosts, Pipeline, PipelineProfile
from penstock.agents.pipelines.profiling import profile_steps
from penstock.agents.plans.gauge import CopyCost, Gauge
from penstock.agents.plans.lock_share import NAP, LockSampler
from penstock.blocks import LoopHeldWarning, Retry
from tests.agents.pipelines.recipes import fail_some, inc, invert, later, same, twice


class FakeSampler(LockSampler):
    """Finds the lock held for a part of the time."""

    def __init__(self, held: int) -> None:
        super().__init__()
        self.held = held

    def begin(self) -> None:
        self.has_begun = True
        for n in range(20):
            self.looks.add(NAP if n >= self.held else 2 * NAP)

    def __exit__(self, *_: object) -> None:
        self.has_begun = False
        super().__exit__()


class FakeGauge(Gauge):
    """A clock that the functions of the test move on."""

    def __init__(self, held: int = 0, free: float = 2.0, has_lock: bool = True) -> None:
        self.now = 0.0
        self.used = 0.0
        self.held = held
        self.free = free
        self.is_locking = has_lock

    def wall(self) -> float:
        return self.now

    def processor(self) -> float:
        return self.used

    def all_processors(self) -> float:
        return self.used

    def sampler(self) -> LockSampler:
        return FakeSampler(self.held)

    def has_lock(self) -> bool:
        return self.is_locking

    def free_cores(self) -> float:
        return self.free

    def copy(self, thing: object) -> CopyCost:
        return CopyCost(*((0, None) if callable(thing) else (8, 0.25)))

    def work(self, item: Any, wall: float = 2.0, processor: float = 1.5) -> Any:
        """A function that takes some time."""
        self.now += wall
        self.used += processor
        return item


COSTS = HandOverCosts(caller=(1.0, 2.0, 3.0))


def known_costs(gauge: Gauge) -> HandOverCosts:
    """Measure nothing."""
    del gauge
    return COSTS


def profile(pipeline: Pipeline[Any, Any], items: Any, gauge: Gauge, count: int = 50) -> PipelineProfile:
    return trio.run(profile_steps, pipeline.steps, items, count, gauge, known_costs)


def test_the_times_are_medians_of_the_calls() -> None:
    gauge = FakeGauge()
    walls = itertools.cycle([1.0, 2.0, 2.0, 3.0, 9.0])
    pipeline = Pipeline.of(int).map(lambda item: gauge.work(item, next(walls), 0.5), name="work")
    found = profile(pipeline, range(10), gauge)
    (task,) = found.tasks
    assert (task.name, task.seconds, task.spread_seconds, task.processor_seconds) == ("work", 2.0, 1.0, 0.5)
    assert (task.calls_per_item, task.result_bytes, task.copy_seconds) == (1.0, 8, 0.25)
    assert (found.items, found.item_bytes, found.item_copy_seconds, found.free_cores) == (10, 8, 0.25, 2.0)
    assert found.hand_over == COSTS


@pytest.mark.parametrize(("calls", "processor"), [(320, 0.0025), (10, 0.01), (0, 0.0)])
def test_a_clock_with_long_ticks_is_shared_out_among_the_calls(calls: int, processor: float) -> None:
    gauge = FakeGauge()
    gauge.tick = 0.0156
    ticks = itertools.cycle([*[0.0] * 15, 0.04])
    pipeline = Pipeline.of(int).filter(lambda n: n < calls, name="some")
    pipeline = pipeline.map(lambda item: gauge.work(item, 0.01, next(ticks)), name="work")
    task = profile(pipeline, range(400), gauge, count=400).tasks[1]
    assert task.processor_seconds == pytest.approx(processor)


def test_the_share_with_the_lock_is_that_of_the_second_half() -> None:
    gauge = FakeGauge(held=5)
    (task,) = profile(Pipeline(gauge.work), range(4), gauge).tasks
    assert task.lock_share == pytest.approx(10 / 25)
    gauge = FakeGauge(held=20)
    (task,) = profile(Pipeline(gauge.work), range(4), gauge).tasks
    assert task.lock_share == 0.75  # it cannot hold the lock for longer than it runs
    (task,) = profile(Pipeline(same), range(4), FakeGauge(held=20)).tasks
    assert task.lock_share == 1.0


def test_one_item_tells_the_time_and_not_the_lock() -> None:
    gauge = FakeGauge(held=5)
    (task,) = profile(Pipeline(gauge.work), [1], gauge).tasks
    assert (task.seconds, task.spread_seconds, task.lock_share) == (2.0, 0.0, None)


def test_on_a_busy_machine_the_lock_is_not_known() -> None:
    gauge = FakeGauge(held=5, free=1.1)
    found = profile(Pipeline(gauge.work), range(4), gauge)
    assert not found.is_free
    assert found.tasks[0].lock_share is None


def test_without_a_lock_nobody_holds_it() -> None:
    gauge = FakeGauge(held=5, free=1.1, has_lock=False)
    assert profile(Pipeline(gauge.work), range(4), gauge).tasks[0].lock_share == 0.0


def test_each_function_is_called_once_with_each_item() -> None:
    seen: list[list[Any]] = [[], [], [], []]

    def note(place: int, item: Any) -> Any:
        seen[place].append(item)
        return item

    pipeline = (
        Pipeline(functools.partial(note, 0), name="a")
        .filter(lambda n: note(1, n) % 2 == 0, name="b")
        .tap(lambda n: note(2, n) and None, name="c")
        .flat_map(lambda n: twice(note(3, n)), name="d")
        .map(same)
    )
    found = profile(pipeline, range(100), FakeGauge(), count=6)
    assert seen == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], [0, 2, 4], [0, 2, 4]]
    assert [task.calls_per_item for task in found.tasks] == [1, 1, 0.5, 0.5, 1]


def test_it_tells_what_a_plan_can_do() -> None:
    unsent = threading.Lock()
    pipeline = (
        Pipeline(inc, stateful=True)
        .map(inc, on_error="skip")
        .map(lambda n: (unsent, n)[1], name="unsent")
        .map(lambda n: lambda: n, name="unpickled")
        .map(lambda call: call(), name="called")
        .batch(2)
    )
    found = profile(pipeline, range(4), FakeGauge()).tasks
    assert [task.name for task in found] == ["inc", "inc-2", "unsent", "unpickled", "called", "batch 2"]
    assert [task.is_stateful for task in found] == [True, False, False, False, False, False]
    assert [task.is_alone for task in found] == [False, True, False, False, False, False]
    assert [task.is_fixed for task in found] == [False, False, False, False, False, True]
    assert found[2].in_processes is False
    assert [task.copy_seconds for task in found] == [0.25, 0.25, 0.25, None, 0.25, 0.25]


def test_what_stays_as_it_is_written_runs_by_itself() -> None:
    gauge = FakeGauge()

    async def ask(item: int) -> int:
        await trio.lowlevel.checkpoint()
        gauge.work(item, 2.0, 0.5)
        return item

    (first, ask_task, batch, last) = profile(Pipeline(inc).map(ask).batch(2).map(len), range(4), gauge).tasks
    assert first.is_fixed is last.is_fixed is False
    assert (ask_task.seconds, ask_task.processor_seconds, ask_task.lock_share) == (2.0, 0.5, 0.25)
    assert (ask_task.is_fixed, ask_task.calls_per_item) == (True, 1)
    assert (batch.seconds, batch.calls_per_item, last.calls_per_item) == (0.0, 1, 0.5)


def test_a_task_that_gets_no_items_costs_nothing_and_is_named() -> None:
    found = profile(Pipeline.of(int).filter(lambda n: n > 9, name="none").map(same).batch(2), range(4), FakeGauge())
    assert [task.seconds for task in found.tasks] == [0.0, 0.0, 0.0]
    assert "no item came to 'same', so it seems to cost nothing" in found.notes
    assert "no item came to 'batch 2', so it seems to cost nothing" in found.notes


def test_calls_that_raise_are_treated_as_the_stage_says_and_counted() -> None:
    tries: list[int] = []

    def second_time(item: int) -> int:
        tries.append(item)
        return invert(0) if tries.count(item) == 1 else item

    pipeline = Pipeline(fail_some, on_error="skip").map(second_time, on_error=Retry(1)).map(same)
    found = profile(pipeline, range(6), FakeGauge()).tasks
    assert [task.failed for task in found] == [2, 4, 0]
    assert found[2].calls_per_item == pytest.approx(4 / 6)
    with pytest.raises(ZeroDivisionError) as caught:
        profile(Pipeline(same).map(invert), [2, 1, 0], FakeGauge())
    assert caught.value.__notes__ == ["in invert, item 3: 0"]


@pytest.mark.parametrize("kind", ["map", "filter"])
def test_a_function_that_has_not_run_is_refused(kind: str) -> None:
    def lazy(item: int) -> Any:
        return later(item)

    pipeline: Any = getattr(Pipeline.of(int), kind)(lazy)
    with pytest.raises(TypeError, match="returned a coroutine"):
        profile(pipeline, [1], FakeGauge())


def test_it_works_with_real_instruments_in_plain_python() -> None:
    pipeline = Pipeline(np.sqrt).map(float).filter(bool)
    found = pipeline.run_profile((n for n in itertools.count(1)), count=8)
    assert found.items == 8
    assert [task.name for task in found.tasks] == ["sqrt", "float", "bool"]
    assert all(0 < task.seconds < 60 for task in found.tasks)
    assert all(task.copy_seconds is not None for task in found.tasks)
    assert not [thread for thread in threading.enumerate() if "worker" in thread.name or "penstock" in thread.name]
    plan = found.plan(2)
    assert list(pipeline.planned(plan).run([4, 9])) == [2.0, 3.0]


def test_it_works_in_trio_and_in_asyncio() -> None:
    async def in_asyncio(item: int) -> int:
        await asyncio.sleep(0)
        return item

    async def numbers() -> AsyncIterator[int]:
        for n in range(100):
            yield n

    assert trio.run(Pipeline(later).profile, range(3)).tasks[0].is_fixed
    found = asyncio.run(Pipeline(inc).map(in_asyncio).profile(numbers(), count=4))
    assert [task.is_fixed for task in found.tasks] == [False, True]
    assert found.items == 4


def test_a_cancelled_profile_ends_after_the_call_that_runs() -> None:
    calls: list[int] = []

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()

        def cancel(item: int) -> int:
            calls.append(item)
            trio.from_thread.run_sync(scope.cancel, trio_token=token)
            return item

        with trio.CancelScope() as scope:
            await Pipeline(cancel).profile(range(50))
        assert scope.cancelled_caught

    trio.run(main)
    assert len(calls) < 50


def test_it_is_refused_where_it_would_hold_a_loop() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"run_profile\(\) would hold this loop.*pipeline\.profile"):
            Pipeline(same).run_profile([1])

    trio.run(main)

    async def held() -> None:
        with pytest.warns(LoopHeldWarning, match=r"run_profile\(\) holds the event loop of asyncio"):
            Pipeline(same).run_profile([1])

    asyncio.run(held())


@pytest.mark.parametrize(
    ("items", "count", "error", "message"),
    [
        ([], 50, ValueError, r"Pipeline\.profile: needs one item or more to measure, got none"),
        ([1], 0, ValueError, r"Pipeline\.profile: count must be an int >= 1, got 0"),
        (3, 50, TypeError, "must be an iterable"),
    ],
)
def test_wrong_items_are_refused(items: Any, count: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Pipeline(same).run_profile(items, count=count)


def test_the_source_is_closed() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.set()

    Pipeline(same).run_profile(items(), count=3)
    assert closed.is_set()
