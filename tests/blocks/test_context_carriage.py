"""The context of a sender goes along with the item through blocks that hand on what they get, and through agents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Activity,
    Batch,
    BoundedBuffer,
    Broadcast,
    Buffer,
    Call,
    Choice,
    Filter,
    Flatten,
    Fold,
    IterableSource,
    Join,
    Network,
    OverwriteBuffer,
    Processes,
    Recording,
    Source,
    Take,
    Tap,
    Target,
    Threads,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.core.contexts import ContextQueue
from tests.blocks.tools import LeastFirst, contents, faults, linked, never, run

request: ContextVar[str] = ContextVar("request", default="none")
other: ContextVar[str] = ContextVar("other", default="none")
CLIENTS = ("alice", "bob", "carol")


@pytest.fixture(autouse=True)
def _set_by_nobody() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    token = request.set("test")
    yield
    request.reset(token)


def see(item: Any) -> tuple[Any, str]:
    return item, request.get()


def observer() -> Transformer[Any, tuple[Any, str]]:
    return Transformer(see, context=True, name="observer")


async def send_as(who: str, target: Target[Any], item: Any = None) -> None:
    request.set(who)
    await target.send(who if item is None else item)


async def clients_send(target: Target[Any], *nodes: Any, **options: Any) -> Network:
    """Three tasks with a context of their own send at once."""
    request.set("network")
    async with Network(target, *nodes, **options) as network, trio.open_nursery() as clients:  # type: ignore[arg-type]
        for who in CLIENTS:
            clients.start_soon(send_as, who, target)
    return network


def sees_its_sender(item: Any) -> bool:
    return bool(item == request.get())


async def sees_its_sender_later(item: Any) -> bool:
    await trio.lowlevel.checkpoint()
    return sees_its_sender(item)


def must_see_its_sender(item: Any) -> None:
    assert sees_its_sender(item)


async def must_see_its_sender_later(item: Any) -> None:
    assert await sees_its_sender_later(item)


def small() -> BoundedBuffer[Any]:
    return BoundedBuffer(1)


BETWEEN: dict[str, Callable[[], Any]] = {
    "unbounded buffer": UnboundedBuffer,
    "bounded buffer": small,
    "buffer that drops": lambda: BoundedBuffer[Any](10, overflow="drop_oldest"),
    "broadcast": Broadcast,
    "take": lambda: Take[Any](3),
    "filter": lambda: Filter(sees_its_sender, context=True),
    "async filter": lambda: Filter(sees_its_sender_later, concurrency=2, context=True),
    "filter in threads": lambda: Filter(sees_its_sender, executor=Threads(2), concurrency=2, context=True),
    "tap": lambda: Tap(must_see_its_sender, context=True),
    "async tap": lambda: Tap(must_see_its_sender_later, concurrency=2, context=True),
    "tap in threads": lambda: Tap(must_see_its_sender, executor=Threads(2), concurrency=2, context=True),
}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", BETWEEN)
async def test_it_goes_through_what_hands_on_the_item(kind: str, count: int) -> None:
    first, last = observer(), observer()
    blocks = [first, *(BETWEEN[kind]() for _ in range(count)), last]
    items_pass = "filter" in kind or "tap" in kind
    if items_pass:
        blocks = blocks[1:]
    for source, target in pairwise(blocks):
        source.link_target(target)
    collector = linked(last)
    network = await clients_send(blocks[0])
    seen = contents(collector)
    assert len(seen) == 3
    for item, who in seen:
        assert (item == who) if items_pass else (item == (who, who))
    assert network.balance().ok


@pytest.mark.parametrize("capacity", [1, 10])
async def test_also_of_senders_that_wait_for_room_in_a_buffer(capacity: int) -> None:
    buffer: BoundedBuffer[Any] = BoundedBuffer(capacity)
    last = observer()
    buffer.link_target(last)
    last.link_target(full := BoundedBuffer[Any](1))
    seen: list[Any] = []
    async with Network(buffer), trio.open_nursery() as clients:
        for who in CLIENTS * 3:
            clients.start_soon(send_as, who, buffer)
        await wait_all_tasks_blocked()
        seen += [await full.receive() for _ in range(9)]
    assert sorted(seen) == sorted((who, who) for who in CLIENTS * 3)


async def test_a_sender_that_waited_before_the_network_began_is_taken_in_all_the_same() -> None:
    buffer: BoundedBuffer[Any] = BoundedBuffer(1)
    last = observer()
    buffer.link_target(last)
    collector = linked(last)
    async with trio.open_nursery() as nursery:
        buffer.send_nowait("early")
        nursery.start_soon(send_as, "alice", buffer)
        await wait_all_tasks_blocked()
        async with Network(buffer):
            await wait_all_tasks_blocked()
    assert [item for item, _ in contents(collector)] == ["early", "alice"]


async def test_what_a_function_sets_goes_through_a_buffer_too() -> None:
    def rename(item: Any) -> Any:
        request.set(f"renamed {item}")
        return item

    first: Transformer[Any, Any] = Transformer(rename, context=True)
    first.link_target(buffer := BoundedBuffer[Any](2))
    buffer.link_target(last := observer())
    collector = linked(last)
    await clients_send(first)
    assert sorted(contents(collector)) == [(who, f"renamed {who}") for who in CLIENTS]


async def test_a_broadcast_gives_it_to_each_target_that_wants_it_however_slow() -> None:
    both: Broadcast[Any] = Broadcast()
    fast, slow = observer(), observer()
    plain: UnboundedBuffer[Any] = UnboundedBuffer()
    held: BoundedBuffer[Any] = BoundedBuffer(1)
    both.link_target(fast)
    both.link_target(plain)
    both.link_target(held)
    held.link_target(slow)
    collectors = [linked(fast), linked(slow)]
    await clients_send(both)
    for collector in collectors:
        assert sorted(contents(collector)) == [(who, who) for who in CLIENTS]
    assert sorted(contents(plain)) == sorted(CLIENTS)


async def test_a_governor_and_filters_between_see_items_only() -> None:
    both: Broadcast[Any] = Broadcast()
    last = observer()
    both.link_target(last, filter=lambda item: bool(item != "bob"))
    both.link_target(other_one := observer(), max_messages=2)
    both.link_target(UnboundedBuffer[Any]())
    collector, rest = linked(last), linked(other_one)
    PipelineGovernor(limit=1).govern(last, last)
    await clients_send(both)
    assert sorted(contents(collector)) == [("alice", "alice"), ("carol", "carol")]
    assert all(item == who for item, who in contents(rest))


async def test_a_filter_that_raises_leaves_the_copy_where_it_was() -> None:
    def broken(item: Any) -> bool:
        raise ValueError(item)

    both: Broadcast[Any] = Broadcast(name="both")
    last = observer()
    both.link_target(last)
    async with Network(both) as network:
        last.link_target(UnboundedBuffer[Any]())
        outbox: Any = both._core.outbox
        link = outbox.links[0]
        await both.send(1)
        await wait_all_tasks_blocked()
        link.backlog.append(2)
        link.filter = broken
        with pytest.raises(ValueError, match="2"):
            outbox._push(link)
        assert [item for item in link.backlog] == [2]  # noqa: C416  # the old way of iterating
        link.filter = never
        assert outbox._push(link) == 0
        link.backlog.clear()
        network.cancel()


@pytest.mark.parametrize("options", [{"max_items": 2}, {"max_weight": 9, "weight": len}], ids=["items", "weight"])
async def test_a_batch_has_the_context_of_its_first_message(options: dict[str, Any]) -> None:
    batch: Batch[Any] = Batch(**options)
    batch.link_target(last := observer())
    collector = linked(last)
    async with Network(batch):
        for who in CLIENTS:
            await send_as(who, batch)
    assert contents(collector) == [(["alice", "bob"], "alice"), (["carol"], "carol")]


async def test_a_tuple_has_the_context_of_its_first_input() -> None:
    left, right = UnboundedBuffer[Any](), observer()
    join: Join[Any] = Join(left, right)
    join.link_target(last := observer())
    collector = linked(last)
    async with Network(join):
        for first, second in (("alice", "bob"), ("carol", "dave")):
            await send_as(second, right)
            await send_as(first, left)
    assert contents(collector) == [
        (("alice", ("bob", "bob")), "alice"),
        (("carol", ("dave", "dave")), "carol"),
    ]


@pytest.mark.parametrize("options", [{"greedy": True}, {"key": str.strip}])
async def test_joins_that_take_messages_in_end_it(options: dict[str, Any]) -> None:
    left, right = UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    join: Join[Any] = Join(left, right, **options)
    join.link_target(last := observer())
    collector = linked(last)
    request.set("network")
    async with Network(join):
        request.set("body")
        left.send_nowait("a")
        right.send_nowait(" a")
    assert [who for _, who in contents(collector)] == ["network"]


async def test_a_choice_gives_that_of_what_it_has_chosen() -> None:
    first, second = observer(), UnboundedBuffer[Any]()
    choice: Choice[Any] = Choice(first, second)
    choice.link_target(last := observer())
    collector = linked(last)
    async with Network(choice):
        await send_as("alice", second)
        await send_as("bob", first)
        await send_as("carol", choice.inputs[1])
    assert sorted((str(chosen.value), who) for chosen, who in contents(collector)) == [
        ("('bob', 'bob')", "bob"),
        ("alice", "alice"),
        ("carol", "carol"),
    ]


async def test_so_does_a_multiplexer_also_behind_a_broadcast_and_with_a_late_input() -> None:
    both: Broadcast[Any] = Broadcast()
    multiplexer: SequenceMultiplexer[Any] = SequenceMultiplexer(key=int)
    both.link_target(multiplexer, filter=lambda item: bool(item != 2))
    multiplexer.link_target(last := observer())
    collector = linked(last)
    async with Network(both):
        late: UnboundedBuffer[Any] = UnboundedBuffer()
        late.link_target(multiplexer)
        both.link_target(UnboundedBuffer[Any](), filter=lambda item: item == 2)
        for item, (who, target) in enumerate((("alice", both), ("bob", late), ("carol", both)), start=1):
            await send_as(who, target, item)
        await send_as("dave", both, 2)
        late.complete()
    assert contents(collector) == [(1, "alice"), (2, "bob"), (3, "carol")]


async def test_what_is_reserved_keeps_it() -> None:
    choice: Choice[Any] = Choice(source := UnboundedBuffer[Any]())
    buffer: BoundedBuffer[Any] = BoundedBuffer(2, overflow="drop_oldest")
    choice.link_target(last := observer(), filter=lambda chosen: chosen.value != "alice")
    buffer.link_target(behind := observer(), filter=lambda item: item != "alice")
    collectors = [linked(last), linked(behind)]
    async with Network(choice, buffer):
        for block, target in ((choice, source), (buffer, buffer)):
            await send_as("alice", target)
            await wait_all_tasks_blocked()
            assert block.reserve("me")
            for who in ("bob", "carol"):
                await send_as(who, target)
            await wait_all_tasks_blocked()
            block.release("me")
            link = block._core.outbox.links[0]
            link.filter = None
            block._core.wake()
    chosen, kept = map(contents, collectors)
    assert [(one.value, who) for one, who in chosen] == [(who, who) for who in CLIENTS]
    assert kept == [("alice", "alice"), ("carol", "carol")]


# What ends it, and what is not touched


async def test_buffers_with_an_order_of_their_own_and_shown_values_end_it() -> None:
    for block in (LeastFirst(), OverwriteBuffer[int]()):
        block.link_target(last := observer())
        collector = linked(last)
        request.set("network")
        async with Network(block):
            await send_as("alice", block, 1)
        assert contents(collector) == [(1, "network")]


async def test_a_stage_without_context_ends_it() -> None:
    first, last = observer(), observer()
    stage: Transformer[Any, Any] = Transformer(lambda item: item)
    first.link_target(stage)
    stage.link_target(buffer := UnboundedBuffer[Any]())
    buffer.link_target(last)
    collector = linked(last)
    await clients_send(first)
    assert {who for _, who in contents(collector)} == {"network"}


async def test_nothing_is_kept_where_nobody_wants_it() -> None:
    before, behind, beside = BoundedBuffer[Any](5), BoundedBuffer[Any](5), UnboundedBuffer[Any]()
    before.link_target(last := observer())
    last.link_target(behind)
    async with Network(before, beside):
        assert isinstance(before._core.inbox.queue, ContextQueue)
        assert isinstance(behind._core.inbox.queue, deque)
        assert isinstance(beside._core.inbox.queue, deque)


async def test_a_block_that_is_linked_late_is_served_too() -> None:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer()
    first: BoundedBuffer[Any] = BoundedBuffer(5)
    seen: list[Any] = []
    last: Call[Any] = Call(lambda item: seen.append(see(item)), context=True)
    request.set("network")
    async with Network(buffer, first, last):
        await send_as("before", buffer, 1)
        buffer.link_target(last)
        await wait_all_tasks_blocked()
        await send_as("alice", buffer, 2)
        first.link_target(buffer)
        await send_as("bob", first, 3)
    assert seen[1:] == [(2, "alice"), (3, "bob")]


def test_a_filter_in_other_processes_cannot_carry_it() -> None:
    with pytest.raises(TypeError, match="filter 'sees_its_sender': context=True needs an executor with threads"):
        Filter(sees_its_sender, context=True, executor=Processes(1))


@pytest.mark.usefixtures("real_time")
async def test_a_filter_shows_items_in_its_errors_and_counts() -> None:
    def broken(item: Any) -> bool:
        if item == 3:
            raise ValueError(item)
        return bool(item % 2)

    for executor in (None, Threads(1)):
        keep: Filter[int] = Filter(broken, context=True, executor=executor, name="keep", on_error="skip")
        linked(keep)
        network = await run(keep, [1, 2, 3])
        assert network.balance()["keep"].dropped == {"filtered": 1, "skipped": 1}
    keep = Filter(broken, context=True, name="keep")
    linked(keep)
    with faults(ValueError) as found:
        await run(keep, [3])
    assert "in keep, item 1: 3" in found[0].__notes__


async def test_a_recording_knows_items_that_carry_a_context() -> None:
    first, last = observer(), observer()
    first.link_target(buffer := UnboundedBuffer[Any]())
    buffer.link_target(last)
    linked(last)
    recording = Recording()
    await clients_send(first, recording=recording)
    works = [span for span in recording.spans if span.activity is Activity.WORK and span.stage.startswith("observer")]
    labels: dict[int, list[str]] = {span.item: [] for span in works}
    for span in works:
        labels[span.item].append(span.label)
    assert sorted(labels.values()) == [[repr(who), repr((who, who))] for who in CLIENTS]


# Agents


class Passes(Agent):
    """Sends on what it receives, together with what it sees then."""

    def __init__(self, source: Source[Any], target: Target[Any], *, waits: bool = False, **options: Any) -> None:
        super().__init__(inputs=[source], outputs=[target], **options)
        self.source, self.target, self.waits = source, target, waits

    async def run(self) -> None:
        if self.waits:
            await wait_all_tasks_blocked()
        async for item in self.source:
            await self.target.send((item, request.get(), other.get()))


async def test_an_agent_that_waits_already_gets_it_too() -> None:
    first, target = UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    async with Network(Passes(first, target, context=True)):
        for who in CLIENTS:
            await wait_all_tasks_blocked()
            await send_as(who, first)
    assert [seen[1] for seen in contents(target)] == list(CLIENTS)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("make", [UnboundedBuffer, small, observer])
async def test_it_goes_through_an_agent_that_wants_it(make: Callable[[], Any], waits: bool) -> None:
    first, target = make(), BoundedBuffer[Any](1)
    target.link_target(last := observer())
    collector = linked(last)
    request.set("network")
    async with Network(Passes(first, target, waits=waits, context=True)):
        for who in CLIENTS:
            await send_as(who, first)
    seen = contents(collector)
    assert [who for _, who in seen] == list(CLIENTS)
    assert all(inside == who for (_, inside, _), who in seen)


async def test_an_agent_that_does_not_want_it_sends_with_its_own() -> None:
    first, target = UnboundedBuffer[Any](), BoundedBuffer[Any](1)
    target.link_target(last := observer())
    collector = linked(last)
    request.set("network")
    async with Network(Passes(first, target)):
        await send_as("alice", first)
    assert contents(collector) == [(("alice", "network", "none"), "network")]


async def test_nothing_of_the_item_before_is_left_in_an_agent() -> None:
    first, target = UnboundedBuffer[Any](), UnboundedBuffer[Any]()

    async def send_other() -> None:
        other.set("set once")
        await first.send(1)

    context = copy_context()
    async with Network(Passes(first, target, context=True)):
        context.run(first.send_nowait, 0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_other)
        first.send_nowait(2)
        assert [(await target.receive())[2] for _ in range(3)] == ["none", "set once", "none"]


async def test_what_an_agent_sets_itself_counts() -> None:
    class Names(Agent):
        async def run(self) -> None:
            item = await first.receive()
            request.set(f"named by {request.get()}")
            await last.send(item)

    first, last = UnboundedBuffer[Any](), observer()
    collector = linked(last)
    async with Network(Names(inputs=[first], outputs=[last], context=True)):
        await send_as("alice", first)
    assert contents(collector) == [("alice", "named by alice")]


async def test_who_is_no_such_agent_keeps_its_own_context() -> None:
    first = observer()
    async with Network(Passes(UnboundedBuffer(), UnboundedBuffer(), context=True), first):
        await send_as("alice", first)
        request.set("body")
        await first.receive()
        assert request.get() == "body"


async def test_a_source_has_the_context_of_the_network() -> None:
    source: IterableSource[int] = IterableSource([1])
    source.link_target(buffer := UnboundedBuffer[int]())
    buffer.link_target(last := observer())
    collector = linked(last)
    request.set("network")
    async with Network(source):
        request.set("body")
    assert contents(collector) == [(1, "network")]


@pytest.mark.parametrize("make", [small, Broadcast, lambda: Take[Any](1), lambda: Batch[Any](1), Choice])
def test_it_is_the_same_to_be_asked_twice(make: Callable[[], Any]) -> None:
    block = make()
    assert block._core.carry_contexts()
    queue = block._core.outbox.queue
    assert block._core.carry_contexts()
    assert block._core.outbox.queue is queue


async def test_an_agent_that_got_its_item_before_contexts_were_kept_sees_its_own() -> None:
    first, target = UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    request.set("network")
    async with Network(Passes(first, target, context=True)):
        await wait_all_tasks_blocked()
        plain: deque[Any] = deque()
        first._core.inbox.queue = first._core.outbox.queue = plain  # as it is when no network has begun
        first._core.outbox.carries = False
        request.set("body")
        first.send_nowait(1)
        first._core.outbox.carries = True
        assert await target.receive() == (1, "network", "none")
        first._core.outbox.carries = False


def test_a_buffer_of_ones_own_says_that_it_carries_nothing() -> None:
    assert not Buffer[int]()._core.carry_contexts()


def wrapped(item: Any) -> list[Any]:
    return [item]


def newest(state: Any, item: Any) -> Any:
    del state
    return item, request.get()


async def newest_later(state: Any, item: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return newest(state, item)


async def test_the_elements_of_a_message_have_its_context() -> None:
    lists: Transformer[Any, list[Any]] = Transformer(wrapped, context=True)
    flatten, last = Flatten[Any](context=True), observer()
    lists.link_target(flatten)
    flatten.link_target(last)
    collector = linked(last)
    await clients_send(lists)
    assert sorted(contents(collector)) == [(who, who) for who in CLIENTS]


@pytest.mark.parametrize("function", [newest, newest_later])
async def test_a_running_fold_sees_each_sender_and_its_states_have_the_context(function: Any) -> None:
    fold: Fold[Any, Any] = Fold(function, None, running=True, context=True)
    last = observer()
    fold.link_target(last)
    collector = linked(last)
    await clients_send(fold)
    assert sorted(contents(collector)) == [((who, who), who) for who in CLIENTS]


@pytest.mark.parametrize("function", [newest, newest_later])
async def test_a_fold_sees_each_sender_and_its_result_has_the_context_of_the_network(function: Any) -> None:
    fold: Fold[Any, Any] = Fold(function, None, context=True)
    last = observer()
    fold.link_target(last)
    collector = linked(last)
    await clients_send(fold)
    ((state, who),) = contents(collector)
    assert state in [(client, client) for client in CLIENTS]
    assert who == "network"
