"""Generated graphs × executors × failures: each task once, never before its inputs, and exact accounts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import Ended, Results, Task, TaskGraph, TasksFailed, TaskState, optional
from penstock.blocks import Threads


@attrs.frozen
class Plan:
    """A task: which of those before it are inputs, whether it fails, and whether it is asynchronous."""

    inputs: tuple[int, ...]
    after: tuple[int, ...]
    optionals: tuple[int, ...]
    fails: bool
    is_async: bool


@st.composite
def plans(draw: st.DrawFn) -> list[Plan]:
    found: list[Plan] = []
    for number in range(draw(st.integers(0, 25))):
        few = st.lists(st.integers(0, number - 1), max_size=3, unique=True).map(tuple) if number else st.just(())
        found.append(Plan(draw(few), draw(few), draw(few), draw(st.integers(0, 9)) == 0, draw(st.booleans())))
    return found


class Boom(Exception):
    """A failure."""


class Run:
    """Builds a graph from plans, and notes what it calls."""

    def __init__(self, all_plans: list[Plan], executor: Any) -> None:
        self.plans = all_plans
        self.graph = TaskGraph(executor=executor, concurrency=3)
        self.calls: Counter[int] = Counter()
        self.lock = threading.Lock()
        self.tasks: list[Task[Any]] = []
        for number, plan in enumerate(all_plans):
            inputs = [self.tasks[place] for place in plan.inputs]
            ends = [optional(self.tasks[place]) for place in plan.optionals]
            task = self.graph.call(self.function(number, plan), inputs, ends, name=f"t{number}")
            self.tasks.append(task.depends_on(*(self.tasks[place] for place in plan.after)))

    def function(self, number: int, plan: Plan) -> Callable[..., Any]:
        def work(values: list[int], ends: list[Ended[int]]) -> int:
            with self.lock:
                self.calls[number] += 1
            assert values == [*plan.inputs]
            assert all(
                end.error is not None or end.value == place for end, place in zip(ends, plan.optionals, strict=True)
            )
            if plan.fails:
                raise Boom(number)
            return number

        async def work_later(values: list[int], ends: list[Ended[int]]) -> int:
            await trio.lowlevel.checkpoint()
            return work(values, ends)

        return work_later if plan.is_async else work

    def expected(self) -> list[TaskState]:
        states: list[TaskState] = []
        for plan in self.plans:
            needed = [states[place] for place in (*plan.inputs, *plan.after) if place not in self.only_optional(plan)]
            if any(state is not TaskState.COMPLETED for state in needed):
                states.append(TaskState.NOT_RUN)
            else:
                states.append(TaskState.FAILED if plan.fails else TaskState.COMPLETED)
        return states

    def only_optional(self, plan: Plan) -> set[int]:
        return {place for place in plan.optionals if place not in plan.inputs}


def check(run: Run, results: Results, errors: int) -> None:
    expected = run.expected()
    assert [results.states[task.name] for task in run.tasks] == expected
    assert errors == expected.count(TaskState.FAILED)
    for number, state in enumerate(expected):
        assert run.calls[number] == (state is not TaskState.NOT_RUN)


def run_all(run: Run, on_error: Any) -> tuple[Results, int]:
    try:
        return run.graph.run_sync(on_error=on_error), 0
    except TasksFailed as failed:
        return failed.results, len(failed.exceptions)


@pytest.mark.parametrize("workers", [0, 1, 3])
@given(all_plans=plans())
def test_each_task_runs_once_after_its_inputs(workers: int, all_plans: list[Plan]) -> None:
    run = Run(all_plans, Threads(workers) if workers else None)
    check(run, *run_all(run, "continue"))


@pytest.mark.parametrize("workers", [0, 3])
@given(all_plans=plans())
def test_the_first_failure_stops_what_has_not_begun(workers: int, all_plans: list[Plan]) -> None:
    run = Run(all_plans, Threads(workers) if workers else None)
    results, errors = run_all(run, "stop")
    expected = run.expected()
    assert (errors > 0) == (TaskState.FAILED in expected)
    for number, task in enumerate(run.tasks):
        state = results.states[task.name]
        assert state is expected[number] or errors
        assert run.calls[number] <= 1
        if state in (TaskState.COMPLETED, TaskState.FAILED):
            assert run.calls[number] == 1
        if state in (TaskState.WAITING, TaskState.NOT_RUN):
            assert run.calls[number] == 0


@given(all_plans=plans(), steps=st.integers(0, 20))
def test_a_cancelled_run_leaves_nothing_running(all_plans: list[Plan], steps: int) -> None:
    run = Run(all_plans, None)

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel, scope)
                with trio.CancelScope(), suppress(TasksFailed):
                    await run.graph.run(on_error="continue")
                scope.cancel()

    async def cancel(scope: trio.CancelScope) -> None:
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        scope.cancel()

    trio.run(main)
    assert all(count == 1 for count in run.calls.values())
