"""The bounded buffer: what happens at the bound."""

from itertools import pairwise

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import BoundedBuffer, Call, Declined, MessageStatus, Network, UnboundedBuffer
from tests.blocks.tools import contents, is_even, linked, never, run


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "1", True])
def test_its_capacity_must_be_a_whole_number_of_at_least_1(capacity: object) -> None:
    with pytest.raises(ValueError, match=f"bounded buffer 'b': capacity must be an int >= 1.*, got {capacity!r}"):
        BoundedBuffer[int](capacity, name="b")  # type: ignore[arg-type]  # that is the point


def test_a_bound_there_must_be() -> None:
    with pytest.raises(ValueError, match="bounded buffer: capacity must be an int >= 1; for no bound use an Unbounded"):
        BoundedBuffer[int](None)  # type: ignore[arg-type]  # that is the point


def test_overflow_is_one_of_four_words() -> None:
    with pytest.raises(ValueError, match="overflow must be one of wait, reject, drop_oldest, drop_newest, got 'drop'"):
        BoundedBuffer[int](1, overflow="drop")  # type: ignore[arg-type]  # that is the point


def test_it_shows_how_full_it_is() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(2, name="b")
    buffer.send_nowait(1)
    assert repr(buffer) == "<BoundedBuffer 'b' open, 1 of 2 held>"
    assert buffer.capacity == 2


async def test_senders_wait_first_come_first_served() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    async with trio.open_nursery() as nursery:
        for n in range(3):
            nursery.start_soon(buffer.send, n)
            await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock, match=r"bounded buffer '.*' has no room now"):
            buffer.send_nowait(9)
        assert [await buffer.receive() for _ in range(3)] == [0, 1, 2]


async def test_who_could_send_at_once_does_not_overtake_those_who_wait() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.send_nowait(0)
    async with Network(buffer), trio.open_nursery() as nursery:
        nursery.start_soon(buffer.send, 1)
        await wait_all_tasks_blocked()
        assert buffer.receive_nowait() == 0
        with pytest.raises(trio.WouldBlock):
            buffer.send_nowait(2)
        assert buffer.receive_nowait() == 1


async def test_waiting_senders_and_postponed_links_take_turns() -> None:
    target: BoundedBuffer[str] = BoundedBuffer(1)
    feeder: UnboundedBuffer[str] = UnboundedBuffer()
    feeder.link_target(target)
    for _ in range(5):
        feeder.send_nowait("linked")

    async def send() -> None:
        for _ in range(5):
            await target.send("sent")

    got: list[str] = []
    async with Network(feeder), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        for _ in range(10):
            got.append(await target.receive())  # one by one
            await wait_all_tasks_blocked()
    assert sorted(got) == ["linked"] * 5 + ["sent"] * 5
    assert "sent" in got[:4]
    assert "linked" in got[:4]


async def test_when_its_filter_changes_senders_whose_item_it_declines_are_woken() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.send_nowait(0)
    declined: list[int] = []

    async def send(item: int) -> None:
        try:
            await buffer.send(item)
        except Declined:
            declined.append(item)

    async with trio.open_nursery() as nursery:
        for n in (1, 2):
            nursery.start_soon(send, n)
            await wait_all_tasks_blocked()
        buffer.filter = is_even
        await wait_all_tasks_blocked()
        assert declined == [1]
        assert [await buffer.receive(), await buffer.receive()] == [0, 2]


async def test_one_that_rejects_lets_a_link_go_on_to_its_next_target() -> None:
    quick: BoundedBuffer[int] = BoundedBuffer(2, overflow="reject", name="quick")
    rest: UnboundedBuffer[int] = UnboundedBuffer()
    source: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(quick)
    source.link_target(rest)
    await run(source, range(5))
    assert (contents(quick), contents(rest)) == ([0, 1], [2, 3, 4])


async def test_a_link_to_one_that_rejects_tries_again_when_there_is_room() -> None:
    full: BoundedBuffer[int] = BoundedBuffer(1, overflow="reject")
    source: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(full)
    async with Network(source):
        for n in range(3):
            await source.send(n)
        assert [await full.receive() for _ in range(3)] == [0, 1, 2]


