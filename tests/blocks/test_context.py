"""Context variables: what a stage sees by default, and how those of the sender travel with the item."""

import inspect
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from itertools import pairwise
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent
from penstock.blocks import (
    Broadcast,
    Call,
    DeadLetter,
    Filter,
    IterableSource,
    Network,
    Processes,
    Retry,
    Source,
    Target,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.core.contexts import ContextQueue
from penstock.blocks.functions.context import CarryingQueue, Steps
from tests.blocks.tools import contents, faults, linked, notes

request: ContextVar[str] = ContextVar("request", default="none")


@pytest.fixture(autouse=True)
def _set_by_nobody() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    token = request.set("test")
    yield
    request.reset(token)


def see(item: Any) -> Any:
    return (item, request.get())


async def see_later(item: Any) -> Any:
    before = request.get()
    await trio.lowlevel.checkpoint()
    return (item, before if before == request.get() else "lost on the way")


def see_many(item: Any) -> Iterator[Any]:
    yield (item, request.get())
    yield (item, request.get())


def see_list(item: Any) -> list[Any]:
    return [(item, request.get())]


async def see_many_later(item: Any) -> AsyncIterator[Any]:
    yield (item, request.get())
    await trio.lowlevel.checkpoint()
    yield (item, request.get())


async def see_list_later(item: Any) -> list[Any]:
    await trio.lowlevel.checkpoint()
    return [(item, request.get())]


async def send_as(who: str, block: Target[Any], item: Any) -> None:
    request.set(who)
    await block.send(item)


async def three_clients(block: Any, *nodes: Any) -> None:
    """Three tasks with a context of their own send at once."""
    request.set("network")
    async with Network(block, *nodes), trio.open_nursery() as clients:
        for who in ("alice", "bob", "carol"):
            clients.start_soon(send_as, who, block, who)


BLOCKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain": lambda kw: Transformer(see, **kw),
    "async": lambda kw: Transformer(see_later, **kw),
    "async, several": lambda kw: Transformer(see_later, concurrency=3, **kw),
    "generator": lambda kw: TransformMany(see_many, **kw),
    "list": lambda kw: TransformMany(see_list, **kw),
    "async generator": lambda kw: TransformMany(see_many_later, **kw),
    "async generator, several": lambda kw: TransformMany(see_many_later, concurrency=2, **kw),
    "async list": lambda kw: TransformMany(see_list_later, **kw),
    "limited": lambda kw: Transformer(see_later, time_limit=100, **kw),
    "plain, limited": lambda kw: TransformMany(see_many, time_limit=100, **kw),
    "careful": lambda kw: TransformMany(see_many, on_error="skip", **kw),
}
IN_THREADS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain": lambda kw: Transformer(see, executor=Threads(2), concurrency=2, **kw),
    "generator": lambda kw: TransformMany(see_many, executor=Threads(2), **kw),
    "limited": lambda kw: Transformer(see, executor=Threads(1), time_limit=100, **kw),
}


# By default


@pytest.mark.parametrize("make", BLOCKS)
async def test_by_default_a_stage_sees_the_context_of_the_network_whoever_sends(make: str) -> None:
    block = BLOCKS[make]({})
    collector = linked(block)
    await three_clients(block)
    seen = contents(collector)
    assert {who for _, who in seen} == {"network"}
    assert {item for item, _ in seen} == {"alice", "bob", "carol"}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("make", IN_THREADS)
async def test_so_does_a_function_in_threads(make: str) -> None:
    block = IN_THREADS[make]({})
    collector = linked(block)
    await three_clients(block)
    assert {who for _, who in contents(collector)} == {"network"}


@pytest.mark.usefixtures("real_time")
async def test_so_does_a_function_in_a_thread_pool_of_others() -> None:
    with ThreadPoolExecutor(1) as pool:
        block: Transformer[Any, Any] = Transformer(see, executor=pool)
        collector = linked(block)
        await three_clients(block)
    assert {who for _, who in contents(collector)} == {"network"}


@pytest.mark.usefixtures("real_time")
async def test_what_a_function_in_a_thread_sets_ends_with_its_hand_over() -> None:
    seen: list[str] = []

    def leave_behind(item: int) -> None:
        seen.append(request.get())
        request.set(f"left by {item}")

    block: Call[int] = Call(leave_behind, executor=Threads(1), time_limit=100)
    async with Network(block):
        for item in range(3):
            await block.send(item)
    assert seen == ["test"] * 3


