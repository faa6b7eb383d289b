"""The block that keeps what a predicate accepts and drops the rest."""

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio

from penstock.agents import PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    BoundedBuffer,
    Call,
    Cluster,
    DeadLetter,
    ErrorInfo,
    Filter,
    Network,
    Processes,
    Recording,
    Retry,
    TimeLimitExceeded,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import Fussy, contents, faults, is_even, linked, notes, run

Answer = Callable[[Any], Any]
DOUBTFUL = 3


async def is_even_later(item: int) -> bool:
    await trio.sleep(10 - item)  # the later ones are quicker
    return item % 2 == 0


def doubtful(item: int) -> bool:
    if item == DOUBTFUL:
        raise ValueError(f"is {item} even?")
    return item % 2 == 0


async def doubtful_later(item: int) -> bool:
    await trio.sleep(1)
    return doubtful(item)


def make(kind: str, predicate: Answer = is_even, later: Answer = is_even_later, **options: Any) -> Filter[int]:
    """A filter that calls its predicate on the loop, in tasks, or in an executor."""
    if kind == "loop":
        return Filter(predicate, name="even", **options)
    if kind == "tasks":
        return Filter(later, concurrency=3, name="even", **options)
    return Filter(predicate, executor=OnLoop(seconds=1.0, workers=3), concurrency=3, name="even", **options)


KINDS = ["loop", "tasks", "executor"]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_the_predicate_accepts_goes_on_in_order_and_the_rest_is_counted(kind: str) -> None:
    block = make(kind)
    collector = linked(block)
    network = await run(block, range(10))
    assert contents(collector) == [0, 2, 4, 6, 8]
    balance = network.balance()["even"]
    assert (balance.accepted, balance.delivered, balance.dropped) == (10, 5, {"filtered": 5})


@pytest.mark.parametrize("kind", ["tasks", "executor"])
async def test_without_order_messages_go_on_as_they_are_decided(kind: str) -> None:
    block = make(kind, ordered=False)
    collector = linked(block)
    await run(block, range(10))
    assert sorted(contents(collector)) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [True, False])
async def test_it_ends_when_all_or_nothing_is_kept(kind: str, kept: bool) -> None:
    async def later(item: int) -> bool:
        del item
        return kept

    block = make(kind, lambda _: kept, later)
    collector = linked(block)
    await run(block, range(5))
    assert contents(collector) == (list(range(5)) if kept else [])


@pytest.mark.parametrize("kind", KINDS)
async def test_the_message_itself_goes_on(kind: str) -> None:
    items: list[Any] = [[1], [2], None]

    async def later(item: object) -> bool:
        del item
        return True

    block: Any = make(kind, lambda _: True, later)
    collector = linked(block)
    await run(block, items)
    assert all(one is other for one, other in zip(contents(collector), items, strict=True))


@pytest.mark.parametrize("kind", KINDS)
async def test_any_true_value_keeps_and_any_false_value_drops(kind: str) -> None:
    answers: list[Any] = [1, 0, "yes", "", None, [0], []]

    async def later(item: int) -> Any:
        return answers[item]

    block = make(kind, answers.__getitem__, later)
    collector = linked(block)
    await run(block, range(len(answers)))
    assert contents(collector) == [0, 2, 5]


# Errors


