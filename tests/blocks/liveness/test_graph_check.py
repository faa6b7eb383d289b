"""What a look at the graph finds before anything runs, what it refuses, and what it leaves alone."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    IterableSource,
    Join,
    Network,
    Stalled,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.liveness.graph_check import is_never
from tests.blocks.tools import Grouping, Ungrouping, faults, is_even, linked, never


def buffer(name: str) -> UnboundedBuffer[Any]:
    return UnboundedBuffer(name=name)


def same(item: Any) -> Any:
    return item


async def slow(item: Any) -> Any:
    return item


def light(item: Any) -> float:
    del item
    return 0.1


def chain(*blocks: Any) -> Any:
    """Link blocks one behind the other; give the first."""
    for left, right in itertools.pairwise(blocks):
        left.link_target(right)
    return blocks[0]


class Reads(Agent):
    """Reads everything."""

    def __init__(self, source: UnboundedBuffer[Any]) -> None:
        super().__init__(inputs=[source])
        self.source = source

    async def run(self) -> None:
        async for _ in self.source:
            pass


# Inputs and outputs


def test_an_input_of_a_join_that_nothing_feeds_is_found() -> None:
    join = Join[Any](inputs=2, name="pairs")
    linked(join)
    buffer("left").link_target(join.inputs[0])
    assert Network(join).check() == (
        "nothing feeds join 'pairs' input 1: link a source to it, or send to it in the body",
    )
    join.inputs[1].producer().close()  # the join is over
    (found,) = Network(join).check()
    assert found.startswith("nothing takes messages from unbounded buffer 'left': join 'pairs' input 0 is complete")


def test_a_choice_without_inputs_is_found() -> None:
    choice: Choice[int] = Choice(name="c")
    linked(choice)
    assert Network(choice).check() == ("choice 'c' has no input: link a source to it",)


def test_outputs_that_nobody_takes_are_found() -> None:
    work, fork = Transformer(same, name="work"), Broadcast[int](name="fork")
    assert Network(work, fork, Call(print), buffer("results")).check() == (
        "nothing is linked to transformer 'work': link a target, or receive from it in the body",
        "nothing is linked to broadcast 'fork': link a target, or receive from it in the body",
    )


def test_an_agent_that_reads_is_a_taker() -> None:
    class Reader(Agent):
        async def run(self) -> None:
            pass

    work = Transformer(same, name="work")
    Reader(inputs=[work])
    assert Network(work).check() == ()


def test_a_filter_that_declines_everything_without_another_taker_is_found() -> None:
    source = buffer("source")
    source.link_target(Call(print, name="picky"), never)
    source.link_target(Call(print, filter=lambda _: False, name="picky too"))
    done = buffer("done")
    source.link_target(done)
    assert Network(source).check() == ()
    done.complete()
    (found,) = Network(source).check()
    assert found == (
        "nothing takes messages from unbounded buffer 'source': a filter on the way to call 'picky' declines "
        "everything; a filter on the way to call 'picky too' declines everything; unbounded buffer 'done' is complete; "
        "give it a last link without a filter"
    )


def filtered_links(*filters: Any) -> UnboundedBuffer[Any]:
    """A source with links that have these filters."""
    source = buffer("source")
    for number, accepts in enumerate(filters):
        source.link_target(Call(print, name=f"call {number}"), accepts)
    return source


def test_a_source_whose_links_all_have_filters_is_told() -> None:
    assert Network(filtered_links(is_even, callable)).check() == (
        "every link of unbounded buffer 'source' has a filter (call 'call 0', call 'call 1'): a message that none of "
        "them accepts stays at its head and blocks all messages behind it; give it a last link without a filter, or "
        "drop the rest in a Filter",
    )
    source = buffer("source")
    source.link_target(UnboundedBuffer(filter=is_even, name="evens"))
    assert len(Network(source).check()) == 1


def test_a_source_with_a_link_or_an_agent_for_the_rest_is_fine() -> None:
    assert Network(filtered_links(is_even, None)).check() == ()
    source = filtered_links(is_even)
    assert Network(source, Reads(source)).check() == ()


def test_a_source_that_gives_every_message_to_all_may_have_filters_only() -> None:
    fork: Broadcast[int] = Broadcast()
    fork.link_target(Call(print), is_even)
    assert Network(fork).check() == ()


class Never:
    def __call__(self, item: int) -> bool:
        return False


CONSTANT: list[Callable[[Any], Any]] = [never, lambda _: None, lambda _: 0]
OTHERS: list[Callable[[Any], Any]] = [lambda _: True, lambda item: item, lambda item: not item, is_even, Never(), bool]


@pytest.mark.parametrize(("accepts", "found"), [*((f, True) for f in CONSTANT), *((f, False) for f in OTHERS)])
def test_a_filter_that_is_a_constant_is_known(accepts: Any, found: bool) -> None:
    assert is_never(accepts) is found


async def test_the_graph_can_be_checked_while_it_runs_and_after() -> None:
    work = Transformer(same, name="work")
    async with Network(work) as network:
        assert len(network.check()) == 1
        linked(work)
        assert network.check() == ()
    assert network.check() == ()


async def test_what_is_left_over_of_another_network_is_left_alone() -> None:
    old = buffer("old")
    async with Network(old):
        await old.send(1)
    new = Transformer(same, name="new")
    old.link_target(new)
    linked(new)
    assert Network(new).check() == ()


# Governors


def governed(*before: Any, batch: Batch[Any], limit: int = 3, **options: Any) -> Any:
    entry = chain(*before, batch, Call(print, name="call"))
    PipelineGovernor(limit, name="g", **options).govern(entry, batch)
    return entry


TOO_SMALL = (
    "governor 'g' lets in 3 at once, but batch 'b' waits for 5 messages: raise the limit to at least 5, lower "
    "max_items, or give the batch max_seconds"
)


def test_a_governor_smaller_than_a_batch_inside_it_is_found() -> None:
    entry = governed(buffer("entry"), Transformer(same), batch=Batch(5, name="b"))
    assert Network(entry).check() == (TOO_SMALL,)


def test_a_batch_that_can_fill_is_left_alone() -> None:
    for entry in (
        governed(buffer("entry"), batch=Batch[Any](3)),
        governed(buffer("entry"), batch=Batch[Any](5, max_seconds=1)),
        governed(buffer("entry"), batch=Batch[Any](5), weight=light),
        governed(TransformMany[int, int](lambda n: [n] * 9), batch=Batch[Any](5)),
    ):
        assert Network(entry).check() == ()


def test_a_batch_that_is_fed_by_a_side_way_too_is_left_alone() -> None:
    batch = Batch[Any](5)
    entry = governed(buffer("entry"), batch=batch)
    handle = batch.producer()
    assert Network(entry).check() == ()
    handle.close()
    buffer("side").link_target(batch)
    assert Network(entry).check() == ()


@pytest.mark.parametrize("items", [range(4), [1, 2, 3, 4], (1, 2, 3, 4)])
async def test_what_is_sure_to_stall_is_refused_before_anything_has_started(items: Iterable[int]) -> None:
    entry = governed(buffer("entry"), BoundedBuffer(1), batch=Batch(5, name="b"))
    feed = IterableSource(items, name="feed")
    feed.link_target(entry)
    with pytest.raises(ValueError, match="must stall: governor 'g' lets in 3 at once") as raised:
        async with Network(feed, name="n"):
            pytest.fail("it has started")
    assert str(raised.value) == f"network 'n' must stall: {TOO_SMALL} (source 'feed' brings 4)"
    assert feed.network is entry.network is None
    entry._core.inbox.gate.limit = 5
    async with Network(feed):  # nothing was lost: the same blocks, put right, run
        pass


async def test_what_may_work_is_not_refused() -> None:
    def from_feed(items: Iterable[int], *before: Any, **options: Any) -> IterableSource[int]:
        feed = IterableSource(items, name="feed")
        feed.link_target(governed(*before, batch=Batch(5, name="b"), **options))
        return feed

    for feed in (from_feed(range(3), buffer("entry")), from_feed(iter([1, 2]), buffer("entry"))):
        async with Network(feed):
            pass
    several = from_feed(range(4), buffer("entry"))
    several.link_target(Call(print))
    filtered = IterableSource(range(4))
    filtered.link_target(governed(buffer("entry"), batch=Batch(5)), filter=is_even)
    limited = IterableSource(range(9))
    limited.link_target(governed(buffer("entry"), batch=Batch(5)), max_messages=3)
    picky = from_feed(range(4), UnboundedBuffer[int](filter=is_even))
    working = from_feed(range(4), buffer("entry"), Transformer(same))
    dropping = from_feed(range(4), BoundedBuffer[int](1, overflow="drop_newest"))
    unknown = from_feed((n for n in range(4)), buffer("entry"))
    for feed in (several, filtered, limited, picky, working, dropping, unknown):
        async with Network(feed) as network:  # whatever the run does, entering has not refused it
            network.cancel()


async def test_a_circle_of_buffers_before_a_batch_is_not_refused() -> None:
    first, second, batch = buffer("first"), buffer("second"), Batch[int](5)
    chain(first, second, first)
    second.link_target(batch)
    PipelineGovernor(3).govern(first, batch)
    feed = IterableSource(range(4))
    feed.link_target(first)
    async with Network(feed) as network:
        network.cancel()


# Ways that split and meet again


def rejoin(narrow: Any, *, batch: Any = None, wide: tuple[Any, ...] = (), greedy: int | None = None) -> Any:
    fork = Broadcast[int](name="fork", capacity=1)
    batch = Grouping(6, name="batch") if batch is None else batch
    unpack = Ungrouping(name="unpack")
    join = Join[Any](inputs=2, greedy=greedy is not None, capacity=greedy, name="join")
    chain(fork, *narrow, join.inputs[0])
    chain(fork, *wide, batch, unpack, join.inputs[1])
    linked(join)
    return fork


async def run_with(fork: Any) -> None:
    feed = IterableSource(range(12), name="feed")
    feed.link_target(fork)
    async with Network(feed):
        pass


async def test_ways_that_meet_again_with_too_little_room_are_found_and_the_advice_is_right() -> None:
    fork = rejoin([BoundedBuffer(2, name="narrow"), BoundedBuffer(1, name="narrower")])
    assert Network(fork).check() == (
        "broadcast 'fork' feeds join 'join' along two paths: batch 'batch' keeps 6 messages back, and the other path "
        "has room for 4: raise the capacity of bounded buffer 'narrower' to at least 3",
    )
    with faults(Stalled):
        await run_with(fork)
    fork = rejoin([BoundedBuffer(2, name="narrow"), BoundedBuffer(3, name="narrower")])
    assert Network(fork).check() == ()
    await run_with(fork)


async def test_a_greedy_join_has_room_of_its_own() -> None:
    fork = rejoin([], greedy=2)
    (found,) = Network(fork).check()
    assert found.endswith("room for 3: raise the capacity of join 'join' input 0 to at least 5")
    with faults(Stalled):
        await run_with(fork)
    fork = rejoin([], greedy=5)
    assert Network(fork).check() == ()
    await run_with(fork)
    (found,) = Network(rejoin([BoundedBuffer(1, name="narrow")], greedy=2)).check()
    assert found.endswith("room for 4: raise the capacity of bounded buffer 'narrow' to at least 3")
    assert Network(rejoin([BoundedBuffer(1)], greedy=9)).check() == ()


async def test_tasks_that_work_on_the_way_have_room_too() -> None:
    fork = rejoin([Transformer(slow, capacity=1, window=1, name="narrow")])
    assert len(Network(fork).check()) == 1
    with faults(Stalled):
        await run_with(fork)
    assert Network(rejoin([Transformer(slow, capacity=1, window=5)])).check() == ()


def test_ways_of_which_the_room_is_not_known_are_left_alone() -> None:
    blocks: list[Any] = [
        buffer("unbounded"),
        Transformer(slow, capacity=1, window=1, on_error="skip"),
        Transformer(same, capacity=1),
        BoundedBuffer(1, overflow="drop_oldest"),
        Grouping(1, capacity=1),
    ]
    for block in blocks:
        assert Network(rejoin([block])).check() == ()


def test_ways_that_need_no_room_are_left_alone() -> None:
    assert Network(rejoin([BoundedBuffer(1)], batch=Grouping(6, max_seconds=1))).check() == ()
    assert Network(rejoin([BoundedBuffer(1)], batch=buffer("no batch"))).check() == ()
    assert Network(rejoin([], wide=(BoundedBuffer[Any](1),))).check() == ()
    several = buffer("several")
    fork = rejoin([BoundedBuffer(1)], wide=(several,))
    several.link_target(Call(print))
    assert Network(fork).check() == ()
    branching = BoundedBuffer[int](1)
    fork = rejoin([branching])
    branching.link_target(Call(print))
    assert Network(fork).check() == ()


def test_a_way_with_a_filter_is_left_alone() -> None:
    fork, narrow, batch = Broadcast[int](name="fork"), BoundedBuffer[int](1), Grouping(6)
    fork.link_target(batch, is_even)
    chain(fork, narrow)
    linked(Join(narrow, batch))
    assert Network(fork).check() == ()


def test_two_ways_through_the_same_batch_are_left_alone() -> None:
    fork, batch = Broadcast[int](name="fork"), Batch[int](6)
    one, two = BoundedBuffer[int](1), BoundedBuffer[int](1)
    chain(fork, one, batch)
    chain(fork, two, batch)
    linked(batch)
    assert Network(fork).check() == ()


def test_a_circle_behind_a_fork_is_left_alone() -> None:
    fork, one, two = Broadcast[int](name="fork"), buffer("one"), buffer("two")
    chain(fork, one, two, one)
    linked(fork)
    assert Network(fork).check() == ()


def test_a_multiplexer_behind_a_fork_is_no_join() -> None:
    fork, one, batch = Broadcast[int](name="fork"), BoundedBuffer[int](1), Batch[int](6)
    number: Callable[[Any], int] = id
    order: Any = SequenceMultiplexer[Any](one, batch, key=number)
    linked(order)
    fork.link_target(one)
    fork.link_target(batch)
    assert Network(fork).check() == ()
