"""Pipelines that run with a plan: the same results in the same order for every plan, and clear errors."""

import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import Pipeline, Plan, PlanStage
from penstock.blocks import BoundedBuffer, DeadLetter, ErrorInfo, Fail, Processes, Rate, Retry, Threads
from tests.agents.pipelines.recipes import (
    WAYS,
    Plain,
    by_run,
    fail_some,
    inc,
    is_wanted,
    later,
    lists,
    longer,
    same,
    twice,
)

# Every plan gives the same results


class Numbers:
    """A function with a state: each call gets the next number."""

    def __init__(self) -> None:
        self.last = 0
        self.threads: set[int] = set()

    def __call__(self, item: Any) -> Any:
        self.last += 1
        self.threads.add(threading.get_ident())
        return (self.last, item)


def number(items: list[Any]) -> list[Any]:
    return list(enumerate(items, 1))


Extend = Callable[[Pipeline[Any, Any]], Pipeline[Any, Any]]
PLAIN: list[tuple[Extend, Plain]] = [
    (lambda p: p.map(inc), lambda xs: list(map(inc, xs))),
    (lambda p: p.map(inc, executor=Threads(2), concurrency=2, on_error=Fail()), lambda xs: list(map(inc, xs))),
    (lambda p: p.filter(is_wanted), lambda xs: list(filter(is_wanted, xs))),
    (lambda p: p.tap(str), lambda xs: xs),
    (lambda p: p.map(same, window=4, capacity=8, ordered=True), lambda xs: xs),
]
STATEFUL: list[tuple[Extend, Plain]] = [(lambda p: p.map(Numbers(), stateful=True), number)]
ALONE: list[tuple[Extend, Plain]] = [
    (lambda p: p.map(fail_some, on_error="skip"), lambda xs: list(filter(is_wanted, xs))),
    (lambda p: p.filter(fail_some, on_error="skip"), lambda xs: [x for x in xs if is_wanted(x) and x]),
    (lambda p: p.map(inc, key=str, ordered=True), lambda xs: list(map(inc, xs))),
    (lambda p: p.flat_map(twice), lambda xs: [x for x in xs for _ in range(2)]),
    (lambda p: p.map(inc, rate=Rate(1e6, burst=1000)), lambda xs: list(map(inc, xs))),
]
AS_WRITTEN: list[tuple[Extend, Plain]] = [
    (lambda p: p.map(later, concurrency=3), lambda xs: list(map(inc, xs))),
    (lambda p: p.map(inc, time_limit=60), lambda xs: list(map(inc, xs))),
    (lambda p: p.map(inc, executor=Threads(1, worker_init=dict)), lambda xs: list(map(inc, xs))),
    (lambda p: p.batch(3), lambda xs: lists(xs, 3)),
    (lambda p: p.fold(longer, list[Any]()), lambda xs: [xs]),
    (lambda p: p | BoundedBuffer[Any](3), lambda xs: xs),
]


@st.composite
def planned_recipes(draw: st.DrawFn) -> tuple[Pipeline[Any, Any], Plan, Plain]:
    """A chain of tasks of all kinds, and any plan for it."""
    pipeline: Pipeline[Any, Any] = Pipeline.of(object)
    plains: list[Plain] = []
    stages: list[PlanStage] = []
    first = 0

    def end_stage(executor: Any = None, is_stateful: bool = False) -> None:
        nonlocal first
        if first < len(plains):
            kind: Any = executor or draw(st.sampled_from(["threads", "loop"]))
            workers = 1 if is_stateful or kind in ("loop", "as written") else draw(st.integers(1, 3))
            buffer = draw(st.sampled_from([None, 4, 9]))
            stages.append(PlanStage(f"t{first}", f"t{len(plains) - 1}", workers=workers, executor=kind, buffer=buffer))
            first = len(plains)

    has_state = False
    for kinds in draw(st.lists(st.sampled_from([PLAIN, PLAIN, PLAIN, STATEFUL, ALONE, AS_WRITTEN]), max_size=7)):
        extend, plain = draw(st.sampled_from(kinds))
        if kinds in (ALONE, AS_WRITTEN) or draw(st.booleans()):
            end_stage(is_stateful=has_state)
            has_state = False
        pipeline = named(extend(pipeline), f"t{len(plains)}")
        plains.append(plain)
        has_state = has_state or kinds is STATEFUL
        if kinds is AS_WRITTEN or kinds is ALONE:
            end_stage("as written" if kinds is AS_WRITTEN else None)
            has_state = False
    end_stage(is_stateful=has_state)

    def run(items: list[Any]) -> list[Any]:
        for plain in plains:
            items = plain(items)
        return items

    if not stages:
        pipeline, stages = Pipeline(same, name="t0"), [PlanStage("t0")]
    return pipeline, Plan(stages), run