def test_one_that_rejects_says_that_it_is_full() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, overflow="reject", name="b")
    buffer.send_nowait(1)
    with pytest.raises(Declined, match=r"bounded buffer 'b' is full \(1 of 1\) and rejects 2"):
        buffer.send_nowait(2)


@pytest.mark.parametrize(
    ("overflow", "expected"), [("drop_oldest", [2, 3, 4]), ("drop_newest", [0, 1, 2])], ids=["oldest", "newest"]
)
async def test_one_that_drops_counts_what_it_dropped(overflow: str, expected: list[int]) -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(3, overflow=overflow, name="b")  # type: ignore[arg-type]  # a str here
    network = await run(buffer, range(5))
    assert contents(buffer) == expected
    assert network.balance()["b"].dropped == {overflow.removeprefix("drop_"): 2}


@pytest.mark.parametrize("capacity", [1, 2])
def test_a_reserved_head_is_never_dropped(capacity: int) -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(capacity, overflow="drop_oldest")
    for n in range(capacity):
        buffer.send_nowait(n)
    assert buffer.reserve("me")
    buffer.send_nowait(9)
    assert buffer.consume("me") == 0
    assert contents(buffer) == ([9] if capacity == 2 else [])


async def test_one_that_drops_still_waits_for_a_governor() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(2, overflow="drop_oldest")
    governor = PipelineGovernor(1)
    governor.govern(buffer, buffer)
    buffer.send_nowait(1)
    assert buffer.offer(2) is MessageStatus.POSTPONED
    async with trio.open_nursery() as nursery:
        nursery.start_soon(buffer.send, 2)
        await wait_all_tasks_blocked()
        assert await buffer.receive() == 1
    assert contents(buffer) == [2]


async def test_one_that_drops_works_along_a_link() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    buffer: BoundedBuffer[int] = BoundedBuffer(2, overflow="drop_newest")
    source.link_target(buffer)
    await run(source, range(5))
    assert contents(buffer) == [0, 1]


async def test_a_chain_of_full_ones_moves_up_when_the_last_gives() -> None:
    buffers = [BoundedBuffer[int](1) for _ in range(3)]
    for source, target in pairwise(buffers):
        source.link_target(target)
    got: list[int] = []
    async with Network(buffers[0]), trio.open_nursery() as nursery:
        for n in range(6):
            nursery.start_soon(buffers[0].send, n)
            await wait_all_tasks_blocked()
        for _ in range(6):
            got.append(await buffers[-1].receive())  # noqa: PERF401  # one by one
    assert got == list(range(6))


def test_a_chain_outside_a_network_drains_and_completes() -> None:
    first: BoundedBuffer[int] = BoundedBuffer(3)
    last: BoundedBuffer[int] = BoundedBuffer(1)
    first.link_target(last)
    for n in range(4):
        first.send_nowait(n)
    first.complete()
    assert first.is_finished
    got = [last.receive_nowait() for _ in range(4)]
    assert got == [0, 1, 2, 3]
    assert last.is_finished


async def test_a_stop_discards_what_waits_behind_a_filter() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.link_target(UnboundedBuffer(), filter=never)
    async with trio.open_nursery() as nursery, Network(buffer) as network:
        await buffer.send(1)

        async def send() -> None:
            with pytest.raises(trio.BrokenResourceError, match=r"cannot send to bounded buffer .*: its network was"):
                await buffer.send(2)

        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        network.cancel()
    assert network.balance()[buffer.name].discarded == 1


async def test_more_than_one_credit_never_overfills_it() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(100)
    collector = linked(buffer)
    await run(buffer, range(5_000))
    assert contents(collector) == list(range(5_000))


async def test_what_is_let_in_while_others_are_served_is_for_them_first_too() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    taken: list[int] = []
    is_open = False
    buffer.link_target(Call[int](taken.append), lambda item: is_open and item % 3 == 0)
    async with Network(buffer), trio.open_nursery() as nursery:
        for number in (6, 9, 10):
            nursery.start_soon(buffer.send, number)
            await trio.testing.wait_all_tasks_blocked()
        is_open = True
        assert buffer.receive_nowait() == 10
    assert taken == [6, 9]