class Watcher(Agent):
    def __init__(self, source: Source[Any], target: Target[Any]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send((item, request.get()))


async def test_agents_and_asynchronous_sources_see_the_context_of_the_network_too() -> None:
    async def items() -> AsyncIterator[str]:
        yield request.get()

    source = IterableSource(items())
    target: UnboundedBuffer[Any] = UnboundedBuffer()
    request.set("network")
    async with Network(source, Watcher(source, target)):
        request.set("body")
    assert contents(target) == [("network", "network")]


# Those of the sender


@pytest.mark.parametrize("make", BLOCKS)
async def test_with_context_each_item_is_worked_on_in_the_context_of_its_sender(make: str) -> None:
    block = BLOCKS[make]({"context": True})
    collector = linked(block)
    await three_clients(block)
    seen = contents(collector)
    assert {item for item, _ in seen} == {"alice", "bob", "carol"}
    assert all(item == who for item, who in seen)


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("make", IN_THREADS)
async def test_also_in_threads(make: str) -> None:
    block = IN_THREADS[make]({"context": True})
    collector = linked(block)
    await three_clients(block)
    seen = contents(collector)
    assert {item for item, _ in seen} == {"alice", "bob", "carol"}
    assert all(item == who for item, who in seen)


@pytest.mark.usefixtures("real_time")
async def test_it_goes_along_a_chain_however_full_its_blocks_are() -> None:
    seen: list[Any] = []
    carry: dict[str, Any] = {"context": True, "capacity": 1}
    blocks: list[Any] = [
        Transformer(see, **carry),
        TransformMany(see_many, **carry),
        Transformer(see, executor=Threads(1), **carry),
        TransformMany(see_many_later, **carry),
        Call(lambda item: seen.append(see(item)), **carry),
    ]
    for source, target in pairwise(blocks):
        source.link_target(target)
    await three_clients(blocks[0])
    assert len(seen) == 12
    for line in seen:
        names: list[str] = []
        while isinstance(line, tuple):
            line, who = cast("tuple[Any, str]", line)
            names.append(who)
        assert set(names) == {line}


async def test_a_sender_that_waits_for_room_keeps_its_context() -> None:
    go_on, seen = trio.Event(), list[Any]()

    async def hold(item: str) -> None:
        await go_on.wait()
        seen.append((item, request.get()))

    block: Call[str] = Call(hold, capacity=1, context=True)
    async with Network(block), trio.open_nursery() as clients:
        for who in ("alice", "bob", "carol"):
            clients.start_soon(send_as, who, block, who)
        await wait_all_tasks_blocked()
        go_on.set()
    assert all(item == who for item, who in seen)
    assert len(seen) == 3


async def test_a_sender_that_is_cancelled_while_it_waits_leaves_no_context() -> None:
    block: Call[str] = Call(print, capacity=1, context=True)
    with trio.CancelScope() as scope:
        scope.cancel()
        await block.send("never")
    await block.send("one")
    with trio.move_on_after(1):
        await block.send("two")
    assert not block._core.inbox.contexts


@pytest.mark.usefixtures("real_time")
async def test_a_thread_that_sends_is_a_sender_like_any_other() -> None:
    seen: list[Any] = []
    block: Call[str] = Call(lambda item: seen.append(see(item)), capacity=1, context=True)
    handle = block.producer()

    def work() -> None:
        request.set("thread")
        with handle:
            for _ in range(4):
                handle.send_from_thread("thread")

    async with Network(block):
        thread = threading.Thread(target=work)
        thread.start()
    thread.join()
    assert seen == [("thread", "thread")] * 4


async def test_what_an_agent_sends_has_the_context_of_the_agent() -> None:
    class Sends(Agent):
        async def run(self) -> None:
            for who in ("alice", "bob"):
                request.set(who)
                await block.send(who)

    block: Transformer[Any, Any] = Transformer(see, context=True)
    collector = linked(block)
    async with Network(Sends(outputs=[block])):
        pass
    assert contents(collector) == [("alice", "alice"), ("bob", "bob")]


async def test_a_function_may_change_its_context_for_what_comes_of_its_item_and_nothing_else() -> None:
    def rename(item: str) -> str:
        request.set(f"renamed {item}")
        return item

    first: Transformer[Any, Any] = Transformer(rename, context=True)
    second: Transformer[Any, Any] = Transformer(see, context=True)
    third: Transformer[Any, Any] = Transformer(see, context=True)
    both: Broadcast[Any] = Broadcast()
    first.link_target(second)
    collector, other = linked(second), linked(third)
    both.link_target(first)
    both.link_target(third)
    await three_clients(both)
    assert all(who == f"renamed {item}" for item, who in contents(collector))
    assert len(contents(other)) == 3


async def test_an_item_that_is_tried_again_keeps_its_context_and_errors_show_the_item_itself() -> None:
    tries: list[str] = []

    def fail(item: int) -> None:
        tries.append(request.get())
        raise ValueError(item)

    async def fail_later(item: int) -> None:
        fail(item)

    letters: list[Any] = []
    policy = Retry(2, then=DeadLetter(Call(letters.append)))
    request.set("network")
    for function in (fail, fail_later):
        block: Call[int] = Call(function, context=True, on_error=policy if function is fail else "fail", name="f")
        if function is fail:
            async with Network(block):
                await send_as("alice", block, 7)
        else:
            with faults(ValueError) as found:
                async with Network(block):
                    await send_as("alice", block, 7)
            assert notes(found[0]) == ["in f, item 1: 7"]
    assert tries == ["alice"] * 4
    assert [letter.item for letter in letters] == [7]


async def test_filters_receivers_and_reservations_see_items_and_no_contexts() -> None:
    block: Transformer[int, int] = Transformer(lambda item: item, context=True, filter=lambda item: item < 9)
    block.link_target(big := UnboundedBuffer[int](), filter=lambda item: item > 4)
    async with Network(block):
        for item in (1, 5, 2):
            await block.send(item)
        block.filter = None
        await wait_all_tasks_blocked()
        assert block.reserve("me")
        assert block.consume("me") == 1
        await wait_all_tasks_blocked()
        assert await block.receive(lambda item: item == 2) == 2
    assert contents(big) == [5]


async def test_a_network_that_is_stopped_discards_what_was_carried() -> None:
    block: Transformer[int, int] = Transformer(see_later, context=True)
    async with Network(block) as network:
        await block.send(1)
        await wait_all_tasks_blocked()
        await block.send(2)
        network.cancel()
    assert network.balance().ok
    assert network.balance().discarded == 2


def coroutine(item: int) -> Any:
    return see_later(item)


def generator(item: int) -> Any:
    return see_many(item)


def async_generator(item: int) -> Any:
    return see_many_later(item)


@pytest.mark.parametrize("function", [coroutine, generator])
async def test_what_has_not_run_is_refused_as_without_context(function: Any) -> None:
    block: Call[int] = Call(function, context=True)
    with faults(TypeError) as found:
        async with Network(block):
            await block.send(1)
    assert "returned a" in str(found[0])


@pytest.mark.parametrize("function", [coroutine, async_generator])
async def test_so_it_is_by_one_to_many(function: Any) -> None:
    async def give(item: int) -> Any:
        return function(item)

    for tried in (function, give):
        block: TransformMany[int, Any] = TransformMany(tried, context=True)
        linked(block)
        with faults(TypeError):
            async with Network(block):
                await block.send(1)


@pytest.mark.parametrize("kind", [Call, Transformer, TransformMany])
@pytest.mark.parametrize("make", [lambda: Processes(1), lambda: ProcessPoolExecutor(1)])
def test_a_context_cannot_go_to_another_process(kind: Any, make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="'see_list': context=True needs an executor with threads"):
        kind(see_list, context=True, executor=make())


async def test_a_function_sees_cancellation_and_errors_through_its_context() -> None:
    ended: list[str] = []

    async def wait(item: int) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(request.get())

    async def generate(item: int) -> AsyncIterator[int]:
        try:
            yield item
            await trio.sleep_forever()
        finally:
            ended.append(request.get())

    block: Call[int] = Call(wait, context=True)
    many: TransformMany[int, int] = TransformMany(generate, context=True)
    linked(many)
    async with Network(block, many) as network:
        await send_as("alice", block, 1)
        await send_as("alice", many, 1)
        await wait_all_tasks_blocked()
        network.cancel()
    assert ended == ["alice", "alice"]


def test_the_queues_keep_items_and_contexts_together() -> None:
    queue = CarryingQueue()
    request.set("alice")
    queue.append(1)
    request.set("bob")
    queue.append(2)
    first = queue.popleft()
    queue.appendleft(first)
    assert (queue[0].item, len(queue)) == (1, 2)
    assert [carried.context[request] for carried in queue.take(5)] == ["alice", "bob"]
    results = ContextQueue()
    results.append(1)
    request.set("carol")
    results.append(2)
    results.appendleft(results.popleft())
    assert (results.context[request], results[0], len(results)) == ("bob", 1, 2)
    results.clear()
    queue.append(3)
    queue.clear()
    assert (len(results), len(queue)) == (0, 0)


def test_the_function_itself_can_be_found() -> None:
    for block in (Transformer(see, context=True), TransformMany(see, context=True), Filter(see, context=True)):
        assert inspect.unwrap(block._core.function) is see


def test_what_is_thrown_into_a_step_is_thrown_in_the_context() -> None:
    seen: list[str] = []

    async def wait() -> str:
        try:
            await Promise()
        except ValueError:
            seen.append(request.get())
        return "done"

    class Promise:
        def __await__(self) -> Generator[Any, Any, None]:
            yield "wanted"

    request.set("alice")
    steps = Steps(copy_context(), wait()).__await__()
    request.set("bob")
    assert steps.send(None) == "wanted"
    with pytest.raises(StopIteration) as end:
        steps.throw(ValueError())
    assert (end.value.value, seen) == ("done", ["alice"])
