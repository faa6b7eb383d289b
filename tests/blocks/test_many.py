"""What costs as much for each of many links and blocks as for each of a few: counted in calls, never in seconds."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, SequenceMultiplexer
from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    IterableSource,
    Join,
    Link,
    Network,
    OverwriteBuffer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.call import CallCore
from penstock.blocks.core.block_core import BlockCore
from tests.blocks.counting import calls_in

FEW = 60
MANY = 4 * FEW


def nothing(item: object) -> None:
    del item


def same(item: Any) -> Any:
    return item


async def nothing_async(item: object) -> None:
    await trio.lowlevel.checkpoint()


def chain(length: int) -> list[Transformer[int, int]]:
    blocks = [Transformer[int, int](same) for _ in range(length)]
    for first, second in pairwise(blocks):
        first.link_target(second)
    blocks[-1].link_target(Call(nothing))
    return blocks


class Copy(Agent):
    def __init__(self, source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send(item)


async def linking_targets(count: int) -> None:
    source = Broadcast[int]()
    for _ in range(count):
        source.link_target(Call(nothing))


async def blocks_of_one_name(count: int) -> None:
    source = Broadcast[int]()
    for _ in range(count):
        source.link_target(Call(nothing, name="same"))
    async with Network(source):
        await source.send(1)


async def subscribers_that_come_and_go(count: int) -> None:
    source = Broadcast[int]()
    source.link_target(Call(nothing))
    async with Network(source) as network:
        for number in range(count):
            subscriber = Call(nothing, name="same")
            link = source.link_target(subscriber)
            await source.send(number)
            await trio.lowlevel.checkpoint()
            link.unlink()
            subscriber.complete()
        await wait_all_tasks_blocked()
        assert len(network.blocks) == 2


async def subscribers_that_go_and_do_not_end(count: int) -> None:
    source = Broadcast[int]()
    source.link_target(Call(nothing))
    async with Network(source):
        for number in range(count):
            link = source.link_target(Call(nothing, name="same"))
            await source.send(number)
            link.unlink()


async def subscribers_that_stay_and_go(count: int) -> None:
    source = Broadcast[int]()
    links: list[Link[int]] = []
    async with Network(source):
        for _ in range(count):
            links.append(source.link_target(Call(nothing)))
            await trio.lowlevel.checkpoint()
        for link in reversed(links):
            link.unlink()
            await trio.lowlevel.checkpoint()


async def a_report_of_a_chain(count: int) -> None:
    blocks = chain(count)
    async with Network(blocks[0]) as network:
        await blocks[0].send(1)
        await wait_all_tasks_blocked()
        report = network.report()
        assert str(report)
        assert report.mermaid()
        assert network.check() == ()


async def a_chain(count: int) -> None:
    blocks = chain(count)
    async with Network(blocks[0]):
        await blocks[0].send(1)


async def a_chain_of_which_every_block_is_given(count: int) -> None:
    async with Network(*chain(count)):
        pass


async def a_chain_of_agents(count: int) -> None:
    buffers = [UnboundedBuffer[int]() for _ in range(count + 1)]
    for source, target in pairwise(buffers):
        Copy(source, target)
    async with Network(buffers[0]) as network:
        await buffers[0].send(1)
        await wait_all_tasks_blocked()
        assert str(network.report())


async def many_sources_of_one_small_buffer(count: int) -> None:
    buffer = BoundedBuffer[int](4)
    buffer.link_target(Call(nothing))
    for _ in range(count):
        IterableSource(range(3)).link_target(buffer)
    async with Network(buffer):
        pass


async def inputs_that_get_something_one_by_one(make: Any, count: int) -> None:
    sources = [UnboundedBuffer[int]() for _ in range(count)]
    block = make(*sources)
    block.link_target(Call(nothing))
    async with Network(*sources):
        for _ in range(3):
            for source in sources:
                await source.send(1)
                await wait_all_tasks_blocked()


async def a_choice_of_many(count: int) -> None:
    await inputs_that_get_something_one_by_one(Choice, count)


async def a_join_of_many(count: int) -> None:
    await inputs_that_get_something_one_by_one(Join, count)


async def come_one_by_one(join: Join[Any], sources: list[UnboundedBuffer[int]], ends_early: bool) -> None:
    tuples = UnboundedBuffer[Any]()
    join.link_target(tuples)
    async with Network(join):
        for number in range(1 if ends_early else 3):
            for source in sources:
                await source.send(number)
                if ends_early:
                    source.complete()
                await wait_all_tasks_blocked()
    assert len(tuples) == (1 if ends_early else 3)


async def a_greedy_join_of_many_that_come_one_by_one(count: int) -> None:
    sources = [UnboundedBuffer[int]() for _ in range(count)]
    await come_one_by_one(Join(*sources, greedy=True), sources, False)


async def a_greedy_join_of_many_that_end_one_by_one(count: int) -> None:
    sources = [UnboundedBuffer[int]() for _ in range(count)]
    await come_one_by_one(Join(*sources, greedy=True), sources, True)


async def a_join_by_key_of_many_that_come_one_by_one(count: int) -> None:
    sources = [UnboundedBuffer[int]() for _ in range(count)]
    await come_one_by_one(Join(*sources, key=same), sources, False)


async def a_join_by_key_of_which_one_input_has_what_no_other_has(count: int) -> None:
    sources = [UnboundedBuffer[int]() for _ in range(count)]
    join: Join[Any] = Join(*sources, key=same)
    join.link_target(UnboundedBuffer[Any]())
    async with Network(join):
        for source in sources[1:]:
            source.complete()
        for number in range(2 * count):
            await sources[0].send(number)
            await wait_all_tasks_blocked()


async def a_multiplexer_of_many(count: int) -> None:
    sources = [UnboundedBuffer[int]() for _ in range(count)]
    order = SequenceMultiplexer(*sources, key=same, start=0)
    items = UnboundedBuffer[int]()
    order.link_target(items)
    async with Network(order):
        for number in range(2 * count):
            await sources[number % count].send(number)
            await wait_all_tasks_blocked()
    assert len(items) == 2 * count


async def a_multiplexer_of_many_that_is_received_from(count: int) -> None:
    sources = [IterableSource(range(start, 3 * count, count)) for start in range(count)]
    order = SequenceMultiplexer(*sources, key=same, start=0)
    async with Network(order):
        assert [item async for item in order] == list(range(3 * count))


async def many_receivers(count: int) -> None:
    buffer = UnboundedBuffer[int]()
    async with Network(buffer), trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(buffer.receive)
        await wait_all_tasks_blocked()
        for number in range(count):
            await buffer.send(number)


async def items_for_one_block_of_many_at_a_time(count: int) -> None:
    blocks = [Call(nothing) for _ in range(count)]
    async with Network(*blocks):
        for block in blocks:
            await block.send(1)
            await trio.lowlevel.checkpoint()


async def items_for_one_async_function_of_many_at_a_time(count: int) -> None:
    blocks = [Call(nothing_async) for _ in range(count)]
    async with Network(*blocks):
        for block in blocks:
            await block.send(1)
            await trio.lowlevel.checkpoint()


async def a_task_outside_feeds_one_block_of_many_at_a_time(count: int) -> None:
    blocks = [UnboundedBuffer[int]() for _ in range(count)]
    results = UnboundedBuffer[int]()

    async def feed() -> None:
        for block in blocks:
            await block.send(1)
            await trio.lowlevel.checkpoint()

    for block in blocks:
        block.link_target(results)
    async with trio.open_nursery() as nursery, Network(results):
        nursery.start_soon(feed)
        for _ in blocks:
            await results.receive()


@pytest.mark.slow
@pytest.mark.parametrize(
    "work",
    [
        linking_targets,
        blocks_of_one_name,
        subscribers_that_come_and_go,
        subscribers_that_go_and_do_not_end,
        subscribers_that_stay_and_go,
        a_report_of_a_chain,
        a_chain,
        a_chain_of_which_every_block_is_given,
        a_chain_of_agents,
        many_sources_of_one_small_buffer,
        a_choice_of_many,
        a_join_of_many,
        a_greedy_join_of_many_that_come_one_by_one,
        a_join_by_key_of_many_that_come_one_by_one,
        a_join_by_key_of_which_one_input_has_what_no_other_has,
        a_greedy_join_of_many_that_end_one_by_one,
        a_multiplexer_of_many,
        a_multiplexer_of_many_that_is_received_from,
        many_receivers,
        items_for_one_block_of_many_at_a_time,
        items_for_one_async_function_of_many_at_a_time,
        a_task_outside_feeds_one_block_of_many_at_a_time,
    ],
    ids=lambda work: work.__name__,
)
def test_four_times_as_many_take_four_times_as_many_steps(work: Callable[[int], Awaitable[None]]) -> None:
    trio.run(work, 2)  # what is done once is done
    assert calls_in(lambda: trio.run(work, MANY)) < 5.5 * calls_in(lambda: trio.run(work, FEW))


# Blocks that leave


def subscribe(source: Broadcast[int], **options: Any) -> tuple[Call[int], Any]:
    subscriber = Call[int](nothing, **options)
    return subscriber, source.link_target(subscriber)


@pytest.mark.parametrize("unlink_first", [False, True])
async def test_an_ended_subscriber_without_links_leaves_and_stays_in_the_sums(unlink_first: bool) -> None:
    source = Broadcast[int](name="source")
    source.link_target(Call(nothing, name="stays"))
    async with Network(source) as network:
        for number in range(3):
            subscriber, link = subscribe(source, name="guest")
            await source.send(number)
            await wait_all_tasks_blocked()
            leave = [link.unlink, subscriber.complete]
            for part in leave if unlink_first else reversed(leave):
                part()
                await wait_all_tasks_blocked()
            assert subscriber.name == "guest"
        assert [block.name for block in network.blocks] == ["source", "stays"]
        assert network.balance()["blocks that left"].accepted == 3
    balance, statistics = network.balance(), network.statistics()
    assert balance.ok
    assert [block.name for block in balance.blocks] == ["source", "stays", "blocks that left"]
    assert sum(block.accepted for block in balance.blocks) == 9
    left = statistics["blocks that left"]
    assert (left.received, left.consumed, left.queued, left.service.count) == (3, 3, 0, 3)
    assert left.throughput > 0
    assert "blocks that left" in str(network.report())
    assert "blocks that left" in network.report().mermaid()


async def test_who_is_linked_open_or_full_or_was_there_from_the_start_stays() -> None:
    source = Broadcast[int](name="source")
    first = Call[int](nothing, name="first")
    first_link = source.link_target(first)
    keeps = UnboundedBuffer[int](name="keeps")
    async with Network(source) as network:
        _, open_link = subscribe(source, name="open")
        ended, _ = subscribe(source, name="ended")
        keeps_link = source.link_target(keeps)
        await source.send(1)
        await wait_all_tasks_blocked()
        ended.complete()
        first_link.unlink()
        open_link.unlink()
        keeps_link.unlink()
        first.complete()
        keeps.complete()
        await wait_all_tasks_blocked()
        assert [block.name for block in network.blocks] == ["source", "first", "open", "ended", "keeps"]
    assert keeps.receive_nowait() == 1
    assert [block.name for block in network.balance().blocks] == ["source", "first", "open", "ended", "keeps"]


@pytest.mark.parametrize("through", [0, 2])
async def test_sources_that_have_ended_leave_with_the_blocks_that_only_they_fed(through: int) -> None:
    got: list[int] = []
    sink = Call[int](got.append, name="sink")
    async with Network(sink) as network:
        with sink.producer():
            for number in range(10):
                source: Any = IterableSource([number, number])
                for _ in range(through):
                    stage = Transformer[int, int](same)
                    source.link_target(stage)
                    source = stage
                source.link_target(sink)
                await wait_all_tasks_blocked()
            assert len(network.blocks) <= 2 + through
            assert sink._core.inbox.links <= 1
    assert sorted(got) == sorted([*range(10), *range(10)])
    assert network.balance().ok
    assert network.balance()["blocks that left"].produced == 20 - 2 * (len(network.blocks) > 1)


async def test_nobody_leaves_after_the_body() -> None:
    source = Broadcast[int](name="source")
    async with Network(source) as network:
        guest, link = subscribe(source, name="guest")
        link.unlink()
    assert guest.is_finished
    assert network.balance()["guest"].accepted == 0


async def test_an_async_subscriber_leaves_when_its_calls_are_over() -> None:
    source = Broadcast[int](name="source")
    go_on = trio.Event()

    async def wait(_: int) -> None:
        await go_on.wait()

    async with Network(source) as network:
        guest = Call[int](wait, name="guest")
        link = source.link_target(guest)
        await source.send(1)
        await wait_all_tasks_blocked()
        link.unlink()
        guest.complete()
        await wait_all_tasks_blocked()
        assert guest in network.blocks
        go_on.set()
        await wait_all_tasks_blocked()
        assert guest not in network.blocks
    assert network.balance()["blocks that left"].consumed == 1


async def test_a_source_and_a_block_that_keeps_its_value_leave_too() -> None:
    hub = UnboundedBuffer[int](name="hub")
    async with Network(hub) as network, trio.open_nursery():
        with hub.producer():
            source = IterableSource([1, 2], name="guest")
            link = source.link_target(hub)
            await wait_all_tasks_blocked()
            link.unlink()
            latest = OverwriteBuffer[int](name="latest")
            other = hub.link_target(latest)
            await wait_all_tasks_blocked()
            other.unlink()
            latest.complete()
            await wait_all_tasks_blocked()
            assert network.blocks == (hub,)
            assert latest.value == 2
    left = network.balance()["blocks that left"]
    assert (left.produced, left.dropped, left.held) == (2, {"overwritten": 1}, 1)
    assert network.balance().ok


async def test_one_that_has_left_cannot_come_back() -> None:
    source = Broadcast[int](name="source")
    async with Network(source, name="n"):
        guest, link = subscribe(source, name="guest")
        link.unlink()
        guest.complete()
        await wait_all_tasks_blocked()
        with pytest.raises((RuntimeError, ValueError), match=r"guest.*(ended|complete)"):
            source.link_target(guest)


async def test_a_filter_that_takes_links_away_disturbs_nobody() -> None:
    source = UnboundedBuffer[int]()
    first, last = UnboundedBuffer[int](), UnboundedBuffer[int]()

    def leave(_: int) -> bool:
        link.unlink()
        return False

    link = source.link_target(first, leave)
    source.link_target(last)
    async with Network(source):
        await source.send(1)
        assert await last.receive() == 1
    assert link.passed == 0


async def test_a_link_that_goes_while_it_waits_for_room_holds_up_nobody() -> None:
    target = BoundedBuffer[int](1)
    sources = [UnboundedBuffer[int](), UnboundedBuffer[int](), UnboundedBuffer[int]()]
    links = [source.link_target(target) for source in sources]
    async with Network(target):
        for number, source in enumerate(sources):
            await source.send(number)
            await source.send(number)
        await wait_all_tasks_blocked()
        links[1].unlink()
        assert sorted([await target.receive() for _ in range(4)]) == [0, 0, 2, 2]


async def test_an_input_takes_what_is_sent_by_hand_and_what_comes_along_links() -> None:
    first, second, other = UnboundedBuffer[int](), UnboundedBuffer[int](), UnboundedBuffer[int]()
    join = Join(first, other)
    second.link_target(join.inputs[0])
    async with Network(join):
        with join.inputs[0].producer() as by_hand:
            await by_hand.send(0)
            await first.send(1)
            await second.send(1)
            await wait_all_tasks_blocked()
            for number in range(3):
                await other.send(number)
            assert sorted([(await join.receive())[0] for _ in range(3)]) == [0, 1, 1]


async def test_a_block_that_is_still_at_work_when_it_has_ended_leaves_a_little_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Broadcast[int](name="source")
    asked: list[bool] = []

    def is_at_work(block: BlockCore) -> bool:
        asked.append(not asked)
        return asked[-1]

    async with Network(source) as network:
        guest = Call[int](str, name="guest")
        link = source.link_target(guest)
        await source.send(1)
        await wait_all_tasks_blocked()
        monkeypatch.setattr(CallCore, "is_at_work", is_at_work)
        link.unlink()
        guest.complete()
        await wait_all_tasks_blocked()
        assert guest in network.blocks
        other = source.link_target(Call[int](str))
        assert guest not in network.blocks
        other.unlink()
    assert asked[:2] == [True, False]


class Nesting(Agent):
    """Runs a network of its own, over and over."""

    def __init__(self, source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            double = Transformer[int, int](lambda x: 2 * x)
            async with Network(double):
                await double.send(item)
                await self.target.send(await double.receive())


async def test_the_task_of_an_agent_may_be_the_body_of_another_network() -> None:
    source, target = UnboundedBuffer[int](), UnboundedBuffer[int]()
    async with Network(Nesting(source, target)):
        await source.send(1)
        await source.send(2)
        assert [await target.receive(), await target.receive()] == [2, 4]
