"""What would make a run faster: the model on measurements made up for it, and what blocks measure of themselves."""

import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent
from penstock.blocks import (
    Broadcast,
    Call,
    IterableSource,
    Network,
    Stage,
    Suggestion,
    Threads,
    Transformer,
    TransformMany,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.reports.suggest import MOST_AT_ONCE, suggest
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import run


def stage(
    name: str, seconds: float, cpu: float, *, at_once: int = 1, place: str = "Threads", items: int = 100
) -> Stage:
    return Stage(name, place, at_once, items, seconds, cpu)


def test_a_stage_that_computes_gets_as_many_workers_as_the_processors_can_use() -> None:
    verdict = suggest([stage("read", 1.0, 1.0), stage("filter", 3.0, 3.0)], 3.0, 2)
    assert verdict.slowest == "filter"
    assert verdict.concurrency == {"read": 1, "filter": 2}
    assert verdict.predicted == pytest.approx(2.0)  # 4 s of processor time on 2 processors
    assert verdict.advice == (
        "filter: concurrency=2, and as many workers, instead of 1",
        "predicted: 20 ms per item, 1.5 × as fast as now",
    )


def test_a_stage_that_waits_gets_enough_calls_at_once_to_keep_up_with_the_others() -> None:
    verdict = suggest([stage("fetch", 10.0, 0.1), stage("parse", 1.0, 0.9)], 10.0, 2)
    assert verdict.concurrency == {"fetch": 20, "parse": 2}
    assert verdict.predicted == pytest.approx(0.5)


def test_there_is_a_limit_to_what_is_suggested_for_a_stage_that_only_waits() -> None:
    verdict = suggest([stage("fetch", 10.0, 0.0, place="tasks")], 10.0, 2)
    assert verdict.concurrency == {"fetch": MOST_AT_ONCE}
    few = suggest([stage("fetch", 10.0, 0.0, place="tasks", items=12)], 10.0, 2)
    assert few.concurrency == {"fetch": 12}


def test_service_times_that_swelled_on_busy_processors_are_judged_by_processor_time() -> None:
    busy = [stage("load", 4.0, 2.0, at_once=2), stage("filter", 4.0, 2.0, at_once=2)]
    verdict = suggest(busy, 2.0, 2)  # 4 s of processor time in 2 s on 2 processors: no processor was ever free
    assert verdict.predicted == pytest.approx(2.0)
    assert verdict.advice == ()
    assert verdict.concurrency == {"load": 2, "filter": 2}
    assert str(verdict).endswith("nothing to change")


def test_what_runs_on_the_loop_takes_turns() -> None:
    verdict = suggest(
        [stage("a", 1.0, 0.1, place="loop"), stage("b", 1.0, 0.1, place="loop"), stage("c", 2.0, 0.2)], 2, 2
    )
    assert verdict.predicted == pytest.approx(2.0)
    assert verdict.concurrency == {"a": 1, "b": 1, "c": 1}
    assert verdict.advice == tuple(
        f"{name}: 10 ms per item is too long for the loop; give it executor=Threads(n)" for name in "ab"
    )


def test_a_stage_too_small_for_a_thread_is_told_so() -> None:
    verdict = suggest([stage("tiny", 3e-4, 3e-4)], 5e-4, 1)
    assert verdict.advice == ("tiny: 3 µs per item is too little to be worth an executor; run it on the loop",)


def test_a_run_that_waits_for_its_input_gets_no_faster_by_concurrency() -> None:
    verdict = suggest([stage("filter", 1.0, 1.0)], 10.0, 2)
    (line,) = verdict.advice
    assert line.startswith("the stages need 10% of the time: what feeds them or takes their results")
    assert verdict.concurrency == {"filter": 1}


def test_threads_that_take_turns_for_the_interpreter_lock_are_found_out() -> None:
    verdict = suggest([stage("burn", 4.0, 2.0, at_once=2, place="ThreadPoolExecutor")], 2.05, 2)
    assert verdict.advice[-1] == (
        "burn: its threads seem to take turns for the interpreter lock; give it executor=Processes(n)"
    )
    more = suggest([stage("a", 1.5, 0.9, at_once=2), stage("b", 1.5, 0.9, at_once=2)], 1.8, 2)
    assert [line.partition(":")[0] for line in more.advice] == ["a", "b"]  # and not that what feeds them is slower
    alone = suggest([stage("burn", 2.0, 2.0, place="ThreadPoolExecutor")], 2.05, 2)
    assert not any("interpreter lock" in line for line in alone.advice)


def test_it_is_a_table_for_people() -> None:
    text = str(suggest([stage("read", 0.5, 0.1), stage("filter", 1.5, 1.5)], 1.6, 2))
    assert text.splitlines() == [
        "100 items in 1.6 s, 16 ms per item; 2 processors, 50% busy with the stages",
        "  stage                    where        at once   per item  processor",
        "  read                     Threads            1       5 ms       1 ms",
        "  filter                   Threads            1      15 ms      15 ms  slowest",
        "  filter: concurrency=2, and as many workers, instead of 1",
        "  predicted: 9 ms per item, 1.8 × as fast as now",
    ]


def test_names_with_line_breaks_do_not_break_the_table() -> None:
    text = str(suggest([stage("re\nad", 1.0, 1.0), stage("filter\n", 3.0, 3.0)], 3.0, 2))
    assert len(text.splitlines()) == 6
    assert "filter\\n: concurrency=2" in text


def test_more_concurrency_is_not_suggested_if_the_keys_hold_calls_up() -> None:
    held = attrs.evolve(stage("book", 9.0, 0.0, place="tasks", at_once=2), held=8.0)
    verdict = suggest([held, stage("parse", 1.0, 0.0, place="tasks")], seconds=10.0, processors=4)
    assert verdict.concurrency == {"book": 2, "parse": 1}
    assert verdict.advice == (
        "book: calls waited for their keys 80% of the run; more concurrency does not help, but a larger window or "
        "other keys may",
    )


def test_a_concurrency_that_was_raised_during_the_run_is_not_suggested_again() -> None:
    grown = attrs.evolve(stage("load", 12.0, 0.0, place="tasks", at_once=4), mean=12.0 / 9.0)
    verdict = suggest([grown, stage("parse", 3.0, 3.0, place="loop")], seconds=10.0, processors=4)
    assert verdict.slowest == "load"
    assert verdict.concurrency == {"load": 4, "parse": 1}
    assert verdict.predicted == 10.0


async def test_blocks_measure_what_their_calls_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def work(x: int) -> int:
        nonlocal now
        now += 0.25
        return x

    async def work_in_tasks(x: int) -> int:
        return work(x)

    def twice(x: int) -> list[int]:
        return [work(x), x]

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    source: IterableSource[int] = IterableSource(range(4))
    inline, tasks, many = Transformer(work), Transformer(work_in_tasks), TransformMany(twice)
    end: Call[int] = Call(abs)
    source.link_target(inline)
    inline.link_target(tasks)
    tasks.link_target(many)
    many.link_target(end)
    async with Network(source) as network:
        pass
    verdict = network.suggest()
    assert isinstance(verdict, Suggestion)
    assert [(stage.name, stage.place, stage.items, stage.seconds) for stage in verdict.stages] == [
        ("work", "loop", 4, 1.0),
        ("work_in_tasks", "tasks", 4, 1.0),
        ("twice", "loop", 4, 1.0),
    ]  # and nothing of the call, which has taken no time
    assert verdict.seconds > 0


@pytest.mark.usefixtures("real_time")
async def test_blocks_with_an_executor_measure_it_in_their_workers() -> None:
    in_work = threading.Barrier(2, timeout=60)  # two calls at once, or neither ends

    def meet(x: int) -> int:
        in_work.wait()
        return sum(range(20_000))

    block = Call(meet, executor=Threads(2), concurrency=2)
    network = await run(block, range(2))
    (stage,) = (
        stage for stage in network.suggest().stages if stage.place != "body"
    )  # which may have been slow to send
    assert (stage.name, stage.place, stage.concurrency, stage.items) == ("meet", "Threads", 2, 2)
    assert 0 < stage.cpu <= stage.seconds


@pytest.mark.usefixtures("real_time")
async def test_more_calls_at_once_than_there_are_workers_do_not_count() -> None:
    two: Call[int] = Call(abs, executor=Threads(2), concurrency=4, name="two")
    standard: Call[int] = Call(abs, executor=ThreadPoolExecutor(1), concurrency=2, name="standard")
    other: Call[int] = Call(abs, executor=OnLoop(), concurrency=2, name="other")
    spread: Broadcast[int] = Broadcast()
    for call in (two, standard, other):
        spread.link_target(call)
    async with Network(spread) as network:
        for n in range(3):
            await spread.send(n)
    stages = [stage for stage in network.suggest().stages if stage.place != "body"]
    assert {stage.name: stage.concurrency for stage in stages} == {
        "two": 2,
        "standard": 1,
        "other": 2,
    }


async def test_before_anything_was_measured_there_is_nothing_to_say() -> None:
    network = Network(Call(print, name="c"), name="quiet")
    with pytest.raises(RuntimeError, match="network 'quiet': nothing was measured yet"):
        network.suggest()
    async with network:
        await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(RuntimeError, match="nothing was measured yet"):
        network.suggest()


def source(name: str, seconds: float, cpu: float = 0.0, *, place: str = "loop") -> Stage:
    return Stage(name, place, 1, 100, seconds, cpu, is_source=True)


@pytest.mark.parametrize("place", ["loop", "tasks", "Threads", "agent", "body"])
def test_no_concurrency_makes_up_for_a_source_that_is_slow(place: str) -> None:
    verdict = suggest([source("read", 4.0, place=place), stage("scale", 5.0, 0.1)], 5.0, 2)
    assert verdict.concurrency == {"read": 1, "scale": 2}
    assert verdict.predicted == pytest.approx(4.0)
    slow = suggest([source("read", 4.0, place=place), stage("scale", 2.5, 0.1, at_once=2)], 4.0, 2)
    assert slow.concurrency == {"read": 1, "scale": 2}
    assert slow.predicted == pytest.approx(4.0)
    assert slow.advice == (
        "read: 40 ms per item is too long for the loop; give it executor=Threads(1)"
        if place == "loop"
        else "read feeds the others too slowly; more calls at once there would not help",
    )


def test_what_takes_turns_with_a_source_on_the_loop_is_added_to_it() -> None:
    verdict = suggest([source("read", 2.0, 2.0), stage("parse", 1.0, 1.0, place="loop"), stage("scale", 6, 0.1)], 6, 2)
    assert verdict.concurrency == {"read": 1, "parse": 1, "scale": 2}
    assert verdict.predicted == pytest.approx(3.0)


def test_a_prediction_asks_for_no_more_of_the_processors_than_what_was_free() -> None:
    stages = [stage("filter", 6.0, 1.5)]  # it has waited for a processor, which looks like waiting for a disk
    assert suggest(stages, 6.0, 2).concurrency == {"filter": 8}
    assert suggest(stages, 6.0, 2, free=0.0).predicted == pytest.approx(6.0)
    assert suggest(stages, 6.0, 2, free=0.0).concurrency == {"filter": 1}
    some = suggest(stages, 6.0, 2, free=0.25)  # as much again as it has used
    assert some.predicted == pytest.approx(3.0)
    assert some.concurrency == {"filter": 2}
    assert suggest(stages, 6.0, 2, free=2.0).predicted == pytest.approx(0.75)
    assert "2 processors, 12% busy with the stages, 12% free" in str(some)


def test_a_stage_that_only_waits_is_not_kept_by_busy_processors() -> None:
    verdict = suggest([source("read", 1.0), stage("fetch", 10.0, 0.02)], 10.0, 2, free=0.0)
    assert verdict.concurrency == {"read": 1, "fetch": 10}


def test_time_that_nobody_can_explain_stays() -> None:
    verdict = suggest([source("read", 1.0), stage("fetch", 3.0, 0.1)], 4.0, 2)
    assert verdict.concurrency == {"read": 1, "fetch": 3}
    assert verdict.predicted == pytest.approx(2.0)


@pytest.mark.parametrize("feeder", ["source", "async source", "body", "agent"])
async def test_a_slow_feeder_is_a_row_and_counts_in_the_prediction(
    feeder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time_slice, "clock", lambda: now)

    def takes(seconds: float) -> None:
        nonlocal now
        now += seconds

    def plain() -> Iterator[int]:
        for n in range(5):
            takes(1.0)
            yield n

    async def waiting() -> AsyncIterator[int]:
        for n in range(5):
            await trio.lowlevel.checkpoint()
            takes(1.0)
            yield n

    async def work(n: int) -> int:
        takes(0.5)
        return n

    stage = Transformer(work, name="work")

    class Feeder(Agent):
        async def run(self) -> None:
            async for n in waiting():
                await stage.send(n)

    stage.link_target(Call(abs, name="end"))
    given: dict[str, Any] = {"source": plain(), "async source": waiting()}
    nodes: list[Any] = [stage]
    if feeder in given:
        reader = IterableSource[int](given[feeder], name="feeder")
        reader.link_target(stage)
    elif feeder == "agent":
        nodes.append(Feeder(outputs=[stage], name="feeder"))
    async with Network(*nodes) as network:
        if feeder == "body":
            async for n in waiting():
                await stage.send(n)
    verdict = network.suggest()
    rows = {stage.name: stage for stage in verdict.stages}
    row = rows["body" if feeder == "body" else "feeder"]
    places = {"source": "loop", "async source": "tasks"}
    assert (row.place, row.items, row.is_source) == (places.get(feeder, feeder), 5, True)
    assert row.seconds >= 5.0
    assert verdict.predicted >= 5.0


async def test_who_sends_at_once_and_then_waits_is_no_slow_feeder(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time_slice, "clock", lambda: now)

    def work(n: int) -> None:
        nonlocal now
        now += 1.0

    async with Network(block := Call(work)) as network:
        for n in range(5):
            await block.send(n)
        await wait_all_tasks_blocked()
        now += 100
    assert [stage.name for stage in network.suggest().stages] == ["work"]
