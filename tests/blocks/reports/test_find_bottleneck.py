"""What keeps a run: on statistics made up for it, and on real networks."""

import itertools
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
import trio

from penstock.agents import Agent
from penstock.blocks import (
    AgentStatistics,
    BlockStatistics,
    BottleneckKind,
    BoundedBuffer,
    Call,
    IterableSource,
    LinkStatistics,
    Network,
    Statistics,
    Times,
    Transformer,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.reports.find_bottleneck import find_bottleneck


def total(seconds: float, count: int = 100) -> Times:
    return Times(count, seconds) if seconds else Times()


def block(
    name: str,
    seconds: float = 0.0,
    *,
    place: str = "loop",
    at_once: int = 1,
    cpu: float = 0.0,
    idle: float = 0.0,
    full: float = 0.0,
    paced: float = 0.0,
    keyed: float = 0.0,
    kind: str = "transformer",
) -> BlockStatistics:
    return BlockStatistics(
        name,
        kind,
        place,
        at_once,
        service=total(seconds),
        cpu=cpu,
        wait_for_input=total(idle),
        wait_for_output=total(full),
        wait_for_rate=total(paced),
        wait_for_key=total(keyed),
    )


def agent(
    name: str, seconds: float, *, received: int = 0, emitted: int = 0, idle: float = 0.0, full: float = 0.0
) -> AgentStatistics:
    return AgentStatistics(name, "done", received, emitted, seconds, total(idle), total(full))


IDLE = AgentStatistics("body", "done")


def run(
    seconds: float, *blocks: BlockStatistics, agents: Sequence[AgentStatistics] = (), body: AgentStatistics = IDLE
) -> Statistics:
    return Statistics("net", seconds, False, blocks, tuple(agents), (), body)


def find(statistics: Statistics, *links: tuple[str, str], processors: int = 2) -> Any:
    return find_bottleneck(statistics, [LinkStatistics(*link) for link in links], processors)


# Blocks


def test_one_slow_stage_among_many_on_the_loop_is_named() -> None:
    found = find(run(4.5, block("load", 0.3), block("filter", 3.6, full=0.2), block("scale", 0.4), block("show", 0.1)))
    assert (found.name, found.kind, found.next_slowest) == ("filter", BottleneckKind.BLOCK, "scale")
    assert found.each == pytest.approx(0.036)
    assert found.possible == pytest.approx(
        0.1 + 0.3 + 0.4 + 0.4 + 0.1
    )  # what was spent elsewhere, and all that is left


def test_many_stages_that_take_turns_on_the_loop_are_all_to_blame() -> None:
    found = find(run(4.0, block("a", 1.5), block("b", 1.2), block("c", 1.1)))
    assert (found.kind, found.others, found.seconds) == (BottleneckKind.LOOP, ("a", "b", "c"), pytest.approx(3.8))


def test_a_slow_async_stage_counts_its_calls_at_once() -> None:
    fetch = block("fetch", 16.0, place="tasks", at_once=4)
    found = find(run(4.2, block("parse", 1.0), fetch, block("store", 8.0, place="tasks", at_once=4, idle=2.0)))
    assert (found.name, found.at_once, found.next_slowest) == ("fetch", 4, "store")
    assert found.seconds == pytest.approx(4.0)
    assert found.possible == pytest.approx(2.2)
    assert [str(wait) for wait in found.waits] == ["store waited 2 s for input"]


def test_calls_that_only_wait_for_the_loop_are_not_to_blame() -> None:
    found = find(run(4.0, block("fetch", 15.9, place="tasks", at_once=4), block("parse", 3.9)))
    assert found.name == "parse"


def test_a_slow_stage_in_threads_is_named_with_who_waits() -> None:
    found = find(
        run(
            4.5,
            block("load", 1.0, full=3.2, place="Threads"),
            block("filter", 8.8, place="Threads", at_once=2, cpu=1.0),
            block("show", 0.2, idle=4.1),
        )
    )
    assert found.name == "filter"
    assert str(found) == (
        "filter is the bottleneck: 88 ms per item, 2 at once, busy 98% of the run; show waited 4.1 s for input, "
        "load waited 3.2 s to hand on; as fast as the next slowest (load), the run would take 1.1 s instead of 4.5 s"
    )


def test_when_the_processors_are_busy_no_single_stage_is_to_blame() -> None:
    stages = [block(name, 8.0, place="Processes", at_once=4, cpu=4.0) for name in ("load", "filter")]
    found = find(run(4.0, *stages))
    assert (found.kind, found.others) == (BottleneckKind.PROCESSORS, ("load", "filter"))


def test_where_all_stages_are_as_slow_nothing_stands_out() -> None:
    found = find(run(1.05, *(block(name, 1.0, place="Threads", idle=0.05) for name in "abc")))
    assert (found.name, found.kind, found.others, found.waits) == ("a", BottleneckKind.NOTHING, ("b", "c"), ())


def test_where_nobody_is_busy_nothing_stands_out() -> None:
    found = find(run(10.0, block("a", 1.0), block("b", 2.0)))
    assert str(found) == "nothing stands out: b, the busiest, was busy 20% of the run"
    both = find(run(10.0, block("a", 2.0), block("b", 2.0)))
    assert str(both) == "nothing stands out: the loop, the busiest, was busy 40% of the run"


def test_before_anything_ran_there_is_none() -> None:
    assert find(run(0.0)) is None
    assert find(run(3.0, block("a", idle=3.0))) is None


def test_a_stage_alone_is_compared_with_nothing() -> None:
    assert str(find(run(1.0, block("a", 0.9)))) == "a is the bottleneck: 9 ms per item, busy 90% of the run"


# Agents, the body, and others


def test_a_slow_body_is_named_if_the_blocks_wait_for_it() -> None:
    body = agent("body", 4.0, emitted=100, full=0.1)
    found = find(run(4.1, block("load", 0.5, idle=3.5), body=body), ("", "load"))
    assert str(found) == (
        "the body feeds the others too slowly: 39 ms per item of its own, busy 95% of the run; load waited 3.5 s for "
        "input; as fast as the next slowest (load), the run would take 700 ms instead of 4.1 s"
    )
    assert find(run(4.1, block("load", 0.5, idle=3.5), body=body)).name == "body"  # without the links too


def test_a_slow_receiver_is_named_if_the_blocks_wait_for_it() -> None:
    statistics = run(
        4.0,
        block("load", 0.5, full=3.0),
        block("scale", 0.5, full=3.4),
        block("spare", place="loop", idle=4.0),
        agents=[agent("reader", 4.0, received=100, idle=0.1)],
        body=agent("body", 0.1, emitted=100),
    )
    found = find(statistics, ("", "load"), ("load", "scale"), ("scale", "buffer"), ("buffer", "reader"))
    assert str(found).startswith("reader takes the results too slowly: 39 ms per item of its own, busy 98% of the run")
    assert [wait.name for wait in found.waits] == ["scale", "load"]


def test_an_agent_in_the_middle_keeps_both_sides_waiting() -> None:
    statistics = run(
        4.0, block("a", 0.5, full=3.0), block("b", 0.5, idle=3.0), agents=[agent("m", 4.0, received=9, emitted=9)]
    )
    found = find(statistics, ("a", "m"), ("m", "b"))
    assert str(found).startswith("m is the bottleneck: 444 ms per item of its own, busy 100% of the run")


def test_an_agent_that_nobody_waits_for_is_not_to_blame() -> None:
    clock = agent("clock", 4.0, emitted=4)
    busy = block("a", 2.5, place="Threads", idle=1.5)
    found = find(run(4.0, busy, agents=[clock]), ("", "a"), ("clock", "other"))
    assert found.name == "a"
    found = find(run(4.0, block("a", 3.9), block("b", idle=3.5), agents=[clock]))
    assert found.name == "a"  # it was busy all the time and never waited


def test_an_agent_that_waits_for_its_turn_on_the_loop_is_not_to_blame() -> None:
    blocks = [block("a", 1.5, idle=0.5), block("b", 1.5, idle=1.0)]
    assert find(run(4.0, *blocks, agents=[agent("m", 4.0, emitted=9)])).kind is BottleneckKind.LOOP


def test_agents_alone_have_a_bottleneck_too() -> None:
    agents = [agent("slow", 4.0, emitted=100), agent("quick", 4.0, received=100, idle=3.9)]
    found = find(run(4.0, agents=agents), ("slow", "buffer"), ("buffer", "quick"))
    assert (found.name, found.next_slowest) == ("slow", "")
    assert find(run(4.0, agents=[agent("alone", 4.0, emitted=100)])) is None


def test_whoever_feeds_or_takes_is_to_blame_if_nobody_else_can_be() -> None:
    starved = run(4.0, block("load", 0.4, idle=3.5), block("show", 0.2, idle=3.8))
    for links in ((), (("buffer", "load"), ("load", "show"))):
        found = find(starved, *links)
        assert str(found) == "the code that feeds load is too slow; load waited 3.5 s for input"
    stuffed = run(4.0, block("load", 0.4, full=3.8), block("show", 0.2, full=3.5))
    for links in ((), (("load", "show"), ("show", "buffer"))):
        found = find(stuffed, *links)
        assert str(found) == "the code that takes the results of show is too slow; show waited 3.5 s to hand on"
    ticking = run(4.0, block("tick", kind="timer", place=""), block("load", 0.4, idle=3.5))
    assert str(find(ticking, ("tick", "load"))).startswith("tick, which feeds load, is too slow")


def test_a_block_that_is_not_measured_is_named_if_others_wait_for_it() -> None:
    far = BlockStatistics("far", "transformer", "Cluster", 4, received=100)
    before, behind = block("before", 0.4, full=3.5), block("behind", 0.2, idle=3.8)
    links = (("before", "far"), ("far", "behind"))
    assert str(find(run(4.0, far, behind), *links)).startswith("far, which feeds behind, is too slow")
    assert str(find(run(4.0, before, far), *links)).startswith("far, which takes the results of before, is too slow")


def test_a_circle_of_links_has_an_end_for_the_search() -> None:
    statistics = run(4.0, block("a", 0.4, idle=3.5), block("b", 0.2, idle=3.8))
    assert find(statistics, ("a", "b"), ("b", "a")).kind is BottleneckKind.NOTHING


def test_a_long_chain_is_walked_once_and_not_from_every_stage() -> None:
    names = [str(number) for number in range(500)]
    looked_at: list[str] = []

    class Counted(str):
        __slots__ = ()

        def __hash__(self) -> int:
            looked_at.append(self)
            return super().__hash__()

    starved = run(4.0, *(block(Counted(name), 1e-4, idle=3.5) for name in reversed(names)))
    links = [(Counted(source), Counted(target)) for source, target in itertools.pairwise(names)]
    assert find(starved, ("buffer", names[0]), *links).name == "0"
    assert len(looked_at) < 100 * len(names)


# Rates


def test_a_rate_for_which_calls_waited_most_of_the_time_is_named() -> None:
    found = find(run(10.0, block("fetch", 2.0, paced=7.0, place="tasks"), block("parse", 3.0, idle=6.0)))
    assert (found.name, found.kind, found.busy) == ("fetch", BottleneckKind.RATE, 0.7)
    assert str(found) == (
        "the rate of fetch is the bottleneck: calls waited for it 70% of the run; parse waited 6 s for input"
    )


@pytest.mark.parametrize("paced", [7.0, 4.0])
def test_a_rate_that_held_up_less_than_a_slow_block_is_not_named(paced: float) -> None:
    found = find(run(10.0, block("fetch", 2.0, paced=paced, place="tasks"), block("parse", 8.0, place="Threads")))
    assert found.name == "parse"


# Keys


def test_keys_that_held_calls_up_most_of_the_time_are_named() -> None:
    found = find(run(10.0, block("book", 9.0, keyed=8.0, place="tasks", at_once=4), block("parse", 3.0, idle=6.0)))
    assert (found.name, found.kind, found.busy) == ("book", BottleneckKind.KEY, 0.8)
    assert str(found) == (
        "the keys of book are the bottleneck: calls waited for them 80% of the run; parse waited 6 s for input"
    )


@pytest.mark.parametrize("keyed", [7.0, 4.0])
def test_keys_that_held_up_less_than_a_slow_block_are_not_named(keyed: float) -> None:
    found = find(run(10.0, block("book", 2.0, keyed=keyed, place="tasks"), block("parse", 8.0, place="Threads")))
    assert found.name == "parse"


def test_of_a_rate_and_keys_what_held_up_longer_is_named() -> None:
    found = find(run(10.0, block("fetch", 1.0, paced=7.0, place="tasks"), block("book", 2.0, keyed=9.0, place="tasks")))
    assert (found.name, found.kind) == ("book", BottleneckKind.KEY)


# A concurrency that was changed


def test_calls_share_their_time_as_they_did_when_they_were_made() -> None:
    grown = attrs.evolve(block("load", 12.0, place="tasks", at_once=4), mean_at_once=12.0 / 9.0)
    found = find(run(10.0, grown, block("parse", 2.0)))
    assert (found.name, found.kind, found.busy) == ("load", BottleneckKind.BLOCK, 0.9)


# Real networks


class Clock:
    """Time that passes only in the functions of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time_slice, "clock", lambda: self.now)

    def takes(self, seconds: float) -> Any:
        def work(item: int) -> int:
            self.now += seconds
            return item

        return work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def test_a_slow_function_of_a_real_network_is_found(clock: Clock) -> None:
    source: IterableSource[int] = IterableSource(range(20))
    load, scale = Transformer(clock.takes(0.1), name="load"), Transformer(clock.takes(1.0), name="scale")
    source.link_target(load)
    load.link_target(scale)
    scale.link_target(Call(clock.takes(0.2), name="show"))
    async with Network(source) as network:
        pass
    found = network.report().bottleneck
    assert found is not None
    assert (found.name, found.next_slowest) == ("scale", "show")
    assert [found.each, found.run, found.possible] == pytest.approx([1.0, 26.0, 10.0])


async def test_a_slow_source_is_found(clock: Clock) -> None:
    source: IterableSource[int] = IterableSource(map(clock.takes(1.0), range(9)), name="numbers")
    source.link_target(Call(clock.takes(0.1), name="show"))
    async with Network(source) as network:
        pass
    found = network.report().bottleneck
    assert found is not None
    assert found.name == "numbers"


class Reader(Agent):
    """Takes its time for each item."""

    def __init__(self, source: BoundedBuffer[int], seconds: float) -> None:
        super().__init__(inputs=[source], name="reader")
        self.source = source
        self.seconds = seconds

    async def run(self) -> None:
        async for _ in self.source:
            await trio.sleep(self.seconds)


async def test_a_slow_agent_of_a_real_network_is_found(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_slice, "clock", autojump_clock.current_time)

    async def double(item: int) -> int:
        await trio.sleep(0.01)
        return 2 * item

    doubled: BoundedBuffer[int] = BoundedBuffer(1)
    doubler = Transformer(double, name="double")
    doubler.link_target(doubled)
    async with Network(Reader(doubled, 1.0)) as network:
        for number in range(20):
            await doubler.send(number)
    found = network.report().bottleneck
    assert found is not None
    assert found.name == "reader"
    assert found.each == pytest.approx(1.0, rel=0.1)
    assert str(found).startswith("reader takes the results too slowly")


async def test_a_slow_body_of_a_real_network_is_found(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_slice, "clock", autojump_clock.current_time)

    async def double(item: int) -> int:
        await trio.sleep(0.01)
        return 2 * item

    async with Network(doubler := Call(double)) as network:
        for number in range(20):
            await trio.sleep(1.0)
            await doubler.send(number)
    found = network.report().bottleneck
    assert found is not None
    assert str(found).startswith("the body feeds the others too slowly: 1 s per item of its own")
