"""Linking blocks in a line."""

from typing import Any, assert_type

import pytest

from penstock.agents import Agent
from penstock.blocks import (
    Batch,
    Call,
    Chain,
    Filter,
    IterableSource,
    Network,
    Propagator,
    Source,
    Take,
    Transformer,
    UnboundedBuffer,
    chain,
)
from tests.blocks.tools import contents, is_even, linked


def double(number: int) -> int:
    return 2 * number


def as_text(number: int) -> str:
    return str(number)


async def test_messages_go_along_the_line() -> None:
    evens, doubles, texts = Filter(is_even), Transformer(double), Transformer(as_text)
    batches = Batch[str](2)
    ends = chain(evens, doubles, texts, batches)
    assert_type(ends, Chain[Propagator[int, int], Propagator[str, list[str]]])
    assert ends.first is evens
    assert ends.last is batches
    async with Network(ends.first):
        for number in range(6):
            await ends.first.send(number)
        ends.first.complete()
        assert [batch async for batch in ends.last] == [["0", "4"], ["8"]]


async def test_a_line_may_begin_with_a_source_and_end_with_a_target() -> None:
    shown: list[str] = []
    numbers, texts = IterableSource(range(3)), Transformer(as_text)
    show: Call[str] = Call(shown.append)
    first, last = chain(numbers, texts, show)
    assert_type(first, Source[int])
    async with Network(numbers):
        pass
    assert shown == ["0", "1", "2"]
    assert first is numbers
    assert last is show


@pytest.mark.parametrize("count", [1, 2, 6, 7, 20])
async def test_a_line_has_any_number_of_blocks(count: int) -> None:
    blocks: list[Any] = [Transformer(double) for _ in range(count)]
    first, last = chain(*blocks)
    assert (first, last) == (blocks[0], blocks[-1])
    collector = linked(last)
    async with Network(first):
        await first.send(1)
    assert contents(collector) == [2**count]


def test_without_blocks_there_is_nothing_to_link() -> None:
    with pytest.raises(TypeError, match="chain: needs blocks to link, got none"):
        chain()  # type: ignore[call-overload]  # that is the point


class Worker(Agent):
    """Does nothing."""

    async def run(self) -> None: ...


MISFITS: dict[str, tuple[list[Any], str]] = {
    "a target in the middle": (
        [Take[int](1), Call(print, name="end"), Take[int](1)],
        r"chain: call 'end' gives no messages, so take 'Take-\d+' cannot be linked behind it",
    ),
    "a source in the middle": (
        [Take[int](1, name="one"), IterableSource([1], name="numbers"), Take[int](1)],
        r"chain: .*'numbers' takes no messages, so it cannot be linked behind take 'one'; it gives messages and takes",
    ),
    "an agent": (
        [Take[int](1, name="one"), Worker(name="worker")],
        r"chain: agent 'worker' takes no messages, .* behind take 'one'; an agent reads for itself",
    ),
    "a function": ([Take[int](1), print], "takes no messages, .*; to call a function, link a Call"),
    "a class": ([Take[int](1), Take], "takes no messages, .*; that is a class"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_two_that_do_not_fit_are_named_and_nothing_is_linked(what: str) -> None:
    blocks, message = MISFITS[what]
    first: UnboundedBuffer[int] = UnboundedBuffer()
    with pytest.raises(TypeError, match=message):
        chain(*[first, *blocks])
    first.link_target(UnboundedBuffer())
    assert len(first._core.outbox.links) == 1


def test_a_function_at_the_beginning_gives_no_messages() -> None:
    with pytest.raises(TypeError, match="print> gives no messages, so take 'one' cannot be linked behind it"):
        chain(print, Take[int](1, name="one"))  # type: ignore[call-overload]  # that is the point


def test_after_an_error_of_a_link_nothing_is_linked() -> None:
    first, second, third = UnboundedBuffer[int](), UnboundedBuffer[int](name="second"), UnboundedBuffer[int]()
    second.link_target(third)
    with pytest.raises(ValueError, match="second"):
        chain(first, second, third)
    assert not first._core.outbox.links
    third.complete()
    with pytest.raises(RuntimeError, match="is complete"):
        chain(first, third)
    assert not first._core.outbox.links