def named(pipeline: Pipeline[Any, Any], name: str) -> Pipeline[Any, Any]:
    """Give the last step a name, whatever it is."""
    step = pipeline.steps[-1]
    call = step.call and attrs.evolve(step.call, options={**step.call.options, "name": name})
    pipeline.steps = (*pipeline.steps[:-1], attrs.evolve(step, label=name, call=call))
    return pipeline


@given(planned_recipes(), st.integers(0, 30), st.sampled_from(WAYS))
def test_every_plan_gives_what_a_plain_program_gives(
    recipe: tuple[Pipeline[Any, Any], Plan, Plain], count: int, way: Callable[..., list[Any]]
) -> None:
    pipeline, plan, plain = recipe
    assert way(pipeline.planned(plan), range(count)) == plain(list(range(count)))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 9), st.integers(1, 3), st.booleans())
def test_a_fault_in_a_stage_names_the_task_and_the_results_before_it_come_first(
    before: list[int], place: int, workers: int, on_loop: bool
) -> None:
    def break_at(item: int) -> int:
        return item // (item - place)

    pipeline: Pipeline[int, int] = Pipeline.of(int)
    for n in range(len(before)):
        pipeline = pipeline.map(same, name=f"same {n}")
    pipeline = pipeline.map(break_at).map(same, name="last")
    kind: Any = "loop" if on_loop else "threads"
    plan = Plan([PlanStage("same 0", "last", executor=kind, workers=1 if on_loop else workers)])
    results: list[int] = []
    with pytest.raises(ZeroDivisionError) as caught:
        results.extend(pipeline.planned(plan).run(range(10)))
    name = " + ".join([*(f"same {n}" for n in range(len(before))), "break_at", "last"])
    assert caught.value.__notes__ == ["in the task 'break_at'", f"in {name}, item {place + 1}: {place}"]
    frames = [frame.name for frame in caught.traceback]
    assert "break_at" in frames


def pid(item: int) -> tuple[int, int]:
    return (item, os.getpid())


def keep_odd(pair: tuple[int, int]) -> bool:
    return pair[0] % 2 == 1


@pytest.mark.slow
def test_a_stage_in_processes() -> None:
    plan = Plan([PlanStage("pid", "keep_odd", workers=2, executor="processes"), PlanStage("str")])
    results = by_run(Pipeline(pid).filter(keep_odd).map(str).planned(plan), range(6))
    assert [re.sub(r"\d+\)", "", text) for text in results] == ["(1, ", "(3, ", "(5, "]
    assert str(os.getpid()) not in "".join(results)

    with pytest.raises(ZeroDivisionError) as caught:
        by_run(Pipeline(pid, name="a").map(divide).planned(Plan([PlanStage("a", "divide", executor="processes")])), [1])
    assert caught.value.__notes__[0] == "in the task 'divide'"


def divide(_: object) -> float:
    return 1 / 0


def test_a_stateful_stage_is_called_by_one_thread_in_order() -> None:
    numbers = Numbers()
    pipeline = Pipeline(same, name="a").map(numbers, stateful=True, name="count").map(same, name="z")
    plan = Plan([PlanStage("a", workers=3), PlanStage("count", "z"), PlanStage("z-2")])
    assert by_run(pipeline.map(same, name="z").planned(plan), range(50)) == number(list(range(50)))
    assert len(numbers.threads) == 1


