"""What is the same for all sources and all targets: sending, receiving, cancelling, fairness, time slices."""

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    BoundedBuffer,
    Call,
    Choice,
    Declined,
    IterableSource,
    MessageStatus,
    Network,
    Source,
    Target,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, linked, run


async def test_they_fit_where_trio_wants_channels() -> None:
    async def pipe(receive: trio.abc.ReceiveChannel[int], send: trio.abc.SendChannel[int]) -> None:
        async with receive, send:
            async for item in receive:
                await send.send(item + 1)

    source = IterableSource(range(3))
    target: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(source, target):
        await pipe(source, target)
    assert contents(target) == [1, 2, 3]


async def test_memory_channels_can_feed_a_network() -> None:
    send, receive = trio.open_memory_channel[int](0)
    source = IterableSource(receive)
    collector = linked(source)
    async with Network(source), send:
        for n in range(3):
            await send.send(n)
    assert contents(collector) == [0, 1, 2]


async def test_closing_a_block_ends_it_when_what_is_here_was_taken() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    choice = Choice(buffer)
    async with Network(choice):
        await buffer.send(1)
        await Source[int].aclose(buffer)
        with pytest.raises(Declined):
            await buffer.send(2)
        await choice.aclose()
        with pytest.raises(trio.EndOfChannel):
            await choice.receive()
        assert await buffer.receive() == 1


async def test_a_cancelled_scope_is_noticed_before_long_by_sends_and_receives_that_need_not_wait() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    with trio.CancelScope() as scope:
        scope.cancel()
        while True:
            await buffer.send(1)
    assert scope.cancelled_caught
    sent = len(buffer)
    received = 0
    with trio.CancelScope() as scope:
        scope.cancel()
        while True:
            if not len(buffer):
                buffer.send_nowait(1)
                sent += 1
            await buffer.receive()
            received += 1
    assert scope.cancelled_caught
    assert len(buffer) == sent - received


async def test_sends_and_receives_that_need_not_wait_let_others_run_before_long() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        while turns < 5:
            await buffer.send(1)
        while turns < 10:
            await buffer.receive()
            buffer.send_nowait(1)
        nursery.cancel_scope.cancel()


async def test_a_quick_sender_never_overfills_and_is_counted_exactly() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(50, name="b")
    async with Network(buffer) as network:
        sent = 0
        with trio.move_on_after(1):
            while True:
                await buffer.send(sent)
                sent += 1
        assert sent == len(buffer) == 50
        assert network.balance()["b"].accepted == 50
    assert contents(buffer) == list(range(50))


async def test_a_quick_sender_is_seen_by_a_link_that_comes() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(buffer):
        for n in range(20):
            await buffer.send(n)
        collector = linked(buffer)
        for n in range(20, 40):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        assert contents(collector) == list(range(40))


async def test_a_quick_sender_and_a_link_are_counted_together() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: UnboundedBuffer[int] = UnboundedBuffer(name="t")
    source.link_target(target)
    async with Network(source) as network:
        for n in range(50):
            await target.send(n)
            if n % 5 == 0:
                source.send_nowait(100 + n)
    assert sorted(contents(target)) == [*range(50), *range(100, 150, 5)]
    assert network.balance()["t"].accepted == 60


async def test_a_quick_sender_is_seen_by_a_receiver_that_waits() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    got: list[int] = []

    async def receive() -> None:
        async for item in buffer:
            got.append(item)  # noqa: PERF401  # shows what came before an error

    async with Network(buffer), trio.open_nursery() as nursery:
        for n in range(20):
            await buffer.send(n)
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        for n in range(20, 40):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        assert got == list(range(40))
        buffer.complete()


async def test_a_quick_sender_is_stopped_by_a_filter_a_completion_and_a_stop() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    for n in range(20):
        await buffer.send(n)
    buffer.filter = lambda n: n < 0
    with pytest.raises(Declined):
        await buffer.send(1)
    buffer.filter = None
    for n in range(20):
        await buffer.send(n)
    buffer.complete()
    with pytest.raises(Declined):
        await buffer.send(1)
    assert len(buffer) == 40

    other: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(other) as network:
        for n in range(20):
            await other.send(n)
        network.cancel()
    with pytest.raises(trio.BrokenResourceError):
        await other.send(1)
    assert network.balance()[other.name].discarded == 20


