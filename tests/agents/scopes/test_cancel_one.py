"""Cancelling one task of a scope and no other one."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import NotRun, Scope, TaskState, gather


class Slow(Executor):
    """Begins its calls when it is told to."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


async def test_a_running_task_is_cancelled_and_the_others_go_on(autojump_clock: trio.testing.MockClock) -> None:
    log: list[str] = []

    async def work(name: str) -> str:
        try:
            await trio.sleep(10)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(5)
            log.append(f"{name} at {trio.current_time():g}")
        return name

    start = trio.current_time()
    async with Scope() as scope:
        handles = [scope.spawn(work, name, cancellable=True) for name in "ab"]
        await trio.sleep(1)
        assert handles[0].cancel()
        assert handles[0].cancel()
        assert handles[0].state.value == "running"
        with pytest.raises(NotRun, match="task 'work' was cancelled"):
            await handles[0]
        assert trio.current_time() == start + 6
        assert handles[0].state is TaskState.CANCELLED
        assert not handles[0].cancel()
        assert await handles[1] == "b"
        assert not handles[1].cancel()
    assert log == [f"a at {start + 6:g}", f"b at {start + 15:g}"]


async def test_a_task_that_has_not_begun_is_not_run() -> None:
    ran: list[str] = []

    async def work(name: str) -> None:
        ran.append(name)

    async with Scope() as scope:
        a, b = (scope.spawn(work, name, cancellable=True) for name in "ab")
        assert a.cancel()
        assert (a.state, a.done(), a.cancel()) == (TaskState.CANCELLED, True, False)
        assert isinstance(a.exception, NotRun)
    assert (ran, b.state) == (["b"], TaskState.COMPLETED)


async def test_a_task_that_waits_for_a_place_leaves_it_to_the_next() -> None:
    ran: list[str] = []

    async def work(name: str, wait: float = 0) -> None:
        ran.append(name)
        await trio.sleep(wait)

    async with Scope(limit=1) as scope:
        first = scope.spawn(work, "first", 1_000, cancellable=True)
        await wait_all_tasks_blocked()
        second, third, fourth = (scope.spawn(work, name, cancellable=True) for name in ("second", "third", "fourth"))
        await wait_all_tasks_blocked()

        async def wait() -> None:
            with pytest.raises(NotRun):
                await second

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            assert second.cancel()
        assert first.cancel()
        await wait_all_tasks_blocked()
        await gather(third, fourth)
    assert sorted(ran) == ["first", "fourth", "third"]


async def test_a_place_that_is_given_in_the_same_moment_is_given_back() -> None:
    ran: list[str] = []
    stop = trio.Event()

    async def hold() -> None:
        await stop.wait()

    async def work(name: str) -> None:
        ran.append(name)

    async with Scope(limit=1) as scope:
        scope.spawn(hold)
        await wait_all_tasks_blocked()
        one = scope.spawn(work, "one", cancellable=True)
        await wait_all_tasks_blocked()
        two = scope.spawn(work, "two")
        await wait_all_tasks_blocked()
        places = scope._places
        assert places is not None
        places.give()  # to the first one, which has not run since
        assert one.cancel()
        await two
        stop.set()
    assert ran == ["two"]


async def test_a_task_may_cancel_itself() -> None:
    async with Scope() as scope:

        async def work() -> None:
            assert handle.cancel()
            await trio.lowlevel.checkpoint()
            raise AssertionError

        handle = scope.spawn(work, cancellable=True)
    assert handle.state is TaskState.CANCELLED


async def test_what_a_cancelled_task_does_at_its_end_counts() -> None:
    async def work(error: Exception | None) -> int:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            if error is not None:
                raise error from None
        return 3

    async with Scope() as scope:
        good = scope.spawn(work, None, cancellable=True)
        bad = scope.spawn(work, ValueError("late"), cancellable=True, hold=True)
        await wait_all_tasks_blocked()
        for handle in (good, bad):
            handle.cancel()
        assert await good == 3
        with pytest.raises(ValueError, match="late"):
            await bad


async def test_a_plain_function_is_taken_back_if_it_has_not_begun() -> None:
    slow = Slow()
    async with Scope(executor=slow) as scope:
        handle = scope.spawn(int, "3")
        await wait_all_tasks_blocked()
        assert handle.cancel()
        with pytest.raises(NotRun):
            await handle
        assert slow.futures[0].cancelled()


@pytest.mark.parametrize("error", [None, ValueError("late")])
async def test_a_plain_function_that_runs_is_waited_for(error: Exception | None) -> None:
    slow = Slow()
    async with Scope(executor=slow) as scope:
        handle = scope.spawn(int, "3", hold=True)
        await wait_all_tasks_blocked()
        assert slow.futures[0].set_running_or_notify_cancel()
        assert handle.cancel()
        await wait_all_tasks_blocked()
        assert handle.state is TaskState.RUNNING
        if error is None:
            slow.futures[0].set_result(3)
        else:
            slow.futures[0].set_exception(error)
        with pytest.raises((NotRun, ValueError)) as raised:
            await handle
    assert (handle.state, raised.type) == (
        (TaskState.CANCELLED, NotRun) if error is None else (TaskState.FAILED, ValueError)
    )


async def test_a_task_that_cannot_be_cancelled_alone_says_what_to_do() -> None:
    async with Scope(name="s") as scope:
        handle = scope.spawn(trio.sleep, 0)
        with pytest.raises(
            RuntimeError,
            match=r"task 'sleep' of scope 's' cannot be cancelled alone; start it with spawn\(…, cancellable",
        ):
            handle.cancel()
    assert not handle.cancel()
