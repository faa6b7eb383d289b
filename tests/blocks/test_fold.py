"""The block that makes one result of all messages."""

import operator
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Broadcast,
    Call,
    Fold,
    IterableSource,
    Join,
    Network,
    Recording,
    Retry,
    Take,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults, linked, notes, run

KINDS = ["plain", "async"]
Function = Callable[[Any, Any], Any]


def later(function: Function) -> Function:
    """The same as an `async def` function."""

    async def function_later(state: Any, item: Any) -> Any:
        await trio.sleep(1)
        return function(state, item)

    return function_later


def make(kind: str, function: Function, start: Any, **options: Any) -> Fold[Any, Any]:
    return Fold(function if kind == "plain" else later(function), start, name="fold", **options)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_gives_one_result_after_the_last_message(kind: str) -> None:
    fold = make(kind, operator.add, 100)
    collector = linked(fold)
    async with Network(fold) as network:
        for item in range(5):
            await fold.send(item)
        await trio.sleep(10)
        assert not len(collector)
    assert contents(collector) == [110]
    balance = network.balance()["fold"]
    assert (balance.accepted, balance.consumed, balance.produced, balance.delivered) == (5, 5, 1, 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_running_it_gives_the_state_after_each_message(kind: str) -> None:
    fold = make(kind, operator.mul, 1, running=True)
    collector = linked(fold)
    network = await run(fold, range(1, 7))
    assert contents(collector) == [1, 2, 6, 24, 120, 720]
    assert network.balance()["fold"].produced == 6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("running", [False, True])
async def test_without_messages_the_result_is_the_start(kind: str, running: bool) -> None:
    fold = make(kind, operator.add, 7, running=running)
    collector = linked(fold)
    await run(fold)
    assert contents(collector) == ([] if running else [7])


@pytest.mark.parametrize("kind", KINDS)
async def test_messages_are_added_in_their_order(kind: str) -> None:
    fold = make(kind, lambda state, item: (*state, item), ())
    collector = linked(fold)
    await run(fold, range(3000 if kind == "plain" else 30))
    (result,) = contents(collector)
    assert result == tuple(range(len(result)))
    assert len(result) == (3000 if kind == "plain" else 30)


def count(counts: "Counter[str]", word: str) -> "Counter[str]":
    counts[word] += 1
    return counts


async def test_a_start_that_the_function_changes_is_not_shared_between_runs() -> None:
    start: Counter[str] = Counter(a=1)
    for _ in range(2):
        fold = Fold(count, start)
        collector = linked(fold)
        await run(fold, "abb")
        assert contents(collector) == [{"a": 2, "b": 2}]
    assert start == {"a": 1}


def test_a_start_that_cannot_be_copied_is_refused() -> None:
    with pytest.raises(TypeError, match=r"fold 'sum': start must be possible to copy, .* Begin with None"):
        Fold(lambda state, _: state, threading.Lock(), name="sum")


# Failures


def add_few(total: int, item: int) -> int:
    if item == 3:
        raise ValueError("not three")
    return total + item


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_fault_there_is_no_result(kind: str) -> None:
    fold = make(kind, add_few, 0)
    collector = linked(fold)
    with faults(ValueError) as found:
        await run(fold, range(6))
    assert notes(found[0]) == ["in fold, item 4: 3"]
    with pytest.raises(trio.BrokenResourceError):
        collector.receive_nowait()


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_cancellation_there_is_no_result(kind: str) -> None:
    fold = make(kind, operator.add, 0)
    results: list[int] = []
    async with Network(fold) as network:
        fold.link_target(Call(results.append))
        await fold.send(1)
        await trio.sleep(5)
        network.cancel()
    assert results == []
    assert network.balance()["fold"].produced == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_an_item_that_is_skipped_does_not_change_the_state(kind: str) -> None:
    fold = make(kind, add_few, 0, on_error="skip")
    collector = linked(fold)
    network = await run(fold, range(6))
    assert contents(collector) == [0 + 1 + 2 + 4 + 5]
    assert network.balance()["fold"].dropped == {"skipped": 1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("running", [False, True])
async def test_an_item_that_is_tried_again_is_added_once_and_in_its_place(kind: str, running: bool) -> None:
    left = [1, 1]

    def join(text: str, item: int) -> str:
        if item == 2 and left:
            left.pop()
            raise ValueError("not yet")
        return f"{text}{item}"

    fold = make(kind, join, "", on_error=Retry(2, backoff=3), running=running)
    collector = linked(fold)
    await run(fold, range(5))
    assert contents(collector) == (["0", "01", "012", "0123", "01234"] if running else ["01234"])


async def coroutine() -> int:
    return 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_coroutine_is_no_state(kind: str) -> None:
    fold = make(kind, lambda state, item: coroutine(), 0)
    linked(fold)
    with faults(TypeError) as found:
        await run(fold, [1])
    assert "fold 'fold': the function returned a coroutine" in str(found[0])


def generate(state: int, item: int) -> Iterator[int]:
    yield state + item


def test_a_generator_function_makes_no_state() -> None:
    with pytest.raises(TypeError, match="fold 'generate': the function is a generator function"):
        Fold(generate, 0)  # type: ignore[arg-type]  # that is the point


def test_a_function_that_does_not_take_a_state_and_an_item_is_refused() -> None:
    with pytest.raises(TypeError, match=r"fold 'sum': the function is called with the state and an item"):
        Fold(lambda item: item, 0, name="sum")  # type: ignore  # that is the point
    with pytest.raises(TypeError, match="fold 'sum': the function must be callable, got 0"):
        Fold(0, 0, name="sum")  # type: ignore  # that is the point


async def test_a_function_of_which_python_does_not_know_what_it_takes_is_taken() -> None:
    fold: Fold[int, int] = Fold(max, 0)
    collector = linked(fold)
    await run(fold, [3, 7, 5])
    assert contents(collector) == [7]


# In a network


@pytest.mark.parametrize("kind", KINDS)
async def test_a_result_that_a_take_does_not_need_is_not_given(kind: str) -> None:
    numbers = IterableSource(range(1000))
    fold = make(kind, operator.add, 0, running=True)
    take = Take[int](3)
    numbers.link_target(fold)
    fold.link_target(take)
    collector = linked(take)
    await run_all(numbers)
    assert contents(collector) == [0, 1, 3]


async def run_all(first: Any) -> None:
    async with Network(first):
        pass


@pytest.mark.parametrize("kind", KINDS)
async def test_its_messages_give_their_slots_back(kind: str) -> None:
    governor = PipelineGovernor(1)
    fold, results = make(kind, operator.add, 0), UnboundedBuffer[int]()
    fold.link_target(results)
    governor.govern(first=fold, last=results)
    await run(fold, range(10))
    assert contents(results) == [45]
    assert governor.in_flight == 0


async def test_running_it_keeps_the_order_for_a_join() -> None:
    copies: Broadcast[int] = Broadcast()
    fold = make("plain", operator.add, 0, running=True, on_error="skip")
    beside: UnboundedBuffer[int] = UnboundedBuffer()
    copies.link_target(fold)
    copies.link_target(beside)
    collector = linked(Join(fold, beside))
    items: list[Any] = [1, 2, "three", 4]
    await run(copies, items)
    assert contents(collector) == [(1, 1), (3, 2), (7, 4)]


async def test_without_running_a_join_by_position_is_refused() -> None:
    copies: Broadcast[int] = Broadcast()
    fold, beside = make("plain", operator.add, 0), UnboundedBuffer[int]()
    copies.link_target(fold)
    copies.link_target(beside)
    linked(Join(fold, beside))
    with pytest.raises(ValueError, match="fold 'fold'"):
        await run(copies)


async def test_a_recording_shows_its_calls_and_the_last_one_that_gives_the_result() -> None:
    recording = Recording()
    fold = make("plain", operator.add, 0)
    linked(fold)
    await run(fold, [1, 2], recording=recording)
    assert sorted(span.item for span in recording.spans if span.stage == "fold" and span.item) == [1, 2, 3]


def test_its_name_is_that_of_the_function() -> None:
    assert Fold(add_few, 0).name == "add_few"
    assert str(Fold(add_few, 0)) == "fold 'add_few'"
