"""What would make a run faster: the model on measurements made up for it, and what blocks measure of themselves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

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
        "predicted: 20 ms an item, 1.5 × as fast as now",
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
        [stage("a", 1.0, 0.1, place="loop"), stage("b", 1.0, 0.1, place="loop"), stage("c", 2.0, 0.2)], 4, 2
    )
    assert verdict.predicted == pytest.approx(2.0)
    assert verdict.concurrency == {"a": 1, "b": 1, "c": 1}
    assert verdict.advice == tuple(
        f"{name}: 10 ms an item is too long for the loop; give it executor=Threads(n)" for name in "ab"
    )


def test_a_stage_too_small_for_a_thread_is_told_so() -> None:
    verdict = suggest([stage("tiny", 3e-4, 3e-4)], 5e-4, 1)
    assert verdict.advice == ("tiny: 3 µs an item is too small to be worth an executor; run it on the loop",)


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
        "100 items in 1.6 s, 16 ms an item; 2 processors, 50% busy with the stages",
        "  stage                    where        at once    an item  processor",
        "  read                     Threads            1       5 ms       1 ms",
        "  filter                   Threads            1      15 ms      15 ms  slowest",
        "  filter: concurrency=2, and as many workers, instead of 1",
        "  predicted: 8 ms an item, 2 × as fast as now",
    ]


def test_names_with_line_breaks_do_not_break_the_table() -> None:
    text = str(suggest([stage("re\nad", 1.0, 1.0), stage("filter\n", 3.0, 3.0)], 3.0, 2))
    assert len(text.splitlines()) == 6
    assert "filter\\n: concurrency=2" in text


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
    in_work = threading.Barrier(2, timeout=10)  # two calls at once, or neither ends

    def meet(x: int) -> int:
        in_work.wait()
        return sum(range(20_000))

    block = Call(meet, executor=Threads(2), concurrency=2)
    network = await run(block, range(2))
    (stage,) = network.suggest().stages
    assert (stage.name, stage.place, stage.concurrency, stage.items) == ("meet", "Threads", 2, 2)
    assert 0 < stage.cpu <= stage.seconds


@pytest.mark.usefixtures("real_time")
async def test_more_calls_at_once_than_there_are_workers_do_not_count() -> None:
    two: Call[int] = Call(abs, executor=Threads(2), concurrency=4, name="two")
    standard: Call[int] = Call(abs, executor=ThreadPoolExecutor(1), concurrency=2, name="standard")
    other: Call[int] = Call(abs, executor=OnLoop(), concurrency=2, name="other")
    source: IterableSource[int] = IterableSource(range(3))
    spread: Broadcast[int] = Broadcast()
    source.link_target(spread)
    for call in (two, standard, other):
        spread.link_target(call)
    async with Network(source) as network:
        pass
    assert {stage.name: stage.concurrency for stage in network.suggest().stages} == {
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
