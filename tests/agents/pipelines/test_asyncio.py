"""Pipelines in programs of asyncio."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, cast

import pytest
import trio
import trio.lowlevel

from penstock.agents import Pipeline, trio_function
from penstock.agents.pipelines.hosting import items_of_queue
from penstock.agents.pipelines.portal import Portal, portal_here
from penstock.blocks import UnboundedBuffer
from tests.agents.pipelines.recipes import comes_true, same


def portals() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "penstock portal"]


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a program of asyncio; it must leave no task and no thread."""

    async def checked() -> Any:
        async with asyncio.timeout(60):
            result = await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = asyncio.run(checked())
    assert not portals()
    return result


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


def test_asynchronous_functions_run_in_the_loop_of_the_program() -> None:
    async def stage(item: int) -> tuple[int, bool, str]:
        await asyncio.sleep(0)
        return item, threading.current_thread() is threading.main_thread(), variable.get()

    async def main() -> list[Any]:
        variable.set("request")
        async with Pipeline(stage, concurrency=3).stream(range(4)) as results:
            return [result async for result in results]

    assert run(main) == [(n, True, "request") for n in range(4)]


def test_an_asynchronous_iterable_is_read_and_closed_in_the_loop_of_the_program() -> None:
    places: list[bool] = []

    async def items() -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(0)
                yield len(places)
        finally:
            await asyncio.sleep(0)
            places.append(threading.current_thread() is threading.main_thread())

    async def main() -> list[int]:
        return await Pipeline(same).take(3).collect(items())

    assert run(main) == [0, 0, 0]
    assert places == [True]


class Ticks:
    """An asynchronous iterator that cannot be closed."""

    def __init__(self) -> None:
        self.count = 0

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        self.count += 1
        if self.count > 3:
            raise StopAsyncIteration
        return self.count


def test_any_asynchronous_iterator_is_a_source() -> None:
    async def main() -> list[int]:
        return await Pipeline(same).collect(Ticks())

    assert run(main) == [1, 2, 3]


def test_a_queue_is_an_endless_source() -> None:
    async def main() -> list[int]:
        queue: asyncio.Queue[int] = asyncio.Queue(2)

        async def feed() -> None:
            for n in range(5):
                await queue.put(n)

        task = asyncio.create_task(feed())
        async with Pipeline(same).stream(queue) as results:
            got = [await anext(results) for _ in range(5)]
        await task
        await queue.join()
        return got

    assert run(main) == [0, 1, 2, 3, 4]


def test_the_last_item_of_a_queue_is_done_also_if_no_other_is_asked_for() -> None:
    async def main() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        queue.put_nowait(1)
        items = items_of_queue(queue)
        assert await anext(items) == 1
        await items.aclose()
        await queue.join()

    run(main)


def test_a_queue_that_is_shut_down_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class ShutDown(Exception):
        """Stands for the exception of Python 3.13."""

    monkeypatch.setattr(asyncio, "QueueShutDown", ShutDown, raising=False)

    class Queue(asyncio.Queue[int]):
        async def get(self) -> int:
            if self.empty():
                raise ShutDown
            return await super().get()

    async def main() -> list[int]:
        queue = Queue()
        queue.put_nowait(1)
        queue.put_nowait(2)
        return await Pipeline(same).collect(queue)

    assert run(main) == [1, 2]


def test_a_cancelled_program_cancels_the_stages_and_waits_for_them() -> None:
    cancelled: list[int] = []
    begun = 0

    async def hang(item: int) -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            cancelled.append(item)
            raise

    async def main() -> None:
        task = asyncio.create_task(Pipeline(hang, concurrency=4).collect(range(9)))
        await asyncio.to_thread(comes_true, lambda: begun == 4)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)
    assert sorted(cancelled) == [0, 1, 2, 3]


def test_a_stage_that_was_cancelled_by_something_else_is_a_fault() -> None:
    async def odd(_: int) -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        with pytest.raises(RuntimeError, match="'odd' was cancelled in asyncio by something else than its pipeline"):
            await Pipeline(odd).collect([1])

    run(main)


async def checkpoint() -> None:
    await trio.lowlevel.checkpoint()


async def sleep() -> None:
    await trio.sleep(0.001)


async def start_tasks() -> None:
    async with trio.open_nursery():
        pass


