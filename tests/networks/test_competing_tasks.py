"""Many tasks that send to and receive from one block, with time limits at random: each item is taken exactly once."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import attrs
import trio
import trio.lowlevel
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BoundedBuffer,
    Call,
    Choice,
    Join,
    Network,
    Source,
    Target,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.core.block import Block
from tests.networks.building import Pace
from tests.networks.harness import SCHEDULES, Schedule, Watch
from tests.networks.strategies import PACES


@attrs.frozen
class Taskplan:
    """What one task does.

    Attributes:
        patience: After how long it gives a send or receive up and tries again.
        pace: How long it does something else in between.
        manner: Whether it first tries without waiting, or reserves first.
    """

    patience: float | None
    pace: Pace
    manner: str


TASKS = st.builds(
    Taskplan,
    patience=st.sampled_from([None, 0.05, 1.0]),
    pace=PACES,
    manner=st.sampled_from(["wait", "nowait", "reserve"]),
)


async def identity(number: int) -> int:
    """Give the number after a checkpoint."""
    await trio.lowlevel.checkpoint()
    return number


def make_transformer() -> tuple[Target[int], Source[int]]:
    block: Transformer[int, int] = Transformer(identity, concurrency=3, capacity=3, name="middle")
    return block, block


def make_plain_transformer() -> tuple[Target[int], Source[int]]:
    def same(number: int) -> int:
        return number

    block: Transformer[int, int] = Transformer(same, capacity=2, name="middle")
    return block, block


def make_expander() -> tuple[Target[int], Source[int]]:
    def once(number: int) -> list[int]:
        return [number]

    block: TransformMany[int, int] = TransformMany(once, capacity=2, name="middle")
    return block, block


def make_choice() -> tuple[Target[int], Source[Any]]:
    entry = BoundedBuffer[int](2, name="entry")
    return entry, Choice(entry, UnboundedBuffer[int](name="other"), name="middle")


def make_join() -> tuple[Target[int], Source[Any]]:
    entry = BoundedBuffer[int](2, name="entry")
    return entry, Join(entry, name="middle")


def make_bounded() -> tuple[Target[int], Source[int]]:
    block = BoundedBuffer[int](2, name="middle")
    return block, block


def make_unbounded() -> tuple[Target[int], Source[int]]:
    block = UnboundedBuffer[int](name="middle")
    return block, block


MAKERS: tuple[Callable[[], tuple[Target[int], Source[Any]]], ...] = (
    make_bounded,
    make_unbounded,
    make_transformer,
    make_plain_transformer,
    make_expander,
    make_choice,
    make_join,
)


@attrs.frozen
class Crowd:
    """Who sends, who receives, and through what."""

    make: Callable[[], tuple[Target[int], Source[Any]]]
    senders: list[Taskplan]
    receivers: list[Taskplan]
    count: int
    limit: int | None
    has_taker: bool


CROWDS = st.builds(
    Crowd,
    make=st.sampled_from(MAKERS),
    senders=st.lists(TASKS, min_size=1, max_size=3),
    receivers=st.lists(TASKS, min_size=1, max_size=3),
    count=st.integers(0, 10),
    limit=st.one_of(st.none(), st.integers(1, 3)),
    has_taker=st.booleans(),
)


def number_of(message: Any) -> int:
    """Unwrap what a choice or join gives."""
    number: int = cast("tuple[int]", message)[0] if isinstance(message, tuple) else getattr(message, "value", message)
    return number


def is_for_the_taker(message: Any) -> bool:
    """The filter of the link; receivers get the rest."""
    return number_of(message) % 3 == 0


class Market:
    """One run of a crowd."""

    def __init__(self, crowd: Crowd, watch: Watch) -> None:
        self.crowd = crowd
        self.watch = watch
        self.sent: list[int] = []
        self.received: dict[int, list[int]] = {}
        self.numbers = itertools.count()

    async def main(self) -> None:
        crowd = self.crowd
        entry, exit = crowd.make()
        assert isinstance(entry, Block)
        assert isinstance(exit, Block)
        if crowd.limit is not None:
            governor = PipelineGovernor(crowd.limit, name="governor")
            governor.govern(entry, exit)
            if crowd.make is not make_expander:  # which holds an item until it knows that there are no more outputs
                self.watch.governors.append(governor)
        if crowd.has_taker:
            taken = self.received.setdefault(-1, [])
            exit.link_target(
                Call(lambda message: taken.append(number_of(message)), name="taker"), lambda m: number_of(m) % 3 == 0
            )
        async with Network(exit, name="crowd") as network, trio.open_nursery() as nursery:
            self.watch.network = network
            for index, task in enumerate(crowd.senders):
                nursery.start_soon(self.send, task, entry.producer(), name=f"sender {index}")
            for index, task in enumerate(crowd.receivers):
                nursery.start_soon(self.receive, task, exit, index, name=f"receiver {index}")
            if isinstance(exit, Choice):
                exit.inputs[1].complete()

    async def send(self, task: Taskplan, producer: Any) -> None:
        with producer:
            for _ in range(self.crowd.count):
                number = next(self.numbers)
                while not await self.try_to_send(task, producer, number):
                    await task.pace.wait(number)
                self.sent.append(number)
                await task.pace.wait(number)

    async def try_to_send(self, task: Taskplan, producer: Any, number: int) -> bool:
        if task.manner == "nowait":
            try:
                producer.send_nowait(number)
            except trio.WouldBlock:
                await trio.sleep(0.5)
                return False
            return True
        with trio.move_on_after(math.inf if task.patience is None else task.patience):
            await producer.send(number)
            return True
        await trio.sleep(0.01)
        return False

    async def receive(self, task: Taskplan, exit: Source[Any], index: int) -> None:
        mine = self.received.setdefault(index, [])
        while True:
            try:
                number = await self.try_to_receive(task, exit)
            except trio.EndOfChannel:
                return
            if number is not None:
                mine.append(number)
            await task.pace.wait(len(mine))

    async def try_to_receive(self, task: Taskplan, exit: Source[Any]) -> int | None:
        if task.manner == "nowait":
            try:
                return number_of(exit.receive_nowait())
            except trio.WouldBlock:
                await trio.sleep(0.5)
                return None
        if task.manner == "reserve" and exit.reserve(task):
            await trio.lowlevel.checkpoint()
            if len(self.sent) % 2:
                return number_of(exit.consume(task))
            exit.release(task)
        with trio.move_on_after(math.inf if task.patience is None else task.patience):
            return number_of(await exit.receive())
        await trio.sleep(0.01)
        return None


@given(CROWDS, SCHEDULES)
def test_each_item_is_taken_exactly_once(crowd: Crowd, schedule: Schedule) -> None:
    watch = Watch()
    market = Market(crowd, watch)
    raised = watch.run(schedule, market.main)
    assert raised is None, raised
    received = [number for numbers in market.received.values() for number in numbers]
    assert Counter(received) == Counter(market.sent)
    assert len(market.sent) == crowd.count * len(crowd.senders)
    if crowd.has_taker:
        for_the_taker = sorted(number for number in market.sent if is_for_the_taker(number))
        assert sorted(market.received[-1]) == for_the_taker


@given(st.lists(TASKS, min_size=1, max_size=4), st.integers(1, 3), st.integers(1, 5), SCHEDULES)
def test_slots_of_a_governor_are_never_lost(tasks: list[Taskplan], limit: int, rounds: int, schedule: Schedule) -> None:
    watch = Watch()
    governor = PipelineGovernor(limit, name="governor")
    watch.governors.append(governor)
    held: list[int] = [0]

    async def take_and_free(task: Taskplan) -> None:
        for turn in range(rounds):
            with trio.move_on_after(math.inf if task.patience is None else task.patience):
                await governor.wait_for_available_slot()
                held[0] += 1
                assert held[0] <= limit
                try:
                    await task.pace.wait(turn)
                finally:
                    held[0] -= 1
                    governor.free_slot()
            await trio.sleep(0.01)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for task in tasks:
                nursery.start_soon(take_and_free, task)
            await trio.lowlevel.checkpoint()
            await governor.wait_for_empty()

    assert watch.run(schedule, main) is None