async def test_a_quick_sender_to_a_function_block_is_counted_exactly() -> None:
    calls: list[int] = []
    call: Call[int] = Call(calls.append, name="c")
    network = await run(call, range(3_000))
    assert calls == list(range(3_000))
    assert network.balance()["c"].accepted == 3_000


async def test_declined_shows_a_long_item_shortened() -> None:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer(name="b")
    buffer.complete()
    with pytest.raises(Declined) as caught:
        await buffer.send("x" * 1_000)
    assert len(str(caught.value)) < 200


async def test_a_parked_sender_that_is_completed_away_still_has_its_item() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    buffer.send_nowait(1)

    async def send() -> None:
        with pytest.raises(Declined, match="bounded buffer 'b' was completed while 2 waited to be sent"):
            await buffer.send(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        buffer.complete()
    assert contents(buffer) == [1]


async def test_a_send_and_its_cancellation_at_the_same_moment_agree() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.send_nowait(1)
    outcomes: list[str] = []

    async def send() -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await buffer.send(2)
            outcomes.append("sent")

    scopes: list[trio.CancelScope] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert buffer.receive_nowait() == 1  # the sender has been served in this very step …
        scopes[0].cancel()  # … and cannot be cancelled any more
    assert outcomes == ["sent"]
    assert contents(buffer) == [2]


async def test_a_receive_and_its_cancellation_at_the_same_moment_agree() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    got: list[int] = []
    scopes: list[trio.CancelScope] = []

    async def receive() -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            got.append(await buffer.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        buffer.send_nowait(1)
        scopes[0].cancel()
    assert got == [1]


def test_offers_are_answered_with_a_status() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    assert buffer.offer(1) is MessageStatus.ACCEPTED
    assert buffer.offer(2) is MessageStatus.POSTPONED
    buffer.complete()
    assert buffer.offer(3) is MessageStatus.DECLINED
    assert [status.value for status in MessageStatus] == ["accepted", "declined", "postponed"]


def test_function_blocks_are_sources_and_targets_in_the_eyes_of_isinstance() -> None:
    block = Transformer[int, int](lambda n: n)
    assert isinstance(block, Source)
    assert isinstance(block, Target)
    assert not isinstance(Call(print), Source)
    assert not isinstance(IterableSource([]), Target)


@pytest.mark.parametrize("kind", ["choice", "transformer"])
async def test_who_waits_longest_is_served_first(kind: str) -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    block: Any = Choice(source) if kind == "choice" else linked_function(source)
    got: dict[str, int] = {}

    async def receive(name: str) -> None:
        item = await block.receive()
        got[name] = getattr(item, "value", item)

    async with Network(block), trio.open_nursery() as nursery:
        nursery.start_soon(receive, "first")
        await wait_all_tasks_blocked()
        await source.send(1)
        await source.send(2)
        await receive("second")
    assert got == {"first": 1, "second": 2}


def linked_function(source: UnboundedBuffer[int]) -> Transformer[int, int]:
    block = Transformer[int, int](lambda n: n)
    source.link_target(block)
    return block


@pytest.mark.parametrize("kind", ["source", "transformer"])
async def test_what_a_full_link_does_not_take_goes_to_a_receiver_that_waits(kind: str) -> None:
    full: BoundedBuffer[int] = BoundedBuffer(1)
    block: Any = IterableSource(range(5)) if kind == "source" else Transformer[int, int](lambda n: n)
    block.link_target(full)
    got: list[int] = []

    async def receive() -> None:
        async for item in block:
            got.append(item)  # noqa: PERF401  # shows what came before an error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        async with Network(block):
            if kind == "transformer":
                for n in range(5):
                    await block.send(n)
            await trio.sleep(1)
    assert sorted(got + contents(full)) == [0, 1, 2, 3, 4]


def test_a_block_may_be_given_another_name() -> None:
    block = UnboundedBuffer[int](name="one", left_over="keep")
    block.name = "other"
    assert (block.name, str(block), block.left_over) == ("other", "unbounded buffer 'other'", "keep")