@pytest.mark.parametrize("use_trio", [checkpoint, sleep, start_tasks])
def test_a_function_of_trio_has_to_be_marked(use_trio: Callable[[], Awaitable[None]]) -> None:
    async def of_trio(item: int) -> int:
        await use_trio()
        return item

    async def main() -> list[int]:
        with pytest.raises(RuntimeError, match=r"'of_trio' is a function of trio.*give trio_function\(of_trio\)"):
            await Pipeline(of_trio).collect([1])
        return await Pipeline(trio_function(of_trio)).collect([1, 2])

    assert run(main) == [1, 2]
    assert trio_function(of_trio).__name__ == "of_trio"
    with pytest.raises(TypeError, match="trio_function: needs an asynchronous function"):
        trio_function(same)


def test_a_runtime_error_of_a_stage_is_its_own() -> None:
    async def fail(_: int) -> None:
        raise RuntimeError("own")

    async def main() -> None:
        with pytest.raises(RuntimeError, match="own"):
            await Pipeline(fail).collect([1])

    run(main)


def test_leaving_the_block_stops_everything() -> None:
    async def main() -> None:
        async with Pipeline(same).stream(iter(int, 1)) as results:
            async for _ in results:
                break
        assert results.network.cancel_called
        assert results.network.balance().ok

    run(main)


def test_errors_of_the_block_and_of_the_pipeline_both_come_out() -> None:
    def fail(item: int) -> int:
        raise ValueError(item)

    async def leave_with(error: BaseException | None) -> None:
        async with Pipeline(fail).stream([1]) as results:
            await asyncio.to_thread(comes_true, lambda: cast("Any", results)._drive.hand_over.has_ended)
            if error is not None:
                raise error

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await leave_with(KeyError("block"))
        assert [type(error) for error in caught.value.exceptions] == [KeyError, ValueError]
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await leave_with(asyncio.CancelledError())
        assert cancelled.value.__notes__ == ["the pipeline failed, too: ValueError(1)"]
        with pytest.raises(ValueError, match="1"):
            await leave_with(None)

    run(main)


def test_a_second_cancellation_does_not_leave_the_run_behind() -> None:
    goes_on = asyncio.Event()
    ended: list[str] = []

    async def slow(_: int) -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            await goes_on.wait()
            ended.append("stage")

    async def main() -> None:
        task = asyncio.create_task(Pipeline(slow).collect([1]))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        ended.append("run")

    run(main)
    assert ended == ["stage", "run"]


def test_all_runs_of_a_program_share_one_thread() -> None:
    async def main() -> None:
        pipeline = Pipeline(same).batch(2)
        got = await asyncio.gather(*(pipeline.collect([n, n, n]) for n in range(100)))
        assert got == [[[n, n], [n]] for n in range(100)]
        assert len(portals()) == 1

    run(main)


def test_a_loop_that_is_closed_while_a_run_is_left_ends_it() -> None:
    async def main() -> None:
        stream = Pipeline(same).stream(iter(int, 1))
        results = await stream.__aenter__()
        assert await anext(results) == 0

    asyncio.run(main())
    assert not portals()


def test_a_portal_can_end_twice() -> None:
    async def main() -> Portal:
        portal = await portal_here()
        assert await portal_here() is portal
        await asyncio.to_thread(portal.end)
        return portal

    asyncio.run(main()).end()


def test_a_stream_whose_block_was_left_gives_nothing_more() -> None:
    async def main() -> None:
        async with Pipeline(same).stream(range(100)) as results:
            assert await anext(results) == 0
        with pytest.raises(trio.BrokenResourceError, match=r"cannot take a result of .*: its block was left before"):
            await anext(results)
        async with Pipeline(same).stream(range(3)) as results:
            assert [result async for result in results] == [0, 1, 2]
        assert [result async for result in results] == []

    asyncio.run(main())


def test_a_block_is_no_source() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="cannot come from unbounded buffer 'numbers': a block gives its messages"):
            await Pipeline(same).collect(UnboundedBuffer[int](name="numbers"))

    asyncio.run(main())


def test_a_source_of_trio_is_refused_with_a_remedy_that_works() -> None:
    def channel() -> trio.MemoryReceiveChannel[int]:
        send, receive = trio.open_memory_channel[int](2)
        for number in (1, 2):
            send.send_nowait(number)
        send.close()
        return receive

    @trio_function
    async def read(given: trio.MemoryReceiveChannel[int]) -> AsyncIterator[int]:
        async for item in given:
            yield item

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"the source is of trio, .*: read it in a first stage, flat_map\(trio_"):
            await Pipeline(same).collect(channel())
        assert await Pipeline.of(trio.MemoryReceiveChannel[int]).flat_map(read).collect([channel()]) == [1, 2]

    asyncio.run(main())
