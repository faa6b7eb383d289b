"""The best cut of a chain, compared with all cuts of small chains, and by hand in each special case."""

import itertools
import math
import time
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents.plans.cut import Cut, Cutter
from penstock.agents.plans.hand_over_costs import CallerCost, HandOverCosts
from penstock.agents.plans.plan_task import PlanTask

NONE = (0.0, 0.0, 0.0)
FREE = HandOverCosts(
    loop=0.0,
    threads_loop=NONE,
    threads_worker=NONE,
    single_loop=NONE,
    single_worker=NONE,
    processes=NONE,
    caller_loop=NONE,
    caller=NONE,
)
DEAR = HandOverCosts(
    loop=1e-4,
    threads_loop=(1e-4, 2e-4, 4e-4),
    threads_worker=(5e-5, 3e-4, 1e-4),
    single_loop=(2e-4, 1e-4, 6e-4),
    single_worker=(0.0, 2e-4, 3e-4),
    processes=(5e-4, 1e-3, 1e-3),
    caller_loop=(1e-4, 2e-4, 5e-4),
    caller=(0.0, 1e-4, 2e-4),
)


def work(name: str, seconds: float, **more: Any) -> PlanTask:
    """A task that releases the interpreter lock."""
    more.setdefault("lock_seconds", 0.0)
    return PlanTask(name=name, seconds=seconds, **more)


def stateful(name: str, seconds: float) -> PlanTask:
    """Such a task with a state."""
    return work(name, seconds, is_stateful=True)


def shown(cut: Cut) -> str:
    """The stages of a cut in short: tasks, executor and workers."""
    return " ".join(f"{s.way.start}-{s.way.stop - 1}{s.way.executor[0]}{s.workers}" for s in cut.stages)


# All cuts of a small chain, by another way of thinking


def all_cuts(tasks: list[PlanTask]) -> Iterator[list[tuple[int, int]]]:
    """All ways to cut a chain into stages, without those that a task which must be alone forbids."""
    count = len(tasks)
    for number in range(count):
        for borders in itertools.combinations(range(1, count), number):
            edges = (0, *borders, count)
            stages = list(itertools.pairwise(edges))
            if all(
                stop == start + 1 or not any(task.is_alone or task.is_fixed for task in tasks[start:stop])
                for start, stop in stages
            ):
                yield stages


Option = tuple[float, float, float, float, int]


def brute_force(
    tasks: list[PlanTask], copies: list[float | None], cores: int, costs: HandOverCosts
) -> tuple[float, int, int, int]:
    """The smallest period, then the fewest cores, then the fewest workers, then the fewest stages."""
    found: list[tuple[float, float, int, int]] = []
    busy = sum(task.busy_seconds for task in tasks)
    by_loop = cost(costs.caller_loop, busy)
    caller = by_loop + cost(costs.caller, busy)
    for stages in all_cuts(tasks):
        options = [list(stage_options(tasks, copies, *stage, costs)) for stage in stages]
        for chosen in itertools.product(*options):
            seconds, processor, lock, loop, workers = zip(*chosen, strict=True)
            used = caller + sum(processor)
            period = max(*seconds, used / cores, caller + sum(lock), by_loop + sum(loop))
            found.append((period, used, sum(workers), len(stages)))
    least = min(found)[0]
    return min(
        (least, math.ceil(processor / least - 1e-6), workers, number)
        for period, processor, workers, number in found
        if period <= least * (1 + 1e-9)
    )


def cost(numbers: tuple[float, ...], seconds: float) -> float:
    """A cost for an item that takes some seconds."""
    return float(np.interp(seconds, [0.0, 1e-4, 1e-3], numbers))


