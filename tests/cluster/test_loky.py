"""Blocks on the processes of loky, through the interface that all executors share."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from penstock.blocks import Transformer
from tests.blocks.tools import contents, faults, linked, notes, run
from tests.cluster import functions

pytest.importorskip("loky")


@pytest.fixture(scope="module", autouse=True)
def _closed(importable: None) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    yield
    import_module("loky").get_reusable_executor(max_workers=2).shutdown(wait=True, kill_workers=True)


@pytest.fixture
def executor() -> Any:
    """Two processes: those of the test before, unless they are broken."""
    return import_module("loky").get_reusable_executor(max_workers=2)


async def test_results_come_in_the_order_of_the_items(executor: Any) -> None:
    block = Transformer(functions.tenfold, executor=executor, concurrency=2)
    results = linked(block)
    await run(block, range(200))
    assert contents(results) == [10 * number for number in range(200)]


async def test_an_exception_has_its_own_type_and_the_traceback_of_the_process_in_a_note(executor: Any) -> None:
    with faults(ValueError) as found:
        await run(Transformer(functions.not_two, executor=executor, concurrency=2), [1, 2, 3])
    assert 'raise ValueError("not two")' in "".join(notes(found[0]))
    assert notes(found[0])[-1] == "in not_two, item 2: 2"


async def test_a_function_that_was_defined_here_is_sent_along(executor: Any) -> None:
    factor = 7

    def times(number: int) -> int:
        return factor * number

    block = Transformer(times, executor=executor)
    results = linked(block)
    await run(block, [1, 2])
    assert contents(results) == [7, 14]


async def test_a_process_that_dies_is_a_fault_that_says_what_to_do(executor: Any) -> None:
    broken = import_module("loky.process_executor").TerminatedWorkerError
    with faults(broken) as found:
        await run(Transformer(functions.die_of_two, executor=executor, on_error="skip"), [1, 2, 3])
    assert "Processes(n) goes on with a new worker" in "".join(notes(found[0]))
