"""A message that every target declines is told in the log while the body of the network goes on."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from penstock.agents import Agent
from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Join,
    Network,
    Stalled,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import faults, is_even, never


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def lines() -> AsyncIterator[int]:
    for number in range(10):
        yield number
        await trio.sleep(0.01)
    await trio.sleep_forever()


def source_of(kind: str) -> tuple[Any, Any]:
    """A source, named "tail", that will have two messages, and where to send them."""
    feed: Any = UnboundedBuffer[int]()
    if kind == "async iterable":
        feed = IterableSource(lines(), name="tail")
    elif kind == "transformer":
        feed = Transformer[int, int](lambda n: n, name="tail")
    elif kind == "async transformer":
        feed = Transformer[int, int](later, name="tail")
    elif kind == "bounded buffer":
        feed = BoundedBuffer[int](5, name="tail")
    else:
        make = {"join": Join, "choice": Choice}.get(kind)
        if make is None:
            fork = Broadcast[int](name="tail")
            return fork, fork
        tail: Any = make(feed, name="tail")
        return tail, feed
    return feed, feed


async def later(number: int) -> int:
    await trio.sleep(0.1)
    return number


KINDS = ["async iterable", "transformer", "async transformer", "bounded buffer", "join", "choice", "broadcast"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_head_that_every_target_declines_is_told_once_after_a_second(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    tail, feed = source_of(kind)
    tail.link_target(Call(print, name="keep"), filter=never)
    async with Network(tail) as network:
        if kind != "async iterable":
            await feed.send(1)
            await feed.send(2)
        await trio.sleep(0.9)
        assert warned(caplog) == []
        await trio.sleep(10)
        (text,) = warned(caplog)
        network.cancel()
    assert "'tail' has kept " in text
    assert "and all messages behind it: a filter on the way to call 'keep' declines the head (for 1 s now)" in text
    assert "drop unwanted messages in a Filter, or add a last link that takes the rest" in text


async def test_of_a_dead_letter_it_is_said_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    grave = Call[ErrorInfo](abs_of, name="grave", filter=never)
    block = Call[int](lambda n: 1 // n, name="work", on_error=DeadLetter(grave))
    with faults(Stalled) as found:
        async with Network(block):
            await block.send(0)
            await trio.sleep(3)
            (text,) = warned(caplog)
            assert text.startswith("call 'work' has kept the dead letter ErrorInfo(")
            assert text.endswith("; let the target take every dead letter")
    assert found[0].diagnosis.advice == ("let call 'grave' take every dead letter of call 'work'",)


def abs_of(letter: ErrorInfo) -> None:
    del letter


async def test_it_is_told_although_other_parts_of_the_network_are_busy(caplog: pytest.LogCaptureFixture) -> None:
    tail, busy = UnboundedBuffer[int](name="tail"), Call[int](abs)
    tail.link_target(UnboundedBuffer(), filter=never)
    async with Network(tail, busy) as network:
        await tail.send(1)
        for number in range(300):
            await busy.send(number)
            await trio.sleep(0.01)
        assert len(warned(caplog)) == 1
        network.cancel()


async def test_a_target_that_is_complete_declines_too(caplog: pytest.LogCaptureFixture) -> None:
    tail, end = UnboundedBuffer[int](name="tail"), UnboundedBuffer[int](name="end")
    tail.link_target(end)
    async with Network(tail) as network:
        end.complete()
        await tail.send(1)
        await trio.sleep(3)
        (text,) = warned(caplog)
        assert "unbounded buffer 'end' is complete and takes no more" in text
        network.cancel()


async def test_a_head_that_is_taken_in_time_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    tail = UnboundedBuffer[int](name="tail")
    tail.link_target(Call(abs), filter=is_even)
    async with Network(tail):
        for number in (1, 3, 4):  # each odd one is received in time
            await tail.send(number)
            await trio.sleep(0.5)
            if number % 2:
                assert await tail.receive() == number
        await trio.sleep(5)
    assert warned(caplog) == []


async def test_a_receiver_that_takes_what_the_links_decline_is_fine(caplog: pytest.LogCaptureFixture) -> None:
    tail = UnboundedBuffer[int](name="tail")
    tail.link_target(Call(abs), filter=is_even)
    async with Network(tail) as network, trio.open_nursery() as nursery:
        nursery.start_soon(receive_all, tail)
        for number in range(5):
            await tail.send(number)
            await trio.sleep(2)
        network.cancel()
    assert warned(caplog) == []


async def receive_all(source: UnboundedBuffer[int]) -> None:
    async for _ in source:
        pass


async def test_a_full_target_is_no_refusal(caplog: pytest.LogCaptureFixture) -> None:
    tail, full = UnboundedBuffer[int](name="tail"), BoundedBuffer[int](1)
    tail.link_target(UnboundedBuffer(), filter=never)
    tail.link_target(full)
    async with Network(tail):
        for number in range(3):
            await tail.send(number)
        await trio.sleep(5)
        tail.complete()
        assert [number async for number in full] == [0, 1, 2]
    assert warned(caplog) == []


class Slow(Agent):
    """Reads a message now and then."""

    def __init__(self, source: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source])
        self.source = source

    async def run(self) -> None:
        async for _ in self.source:
            await trio.sleep(5)


async def test_what_an_agent_will_read_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    tail = UnboundedBuffer[int](name="tail")
    tail.link_target(UnboundedBuffer(), filter=never)
    async with Network(tail, Slow(tail)):
        for number in range(3):
            await tail.send(number)
    assert warned(caplog) == []


async def test_a_head_that_somebody_has_reserved_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    tail = UnboundedBuffer[int](name="tail")
    tail.link_target(UnboundedBuffer(), filter=never)
    async with Network(tail):
        await tail.send(1)
        await trio.sleep(0.5)
        assert tail.reserve("me")
        await trio.sleep(5)
        assert tail.consume("me") == 1
    assert warned(caplog) == []


async def test_outside_a_network_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tail = UnboundedBuffer[int]()
    tail.link_target(UnboundedBuffer(), filter=never)
    await tail.send(1)
    await trio.sleep(5)
    assert warned(caplog) == []