def stage_options(
    tasks: list[PlanTask], copies: list[float | None], start: int, stop: int, costs: HandOverCosts
) -> Iterator[Option]:
    """Each way to run a stage: its period, its processor time, its time with the lock and of the loop, its workers."""
    parts = tasks[start:stop]
    seconds = sum(task.seconds for task in parts)
    lock = sum(task.lock_seconds or 0.0 for task in parts)
    processor = sum(task.processor_seconds or 0.0 for task in parts)
    more = costs.loop
    if parts[0].is_fixed:
        yield seconds + more, processor + more, lock + more, processor + more, 0
        return
    if seconds <= 2e-4:
        yield seconds + more, processor + more, lock + more, seconds + more, 0
    is_replicable = not any(task.is_stateful for task in parts)
    for workers in range(1, 7 if is_replicable else 2):
        loop = cost(costs.threads_loop if workers > 1 else costs.single_loop, seconds)
        more = loop + cost(costs.threads_worker if workers > 1 else costs.single_worker, seconds)
        yield (seconds + more) / workers, processor + more, lock + more, loop, workers
        taken, given = copies[start], copies[stop]
        if is_replicable and all(task.in_processes for task in parts) and taken is not None and given is not None:
            threads = cost(costs.threads_loop, seconds) + cost(costs.threads_worker, seconds)
            more = max(cost(costs.processes, seconds), threads)
            here = more + (taken + given) / 2
            yield (seconds + more + taken + given) / workers, processor + 2 * here, here, here, workers


@st.composite
def some_tasks(draw: st.DrawFn) -> PlanTask:
    seconds = draw(st.sampled_from([1e-5, 1e-4, 2e-4, 1e-3, 2e-3, 3e-3, 5e-3, 8e-3])) * draw(
        st.sampled_from([1, 1.25, 1.5])
    )
    kind = draw(st.sampled_from(["plain", "plain", "plain", "stateful", "alone", "loop"]))
    lock = seconds * draw(st.sampled_from([0, 0.1, 0.5]))
    return PlanTask(
        name="task",
        seconds=seconds,
        processor_seconds=seconds * draw(st.sampled_from([0.5, 1])),
        lock_seconds=lock,
        copy_seconds=draw(st.sampled_from([0.0, 2e-4, 1e-3, None])),
        is_stateful=kind == "stateful",
        is_alone=kind == "alone",
        is_fixed=kind == "loop",
        in_processes=draw(st.booleans()),
    )


@given(
    st.lists(some_tasks(), min_size=1, max_size=4),
    st.integers(1, 3),
    st.sampled_from([0.0, 3e-4, None]),
    st.sampled_from([FREE, HandOverCosts(), DEAR]),
)
def test_no_cut_of_a_small_chain_is_better(
    tasks: list[PlanTask], cores: int, item_copy: float | None, costs: HandOverCosts
) -> None:
    copies = [item_copy, *(task.copy_seconds for task in tasks)]
    check(Cutter(tasks, item_copy, costs).best(cores), brute_force(tasks, copies, cores, costs))


def check(cut: Cut, best: tuple[float, int, int, int]) -> None:
    """A cut is as good as the best one."""
    assert math.isclose(cut.period, best[0], rel_tol=1e-8)
    assert (cut.cores_for(best[0]), cut.workers, len(cut.stages)) == best[1:]


@given(st.lists(st.tuples(st.integers(1, 13), st.booleans()), min_size=1, max_size=4), st.integers(1, 3))
def test_without_lock_and_copies_only_states_and_cores_count(chain: list[tuple[int, bool]], cores: int) -> None:
    tasks = [
        work("task", 0.01 * w, is_stateful=not r, in_processes=False, processor_seconds=0.01 * w) for w, r in chain
    ]
    best = brute_force(tasks, [0.0] * (len(tasks) + 1), cores, FREE)
    check(Cutter(tasks, hand_over=FREE).best(cores), best)
    stuck = max((task.seconds for task in tasks if task.is_stateful), default=0.0)
    assert math.isclose(best[0], max(stuck, sum(task.seconds for task in tasks) / cores), rel_tol=1e-9)


# By hand


