"""Circles of links end when everything has drained, whatever stands behind them or in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Call,
    IterableSource,
    Join,
    Network,
    OverwriteBuffer,
    SingleAssignment,
    Source,
    Stalled,
    Target,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.tools import faults


class Reader(Agent):
    """Collects what it reads."""

    def __init__(self, source: Source[Any]) -> None:
        super().__init__(inputs=[source], name="reader")
        self.source = source
        self.got: list[Any] = []

    async def run(self) -> None:
        async for item in self.source:
            self.got.append(item)


class CountDown(Agent):
    """Sends what is not zero yet round again."""

    def __init__(self, source: Source[int], again: Target[int], out: Target[int]) -> None:
        super().__init__(inputs=[source], outputs=[again, out], name="count down")
        self.source, self.again, self.out = source, again, out

    async def run(self) -> None:
        async for number in self.source:
            await (self.again if number > 0 else self.out).send(number - 1)


def circle() -> tuple[UnboundedBuffer[int], UnboundedBuffer[int]]:
    entry, out = UnboundedBuffer[int](name="entry"), UnboundedBuffer[int](name="out")
    turn = Transformer[int, int](lambda number: number - 1, name="turn")
    entry.link_target(turn)
    turn.link_target(out, lambda number: number <= 0)
    turn.link_target(entry)
    return entry, out


def with_agent() -> tuple[UnboundedBuffer[int], UnboundedBuffer[int]]:
    entry, out = UnboundedBuffer[int](name="entry"), UnboundedBuffer[int](name="out")
    CountDown(entry, entry, out)
    return entry, out


def with_batch() -> tuple[UnboundedBuffer[int], UnboundedBuffer[int]]:
    entry, out = UnboundedBuffer[int](name="entry"), UnboundedBuffer[int](name="out")
    group, single = Batch[int](4, name="group"), TransformMany[list[int], int](list)
    turn = Transformer[int, int](lambda number: number - 1, name="turn")
    entry.link_target(group)
    group.link_target(single)
    single.link_target(turn)
    turn.link_target(out, lambda number: number <= 0)
    turn.link_target(entry)
    return entry, out


Circle = Callable[[], tuple[UnboundedBuffer[int], UnboundedBuffer[int]]]
CIRCLES = pytest.mark.parametrize("make", [circle, with_agent, with_batch])


def flat(items: list[Any]) -> int:
    return sum(1 if isinstance(item, int) else len(item) for item in items)


@CIRCLES
@pytest.mark.parametrize("tail", ["call", "agent", "batch", "late batch", "buffer", "tasks", "batch and agent"])
async def test_a_circle_ends_whatever_stands_behind_it(make: Circle, tail: str) -> None:
    entry, out = make()
    nodes: list[Any] = [entry]
    got: list[Any] = []
    last: Source[Any] = out
    if "batch" in tail:
        batch = Batch[int](10, max_seconds=5 if "late" in tail else None)
        out.link_target(batch)
        last = batch
    if tail == "tasks":

        async def work(item: int) -> int:
            await trio.sleep(1)
            return item

        slow = Transformer(work)
        out.link_target(slow)
        last = slow
    if "agent" in tail:
        reader = Reader(last)
        got = reader.got
        nodes.append(reader)
    elif tail != "buffer":
        last.link_target(Call(got.append))
    async with Network(*nodes) as network:
        for number in (3, 1, 2):
            await entry.send(number)
    if tail == "buffer":
        got = [item async for item in out]
    assert flat(got) == 3
    assert network.balance().ok


@CIRCLES
async def test_a_circle_ends_also_if_nothing_ever_came(make: Circle) -> None:
    entry, out = make()
    reader = Reader(out)
    async with Network(entry, reader):
        pass
    assert reader.got == []


@pytest.mark.parametrize("kind", [OverwriteBuffer, SingleAssignment])
async def test_values_that_are_shown_are_no_reason_to_go_on(kind: type[Any]) -> None:
    entry, out = circle()
    shown = kind()
    out.link_target(shown)
    async with Network(entry):
        await entry.send(2)
    assert shown.value == 0


class Asker(Agent):
    """Wants a first message before it gives one."""

    def __init__(self, source: Source[int], target: Target[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send(item)


async def test_agents_that_wait_for_each_others_first_message_are_stalled() -> None:
    one, two = UnboundedBuffer[int](), UnboundedBuffer[int]()
    with faults(Stalled):
        async with Network(Asker(one, two), Asker(two, one)):
            pass


class Partner(Agent):
    """Expects an answer that does not come."""

    def __init__(self, source: Source[int], target: Target[int], first: bool) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target, self.first = source, target, first

    async def run(self) -> None:
        if self.first:
            await self.target.send(1)
        else:
            await self.source.receive()
        await self.source.receive()


async def test_agents_that_expect_another_message_are_stalled_and_not_ended() -> None:
    one, two = UnboundedBuffer[int](), UnboundedBuffer[int]()
    with faults(Stalled):
        async with Network(Partner(one, two, True), Partner(two, one, False)):
            pass


@CIRCLES
@pytest.mark.parametrize(("limit", "items"), [(1, 1), (2, 2), (2, 6), (3, 6), (10, 100)])
async def test_what_comes_round_in_a_governed_stretch_needs_no_other_slot(make: Circle, limit: int, items: int) -> None:
    entry, out = make()
    got: list[int] = []
    call: Call[int] = Call(got.append)
    out.link_target(call)
    if make is with_agent:  # a way with an agent is no way of links: the stretch is what is behind it
        PipelineGovernor(limit).govern(out, call)
    else:
        PipelineGovernor(max(limit, 4)).govern(entry, call)
    async with Network(entry) as network:
        for _ in range(items):
            await entry.send(5)
    assert len(got) == items
    assert network.balance().ok


async def test_a_weighed_stretch_lets_what_comes_round_in_again_too() -> None:
    entry, out = circle()
    got: list[int] = []
    call: Call[int] = Call(got.append)
    out.link_target(call)
    governor = PipelineGovernor(10, weight=lambda number: number)
    governor.govern(entry, call)
    async with Network(entry):
        for number in (4, 9, 3, 7):
            await entry.send(number)
    assert len(got) == 4
    assert governor.in_flight == 0


@pytest.mark.parametrize("kind", [OverwriteBuffer, SingleAssignment])
@pytest.mark.parametrize("limit", [1, 2])
async def test_a_value_that_is_shown_holds_no_slot(kind: type[Any], limit: int) -> None:
    got: list[int] = []
    shown: Any = kind()
    source = IterableSource(range(1 if kind is SingleAssignment else 9))
    first, last = Transformer[int, int](lambda item: item), Call[int](got.append)
    source.link_target(first)
    first.link_target(shown)
    shown.link_target(last)
    governor = PipelineGovernor(limit)
    governor.govern(first, last)
    async with Network(source):
        pass
    assert got == list(range(len(got)))
    assert governor.in_flight == 0


# Token pools


class Philosopher(Agent):
    """Eats with two sticks, five times, and puts them back."""

    def __init__(self, left: Any, right: Any) -> None:
        self.both = Join(left, right)
        super().__init__(inputs=[self.both], outputs=[left, right])
        self.left, self.right, self.eaten = left, right, 0

    async def run(self) -> None:
        for _ in range(5):
            one, two = await self.both.receive()
            self.eaten += 1
            await self.left.send(one)
            await self.right.send(two)


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("count", [2, 5])
async def test_tokens_may_be_left_in_their_pool(count: int, bounded: bool) -> None:
    sticks: list[Any] = [
        BoundedBuffer[str](1, left_over="keep") if bounded else UnboundedBuffer[str](left_over="keep")
        for _ in range(count)
    ]
    for stick in sticks:
        await stick.send("stick")
    people = [Philosopher(stick, sticks[(n + 1) % count]) for n, stick in enumerate(sticks)]
    async with Network(*people) as network:
        pass
    assert [one.eaten for one in people] == [5] * count
    assert [len(stick) for stick in sticks] == [1] * count
    assert network.balance().ok


async def test_the_verdict_names_the_word_for_tokens() -> None:
    sticks = [UnboundedBuffer[str](name=f"stick {n}") for n in range(2)]
    for stick in sticks:
        await stick.send("stick")
    with faults(Stalled) as found:
        async with Network(Philosopher(*sticks), Philosopher(*sticks)):
            pass
    assert "give unbounded buffer 'stick 0' left_over=\"keep\"" in str(found[0])


async def test_tokens_that_somebody_needs_are_not_left() -> None:
    pool, missing = UnboundedBuffer[int](left_over="keep"), UnboundedBuffer[int]()
    await pool.send(1)
    both = Join(pool, missing)
    with faults(Stalled):
        async with Network(Reader(both)):
            await both.receive()


WRONG: list[Callable[[], Any]] = [
    lambda: UnboundedBuffer[int](left_over="drop"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lambda: BoundedBuffer[int](1, left_over=""),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
]


@pytest.mark.parametrize("make", WRONG)
def test_another_word_for_what_is_left_is_an_error(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="left_over must be one of report, keep, got"):
        make()
