"""What holds the loop is reported, once a block."""

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import Call, IterableSource, LoopHeldWarning, Network, Transformer, TransformMany
from penstock.blocks.base.timing import time_slice
from tests.blocks.tools import run

Hold = Callable[[int], None]


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Let time pass."""
    now = 0.0

    def pass_by(milliseconds: int) -> None:
        nonlocal now
        now += milliseconds / 1000

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    return pass_by


def warned(record: list[warnings.WarningMessage]) -> list[str]:
    return [str(entry.message) for entry in record if entry.category is LoopHeldWarning]


async def test_it_is_reported_once_with_the_remedy_and_the_place_of_the_function(hold: Hold) -> None:
    def slow(milliseconds: int) -> None:
        hold(milliseconds)

    with pytest.warns(LoopHeldWarning) as record:
        await run(Call(slow, name="filter"), [100, 230, 400])
    assert warned(record.list) == ["call 'filter' held the event loop for 230 ms; give it executor=Threads(n)"]
    assert record.list[0].filename == __file__
    assert record.list[0].lineno == slow.__code__.co_firstlineno


async def test_every_block_reports_for_itself(hold: Hold) -> None:
    def slow(milliseconds: int) -> int:
        hold(milliseconds)
        return milliseconds

    first, second = Transformer(slow, name="first"), Call(slow, name="second")
    first.link_target(second)
    with pytest.warns(LoopHeldWarning) as record:
        await run(first, [200])
    assert len(warned(record.list)) == 2


async def test_a_function_without_code_of_its_own_is_named_by_its_block(hold: Hold) -> None:
    with pytest.warns(LoopHeldWarning) as record:
        await run(Call(partial(hold), name="filter"), [200])
    assert record.list[0].filename == "<filter>"


async def test_a_generator_that_is_slow_is_reported_too(hold: Hold) -> None:
    def parts(milliseconds: int) -> Iterator[int]:
        hold(milliseconds)
        yield 1

    block: TransformMany[int, Any] = TransformMany(parts, name="parts")
    block.link_target(Call(abs))
    with pytest.warns(LoopHeldWarning, match="transform-many 'parts' held the event loop for 150 ms"):
        await run(block, [150])


async def test_a_source_that_is_slow_is_reported_once(hold: Hold) -> None:
    def slow() -> Iterator[int]:
        for n in range(3):
            hold(300)
            yield n

    source: IterableSource[int] = IterableSource(slow(), name="reader")
    source.link_target(Call(abs))
    with pytest.warns(LoopHeldWarning) as record:
        async with Network(source):
            pass
    assert warned(record.list) == ["source 'reader' held the event loop for 300 ms; give it executor=Threads(1)"]


async def test_an_asynchronous_source_that_does_not_wait_is_reported_and_one_that_waits_is_not(hold: Hold) -> None:
    async def read(waits: bool) -> AsyncIterator[int]:
        for n in range(2):
            if waits:
                await trio.lowlevel.checkpoint()
            hold(300)
            yield n

    for waits in (True, False):
        source: IterableSource[int] = IterableSource(read(waits), name="reader")
        source.link_target(Call(abs))
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            async with Network(source):
                pass
        expected = "source 'reader' held the event loop for 300 ms; its asynchronous iterable does not wait in between"
        assert warned(record) == [] if waits else [expected]


async def test_an_async_function_that_does_not_wait_is_reported_once(hold: Hold) -> None:
    async def slow(milliseconds: int) -> None:
        hold(milliseconds)

    with pytest.warns(LoopHeldWarning) as record:
        await run(Call(slow, name="filter"), [200, 300])
    assert warned(record.list) == [
        "call 'filter' held the event loop for 200 ms; its async function does not wait in between; make it a plain "
        "function with executor=Threads(n)"
    ]


@pytest.mark.parametrize("where", ["link", "block", "weight"])
async def test_what_a_step_calls_besides_a_function_is_reported_once(hold: Hold, where: str) -> None:
    def slow(item: Any) -> bool:
        hold(200)
        return True

    source: IterableSource[int] = IterableSource(range(3), name="source")
    end: Call[int] = Call(abs, filter=slow if where == "block" else None, name="end")
    source.link_target(end, filter=slow if where == "link" else None)
    if where == "weight":
        PipelineGovernor(limit=1000, weight=lambda item: int(slow(item))).govern(end, end)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        async with Network(source):
            pass
    (message,) = warned(record)
    assert message.startswith("a step of source 'source' held the event loop for ")
    assert "a filter, a key or a weight that it calls is slow" in message


async def test_what_a_function_has_taken_is_not_reported_as_a_step_too(hold: Hold) -> None:
    def slow(milliseconds: int) -> bool:
        hold(milliseconds)
        return True

    block = Transformer(slow, name="slow")
    block.link_target(Call(abs, name="end"), filter=lambda _: slow(150))
    with pytest.warns(LoopHeldWarning) as record:
        await run(block, [200, 200])
    assert [message.partition(" ms")[0] for message in warned(record.list)] == [
        "transformer 'slow' held the event loop for 200",
        "a step of transformer 'slow' held the event loop for 150",
    ]