def test_the_workers_of_a_stage_work_at_the_same_time() -> None:
    both = threading.Barrier(2)

    def meet(item: int) -> int:
        both.wait(60)
        return item

    pipeline = Pipeline(meet).tap(inc).map(same)
    assert by_run(pipeline.planned(Plan([PlanStage("meet", "same", workers=2)])), range(4)) == [0, 1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot pin")
def test_the_workers_of_a_stage_are_pinned() -> None:
    def processors(_: int) -> set[int]:
        return os.sched_getaffinity(0)

    cpu = min(os.sched_getaffinity(0))
    pipeline = Pipeline(processors).map(same)
    assert by_run(pipeline.planned(Plan([PlanStage("processors", "same", cpus=[cpu])])), [1]) == [{cpu}]
    with pytest.raises(ValueError, match=r"cpus must be numbers out of .*, got \(-1,\)"):
        pipeline.planned(Plan([PlanStage("processors", "same", cpus=[-1])]))


def test_a_stage_of_one_task_keeps_its_own_options() -> None:
    letters: list[ErrorInfo] = []
    pipeline = Pipeline(fail_some, on_error=DeadLetter(letters.append), name="work").filter(is_wanted)
    planned = pipeline.planned(Plan([PlanStage("work", workers=2), PlanStage("is_wanted", executor="loop")]))
    assert str(planned) == "work → filter is_wanted"
    assert by_run(planned, range(5)) == [1, 2, 4]
    assert [letter.item for letter in letters] == [0, 3]
    assert [letter.phase for letter in letters] == ["work", "work"]


def test_a_planned_pipeline_is_a_recipe_like_any_other() -> None:
    plan = Plan([PlanStage("inc", "inc-2", workers=2, buffer=5)])
    planned = Pipeline(inc).map(inc).planned(plan)
    assert str(planned) == "inc + inc-2"
    assert by_run(planned, range(3)) == by_run(planned, range(3)) == [2, 3, 4]
    assert by_run(planned.map(inc) | planned, [1]) == [6]
    assert planned.check() == ()
    with pytest.raises(ValueError, match="is not a plain function that a plan can move"):
        planned.planned(Plan([PlanStage("inc + inc-2")]))
    assert by_run(planned.planned(Plan([PlanStage("inc + inc-2", executor="as written")])), [1]) == [3]


def test_a_filter_in_a_stage_drops_items_in_a_branch_too() -> None:
    branch = Pipeline(inc).filter(is_wanted).map(inc)
    plan = Plan([PlanStage("inc", "inc-2", workers=2)])
    pairs = [(n + 2, n) for n in range(12) if is_wanted(n + 1)]
    assert by_run(Pipeline.of(int).fork(branch.planned(plan), Pipeline.of(int)), range(12)) == pairs
    assert by_run(Pipeline.of(int).fork(branch, Pipeline.of(int)), range(12)) == pairs


def test_the_report_counts_what_a_stage_drops() -> None:
    pipeline = Pipeline(inc).filter(is_wanted).planned(Plan([PlanStage("inc", "is_wanted")]))
    with pipeline.run(range(6)) as results:
        assert list(results) == [1, 2, 4, 5]
        statistics = results.network.statistics()
    names = [block.name for block in statistics.blocks]
    assert "inc + is_wanted" in names
    assert "filter is_wanted" in names


def generate(item: int) -> Iterator[int]:
    yield item


@pytest.mark.parametrize("give", [later, generate])
def test_a_function_that_has_not_run_is_refused(give: Callable[[int], Any]) -> None:
    pipeline = Pipeline.of(int).map(lambda item: give(item), name="give").tap(same)
    with pytest.raises(TypeError, match="the function of 'give' returned a") as caught:
        by_run(pipeline.planned(Plan([PlanStage("give", "same")])), [1])
    assert caught.value.__notes__[0] == "in the task 'give'"


def test_a_predicate_that_has_not_run_is_refused() -> None:
    pipeline = Pipeline(same).filter(lambda item: later(item), name="keep")
    with pytest.raises(TypeError, match="filter 'keep': the predicate returned a coroutine"):
        by_run(pipeline.planned(Plan([PlanStage("same", "keep")])), [1])


def test_leaving_or_cancelling_a_planned_stream_stops_everything() -> None:
    planned = Pipeline(inc).map(inc).planned(Plan([PlanStage("inc", workers=2), PlanStage("inc-2")]))

    async def main() -> None:
        async with planned.stream(itertools.count()) as results:
            assert await anext(results) == 2
        with trio.CancelScope() as scope:
            async with planned.stream(itertools.count()) as results:
                async for _ in results:
                    scope.cancel()
        assert scope.cancelled_caught

    trio.run(main)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("Threads")]


