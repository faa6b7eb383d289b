"""Links: order, filters, limits, joining a network, unlinking."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import SequenceMultiplexer
from penstock.blocks import (
    BoundedBuffer,
    Call,
    Choice,
    IterableSource,
    Join,
    MessageStatus,
    Network,
    Stalled,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults, is_even, linked, never, run


def test_it_shows_its_ends_and_how_much_has_passed() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    target: UnboundedBuffer[int] = UnboundedBuffer(name="target")
    link = source.link_target(target)
    source.send_nowait(1)
    assert str(link) == "source → target"
    assert repr(link) == "<Link source → target, 1 passed>"
    assert (link.source, link.target, link.passed, link.is_linked) == (source, target, 1, True)
    link.unlink()
    assert repr(link) == "<Link source → target, 1 passed, unlinked>"


@pytest.mark.parametrize("max_messages", [0, -1, 1.5, "1"])
def test_max_messages_must_be_a_whole_number_of_at_least_1(max_messages: object) -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="a")
    message = (
        f"unbounded buffer 'a' → unbounded buffer 'b': max_messages must be an int >= 1 or None, got {max_messages!r}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        source.link_target(UnboundedBuffer(name="b"), max_messages=max_messages)  # type: ignore[arg-type]  # the point


def test_only_targets_can_be_linked() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="a")
    with pytest.raises(TypeError, match=r"unbounded buffer 'a': link_target needs a target .*, got 3"):
        source.link_target(3)  # type: ignore[arg-type]  # that is the point


def test_linking_twice_is_an_error_that_says_so() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="a")
    target: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    source.link_target(target)
    with pytest.raises(
        ValueError, match="unbounded buffer 'a' is already linked to unbounded buffer 'b'; unlink it fir"
    ):
        source.link_target(target)


async def test_a_chain_of_filters_sorts_messages() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    targets: list[UnboundedBuffer[int]] = [UnboundedBuffer() for _ in range(3)]
    source.link_target(targets[0], filter=lambda n: n % 3 == 0)
    source.link_target(targets[1], filter=is_even)
    source.link_target(targets[2])
    await run(source, range(10))
    assert [contents(target) for target in targets] == [[0, 3, 6, 9], [2, 4, 8], [1, 5, 7]]


async def test_a_head_that_is_declined_blocks_what_is_behind_it_until_its_taker_comes() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    evens: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(evens, filter=is_even)
    async with Network(source):
        for n in (0, 1, 2):
            await source.send(n)
        await wait_all_tasks_blocked()
        assert contents(evens) == [0]
        odds: UnboundedBuffer[int] = UnboundedBuffer()
        source.link_target(odds)
    assert (contents(evens), contents(odds)) == ([2], [1])


async def test_max_messages_counts_over_several_steps() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    first: UnboundedBuffer[int] = UnboundedBuffer()
    link = source.link_target(first, max_messages=3)
    rest: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(rest)
    async with Network(source):
        for n in range(5):
            await source.send(n)
            await wait_all_tasks_blocked()
            assert link.is_linked is (n < 2)
    assert (contents(first), contents(rest)) == ([0, 1, 2], [3, 4])


async def test_unlinking_a_target_that_was_full_sends_the_rest_elsewhere() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    full: BoundedBuffer[int] = BoundedBuffer(1)
    link = source.link_target(full)
    async with Network(source):
        for n in range(4):
            await source.send(n)
        await wait_all_tasks_blocked()
        link.unlink()
        rest = linked(source)
        await wait_all_tasks_blocked()
        assert contents(rest) == [1, 2, 3]
        assert await full.receive() == 0
        await source.send(4)
    assert contents(rest) == [4]


async def test_after_the_body_a_target_that_loses_its_last_link_completes() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: UnboundedBuffer[int] = UnboundedBuffer()
    link = source.link_target(target, max_messages=1)
    rest = linked(source)
    await run(source, range(3))
    assert not link.is_linked
    assert target.is_finished
    assert (contents(target), contents(rest)) == ([0], [1, 2])


async def test_unlinking_does_not_complete_the_target() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: UnboundedBuffer[int] = UnboundedBuffer()
    link = source.link_target(target)
    async with Network(source):
        link.unlink()
        source.complete()
        await wait_all_tasks_blocked()
        await target.send(1)
    assert contents(target) == [1]


async def test_a_target_completes_after_the_last_of_several_sources() -> None:
    sources: list[UnboundedBuffer[int]] = [UnboundedBuffer() for _ in range(3)]
    target: UnboundedBuffer[int] = UnboundedBuffer()
    for source in sources:
        source.link_target(target)
    async with Network(target):
        for source in sources:
            assert target.offer(0) is MessageStatus.ACCEPTED
            source.complete()
            await wait_all_tasks_blocked()
        assert target.offer(0) is MessageStatus.DECLINED


async def test_a_block_that_is_linked_to_a_running_one_joins_its_network() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    seen: list[int] = []
    async with Network(entry) as network:
        behind = Transformer[int, int](lambda n: n + 1)
        behind.link_target(Call(seen.append))
        before: UnboundedBuffer[int] = UnboundedBuffer()
        entry.link_target(behind)
        before.link_target(entry)
        assert len(network.blocks) == 4
        await before.send(1)
    assert seen == [2]


async def test_blocks_of_two_running_networks_cannot_be_linked() -> None:
    first: UnboundedBuffer[int] = UnboundedBuffer(name="first")
    second: UnboundedBuffer[int] = UnboundedBuffer(name="second")
    async with Network(first, name="one"), Network(second, name="two"):
        with pytest.raises(
            RuntimeError, match=r"unbounded buffer '.*' runs in network '.*' and cannot be linked into '.*' too"
        ):
            first.link_target(second)
        assert not linked_targets(first)


def linked_targets(source: UnboundedBuffer[int]) -> list[str]:
    return [link.target.name for link in source._core.outbox.links]


async def test_an_offer_by_a_linked_source_is_asked_for_later() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: BoundedBuffer[int] = BoundedBuffer(1)
    target.send_nowait(0)
    source.link_target(target)
    assert target.offer(1, source) is MessageStatus.POSTPONED
    source.send_nowait(2)
    assert target.receive_nowait() == 0
    assert target.receive_nowait() == 2


def test_an_offer_by_a_stranger_is_not_remembered() -> None:
    target: BoundedBuffer[int] = BoundedBuffer(1)
    assert target.offer(0, "me") is MessageStatus.ACCEPTED
    with target.producer():
        assert target.offer(1, target) is MessageStatus.POSTPONED
        assert target.receive_nowait() == 0


async def test_a_filter_can_be_set_on_a_running_target_and_what_it_declined_comes() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: UnboundedBuffer[int] = UnboundedBuffer(filter=never)
    source.link_target(target)
    async with Network(source):
        await source.send(1)
        await wait_all_tasks_blocked()
        assert len(target) == 0
        target.filter = None
        await wait_all_tasks_blocked()
        assert len(target) == 1


async def test_unlinking_in_the_middle_of_a_plain_run_keeps_the_rest() -> None:
    source = Transformer[int, int](lambda n: n)
    target: BoundedBuffer[int] = BoundedBuffer(3)
    source.link_target(target)
    async with Network(source):
        for n in range(10):
            await source.send(n)
        await wait_all_tasks_blocked()
        source.unlink_targets()
        rest = linked(source)
    assert contents(target) + contents(rest) == list(range(10))


def test_a_join_among_the_targets_takes_what_the_first_target_leaves() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    source.link_target(full := BoundedBuffer[int](1))
    join = Join(source)
    for n in range(2):
        source.send_nowait(n)
    assert full.receive_nowait() == 0
    assert contents(full) + [item for (item,) in iter_join(join)] == [1]


def iter_join(join: Join[tuple[int]]) -> list[tuple[int]]:
    got: list[tuple[int]] = []
    while True:
        try:
            got.append(join.receive_nowait())
        except trio.WouldBlock:
            return got


@pytest.mark.parametrize(("capacity", "ends"), [(1, False), (11, True)])
async def test_a_circle_of_links_does_not_keep_another_link_out(capacity: int, ends: bool) -> None:
    seen: set[int] = set()
    rounds = 0

    async def turn(number: int) -> int:
        nonlocal rounds
        rounds += 1
        assert rounds < 1000, f"only {seen} have come in"
        await trio.lowlevel.checkpoint()
        seen.add(number)
        return number

    feed, before = IterableSource(range(12)), BoundedBuffer[int](1)
    entry, back = BoundedBuffer[int](3), BoundedBuffer[int](3)
    turner = Transformer[int, int](turn, capacity=capacity, window=1)
    feed.link_target(before)
    before.link_target(entry)
    entry.link_target(turner)
    turner.link_target(Call[int](abs), filter=lambda _: len(seen) == 12)
    turner.link_target(back)
    back.link_target(entry)
    with nullcontext() if ends else faults(Stalled):
        async with Network(feed):
            pass
    assert (len(seen) == 12) == ends


async def test_links_that_wait_for_room_get_it_in_turn() -> None:
    sources = [IterableSource(range(start * 100, start * 100 + 40)) for start in range(3)]
    target = BoundedBuffer[int](1)
    for source in sources:
        source.link_target(target)
    got: list[int] = []
    async with Network(*sources):
        got += [number // 100 async for number in target]
    for place in range(3, 100, 3):  # while all three have something, nobody comes twice before another has come once
        assert len(set(got[place : place + 3])) == 3


@pytest.mark.parametrize("capacity", [1, 2, 5])
@pytest.mark.parametrize("kind", ["join", "choice", "multiplexer"])
async def test_a_block_with_several_inputs_takes_no_more_than_the_room_that_is_left_for_its_link(
    kind: str, capacity: int
) -> None:
    sources = [IterableSource(range(1, 41)) for _ in range(3)]
    target = BoundedBuffer[Any](capacity)
    mergers: dict[str, Callable[[], Any]] = {
        "join": lambda: Join[Any](sources[0]),
        "choice": lambda: Choice[Any](sources[0]),
        "multiplexer": lambda: SequenceMultiplexer[int](sources[0], key=int),
    }
    merger = mergers[kind]()
    for source in (*sources[1:], merger):
        source.link_target(target)
    async with Network(*sources):
        got = [item async for item in target]
    assert len(got) == 3 * 40


async def test_room_is_not_kept_for_a_link_that_does_not_want_it_any_more() -> None:
    wanted = True
    fussy, plain = BoundedBuffer[int](9, name="fussy"), BoundedBuffer[int](9, name="plain")
    target = BoundedBuffer[int](1)
    fussy.link_target(target, filter=lambda _: wanted)
    fussy.link_target(UnboundedBuffer[int](name="rest"), filter=lambda _: not wanted)
    plain.link_target(target)
    got: list[int] = []
    async with Network(fussy, plain):
        for number in range(3):
            await fussy.send(number)
            await plain.send(10 + number)
        await wait_all_tasks_blocked()
        wanted = False
        fussy.complete()
        plain.complete()
        got += [number async for number in target]
    assert [number for number in got if number >= 10] == [10, 11, 12]


async def test_a_filter_that_raises_when_somebody_only_wants_to_know_does_not_disturb_that() -> None:
    source, target = UnboundedBuffer[int](name="source"), UnboundedBuffer[int](name="target")
    calls = 0

    def first_only(item: int) -> bool:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise KeyError(item)
        return False

    link = source.link_target(target, filter=first_only)
    source.send_nowait(1)
    assert link.declines(1)
    assert link.obstacle(1) == "a filter on the way to unbounded buffer 'target' declines the head"


async def test_a_filter_may_ask_what_goes_on_and_is_not_called_for_that() -> None:
    source, target = UnboundedBuffer[int](name="source"), UnboundedBuffer[int](name="target")
    answers: list[str] = []

    def curious(item: int) -> bool:
        answers.append(link.obstacle(item))
        return False

    link = source.link_target(target, filter=curious)
    assert link.obstacle(1) == "a filter on the way to unbounded buffer 'target' declines the head"
    assert len(answers) == 1
