"""A plain function that holds the loop is reported, once a block."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from penstock.blocks import Call, LoopHeldWarning, Transformer, TransformMany
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
