"""A collect takes messages from its lanes in turn; lost messages have had their turn, so the order stays right."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Collect,
    DeadLetter,
    Distribute,
    ErrorInfo,
    Filter,
    IterableSource,
    Join,
    Network,
    Retry,
    Stalled,
    Take,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import faults

COUNT = 30


def fails(by: int) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item % by == 0:
            raise ValueError(item)
        return item

    return work


@attrs.frozen
class Part:
    """A block of a lane, which loses the items that a number divides."""

    kind: str
    by: int

    def keeps(self, item: int) -> bool:
        """Whether an item is not lost."""
        return item % self.by > 0

    def build(self) -> tuple[Any, Any]:
        """The first and the last block."""
        work = fails(self.by)
        block: Any
        if self.kind == "skip":
            block = Transformer(work, on_error="skip")
        elif self.kind == "skip in tasks":

            async def later(item: int) -> int:
                await trio.sleep(item * 7 % 5)
                return work(item)

            block = Transformer(later, on_error="skip", concurrency=3)
        elif self.kind == "skip in an executor":
            executor = OnLoop(seconds=0.5, workers=2)
            block = Transformer(work, on_error="skip", executor=executor, concurrency=2)
        elif self.kind == "dead letters":
            block = Transformer(work, on_error=Retry(2, then=DeadLetter(Call[ErrorInfo](lambda _: None))))
        elif self.kind == "filter":
            block = Filter[int](self.keeps)
        elif self.kind == "declined":
            block = UnboundedBuffer[int]()
            on = UnboundedBuffer[int]()
            block.link_target(on, self.keeps)
            block.link_target(Call[int](lambda _: None))
            return block, on
        elif self.kind == "nested":
            block, together = deal_and_collect(2, lambda: Transformer(work, on_error="skip"))
            return block, together
        elif self.kind == "join":
            block, one = Broadcast[int](), Transformer(work, on_error="skip")
            other = UnboundedBuffer[int]()
            block.link_target(one)
            block.link_target(other)
            single = Transformer[Any, int](min)
            Join(one, other).link_target(single)
            return block, single
        else:
            block = BoundedBuffer[int](2)
        return block, block


KINDS = (
    "skip",
    "skip in tasks",
    "skip in an executor",
    "dead letters",
    "filter",
    "declined",
    "nested",
    "join",
    "buffer",
)
PARTS = st.builds(Part, st.sampled_from(KINDS), st.integers(2, 7))
LANES = st.lists(st.lists(PARTS, min_size=1, max_size=2), min_size=1, max_size=4)


def deal_and_collect(lanes: int, make: Callable[[], Any]) -> tuple[Distribute[int], Collect[int]]:
    deal, together = Distribute[int](name="deal"), Collect[int](name="together")
    for _ in range(lanes):
        block = make()
        deal.link_target(block)
        block.link_target(together)
    return deal, together


async def run_lanes(lanes: list[list[Part]], limit: int | None) -> list[int]:
    got: list[int] = []
    source, deal, sink = IterableSource(range(COUNT)), Distribute[int](capacity=3), Call(got.append)
    source.link_target(deal)
    ends: list[Any] = []
    for parts in lanes:
        last: Any = deal
        for part in parts:
            first, end = part.build()
            last.link_target(first)
            last = end
        ends.append(last)
    together = Collect[int]()
    for end in reversed(ends):  # the order of the turns is that of the links of the distribute
        end.link_target(together)
    together.link_target(sink)
    if limit is not None:
        PipelineGovernor(limit).govern(deal, sink)
    async with Network(source) as network:
        pass
    assert network.balance().ok
    return got


def is_lost(item: int, parts: list[Part]) -> bool:
    return any(item % part.by == 0 for part in parts if part.kind != "buffer")


@given(LANES, st.sampled_from([None, 1, 5]))
def test_whatever_the_lanes_lose_the_rest_comes_in_order(lanes: list[list[Part]], limit: int | None) -> None:
    got = trio.run(run_lanes, lanes, limit, clock=MockClock(autojump_threshold=0))
    assert got == [item for item in range(COUNT) if not is_lost(item, lanes[item % len(lanes)])]


@pytest.mark.parametrize(("m", "n"), [(1, 3), (3, 2), (2, 5), (4, 1)])
async def test_m_lanes_lead_into_n_lanes(m: int, n: int) -> None:
    got: list[int] = []
    source = IterableSource(range(200))
    deal, together = deal_and_collect(m, lambda: Transformer(fails(3), on_error="skip"))
    deal_again, at_last = deal_and_collect(n, lambda: Transformer(fails(5), on_error="skip"))
    source.link_target(deal)
    together.link_target(deal_again)
    at_last.link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [item for item in range(200) if item % 3 and item % 5]


@pytest.mark.usefixtures("real_time")
async def test_in_threads_too() -> None:
    got: list[int] = []
    with Threads(3) as pool:
        source = IterableSource(range(300))
        deal, together = deal_and_collect(
            3, lambda: Transformer(fails(7), on_error="skip", executor=pool, concurrency=2)
        )
        source.link_target(deal)
        together.link_target(Call(got.append))
        async with Network(source):
            pass
    assert got == [item for item in range(300) if item % 7]


async def test_sources_without_a_distribute_are_taken_in_turn() -> None:
    letters, numbers = IterableSource("abcde"), IterableSource(range(3))
    work = Transformer[Any, Any](lambda letter: letter if letter != "b" else 1 / 0, on_error="skip")
    letters.link_target(work)
    got: list[Any] = []
    Collect[Any](work, numbers).link_target(Call(got.append))
    async with Network(letters):
        pass
    assert got == ["a", 0, 1, "c", 2, "d", "e"]  # "b" has had its turn, and numbers are over after 2


async def test_a_lane_that_several_blocks_feed_begins_where_they_come_together() -> None:
    first, second = IterableSource("ab"), IterableSource("cd")
    both, others = UnboundedBuffer[Any](), IterableSource(range(4))
    first.link_target(both)
    second.link_target(both)
    got: list[Any] = []
    Collect[Any](both, others).link_target(Call(got.append))
    async with Network(first, second):
        pass
    assert got[1::2] == [0, 1, 2, 3]


async def test_a_lane_may_begin_with_a_block_that_changes_the_number() -> None:
    twice = TransformMany[int, int](lambda n: [] if n == 1 else [n, n])
    source = IterableSource(range(3))
    source.link_target(twice)
    got: list[Any] = []
    Collect[Any](twice, IterableSource("abcd")).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [0, "a", 0, "b", 2, "c", 2, "d"]


async def test_one_of_many_links_of_a_buffer_is_a_lane_of_its_own() -> None:
    split, rest = UnboundedBuffer[int](), Call[int](lambda _: None)
    even = UnboundedBuffer[int]()
    split.link_target(even, lambda n: n % 2 == 0)
    split.link_target(rest)
    got: list[Any] = []
    Collect[Any](even, IterableSource("abc")).link_target(Call(got.append))
    async with Network(split):
        for number in range(6):
            await split.send(number)
    assert got == [0, "a", 2, "b", 4, "c"]


async def test_it_waits_for_the_lane_whose_turn_it_is() -> None:
    lanes = [UnboundedBuffer[int](name=f"buffer {n}") for n in range(3)]
    together = Collect(*lanes, name="together")
    async with Network(together):
        await lanes[2].send(2)
        await lanes[0].send(0)
        assert await together.receive() == 0
        with pytest.raises(trio.WouldBlock):
            together.receive_nowait()
        assert together._core.why_waiting() == "it waits for lane 1"
        await lanes[1].send(1)
        assert "nothing takes its output" in together._core.why_waiting()
        assert [await together.receive() for _ in range(2)] == [1, 2]
        for lane in lanes:
            lane.complete()


class Miser(Agent):
    """Gives one message for three."""

    def __init__(self, source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target], name="miser")
        self.source, self.target = source, target

    async def run(self) -> None:
        while True:
            await self.target.send(sum([await self.source.receive() for _ in range(3)]))


async def test_the_verdict_names_the_lane_that_everything_waits_for() -> None:
    back, lane = UnboundedBuffer[int](name="back"), UnboundedBuffer[int](name="lane")
    first, second = UnboundedBuffer[int](name="first"), UnboundedBuffer[int](name="second")
    together = Collect(first, second, lane, name="together")
    together.link_target(back)
    with faults(Stalled) as found:
        async with Network(together, Miser(back, lane)):
            for number in range(5):
                await first.send(number)
                await second.send(number)
    assert "collect 'together' lane 2 waits for messages from unbounded buffer 'lane'" in str(found[0])
    assert "it waits for lane 2" in str(found[0])


# What cannot be known


def refused(*blocks: Any) -> str:
    """What a network says that deals to two lanes, of which the first has these blocks."""
    deal, other = Distribute[int](name="deal"), UnboundedBuffer[int](name="other")
    last: Any = deal
    for block in blocks:
        last.link_target(block)
        last = block
    deal.link_target(other)
    together = Collect[int](last, other, name="together")
    together.link_target(Call(lambda _: None))

    async def enter() -> None:
        async with Network(deal):
            raise AssertionError

    with pytest.raises(ValueError, match="takes the messages of distribute 'deal' in turn, but cannot know") as caught:
        trio.run(enter)
    assert str(caught.value).endswith("Instead, number the messages, and use a SequenceMultiplexer")
    return str(caught.value)


async def same(item: int) -> int:
    return item


@pytest.mark.parametrize(
    "make",
    [
        lambda: Transformer(same, ordered=False, concurrency=2, name="culprit"),
        lambda: TransformMany[int, int](lambda n: [n], name="culprit"),
        lambda: Batch[int](2, name="culprit"),
    ],
)
def test_a_lane_that_changes_order_or_number_is_refused(make: Callable[[], Any]) -> None:
    assert "'culprit' does not give one message for each message that it gets, in the same order" in refused(make())


class Relay(Agent):
    async def run(self) -> None:
        """Never runs."""


def test_an_agent_in_a_lane_is_refused() -> None:
    deal, left, right = Distribute[int](name="deal"), UnboundedBuffer[int](), UnboundedBuffer[int]()
    deal.link_target(left)
    deal.link_target(other := UnboundedBuffer[int]())
    relay = Relay(inputs=[left], outputs=[right], name="relay")
    together = Collect(right, other, name="together")
    together.link_target(Call(lambda _: None))
    assert any("agent 'relay' stands in between" in line for line in Network(deal, relay).check())


def test_a_message_in_a_lane_that_was_not_dealt_is_refused() -> None:
    lane = UnboundedBuffer[int](name="lane")
    lane.send_nowait(1)
    assert "messages were sent to unbounded buffer 'lane' directly" in refused(lane)


async def test_a_message_that_is_sent_into_the_middle_of_a_lane_is_an_error() -> None:
    lanes = [UnboundedBuffer[int](name=f"lane {n}") for n in range(2)]
    deal = Distribute[int]()
    for lane in lanes:
        deal.link_target(lane)
    together = Collect(*lanes, name="together")
    together.link_target(Call(lambda _: None))
    with faults(ValueError) as found:
        async with Network(deal):
            await lanes[1].send(1)
            await trio.sleep_forever()
    assert "collect 'together' cannot know any more whose turn it is: while the network ran, a message was sent" in str(
        found[0]
    )


async def test_what_was_sent_into_a_line_before_the_start_is_its_beginning() -> None:
    source, lane = IterableSource("ab"), UnboundedBuffer[Any]()
    source.link_target(lane)
    await lane.send("first")
    got: list[Any] = []
    Collect[Any](lane, IterableSource(range(3))).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == ["first", 0, "a", 1, "b", 2]


async def test_a_lane_of_a_distribute_that_comes_late_is_an_error() -> None:
    deal, together = deal_and_collect(2, UnboundedBuffer[int])
    got: list[int] = []
    together.link_target(Call(got.append))
    with faults(ValueError) as found:
        async with Network(deal):
            for number in range(4):
                await deal.send(number)
            await wait_all_tasks_blocked()
            late = UnboundedBuffer[int]()
            deal.link_target(late)
            late.link_target(together)
            await trio.sleep_forever()
    assert "a lane from distribute 'deal' was linked after messages had been collected" in str(found[0])
    assert got == [0, 1, 2, 3]


async def test_a_lane_of_its_own_may_come_late() -> None:
    first = UnboundedBuffer[int]()
    together = Collect(first)
    async with Network(together):
        await first.send(0)
        assert await together.receive() == 0
        second = UnboundedBuffer[int]()
        second.link_target(together)
        await second.send(10)
        await first.send(1)
        assert [await together.receive() for _ in range(2)] == [1, 10]
        first.complete()
        second.complete()


async def test_lanes_may_be_linked_while_the_network_runs_if_nothing_was_collected() -> None:
    deal, together = deal_and_collect(1, UnboundedBuffer[int])
    got: list[int] = []
    together.link_target(Call(got.append))
    async with Network(deal):
        late = UnboundedBuffer[int]()
        deal.link_target(late)
        late.link_target(together)
        for number in range(5):
            await deal.send(number)
    assert got == [0, 1, 2, 3, 4]


async def test_lanes_that_have_lost_messages_before_are_refused() -> None:
    deal = Distribute[int](name="deal")
    lanes = [Transformer(fails(1), on_error="skip", name=f"lane {n}") for n in range(2)]
    for lane in lanes:
        deal.link_target(lane)
    with faults(ValueError) as found:
        async with Network(deal):
            await deal.send(0)
            await wait_all_tasks_blocked()
            together = Collect(*lanes, name="together")
            together.link_target(Call(lambda _: None))
            await trio.sleep_forever()
    assert "collect 'together' was linked after messages had been lost in lane 0" in str(found[0])


# Ends


async def test_a_lane_that_ends_early_is_passed_over() -> None:
    deal, got = Distribute[int](capacity=1), list[int]()
    first, second = Take[int](2, capacity=1), BoundedBuffer[int](1)
    deal.link_target(first)
    deal.link_target(second)
    Collect(first, second).link_target(Call(got.append))
    source = IterableSource(range(12))
    source.link_target(deal)
    async with Network(source) as network:
        pass
    assert got[:4] == [0, 1, 2, 3]
    assert got == sorted(got)
    assert len(got) + network.balance()[first.name].discarded == 12


async def test_a_take_behind_ends_the_lanes_and_their_source() -> None:
    source = IterableSource(range(1000))
    deal, together = deal_and_collect(3, lambda: Transformer[int, int](lambda n: n))
    first, got = Take[int](5), list[int]()
    source.link_target(deal)
    together.link_target(first)
    first.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [0, 1, 2, 3, 4]
    assert network.balance().ok


async def test_behind_a_broadcast_a_join_knows_what_the_lanes_have_lost() -> None:
    source, fork = IterableSource(range(20)), Broadcast[int]()
    source.link_target(fork)
    deal, together = deal_and_collect(3, lambda: Transformer(fails(4), on_error="skip"))
    straight = UnboundedBuffer[int]()
    fork.link_target(deal)
    fork.link_target(straight)
    got: list[Any] = []
    Join(together, straight).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(n, n) for n in range(20) if n % 4]


async def test_a_join_cannot_know_what_a_lane_has_lost_that_ends_early() -> None:
    source, fork = IterableSource(range(20)), Broadcast[int]()
    source.link_target(fork)
    deal, straight = Distribute[int](), UnboundedBuffer[int]()
    lanes: list[Any] = [Take[int](2, name="short"), UnboundedBuffer[int]()]
    for lane in lanes:
        deal.link_target(lane)
    together = Collect[int](*lanes, name="together")
    fork.link_target(deal)
    fork.link_target(straight)
    Join(together, straight).link_target(Call(lambda _: None))
    with faults(ValueError) as found:
        async with Network(source):
            pass
    assert "lane 0 of collect 'together' has ended before all its messages came out" in str(found[0])


async def test_only_lanes_that_are_all_of_one_distribute_keep_its_order() -> None:
    deal, together = deal_and_collect(2, UnboundedBuffer[int])
    assert together._core.keeps_order
    IterableSource(range(3)).link_target(together)
    assert not together._core.keeps_order
    assert not Collect[int]()._core.keeps_order
    assert deal._core.keeps_order


async def test_without_a_network_it_takes_turns_too() -> None:
    lanes = [UnboundedBuffer[int]() for _ in range(2)]
    together = Collect(*lanes)
    for number in range(4):
        await lanes[number % 2].send(number)
    assert [await together.receive() for _ in range(4)] == [0, 1, 2, 3]
    assert Collect[int]()._core.why_waiting() == "it has no lane"
    assert list(Collect[int]()._core.awaited_inboxes()) == []


def test_a_circle_of_links_is_no_lane_of_a_distribute() -> None:
    together, around = Collect[int](name="together"), UnboundedBuffer[int](name="around")
    around.link_target(together)
    together.link_target(around)
    assert not together._core.keeps_order


def test_two_that_feed_each_other_are_no_lanes_of_a_distribute() -> None:
    one, other = Collect[int](), Collect[int]()
    one.link_target(other)
    other.link_target(one)
    assert not one._core.keeps_order


async def test_a_lane_that_cannot_be_known_is_an_error_also_while_the_network_runs() -> None:
    deal, together = deal_and_collect(1, UnboundedBuffer[int])
    together.link_target(Call(lambda _: None))
    with faults(ValueError) as found:
        async with Network(deal):
            late = TransformMany[int, int](lambda n: [n, n], name="late")
            deal.link_target(late)
            late.link_target(together)
            await trio.sleep_forever()
    assert "transform-many 'late' does not give one message for each" in str(found[0])


VARIABLE = contextvars.ContextVar("VARIABLE", default="")


async def test_a_message_keeps_its_context_variables() -> None:
    deal, together = deal_and_collect(2, UnboundedBuffer[int])
    seen: list[tuple[int, str]] = []
    together.link_target(Call[int](lambda n: seen.append((n, VARIABLE.get())), context=True))
    async with Network(deal):
        for number in range(5):
            VARIABLE.set(f"of {number}")
            await deal.send(number)
    assert seen == [(n, f"of {n}") for n in range(5)]


async def test_after_a_stop_nothing_more_is_raised() -> None:
    lanes = [UnboundedBuffer[int]() for _ in range(2)]
    deal = Distribute[int]()
    for lane in lanes:
        deal.link_target(lane)
    together = Collect(*lanes)
    async with Network(deal, together) as network:
        network.cancel()
    together._core._lanes._listening.break_off("too late")
    with pytest.raises(trio.BrokenResourceError):
        together.receive_nowait()
