"""Awaiting a task in trio and in asyncio."""

import asyncio
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Runtime, TaskState
from penstock.agents.runtime import waiting
from penstock.agents.runtime.waiting import wait_async
from tests.agents.runtime.gates import Gate

pytestmark = pytest.mark.usefixtures("real_time")


async def test_a_task_can_be_awaited_in_trio() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5)
        got: list[int] = []

        async def wait() -> None:
            got.append(await handle)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            with pytest.raises(RuntimeError, match="would hold this loop of trio; use `await handle`"):
                handle.get()
            gate.open()
        assert got == [5, 5]
        assert await handle == 5
        with pytest.raises(ValueError, match="invalid literal"):
            await runtime.submit(int, "x")


async def test_a_cancelled_wait_leaves_the_task_alone() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5)
        with trio.move_on_after(0) as scope:
            await handle
        assert scope.cancelled_caught
        assert handle.state is TaskState.RUNNING or not gate.calls
        gate.open()
        assert await handle == 5


def test_a_loop_that_has_ended_is_not_woken() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5)

        async def leave() -> None:
            with trio.CancelScope() as scope:
                scope.cancel()
                await handle

        async def leave_asyncio() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.ensure_future(as_coroutine()), 0.001)

        async def as_coroutine() -> None:
            await handle

        trio.run(leave)
        asyncio.run(leave_asyncio())
        task = runtime._core.pools["compute"]
        assert task.name == "compute"
        gate.open()
        assert handle.get() == 5


def test_a_task_can_be_awaited_in_asyncio() -> None:
    gate = Gate()

    async def main() -> list[int]:
        async def wait() -> int:
            number: int = await handle
            return number

        waiting = [asyncio.ensure_future(wait()) for _ in range(2)]
        await asyncio.sleep(0)
        gate.open()
        return [*await asyncio.gather(*waiting), await handle]

    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5)
        assert asyncio.run(main()) == [5, 5, 5]


async def test_a_task_that_ends_before_the_wait_begins_is_not_waited_for() -> None:
    with Runtime(threads=1) as runtime:
        handle: Any = runtime.submit(int)
        handle.wait()
        await wait_async(handle)
        await trio.lowlevel.checkpoint()
        assert await handle == 0
        await trio.to_thread.run_sync(asyncio.run, wait_async(handle))


def test_elsewhere_it_cannot_be_awaited() -> None:
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5, name="t")
        with pytest.raises(RuntimeError, match="task 't': it can be awaited in trio and asyncio; elsewhere"):
            handle.__await__().send(None)
        gate.open()
        assert handle.get() == 5


def test_where_ctrl_c_does_not_interrupt_a_lock_waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.001)
    gate = Gate()
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(gate, 5)
        gate.has_begun()
        assert not handle.wait(0.005)
        gate.open()
        assert handle.get() == 5