@pytest.mark.parametrize("kind", KINDS)
async def test_a_predicate_that_raises_is_a_fault_with_the_item_in_a_note(kind: str) -> None:
    block = make(kind, doubtful, doubtful_later)
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(6))
    assert notes(found[0]) == ["in even, item 4: 3"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_predicate_that_raises_can_skip_the_message(kind: str) -> None:
    block = make(kind, doubtful, doubtful_later, on_error="skip")
    collector = linked(block)
    network = await run(block, range(6))
    assert contents(collector) == [0, 2, 4]
    assert network.balance()["even"].dropped == {"filtered": 2, "skipped": 1}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_predicate_that_raises_can_make_a_dead_letter(kind: str) -> None:
    letters: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = make(kind, doubtful, doubtful_later, on_error=DeadLetter(letters))
    collector = linked(block)
    await run(block, range(6))
    assert contents(collector) == [0, 2, 4]
    assert [letter.item for letter in contents(letters)] == [DOUBTFUL]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_predicate_that_raises_once_can_be_asked_again(kind: str) -> None:
    fussy = Fussy(2, times=1)
    block = make(kind, fussy, fussy.as_async, on_error=Retry(1))
    collector = linked(block)
    await run(block, range(4))
    assert contents(collector) == [1, 2, 3]  # 10 times the item is its answer


class Undecided:
    """What numpy's arrays are like: neither true nor false."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_is_neither_true_nor_false_is_the_failure_of_its_message(kind: str) -> None:
    answers: list[Any] = [1, Undecided(), 1, 0]

    async def later(item: int) -> Any:
        return answers[item]

    block = make(kind, answers.__getitem__, later, on_error="skip")
    collector = linked(block)
    network = await run(block, range(4))
    assert contents(collector) == [0, 2]
    assert network.balance()["even"].dropped == {"filtered": 1, "skipped": 1}


@pytest.mark.parametrize("kind", ["loop", "executor"])
async def test_a_coroutine_is_no_answer(kind: str) -> None:
    block = make(kind, lambda item: is_even_later(item) if item > 1 else True)
    linked(block)
    with faults(TypeError) as found:
        await run(block, range(4))
    assert "returned a coroutine; pass the `async def` function itself" in str(found[0])


async def test_a_call_that_takes_too_long_fails_by_the_policy() -> None:
    block = make("tasks", time_limit=8.5, on_error="skip")
    collector = linked(block)
    await run(block, range(5))  # they take 10 s, 9 s, 8 s …
    assert contents(collector) == [2, 4]
    block = make("tasks", time_limit=8.5)
    linked(block)
    with faults(TimeLimitExceeded):
        await run(block, [0])


def several(item: int) -> Any:
    yield item


async def several_later(item: int) -> Any:
    yield item


@pytest.mark.parametrize("function", [several, several_later])
def test_a_generator_function_is_no_predicate(function: Any) -> None:
    with pytest.raises(TypeError, match=r"filter 'even': a predicate returns True or False; a generator function"):
        Filter(function, name="even")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 2}, "concurrency=2 needs an executor or an async function"),
        ({"capacity": 0}, "capacity"),
        ({"on_error": "ignore"}, "on_error must be 'fail'"),
        ({"time_limit": 0}, "time_limit"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Filter(is_even, name="even", **options)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="filter 'even': the function must be callable"):
        Filter(3, name="even")  # type: ignore[arg-type]  # that is the point


class Far(Cluster):
    """A cluster without a client."""

    def __init__(self) -> None:
        pass


def test_a_cluster_that_keeps_the_answers_is_refused() -> None:
    with pytest.raises(TypeError, match="a Cluster does not run the function of a TransformMany or a Filter"):
        Filter(is_even, executor=Far(), name="even")


# In a network


async def test_a_message_that_is_dropped_gives_its_slot_back() -> None:
    for kind in KINDS:
        governor = PipelineGovernor(1)
        block, shown = make(kind), UnboundedBuffer[int]()
        end: Call[int] = Call(shown.send_nowait)
        block.link_target(end)
        governor.govern(first=block, last=end)
        await run(block, range(10), shown)
        assert contents(shown) == [0, 2, 4, 6, 8]
        assert governor.in_flight == 0


async def test_senders_wait_while_nobody_takes_what_is_kept() -> None:
    block: Filter[int] = Filter(lambda _: True, capacity=2)
    full: BoundedBuffer[int] = BoundedBuffer(1)
    block.link_target(full)
    async with Network(block):
        sent = 0
        with trio.move_on_after(1):
            while True:
                await block.send(sent)
                sent += 1
        assert sent == 4  # 1 in the buffer, 1 that was kept and waits, 2 in the filter
        block.complete()
        assert [item async for item in full] == [0, 1, 2, 3]


@attrs.frozen
class Numbered:
    """An item with its place in the sequence."""

    number: int


async def test_a_multiplexer_behind_it_is_told_what_was_dropped() -> None:
    async def later(item: Numbered) -> bool:
        await trio.sleep(1)
        return is_even(item.number)

    for kind in KINDS:
        block: Any = make(kind, lambda item: is_even(item.number), later)
        multiplexer: SequenceMultiplexer[Numbered] = SequenceMultiplexer(block, key=lambda item: item.number, start=0)
        collector = linked(multiplexer)
        await run(block, map(Numbered, range(6)))
        assert [item.number for item in contents(collector)] == [0, 2, 4]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recording_shows_that_the_item_behind_it_is_the_same(kind: str) -> None:
    recording = Recording()
    block = make(kind)
    last: Call[int] = Call(id, name="last")
    block.link_target(last)
    await run(block, range(4), recording=recording)
    numbers: dict[str, list[int]] = {"even": [], "last": [], "body": []}
    for span in recording.spans:
        if span.item:
            numbers[span.stage].append(span.item)
    assert sorted(numbers["even"]) == [1, 2, 3, 4]
    assert numbers["last"] == [1, 3]


def longer_than_two(item: str) -> bool:
    return len(item) > 2


@pytest.mark.usefixtures("real_time")
async def test_it_filters_in_processes() -> None:
    block: Filter[str] = Filter(longer_than_two, executor=Processes(1))
    collector = linked(block)
    network = await run(block, ["a", "abc", "ab", "abcd"])
    assert contents(collector) == ["abc", "abcd"]
    assert network.balance()[block.name].dropped == {"filtered": 2}


async def test_its_name_is_that_of_the_predicate() -> None:
    assert Filter(partial(is_even)).name == "is_even"
    assert Filter(is_even_later).name == "is_even_later"
    assert str(Filter(is_even)) == "filter 'is_even'"
