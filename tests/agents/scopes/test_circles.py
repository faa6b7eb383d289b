"""Tasks of scopes that wait for each other in a circle: the wait that closes it fails, and no other wait does."""

from __future__ import annotations

import math
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextvars import copy_context
from functools import partial
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, Handle, Runtime, Scope, TaskHandle, first_success, gather, race
from penstock.agents.runtime.runtime_task import RuntimeTask
from penstock.agents.scopes import waits
from penstock.agents.scopes.scope_task import ScopeTask
from penstock.agents.scopes.waits import awaited, calling, doubts, elsewhere, holders, leads_back, needed_by, walk
from penstock.agents.tasks.calls import caller_here
from penstock.blocks import BoundedBuffer, Network, Stalled, Threads
from penstock.blocks.base import trio_details
from tests.agents.runtime.gates import LONGEST, Gate

CIRCLE = "tasks wait for each other in a circle, and none can go on:"


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    yield
    assert (awaited, holders, elsewhere, calling) == ({}, {}, {}, {})


def stalls(error: BaseException) -> list[Stalled]:
    """Every `Stalled` in an exception; the test fails if there is something else."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [each for one in group.exceptions for each in stalls(one)]
    assert isinstance(error, Stalled)
    return [error]


async def told(run: Callable[[], Awaitable[object]]) -> set[str]:
    """The lines of the only circle with which a program ends."""
    with pytest.raises(BaseExceptionGroup) as raised:
        await run()
    reports = {stalled.report for stalled in stalls(raised.value)}
    assert {stalled.args[0] for stalled in stalls(raised.value)} == {CIRCLE}
    (report,) = reports
    return {line.strip() for line in report.splitlines()}


Handles = dict[str, Handle[Any]]


def waiting(handles: Handles, name: str) -> Callable[[], Awaitable[Any]]:
    """A function that waits for a task."""

    async def wait() -> Any:
        return await handles[name]

    return wait


@pytest.mark.parametrize("names", ["a", "ab", "abc", "abcdefgh"])
async def test_a_circle_of_handles_is_told(names: str) -> None:
    async def run() -> None:
        handles: Handles = {}
        async with Scope(name="s") as scope:
            for one, other in zip(names, names[1:] + names[0], strict=True):
                handles[one] = scope.spawn(waiting(handles, other), name=one)

    assert await told(run) == {
        f"task {one!r} of scope 's' waits for task {other!r} of scope 's'"
        for one, other in zip(names, names[1:] + names[0], strict=True)
    }


async def test_a_held_circle_is_told_to_who_awaits_it() -> None:
    handles: Handles = {}
    async with Scope(name="s") as scope:
        handles["a"] = scope.spawn(waiting(handles, "b"), name="a", hold=True)
        handles["b"] = scope.spawn(waiting(handles, "a"), name="b", hold=True)
        for handle in handles.values():
            with pytest.raises(Stalled, match=CIRCLE):
                await handle


@pytest.mark.parametrize("seconds", [0, 5])
async def test_a_circle_over_a_child_scope_is_told_when_nothing_in_it_can_go_on(seconds: float) -> None:
    async def run() -> None:
        handles: Handles = {}

        async def files() -> None:
            async with scope.child() as child:
                child.spawn(waiting(handles, "files"), name="part")
                child.spawn(trio.sleep, seconds)
                await trio.sleep(seconds / 2)

        async with Scope(name="s") as scope:
            handles["files"] = scope.spawn(files)

    start = trio.current_time()
    assert await told(run) == {
        "task 'part' waits for task 'files' of scope 's'",
        "task 'files' of scope 's' waits for the end of task 'part'",
    }
    assert trio.current_time() - start < seconds + 2


async def test_a_circle_over_a_nursery_is_told() -> None:
    async def run() -> None:
        handles: Handles = {}

        async def outer() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(waiting(handles, "outer"), name="inner")
                await trio.sleep(5)

        async with Scope(name="s") as scope:
            handles["outer"] = scope.spawn(outer)

    assert await told(run) == {
        "task 'inner' waits for task 'outer' of scope 's'",
        "task 'outer' of scope 's' waits for the end of task 'inner'",
    }


async def test_a_circle_over_gather_is_told_when_the_other_results_are_there() -> None:
    async def run() -> None:
        handles: Handles = {}

        async def sleep_5() -> None:
            await trio.sleep(5)

        async def both() -> None:
            await gather(sleep_5(), handles["b"])

        async with Scope(name="s") as scope:
            handles["a"] = scope.spawn(both, name="a")
            handles["b"] = scope.spawn(waiting(handles, "a"), name="b")

    assert await told(run) == {
        "task 'wait 1 of gather' waits for task 'b' of scope 's'",
        "task 'b' of scope 's' waits for task 'a' of scope 's'",
        "task 'a' of scope 's' waits for the end of task 'wait 1 of gather'",
    }


@pytest.mark.parametrize("combine", [race, first_success, partial(first_success, hedge=2)])
async def test_a_circle_over_all_attempts_is_told(combine: Callable[..., Awaitable[Any]]) -> None:
    handles: Handles = {}

    async def fail() -> None:
        raise KeyError

    async def attempts() -> None:
        await combine(fail, waiting(handles, "b"))

    async with Scope(name="s") as scope:
        handles["a"] = scope.spawn(attempts, name="a", hold=True)
        handles["b"] = scope.spawn(waiting(handles, "a"), name="b", hold=True)
        for handle in handles.values():  # one of them closes the circle, and the other one raises it again
            with pytest.raises((Stalled, ExceptionGroup)):
                await handle
        error: Any = handles["a"].exception
        stalled = error if isinstance(error, Stalled) else error.exceptions[1]
        assert "task 'b' of scope 's' waits for task 'a' of scope 's'" in str(stalled)
        assert "task 'a' of scope 's' waits for the end of task 'attempt 1'" in str(stalled)


async def test_a_circle_over_the_limits_of_two_scopes_is_told() -> None:
    async def run() -> None:
        async def go(other: Scope) -> None:
            await trio.sleep(1)  # both have their places
            async with other.child() as child:
                child.spawn(trio.sleep, 0, name="inner")

        async with Scope(1, name="one") as one, Scope(1, name="two") as two:
            one.spawn(go, two, name="a")
            two.spawn(go, one, name="b")

    assert await told(run) == {
        "task 'inner' waits for a place in the limit of scope 'two', and task 'b' has one",
        "task 'b' waits for the end of task 'inner'",
        "task 'inner' waits for a place in the limit of scope 'one', and task 'a' has one",
        "task 'a' waits for the end of task 'inner'",
    }


@pytest.mark.parametrize("seconds", [0, 5])
async def test_a_circle_over_a_place_that_its_task_keeps_is_told(seconds: float) -> None:
    async def run() -> None:
        async def outer() -> None:
            async with Scope(name="inner") as inner:
                inner.spawn(middle)
                await trio.sleep(seconds)

        async def middle() -> None:
            await scope.spawn(trio.sleep, 0, name="last")

        async with Scope(1, name="s") as scope:
            scope.spawn(outer)

    assert await told(run) == {
        "task 'last' of scope 's' waits for a place in the limit of scope 's', and task 'outer' has one",
        "task 'outer' waits for the end of task 'middle'",
        "task 'middle' waits for task 'last' of scope 's'",
    }


async def test_a_circle_over_the_body_of_a_network_is_told() -> None:
    handles: Handles = {}

    async def run() -> None:
        async with Network(BoundedBuffer[int](1)):
            await wait_all_tasks_blocked()
            await handles["b"]

    async with Scope(name="s") as scope:
        handles["a"] = scope.spawn(run, name="a", hold=True)
        handles["b"] = scope.spawn(waiting(handles, "a"), name="b", hold=True)
        for handle in handles.values():
            with pytest.raises(BaseExceptionGroup) as raised:
                await handle
            assert {stalled.args[0] for stalled in stalls(raised.value)} == {CIRCLE}


# What is no circle


async def test_a_race_that_something_else_wins_ends() -> None:
    handles: Handles = {}

    async def attempts() -> int:
        return (await race(waiting(handles, "b"), partial(trio.sleep, 5))).index

    async with Scope() as scope:
        handles["a"] = scope.spawn(attempts)
        handles["b"] = scope.spawn(waiting(handles, "a"))
        assert await handles["b"] == 1


async def test_a_task_that_cancels_a_wait_for_itself_goes_on() -> None:
    handles: Handles = {}

    async def outer() -> str:
        async with scope.child() as child:
            inner = child.spawn(waiting(handles, "outer"))
            await trio.sleep(5)
            child.cancel()
        return inner.state.value

    async with Scope() as scope:
        handles["outer"] = scope.spawn(outer)
    assert await handles["outer"] == "cancelled"


async def test_a_wait_with_a_time_limit_is_in_no_circle() -> None:
    handles: Handles = {}

    async def impatient() -> str:
        with trio.move_on_after(5):
            await handles["b"]
        return "over"

    async with Scope() as scope:
        handles["a"] = scope.spawn(impatient)
        handles["b"] = scope.spawn(waiting(handles, "a"))
        assert await handles["b"] == "over"

    async def impatient_with_children() -> str:
        with trio.move_on_after(5):
            async with scope.child() as child:
                child.spawn(waiting(handles, "a"))
        return "over"

    async with Scope() as scope:
        handles["a"] = scope.spawn(impatient_with_children)
    assert await handles["a"] == "over"


async def test_a_time_limit_around_the_scope_does_not_hide_a_circle() -> None:
    async def run() -> None:
        handles: Handles = {}
        with trio.fail_after(1000):
            async with Scope(name="s") as scope:
                handles["a"] = scope.spawn(waiting(handles, "a"), name="a")

    assert await told(run) == {"task 'a' of scope 's' waits for task 'a' of scope 's'"}


async def test_a_wait_that_was_cancelled_is_in_no_circle() -> None:
    handles: Handles = {}
    may_wait = trio.Event()

    async def impatient() -> str:
        with trio.CancelScope() as limit:
            limits.append(limit)
            await handles["b"]
        await trio.sleep(1)
        return "over"

    async def later() -> str:
        await may_wait.wait()
        result: str = await handles["a"]
        return result

    limits: list[trio.CancelScope] = []
    async with Scope() as scope:
        handles["a"] = scope.spawn(impatient)
        handles["b"] = scope.spawn(later)
        await wait_all_tasks_blocked()
        limits[0].cancel()
        await wait_all_tasks_blocked()
        may_wait.set()
        assert await handles["b"] == "over"


def unknown(_: object) -> float:
    return math.nan


async def test_without_deadlines_in_sight_no_wait_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trio_details, "read_deadline", unknown)
    handles: Handles = {}
    with trio.move_on_after(100) as limit:
        async with Scope() as scope:
            handles["a"] = scope.spawn(waiting(handles, "a"))
    assert limit.cancelled_caught


async def test_two_doubts_at_once_and_one_later_are_looked_at_by_one_task() -> None:
    handles: Handles = {}

    async def outer(name: str, seconds: float) -> None:
        assert root is not None
        async with scope.child() as child:
            child.spawn(waiting(handles, name))
            await trio.sleep(seconds)
            tasks = [task for nursery in root.child_nurseries for task in nursery.child_tasks]
            watching.add(sum(task.name.startswith("penstock looks") for task in tasks))
            child.cancel()

    root = trio.lowlevel.current_root_task()
    watching: set[int] = set()
    for _ in range(2):
        async with Scope() as scope:
            handles |= {name: scope.spawn(outer, name, seconds) for name, seconds in (("a", 3), ("b", 5))}
        await trio.sleep(2)
    assert watching == {1}
    assert doubts() is doubts()


# Who waits for whom


async def test_both_ways_round_a_wait_that_leads_back_is_found() -> None:
    handles: Handles = {}
    found: list[bool] = []

    async def many() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(trio.sleep, 1)
                nursery.start_soon(waiting(handles, "last"))

    async def last() -> None:
        await wait_all_tasks_blocked()
        first, me = handles["first"], trio.lowlevel.current_task()
        assert isinstance(first, ScopeTask)
        found.append(leads_back(me, first))

    async with Scope() as scope:
        handles["last"] = scope.spawn(last)
        handles["middle"] = scope.spawn(many)
        handles["first"] = scope.spawn(waiting(handles, "middle"))
        others = [scope.spawn(waiting(handles, "first")) for _ in range(3)]
        await gather(others)
    assert found == [True]


def test_a_walk_comes_to_each_task_once() -> None:
    nodes: dict[int, list[int]] = {1: [2, 3], 2: [4, 1], 3: [4], 4: [4, 2]}
    walk_nodes = cast("Callable[..., Iterator[int]]", walk)
    assert [*walk_nodes([1, 2], nodes.__getitem__)] == [1, 2, 4, 3]


async def test_a_handle_knows_the_task_by_which_it_ends() -> None:
    async with Scope() as scope:
        handle = scope.spawn(trio.sleep, 1)
        assert isinstance(handle, ScopeTask)
        (task,) = handle.outside_tasks()
        assert (handle.has_begun(), handle.comes_from(task)) == (False, False)
        await wait_all_tasks_blocked()
        assert handle.outside_tasks() == (task,)
        assert handle.comes_from(task)
    assert handle.outside_tasks() == ()


async def test_a_task_is_needed_by_those_around_it_those_that_await_it_and_those_that_want_its_place() -> None:
    async with Scope(limit=1) as scope:
        handle = scope.spawn(trio.sleep, 1)
        assert isinstance(handle, ScopeTask)
        await wait_all_tasks_blocked()
        scope.spawn(trio.sleep, 1, name="next")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gather, handle)
            await wait_all_tasks_blocked()
            (task,) = handle.outside_tasks()
            me = trio.lowlevel.current_task()
            assert [each.name for each in needed_by(task)] == [me.name, "wait 0 of gather", "next"]


# In a network


async def test_the_verdict_of_a_network_sees_through_a_handle() -> None:
    buffer = BoundedBuffer[int](1, name="b")

    async def run() -> None:
        async with Network(buffer, name="net"), Scope(name="s") as scope:
            await scope.spawn(buffer.receive, name="reader")
            await buffer.send(1)

    with pytest.raises(BaseExceptionGroup) as raised:
        await run()
    (stalled,) = stalls(raised.value)
    assert "the body of network 'net' waits for task 'reader' of scope 's'" in str(stalled)


async def test_the_verdict_of_a_network_sees_through_a_limit() -> None:
    buffer = BoundedBuffer[int](1, name="b")

    async def get() -> None:
        scope.spawn(buffer.send, 1, name="put")
        await buffer.receive()

    with pytest.raises(BaseExceptionGroup) as raised:
        async with Network(buffer), Scope(1, name="s") as scope:
            scope.spawn(get, name="get")
    (stalled,) = stalls(raised.value)
    assert "task 'put' waits for a place in the limit of scope 's'" in str(stalled)


async def test_an_agent_that_waits_for_a_task_that_waits_for_the_agent_is_stalled() -> None:
    buffer = BoundedBuffer[int](1, name="b")

    handles: Handles = {}
    has_begun = trio.Event()

    class Late(Agent):
        """Reads when the handle has a result."""

        async def run(self) -> None:
            await has_begun.wait()
            await handles["fill"]
            await buffer.receive()

    async def fill() -> None:
        await buffer.send(1)
        await buffer.send(2)

    async def run() -> None:
        async with Network(Late(inputs=[buffer], name="late"), buffer), Scope(name="s") as scope:
            handles["fill"] = scope.spawn(fill)
            has_begun.set()

    with pytest.raises(BaseExceptionGroup) as raised:
        await run()
    (stalled,) = stalls(raised.value)
    assert "'late' waits for task 'fill' of scope 's'" in str(stalled)


# Over threads


@pytest.fixture
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    monkeypatch.setattr(waits, "PAUSE", 0.001)


@pytest.mark.usefixtures("real_time", "_looks_often")
async def test_a_call_in_a_thread_that_waits_for_a_task_without_a_place_is_told() -> None:
    token = trio.lowlevel.current_trio_token()

    async def run() -> None:
        async def spawn() -> None:
            await scope.spawn(trio.sleep, 0, name="last")

        def call() -> None:
            trio.from_thread.run(spawn, trio_token=token)

        with Threads(1) as threads:
            async with Scope(1, threads, name="s") as scope:
                scope.spawn(call)

    lines = await told(run)
    assert "task 'last' of scope 's' waits for a place in the limit of scope 's', and task 'call' has one" in lines
    assert any(line.endswith("waits for task 'last' of scope 's'") for line in lines)


@pytest.mark.usefixtures("real_time", "_looks_often")
async def test_a_call_in_a_thread_may_wait_for_a_task() -> None:
    token = trio.lowlevel.current_trio_token()

    async def wait() -> str:
        with trio.fail_after(120):
            await scope.spawn(trio.sleep, 0)
        await scope.spawn(trio.sleep, 0.01)
        return "over"

    def call() -> str:
        return trio.from_thread.run(wait, trio_token=token)

    with Threads(1) as threads:
        async with Scope(executor=threads) as scope:
            assert await scope.spawn(call) == "over"


@pytest.mark.usefixtures("real_time", "_looks_often")
async def test_a_circle_over_a_task_of_a_runtime_is_told() -> None:
    token = trio.lowlevel.current_trio_token()

    async def run() -> None:
        handles: Handles = {}

        def call() -> None:
            trio.from_thread.run(waiting(handles, "a"), trio_token=token)

        async def wait() -> None:
            await runtime.submit(call, name="call")

        with Runtime(threads=1) as runtime:
            async with Scope(name="s") as scope:
                handles["a"] = scope.spawn(wait, name="a")

    lines = await told(run)
    assert {"task 'a' of scope 's' waits for task 'call'"} < lines
    assert len(lines) == 3


@pytest.mark.usefixtures("_looks_often")
def test_a_circle_over_a_loop_in_a_task_of_a_runtime_is_told() -> None:
    handles: dict[str, TaskHandle[Any]] = {}
    begun = threading.Event()

    async def wait() -> None:
        handles["inner"] = runtime.submit(inner, name="inner")
        await handles["inner"]

    def inner() -> None:
        assert begun.wait(LONGEST)
        handles["outer"].get()

    with Runtime(threads=2) as runtime:
        handles["outer"] = runtime.submit(trio.run, wait, name="outer")
        begun.set()
        with pytest.raises(Stalled) as raised:
            handles["outer"].get(LONGEST)
        with pytest.raises(Stalled):
            handles["inner"].get(LONGEST)
    lines = raised.value.report.splitlines()
    assert "  task 'inner' waits for task 'outer'" in lines
    assert len(lines) == 3


def test_a_task_of_a_runtime_needs_its_inputs() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        first = runtime.submit(gate, 1)
        gate.has_begun()
        second = runtime.submit(int, first)
        assert isinstance(second, RuntimeTask)
        assert (second.needs(), second.goes_on()) == ((first,), False)
        gate.open()
        second.wait(LONGEST)
        assert (second.needs(), second.goes_on()) == ((), True)


class Idle:
    """Calls nothing."""

    def node(self) -> object:
        return None


async def test_a_wait_for_a_circle_is_not_in_it() -> None:
    handles: Handles = {}
    heard: list[BaseException] = []

    async def files() -> None:
        await trio.sleep(2)  # the other wait is looked at first
        async with scope.child() as child:
            child.spawn(waiting(handles, "files"))
            await trio.sleep(5)

    async def listen() -> None:
        try:
            await handles["files"]
        except BaseExceptionGroup as group:
            heard.extend(stalls(group))

    async with Scope() as scope:
        handles["files"] = scope.spawn(files, hold=True)
        context = copy_context()
        context.run(caller_here.set, Idle())
        trio.lowlevel.spawn_system_task(listen, context=context)
        await trio.sleep(10)
    assert [type(error) for error in heard] == [Stalled]
