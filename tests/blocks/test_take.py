"""Taking the first few: what feeds a `Take`, or a body that leaves early, ends; the rest is discarded and counted."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    DeadLetter,
    Declined,
    ErrorInfo,
    IterableSource,
    Join,
    Network,
    Source,
    Take,
    Target,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)


async def slowly(item: int) -> int:
    await trio.sleep(1)
    return item


def same(item: int) -> int:
    return item


def inverse(item: int) -> float:
    raise ValueError(item)


class Copier(Agent):
    """Hands on what it reads."""

    def __init__(self, source: Source[int], target: Target[int], other: Target[int] | None = None) -> None:
        super().__init__(inputs=[source], outputs=[target] if other is None else [target, other])
        self.source, self.target, self.other = source, target, other

    async def run(self) -> None:
        async for item in self.source:
            if self.other is not None:
                await self.other.send(item)
            await self.target.send(item)


def linked_through(source: Source[Any], *blocks: Any) -> Source[Any]:
    last = source
    for block in blocks:
        last.link_target(block)
        last = block
    return last


def through_agent(source: Source[Any]) -> Source[Any]:
    before, behind = BoundedBuffer[int](2), BoundedBuffer[int](2)
    source.link_target(before)
    Copier(before, behind)
    return behind


def through_join(greedy: bool) -> Callable[[Source[Any]], Source[Any]]:
    def build(source: Source[Any]) -> Source[Any]:
        fork, one, two = (
            Broadcast[int](capacity=2),
            Transformer(slowly, concurrency=2, capacity=3),
            BoundedBuffer[int](8),
        )
        source.link_target(fork)
        for block in (one, two):
            fork.link_target(block)
        join, single = (
            Join(one, two, greedy=greedy, capacity=3 if greedy else None),
            Transformer[tuple[int, int], int](min),
        )
        join.link_target(single)
        return single

    return build


def through_keys(source: Source[Any]) -> Source[Any]:
    fork, one, two = Broadcast[int](capacity=2), Transformer(slowly, concurrency=2, capacity=3), BoundedBuffer[int](8)
    source.link_target(fork)
    for block in (one, two):
        fork.link_target(block)
    join, single = Join(one, two, key=same, capacity=8), Transformer[tuple[int, int], int](min)
    join.link_target(single)
    return single


def through_batches(source: Source[Any]) -> Source[Any]:
    return linked_through(source, Batch[int](3), TransformMany[list[int], int](list))


def through_choice(source: Source[Any]) -> Source[Any]:
    buffer = BoundedBuffer[int](2)
    source.link_target(buffer)
    value = Transformer[Any, int](lambda chosen: chosen.value)
    Choice(buffer).link_target(value)
    return value


WAYS: dict[str, Callable[[Source[Any]], Source[Any]]] = {
    "nothing": lambda source: source,
    "function": lambda source: linked_through(source, Transformer(same)),
    "tasks": lambda source: linked_through(source, Transformer(slowly, concurrency=3)),
    "unordered": lambda source: linked_through(source, Transformer(slowly, concurrency=3, ordered=False)),
    "buffers": lambda source: linked_through(source, BoundedBuffer[int](2), BoundedBuffer[int](1)),
    "broadcast": lambda source: linked_through(source, Broadcast[int]()),
    "agent": through_agent,
    "join": through_join(False),
    "greedy join": through_join(True),
    "join by key": through_keys,
    "batches": through_batches,
    "choice": through_choice,
    "take": lambda source: linked_through(source, Take[int](7)),
}


def numbers(log: list[str]) -> Iterator[int]:
    try:
        yield from itertools.count()
    finally:
        log.append("closed")


async def later(log: list[str]) -> AsyncIterator[int]:
    try:
        for number in itertools.count():
            yield number
            await trio.sleep(1)
    finally:
        log.append("closed")


@pytest.mark.parametrize("make", [numbers, later])
@pytest.mark.parametrize("limit", [None, 4])
@pytest.mark.parametrize("way", WAYS)
async def test_a_take_ends_what_feeds_it(way: str, limit: int | None, make: Callable[[list[str]], Any]) -> None:
    log: list[str] = []
    got: list[int] = []
    source, take, sink = IterableSource[int](make(log)), Take[int](5), Call[int](got.append)
    entry = BoundedBuffer[int](3)
    source.link_target(entry)
    WAYS[way](entry).link_target(take)
    take.link_target(sink)
    if limit is not None and way != "agent":
        PipelineGovernor(limit * 3).govern(entry, sink)
    async with Network(source) as network:
        pass
    assert len(got) == 5
    assert got == [0, 1, 2, 3, 4] or way == "unordered"
    assert log == ["closed"]
    assert network.balance().ok


@pytest.mark.parametrize("make", [numbers, later])
@pytest.mark.parametrize("reading", ["loop", "receive"])
@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("broadcast", "nothing")])
async def test_a_body_that_leaves_early_keeps_what_it_returns(
    way: str, reading: str, make: Callable[[list[str]], Any]
) -> None:
    log: list[str] = []

    async def first_five() -> tuple[list[int], Network]:
        source = IterableSource[int](make(log))
        last = Transformer[int, int](same, capacity=2)
        WAYS[way](source).link_target(last)
        got: list[int] = []
        async with Network(source) as network:
            if reading == "receive":
                return [await last.receive() for _ in range(5)], network
            async for item in last:
                got.append(item)
                if len(got) == 5:
                    break
            return got, network

    got, network = await first_five()
    assert len(got) == 5
    assert log == ["closed"]
    assert network.balance().ok


async def test_what_feeds_other_targets_too_goes_on() -> None:
    few: list[int] = []
    everything: list[int] = []
    source, fork = IterableSource(range(50)), Broadcast[int](capacity=2)
    source.link_target(fork)
    fork.link_target(Call(everything.append))
    linked_through(fork, Transformer(slowly), Take[int](3), Call[int](few.append))
    async with Network(source) as network:
        pass
    assert few == [0, 1, 2]
    assert everything == list(range(50))
    assert network.balance().ok


async def test_an_agent_with_another_output_goes_on_and_hears_that_this_one_is_done() -> None:
    everything: list[int] = []
    source, before, behind, other = (
        IterableSource(range(9)),
        BoundedBuffer[int](1),
        Take[int](3),
        Call(everything.append),
    )
    source.link_target(before)
    agent = Copier(before, behind, other)
    behind.link_target(Call(lambda _: None))
    with pytest.RaisesGroup(pytest.RaisesExc(Declined, match="needs nothing more")):
        async with Network(source, agent):
            pass
    assert everything[:3] == [0, 1, 2]


async def test_a_send_by_hand_is_declined_after_the_last_that_is_wanted() -> None:
    got: list[int] = []
    entry, take = BoundedBuffer[int](2), Take[int](3)
    entry.link_target(take)
    take.link_target(Call(got.append))
    async with Network(entry):
        for item in range(3):
            await entry.send(item)
            await wait_all_tasks_blocked()
        with pytest.raises(Declined, match="needs nothing more"):
            await entry.send(3)
    assert got == [0, 1, 2]


async def test_fewer_messages_than_wanted_are_fine() -> None:
    got: list[int] = []
    source = IterableSource(range(3))
    linked_through(source, Take[int](5), Call[int](got.append))
    async with Network(source):
        pass
    assert got == [0, 1, 2]


async def test_its_targets_complete_before_what_feeds_it_has_run_out() -> None:
    times: list[float] = []
    source, work, take, out = IterableSource(range(9)), Transformer(slowly), Take[int](2), UnboundedBuffer[int]()
    linked_through(source, work, take, out)
    async with Network(source):
        async for _ in out:
            pass
        times.append(trio.current_time())
    times.append(trio.current_time())
    assert times[1] > times[0]


async def test_a_take_on_one_of_two_ways_leaves_the_rest_of_the_other_without_partners() -> None:
    got: list[Any] = []
    source, fork = IterableSource(range(9)), Broadcast[int]()
    source.link_target(fork)
    take, other = Take[int](3), UnboundedBuffer[int]()
    for block in (take, other):
        fork.link_target(block)
    Join(take, other, name="pairs").link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [(0, 0), (1, 1), (2, 2)]
    assert network.balance()["pairs"].dropped == {"no partner": 6}


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "3"])
def test_another_count_is_an_error(count: Any) -> None:
    with pytest.raises(ValueError, match=r"take 'few': count must be an int >= 1, got"):
        Take[int](count, name="few")


async def test_a_stop_in_the_middle_discards_what_it_has() -> None:
    take = Take[int](3)
    take.link_target(BoundedBuffer[int](1))
    async with Network(take) as network:
        for item in range(2):
            await take.send(item)
        await wait_all_tasks_blocked()
        await take.send(2)
        network.cancel()
    assert network.balance().ok
    assert "take" in repr(take).lower()


async def test_what_was_reserved_by_hand_is_left_to_who_has_reserved_it() -> None:
    log: list[str] = []
    source, take = IterableSource[int](numbers(log)), Take[int](2, capacity=1)
    source.link_target(take)
    async with Network(source) as network:
        await wait_all_tasks_blocked()
        assert source.reserve("me")
        assert await take.receive() == 0
        await take.send(100)
        assert await take.receive() == 100
        await wait_all_tasks_blocked()
        assert log == ["closed"]
        assert source.consume("me") == 1
    assert network.balance().ok


@pytest.mark.parametrize("seconds", [1, 100])
async def test_a_stop_while_what_is_in_work_runs_out_or_after_it_discards_it(seconds: int) -> None:
    async def work(item: int) -> int:
        await trio.sleep(seconds if item else 0)
        return item

    source, block, busy = IterableSource(range(4)), Transformer(work, concurrency=4), Call(for_ever)
    source.link_target(block)
    network = Network(source, busy)
    with trio.move_on_after(50):
        async with network:
            await busy.send(0)
            async for _ in block:
                break
    assert trio.current_time() == 50
    assert network.balance().ok


async def for_ever(_: int) -> None:
    await trio.sleep_forever()


async def test_a_stop_after_its_end_finds_nothing_in_it() -> None:
    got: list[int] = []
    take, busy = Take[int](1), Call(for_ever)
    take.link_target(Call(got.append))
    network = Network(take, busy)
    with trio.move_on_after(50):
        async with network:
            await busy.send(0)
            await take.send(1)
    assert got == [1]
    assert take.is_finished
    assert network.balance().ok


async def test_it_hands_on_more_than_a_batch() -> None:
    got: list[int] = []
    take = Take[int](4000, capacity=None)
    take.link_target(Call(got.append))
    for item in range(5000):
        await take.send(item)
    async with Network(take) as network:
        pass
    assert got == list(range(4000))
    assert network.balance().ok


async def test_who_sends_through_a_handle_is_told_and_what_has_dead_letters_goes_on() -> None:
    got: list[int] = []
    good: list[float] = []
    take = Take[Any](2)
    work = Transformer[int, float](lambda item: 1 / item, on_error=DeadLetter(take))
    work.link_target(Call(good.append))
    take.link_target(Call(lambda _: got.append(0)))
    with take.producer() as handle:
        async with Network(work, take) as network:
            await work.send(0)
            await handle.send("by hand")
            await wait_all_tasks_blocked()
            with pytest.raises(Declined):
                await handle.send("too late")
            for item in (1, 2):
                await work.send(item)
            handle.close()
            work.complete()
    assert (got, good) == ([0, 0], [1.0, 0.5])
    assert network.balance().ok


class Talker(Agent):
    """Reads all there is, and then goes on by itself."""

    def __init__(self, source: Source[int], target: Target[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send(item)
        for number in itertools.count():
            await self.target.send(number)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_an_agent_that_has_read_everything_is_cancelled_too(is_shared: bool) -> None:
    got: list[int] = []
    source, before, take = IterableSource([7, 8]), UnboundedBuffer[int](), Take[int](5)
    source.link_target(before)
    talker = Talker(before, take)
    take.link_target(Call(got.append))
    if is_shared:
        before.link_target(Call(lambda _: None))
    async with Network(source, talker) as network:
        pass
    assert len(got) == 5
    assert network.balance().ok


async def test_a_handle_and_a_sender_that_waits_hear_that_nothing_more_is_needed() -> None:
    got: list[int] = []
    entry, take = BoundedBuffer[int](1), Take[int](2)
    entry.link_target(take)
    take.link_target(Call(got.append))
    declined: list[int] = []

    async def send(item: int) -> None:
        try:
            await entry.send(item)
        except Declined:
            declined.append(item)

    async with Network(entry), trio.open_nursery() as nursery:
        with take.producer() as handle, entry.producer():
            for item in range(20):
                nursery.start_soon(send, item)
            await wait_all_tasks_blocked()
            with pytest.raises(Declined):
                handle.send_nowait(3)
    assert len(got) == 2
    assert declined


async def test_dead_letters_may_be_taken_too() -> None:
    letters: list[Any] = []
    take = Take[ErrorInfo](2)
    take.link_target(Call(letters.append))
    source, picky = IterableSource(range(9)), Call[int](inverse, on_error=DeadLetter(take))
    source.link_target(picky)
    async with Network(source) as network:
        pass
    assert len(letters) == 2
    assert network.balance().ok


async def test_very_many_are_taken_in_several_steps() -> None:
    got: list[int] = []
    entry, take = UnboundedBuffer[int](), Take[int](5_000, capacity=None)
    for item in range(6_000):
        entry.send_nowait(item)
    entry.link_target(take)
    take.link_target(Call(got.append, capacity=None))
    async with Network(entry):
        pass
    assert got == list(range(5_000))


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("executor", [None, Threads(1)], ids=["loop", "thread"])
async def test_a_paused_source_ends_when_nothing_more_is_needed(executor: Threads | None) -> None:
    source, other, take = IterableSource([1, 2], executor=executor), UnboundedBuffer[int](), Take[int](1)
    source.link_target(take)
    other.link_target(take)
    await source.pause()
    async with Network(source, other) as network:
        await other.send(7)
        assert [item async for item in take] == [7]
    assert network.balance().ok