# What is refused

CHAIN = (
    Pipeline(inc, name="a")
    .map(inc, name="b", stateful=True)
    .map(inc, name="c", on_error=Retry(1))
    .flat_map(twice, name="d")
    .batch(2)
    .map(str, name="f")
)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([PlanStage("a", "b")], r"'c', 'd', 'batch 2' and 'f' are in no stage"),
        ([PlanStage("b")], r"'a' is in no stage"),
        ([PlanStage("a"), PlanStage("c")], r"'b' is in no stage"),
        ([PlanStage("a", "b"), PlanStage("b")], r"stage 'b': 'b' is in a stage before it, or comes"),
        (
            [PlanStage("a"), PlanStage("b"), PlanStage("a")],
            r"stage 'a': 'a' is in a stage before it, or comes",
        ),
        ([PlanStage("b", "a")], r"stage 'b … a': 'a' comes before 'b'"),
        ([PlanStage("a", "x")], r"the pipeline has no task 'x'; it has 'a', 'b', 'c', 'd', 'batch 2' and 'f'"),
        (
            [PlanStage("a", "c")],
            r"stage 'a … c': 'c' has options of its own, or many results",
        ),
        ([PlanStage("a"), PlanStage("b", workers=2)], r"stage 'b': 'b' is stateful; it needs one worker"),
        (
            [PlanStage("a", "b", executor="processes")],
            r"'b' is stateful; it needs one worker, in threads",
        ),
        ([PlanStage("a", "b", executor="as written")], r"several tasks cannot be one stage as they are written"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(stages: list[PlanStage], message: str) -> None:
    rest = ["c", "d", "batch 2", "f"] if "no stage" not in message else []
    kinds: dict[str, Any] = {"batch 2": "as written"}
    done = stages[-1].last
    more = [PlanStage(name, executor=kinds.get(name, "threads")) for name in rest if name > done or name == "batch 2"]
    with pytest.raises(ValueError, match=f"Pipeline.planned: .*{message}"):
        CHAIN.planned(Plan([*stages, *more]))


def test_a_step_without_a_function_keeps_its_own_stage() -> None:
    tail = [PlanStage("c"), PlanStage("d")]
    with pytest.raises(ValueError, match="'batch 2' is not a plain function that a plan can move"):
        CHAIN.planned(Plan([PlanStage("a", "b"), *tail, PlanStage("batch 2", "f")]))
    whole = [PlanStage("a", "b"), *tail, PlanStage("batch 2", executor="as written"), PlanStage("f")]
    assert by_run(CHAIN.planned(Plan(whole)), [1, 2]) == ["[4, 4]", "[5, 5]"]


def test_functions_that_have_workers_of_their_own_stay_there() -> None:
    own: Any
    for own in (
        Threads(1, worker_init=dict),
        Threads(1, worker_exit=print),
        Threads(1, cpus=[min(os.sched_getaffinity(0))]),
        Threads(1, abandon_on_cancel=True),
        Processes(1, max_items=3),
        Processes(1, max_memory="1 GiB"),
        ThreadPoolExecutor(1),
    ):
        with pytest.raises(ValueError, match="'inc' is not a plain function that a plan can move"):
            Pipeline(inc, executor=own).planned(Plan([PlanStage("inc")]))


def test_what_is_no_plan_is_refused() -> None:
    no_plan: Any = [PlanStage("inc")]
    with pytest.raises(TypeError, match=r"Pipeline\.planned: needs a Plan, got"):
        Pipeline(inc).planned(no_plan)
    with pytest.raises(ValueError, match="has no task 'a'; it has none"):
        Pipeline.of(int).planned(Plan([PlanStage("a")]))


def test_a_stateful_function_is_called_with_one_item_at_a_time() -> None:
    with pytest.raises(ValueError, match="stateful function is called with one item at a time, got concurrency=2"):
        Pipeline(inc, executor=Threads(2), concurrency=2, stateful=True)
    wrong: Any = 1
    with pytest.raises(TypeError, match=r"Pipeline\.map: stateful must be True or False, got 1"):
        Pipeline(inc).map(inc, stateful=wrong)
    assert by_run(Pipeline(Numbers(), stateful=True), "ab") == [(1, "a"), (2, "b")]
