"""The unbounded buffer, and what all buffers share: links, filters, completion."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import Call, Declined, MessageStatus, Network, UnboundedBuffer
from tests.blocks.tools import contents, faults, is_even, linked, never, run


def test_it_shows_its_name_state_and_what_it_holds() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="words")
    assert str(buffer) == "unbounded buffer 'words'"
    assert repr(buffer) == "<UnboundedBuffer 'words' open, 0 held>"
    buffer.send_nowait(1)
    buffer.complete()
    assert repr(buffer) == "<UnboundedBuffer 'words' finished, 1 held>"
    assert buffer.is_finished


def test_without_a_name_it_is_named_after_its_class() -> None:
    first, second = UnboundedBuffer[int](), UnboundedBuffer[int]()
    assert first.name.startswith("UnboundedBuffer-")
    assert first.name != second.name


async def test_a_stopped_one_says_so() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="words")
    async with Network(buffer) as network:
        assert buffer.network is network
        network.cancel()
    assert repr(buffer) == "<UnboundedBuffer 'words' stopped, 0 held>"


def test_it_is_true_also_when_it_is_empty() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    assert buffer
    assert len(buffer) == 0


def test_its_filter_can_be_read_and_changed() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(filter=is_even)
    assert buffer.filter is is_even
    with pytest.raises(Declined, match=r"the filter of unbounded buffer '.*' declined 1; send what it accepts"):
        buffer.send_nowait(1)
    buffer.filter = None
    buffer.send_nowait(1)
    assert len(buffer) == 1


async def test_it_never_makes_a_sender_wait() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    for n in range(10_000):
        await buffer.send(n)
    buffer.complete()
    assert [n async for n in buffer] == list(range(10_000))


async def test_a_parked_receiver_gets_what_is_sent_and_a_link_comes_before_it() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    got: list[int] = []

    async def receive() -> None:
        got.append(await buffer.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        collector = linked(buffer)
        buffer.send_nowait(1)
        assert contents(collector) == [1]
        buffer.unlink_targets()
        buffer.send_nowait(2)
    assert got == [2]


async def test_what_links_decline_goes_to_a_receiver() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    evens: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.link_target(evens, filter=is_even)
    got: list[int] = []

    async def receive() -> None:
        async for item in buffer:
            got.append(item)  # noqa: PERF401  # shows what came before an error

    async with Network(buffer), trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        for n in range(5):
            await buffer.send(n)
        await wait_all_tasks_blocked()
        buffer.complete()
    assert (got, contents(evens)) == ([1, 3], [0, 2, 4])


async def test_receivers_are_served_in_turn_and_by_their_filters() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    got: dict[str, int] = {}

    async def receive(name: str, *filters: object) -> None:
        got[name] = await buffer.receive(*filters)  # type: ignore[arg-type]  # tuple unpacked

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive, "even", is_even)
        await wait_all_tasks_blocked()
        nursery.start_soon(receive, "any")
        await wait_all_tasks_blocked()
        nursery.start_soon(receive, "any later")
        await wait_all_tasks_blocked()
        for n in (1, 2, 3):
            buffer.send_nowait(n)
    assert got == {"any": 1, "even": 2, "any later": 3}


async def test_a_filter_of_a_receiver_that_raises_raises_there() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()

    def broken(item: int) -> bool:
        raise ZeroDivisionError

    async with Network(buffer):
        with pytest.RaisesGroup(ZeroDivisionError):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(buffer.receive, broken)
                await wait_all_tasks_blocked()
                await buffer.send(1)
        assert await buffer.receive() == 1


async def test_without_links_it_keeps_its_messages_for_after_the_run() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    network = await run(buffer, [1, 2, 3])
    assert network.balance()[buffer.name].held == 3
    assert [item async for item in buffer] == [1, 2, 3]
    with pytest.raises(trio.EndOfChannel, match="is finished"):
        await buffer.receive()


async def test_a_finished_one_whose_head_is_not_wanted_says_so() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.send_nowait(1)
    buffer.complete()
    with pytest.raises(trio.EndOfChannel, match="is finished and holds only messages that the filter declines"):
        buffer.receive_nowait(is_even)


async def test_it_can_be_linked_after_the_run() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    await run(buffer, [1, 2, 3])
    collector = linked(buffer)
    assert contents(collector) == [1, 2, 3]
    assert collector.offer(4) is MessageStatus.DECLINED  # its only producer was finished


async def test_what_was_completed_before_the_network_runs_in_it() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.send_nowait(1)
    buffer.complete()
    collector = linked(buffer)
    await run(UnboundedBuffer[int](), [], buffer)
    assert contents(collector) == [1]


async def test_completed_in_the_body_it_can_be_read_to_its_end() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(buffer):
        await buffer.send(1)
        await buffer.send(2)
        buffer.complete()
        assert [item async for item in buffer] == [1, 2]


async def test_a_waiting_receiver_learns_that_the_last_message_went_to_another_holder() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.send_nowait(1)
    assert buffer.reserve("me")
    buffer.complete()
    with pytest.raises(trio.WouldBlock):
        buffer.receive_nowait()

    async def receive() -> None:
        with pytest.raises(trio.EndOfChannel):
            await buffer.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert buffer.consume("me") == 1


async def test_a_released_head_goes_to_the_waiting_receiver() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    got: list[int] = []

    async def receive() -> None:
        got.append(await buffer.receive())

    buffer.send_nowait(1)
    assert buffer.reserve("me")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert not got
        buffer.release("me")
    assert got == [1]


def test_reserving_for_nobody_is_an_error() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.send_nowait(1)
    with pytest.raises(TypeError, match="reserve needs the taker, got None"):
        buffer.reserve(None)


async def test_only_what_no_link_takes_can_be_reserved() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    evens: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.link_target(evens, filter=is_even)
    async with Network(buffer):
        buffer.send_nowait(2)
        assert not buffer.reserve("me")
        buffer.send_nowait(3)
        assert buffer.reserve("me")
        assert buffer.consume("me") == 3
    assert contents(evens) == [2]


def test_only_the_holder_can_consume_or_release() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    assert not buffer.reserve("me")
    for act, verb in ((buffer.consume, "consume"), (buffer.release, "release")):
        with pytest.raises(RuntimeError, match=f"'b': cannot {verb} for 'me', which has not reserved the head"):
            act("me")


async def test_held_messages_are_discarded_and_counted_when_the_network_stops() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.link_target(UnboundedBuffer(), filter=never)
    async with Network(buffer) as network:
        buffer.send_nowait(1)
        buffer.send_nowait(2)
        network.cancel()
    assert network.balance()[buffer.name].discarded == 2
    assert len(buffer) == 0
    with pytest.raises(
        trio.BrokenResourceError, match=r"cannot receive from unbounded buffer .*: its network was stop"
    ):
        buffer.receive_nowait()


async def test_a_filter_that_raises_in_a_step_is_a_fault_of_the_block_that_offers() -> None:
    def broken(item: int) -> bool:
        raise ZeroDivisionError

    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="first")
    buffer.link_target(UnboundedBuffer(), filter=broken)
    with faults(ZeroDivisionError) as found:
        await run(buffer, [1])
    assert found[0].__notes__ == ["in first"]


def test_a_filter_that_raises_outside_a_network_raises_at_the_sender() -> None:
    def broken(item: int) -> bool:
        raise ZeroDivisionError

    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.link_target(UnboundedBuffer(), filter=broken)
    with pytest.raises(ZeroDivisionError):
        buffer.send_nowait(1)
    assert len(buffer) == 1


async def test_a_receiver_that_finds_everything_gone_to_links_learns_of_the_end() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    threes: list[int] = []
    buffer.link_target(Call(threes.append), filter=lambda n: n % 3 == 0)
    got: list[int] = []

    async def receive() -> None:
        async for item in buffer:
            got.append(item)  # noqa: PERF401  # shows what came before an error

    async with Network(buffer), trio.open_nursery() as nursery:
        producer = buffer.producer()
        nursery.start_soon(receive)
        with producer:
            for n in range(7):
                await producer.send(n)
    assert (got, threes) == ([1, 2, 4, 5], [0, 3, 6])
