"""Many items at once are expanded into outputs exactly as one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import BoundedBuffer, Call, IterableSource, Network, Retry, Skip, TransformMany
from penstock.blocks.base.timing import BatchSize
from penstock.blocks.functions.expanding_runner import ExpandingRunner
from penstock.blocks.functions.expansion import CHUNK, Expansion
from tests.blocks.tools import notes


def expanded(function: Callable[[Any], Any], items: Iterable[Any], most: int = 1000) -> tuple[list[Any], Expansion]:
    """Read a batch up to a number of outputs."""
    expansion = Expansion("block", function, list(items))
    outputs: list[Any] = []
    expansion.read(outputs, most)
    return outputs, expansion


def twice(item: int) -> list[int]:
    return [item, item]


def test_lists_are_read_to_the_end_and_called_a_chunk_at_a_time() -> None:
    outputs, expansion = expanded(twice, range(CHUNK + 7), 10_000)
    assert outputs == [item for item in range(CHUNK + 7) for _ in range(2)]
    assert expansion.done == CHUNK + 7


def test_no_more_outputs_are_read_than_wanted_and_the_rest_comes_later() -> None:
    outputs, expansion = expanded(lambda item: range(item), [1, 5, 0, 3], 4)
    assert (outputs, expansion.done) == ([0, 0, 1, 2], 1)
    assert not expansion.read(outputs, 6)
    assert expansion.read(outputs, 100)
    assert outputs == [0, 0, 1, 2, 3, 4, 0, 1, 2]
    assert expansion.done == 4


def test_a_generator_is_not_read_ahead() -> None:
    read: list[int] = []

    def numbers(item: int) -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    outputs, expansion = expanded(numbers, [1, 2], 3)
    assert outputs == read == [0, 1, 2]
    assert expansion.done == 0


@pytest.mark.parametrize("is_lazy", [False, True])
def test_an_error_comes_behind_the_outputs_before_it(is_lazy: bool) -> None:
    def fussy(item: int) -> list[int]:
        if item == 3:
            raise ValueError("3")
        return [item]

    def lazy(item: int) -> Iterator[int]:
        yield from fussy(item)

    outputs, expansion = expanded(lazy if is_lazy else fussy, range(6))
    assert outputs == [0, 1, 2]
    assert str(expansion.error) == "3"
    assert expansion.rest() == [3, 4, 5]


@pytest.mark.parametrize("last", [2, 5])
def test_stop_iteration_is_an_error_and_no_end(last: int) -> None:
    def stop(item: int) -> list[int]:
        if item == last:
            raise StopIteration
        return [item]

    outputs, expansion = expanded(stop, range(6))
    assert outputs == list(range(last))
    assert str(expansion.error) == "the function of block raised StopIteration"


async def never(item: int) -> list[int]:
    return [item]


def test_a_coroutine_among_lists_is_refused_and_closed_and_later_results_are_let_go() -> None:
    closed: list[int] = []

    def numbers(item: int) -> Iterator[int]:
        try:
            yield item
        finally:
            closed.append(item)

    def some(item: int) -> Any:
        return never(item) if item == 2 else numbers(item)

    outputs, expansion = expanded(some, range(5))
    assert outputs == closed == [0, 1]
    assert "the function of block returned a coroutine" in str(expansion.error)


def test_close_ends_the_generator_that_is_being_read() -> None:
    closed: list[int] = []

    def numbers(item: int) -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(item)

    _, expansion = expanded(numbers, range(5), 12)
    assert closed == [0]
    expansion.close()
    assert closed == [0, 1]


class Single(BatchSize):
    """Always one item at a time."""

    def learn(self, done: int, seconds: float, aim: float = 0.0) -> None:
        """Learn nothing."""


KINDS: dict[str, Callable[[int], Iterable[int]]] = {
    "list": lambda item: [item] * (item % 4),
    "generator": lambda item: (item for _ in range(item % 3)),
    "range": lambda item: range(item % 5),
    "mixed": lambda item: (item,) if item % 2 else iter([item, item]),
}


@given(
    kind=st.sampled_from(sorted(KINDS)),
    bad=st.sets(st.integers(0, 60), max_size=4),
    policy=st.sampled_from(["fail", "skip", "retry"]),
    capacity=st.integers(1, 40),
    count=st.integers(0, 60),
)
async def test_a_block_gives_the_same_with_batches_and_without(
    kind: str, bad: set[int], policy: str, capacity: int, count: int
) -> None:
    results: list[object] = []
    for batches in (True, False):
        attempts: dict[int, int] = {}

        def function(item: int, attempts: dict[int, int] = attempts) -> Iterable[int]:
            attempts[item] = attempts.get(item, 0) + 1
            if item in bad and (policy != "retry" or attempts[item] < 2):
                raise ValueError(item)
            return KINDS[kind](item)

        on_error: Any = {"fail": None, "skip": Skip(), "retry": Retry(2)}[policy]
        block = TransformMany(function, name="many", **({} if on_error is None else {"on_error": on_error}))
        runner = block._core.runner
        assert isinstance(runner, ExpandingRunner)
        if batches:
            runner.size.items = 16  # as after some quick items
        else:
            runner.size = Single()
        source, target, got = IterableSource(range(count)), BoundedBuffer[int](capacity), list[int]()
        source.link_target(block)
        block.link_target(target)
        target.link_target(Call(got.append))
        network = Network(source)
        try:
            async with network:
                pass
        except ExceptionGroup as group:
            results.append([notes(error) for error in group.exceptions])
        else:
            results.append(got)
            results.append(network.balance()["many"])
    assert results[: len(results) // 2] == results[len(results) // 2 :]


async def test_a_network_that_stops_closes_the_generator_of_an_unfinished_batch() -> None:
    closed: list[int] = []

    def numbers(item: int) -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(item)

    block = TransformMany(numbers, name="many")
    block._core.runner.size.items = 16  # type: ignore[attr-defined]  # as after some quick items
    target = BoundedBuffer[int](150)
    block.link_target(target)
    async with Network(block, target) as network:
        for item in range(5):
            await block.send(item)
        await wait_all_tasks_blocked()
        assert closed == [0]
        network.cancel()
    assert closed == [0, 1]
    assert network.balance()["many"].difference == 0
