"""The capacity that a `Stalled` advises is enough, and one less is not."""

import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import trio

from penstock.agents import Agent
from penstock.blocks import BoundedBuffer, IterableSource, Network, Stalled, Transformer, UnboundedBuffer
from tests.blocks.tools import leaves

Program = Callable[[Mapping[str, int]], Awaitable[None]]
ADVICE = re.compile(r"raise the capacity of .*?'(\w+)' to at least (\d+)")


class Work(Agent):
    """Does what it is told."""

    def __init__(self, work: Any, inputs: Any, outputs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs)
        self.work = work

    async def run(self) -> None:
        await self.work()


def buffer(name: str, capacities: Mapping[str, int]) -> BoundedBuffer[Any]:
    return BoundedBuffer(capacities.get(name, 1), name=name)


async def send_all(target: BoundedBuffer[Any], count: int) -> None:
    for number in range(count):
        await target.send(number)


async def receive_all(source: BoundedBuffer[Any], count: int) -> None:
    for _ in range(count):
        await source.receive()


async def asks_itself(capacities: Mapping[str, int]) -> None:
    """An agent sends two messages to itself, and then reads them."""
    inbox = buffer("inbox", capacities)

    async def work() -> None:
        await send_all(inbox, 2)
        await receive_all(inbox, 2)

    async with Network(Work(work, [inbox], [inbox])):
        pass


async def asks_itself_along_a_link(capacities: Mapping[str, int]) -> None:
    """The same with three messages that go through two buffers."""
    inbox, outbox = buffer("inbox", capacities), buffer("outbox", capacities)
    outbox.link_target(inbox)

    async def work() -> None:
        await send_all(outbox, 3)
        await receive_all(inbox, 3)

    async with Network(Work(work, [inbox], [outbox])):
        pass


async def ask_each_other(capacities: Mapping[str, int]) -> None:
    """Two agents send to each other before they read."""
    one, other = buffer("one", capacities), buffer("other", capacities)

    def ask(mine: BoundedBuffer[Any], yours: BoundedBuffer[Any]) -> Work:
        async def work() -> None:
            await send_all(yours, 2)
            await receive_all(mine, 2)

        return Work(work, [mine], [yours])

    async with Network(ask(one, other), ask(other, one)):
        pass


async def many_tasks_send(capacities: Mapping[str, int]) -> None:
    """Five tasks of an agent send to it at once, before it reads."""
    inbox = buffer("inbox", capacities)

    async def work() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(inbox.send, number)
        await receive_all(inbox, 5)

    async with Network(Work(work, [inbox], [inbox])):
        pass


async def is_fed_by_a_source_too(capacities: Mapping[str, int]) -> None:
    """An agent sends to itself what a source with four more messages sends to."""
    inbox = buffer("inbox", capacities)
    source = IterableSource(range(4))
    source.link_target(inbox)

    async def work() -> None:
        await trio.sleep(1)
        await inbox.send("mine")
        await receive_all(inbox, 5)

    async with Network(Work(work, [inbox], [inbox])):
        pass


def go_round(messages: int, between: str) -> Program:
    """Messages go round many times through blocks in a circle of links, and a source brings more."""

    async def program(capacities: Mapping[str, int]) -> None:
        blocks: list[Any] = [buffer("entry", capacities)]
        for number, kind in enumerate(between):
            name = f"{kind}{number}"
            capacity = capacities.get(name, 1)
            blocks.append(BoundedBuffer(capacity, name=name) if kind == "b" else same(capacity, name))
        blocks.append(Transformer(one_less, capacity=capacities.get("step", 1), name="step"))
        for left, right in itertools.pairwise(blocks):
            left.link_target(right)
        blocks[-1].link_target(blocks[0], filter=goes_on)
        blocks[-1].link_target(UnboundedBuffer[int](), filter=has_ended)
        source = IterableSource([9] * messages)
        source.link_target(blocks[0])
        async with Network(source):
            pass

    return program


def same(capacity: int, name: str) -> Transformer[int, int]:
    return Transformer(abs, capacity=capacity, name=name)


def goes_on(rounds: int) -> bool:
    return rounds > 0


def has_ended(rounds: int) -> bool:
    return rounds == 0


def one_less(rounds: int) -> int:
    return rounds - 1


async def stalled(program: Program, capacities: Mapping[str, int]) -> Stalled | None:
    """Run a program; give the exception if it stalls."""
    try:
        await program(capacities)
    except BaseExceptionGroup as group:
        (error,) = leaves(group)
        assert isinstance(error, Stalled)
        return error
    return None


PROGRAMS: dict[str, tuple[Program, int]] = {
    "an agent that asks itself": (asks_itself, 2),
    "an agent that asks itself along a link": (asks_itself_along_a_link, 2),
    "two agents that ask each other": (ask_each_other, 2),
    "five tasks that send": (many_tasks_send, 5),
    "a source that sends too": (is_fed_by_a_source_too, 5),
    **{
        f"{messages} messages in a circle with {between or 'nothing'} between": (go_round(messages, between), 0)
        for messages in (4, 6, 8)
        for between in ("", "b", "t", "bb")
        if messages > 4 or between in ("", "b")
    },
}


@pytest.mark.parametrize("name", PROGRAMS)
async def test_the_room_that_is_advised_is_enough_and_one_less_is_not(name: str) -> None:
    program, expected = PROGRAMS[name]
    error = await stalled(program, {})
    assert error is not None
    assert error.diagnosis is not None
    (advice,) = error.diagnosis.advice
    found = ADVICE.match(advice)
    assert found is not None, advice
    block, capacity = found[1], int(found[2])
    assert capacity == (expected or capacity)
    assert await stalled(program, {block: capacity}) is None
    assert capacity == 2 or await stalled(program, {block: capacity - 1}) is not None


@pytest.mark.parametrize("start", [1, 2])
async def test_what_an_agent_will_send_later_cannot_be_known(start: int) -> None:
    async def program(capacities: Mapping[str, int]) -> None:
        inbox = BoundedBuffer[Any](start, name="inbox")

        async def work() -> None:
            await send_all(inbox, 4)
            await receive_all(inbox, 4)

        async with Network(Work(work, [inbox], [inbox])):
            pass

    error = await stalled(program, {})
    assert error is not None
    assert f"to at least {start + 1}" in error.report