@pytest.mark.parametrize(
    ("tasks", "cores", "stages"),
    [
        pytest.param([work("a", 0.01)], 4, "0-0t4", id="one task on all cores"),
        pytest.param([work("a", 0.01), work("b", 0.01)], 2, "0-1t2", id="no border where none is needed"),
        pytest.param([stateful("a", 0.01), stateful("b", 0.005)], 2, "0-0t1 1-1t1", id="two states"),
        pytest.param([stateful("a", 0.01), stateful("b", 0.005)], 1, "0-1t1", id="one core"),
        pytest.param(
            [work("a", 0.01), stateful("b", 0.01), work("c", 0.01)], 2, "0-0t1 1-1t1 2-2t1", id="workers share cores"
        ),
        pytest.param([stateful("a", 0.01), work("b", 1e-3)], 8, "0-0t1 1-1t1", id="few workers"),
        pytest.param([work("a", 0.01, lock_seconds=0.01)], 4, "0-0p4", id="the lock leads to processes"),
        pytest.param(
            [work("a", 0.01, lock_seconds=0.01, in_processes=False)], 4, "0-0t1", id="the lock cannot be avoided"
        ),
        pytest.param([work("a", 0.01, lock_seconds=0.01, copy_seconds=0.05)], 4, "0-0t1", id="copies are too dear"),
        pytest.param(
            [work("a", 1e-6, lock_seconds=1e-6), work("b", 1e-6, lock_seconds=1e-6)], 4, "0-1l1", id="quick functions"
        ),
        pytest.param([work("a", 1e-4), work("b", 1e-4)], 1, "0-1l1", id="the loop costs least"),
        pytest.param([work("a", 0.01)], 1, "0-0t1", id="long functions leave the loop"),
        pytest.param([work("a", 0.01), work("w", 1e-3, is_fixed=True)], 1, "0-0t1 1-1a1", id="as written"),
        pytest.param([work("a", 0.01), work("b", 0.01, is_alone=True)], 2, "0-0t1 1-1t1", id="a task that is alone"),
        pytest.param([work("a", 0.01, processor_seconds=0.001)], 1, "0-0t9", id="a task that waits"),
        pytest.param([work("a", 0.01, processor_seconds=1e-6)], 4, "0-0t64", id="not any number of workers"),
    ],
)
def test_the_best_cut(tasks: list[PlanTask], cores: int, stages: str) -> None:
    assert shown(Cutter(tasks).best(cores)) == stages


def test_the_loop_of_a_task_that_waits_is_free_for_others() -> None:
    waits = work("fetch", 0.001, processor_seconds=1e-5, is_fixed=True)
    cut = Cutter([waits, work("parse", 2e-4)], hand_over=FREE).best(1)
    assert shown(cut) == "0-0a1 1-1l1"
    assert cut.period == 0.001
    assert cut.loop == pytest.approx(2.1e-4)


def test_one_worker_waits_for_the_loop_more_often_than_two_of_them() -> None:
    costs = HandOverCosts(single_loop=(1e-6, 1e-4, 5e-4))
    tasks = [work("a", 0.001, in_processes=False), stateful("b", 0.002)]
    cut = Cutter(tasks, hand_over=costs).best(4)
    assert shown(cut) == "0-0t1 1-1t1"  # the state sets the pace, so a second worker does not help
    assert cut.stages[0].way.seconds == pytest.approx(0.00153)
    cut = Cutter(tasks, hand_over=costs).best(1)
    assert shown(cut) == "0-1t1"
    assert shown(Cutter(tasks[:1], hand_over=costs).best(1)) == "0-0t2"


def test_what_the_caller_costs_is_counted_once() -> None:
    costs = attrs.evolve(FREE, caller_loop=(0.0, 2e-4, 2e-3), caller=(0.0, 1e-4, 1e-3))
    tasks = [work("a", 5e-5, is_alone=True), work("b", 5e-5, is_alone=True)]
    one, two = (Cutter(tasks, hand_over=costs).best(cores) for cores in (1, 2))
    assert one.caller == two.caller == CallerCost(2e-4 + 1e-4, 2e-4)
    assert one.period == one.processor == pytest.approx(4e-4)
    assert two.period == two.lock == pytest.approx(3e-4)


def test_a_long_chain_takes_no_time_to_speak_of() -> None:
    tasks = [work(str(n), 0.001 * (1 + n * 7 % 11), is_stateful=n % 5 == 0) for n in range(60)]
    start = time.process_time()
    assert Cutter(tasks).best(64).period == pytest.approx(0.01108)
    assert time.process_time() - start < 2
