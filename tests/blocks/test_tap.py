"""The block that calls a function with each message and hands on the message."""

from collections.abc import Callable
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Broadcast,
    Call,
    DeadLetter,
    ErrorInfo,
    Join,
    Processes,
    Recording,
    Retry,
    Tap,
    TimeLimitExceeded,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import Fussy, contents, faults, linked, notes, run

BAD = 3
KINDS = ["loop", "tasks", "executor"]


class Seen:
    """A function that keeps the items; it raises for one, if it is told to."""

    def __init__(self, bad: int | None = None) -> None:
        self.items: list[Any] = []
        self.bad = bad

    def __call__(self, item: Any) -> str:
        self.items.append(item)
        if self.bad is not None and item == self.bad:
            raise ValueError(f"bad {item}")
        return "not used"

    @property
    def later(self) -> Callable[[Any], Any]:
        """The same as an `async def` function, quicker for later items."""

        async def look(item: Any) -> Any:
            await trio.sleep(10 - item if isinstance(item, int) else 1)
            return self(item)

        return look


def make(kind: str, look: Any = None, later: Any = None, **options: Any) -> Tap[Any]:
    """A tap that calls its function on the loop, in tasks, or in an executor."""
    look = look or Seen()
    later = later or look.later
    if kind == "loop":
        return Tap(look, name="look", **options)
    if kind == "tasks":
        return Tap(later, concurrency=3, name="look", **options)
    return Tap(look, executor=OnLoop(seconds=1.0, workers=3), concurrency=3, name="look", **options)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_sees_every_message_and_the_message_itself_goes_on_in_order(kind: str) -> None:
    items: list[Any] = [[1], [2], None, "four"]
    seen = Seen()
    block = make(kind, seen)
    collector = linked(block)
    network = await run(block, items)
    passed = contents(collector)
    assert all(one is other for one, other in zip(passed, items, strict=True))
    assert all(item in seen.items for item in items)
    balance = network.balance()["look"]
    assert (balance.accepted, balance.delivered, balance.consumed) == (4, 4, 0)


@pytest.mark.parametrize("kind", ["tasks", "executor"])
async def test_without_order_messages_go_on_as_their_calls_return(kind: str) -> None:
    block = make(kind, ordered=False)
    collector = linked(block)
    await run(block, range(6))
    passed = contents(collector)
    assert sorted(passed) == list(range(6))
    assert kind == "executor" or passed[0] == 2  # of the first three, it is the quickest


def parity(item: int) -> int:
    return item % 2


@pytest.mark.parametrize("kind", ["tasks", "executor"])
@pytest.mark.parametrize("ordered", [None, True])
async def test_with_a_key_messages_with_the_same_key_keep_their_order(kind: str, ordered: bool | None) -> None:
    seen = Seen()
    block = make(kind, seen, key=parity, ordered=ordered)
    assert block.concurrency == 3
    collector = linked(block)
    await run(block, range(8))
    passed = contents(collector)
    for rest in (0, 1):
        assert [item for item in passed if item % 2 == rest] == list(range(rest, 8, 2))
        assert [item for item in seen.items if item % 2 == rest] == list(range(rest, 8, 2))
    assert not ordered or passed == list(range(8))


async def test_many_messages_go_on_together() -> None:
    seen = Seen()
    block = make("loop", seen)
    collector = linked(block)
    await run(block, range(5000))
    assert contents(collector) == seen.items == list(range(5000))


# Errors


@pytest.mark.parametrize("kind", KINDS)
async def test_a_function_that_raises_is_a_fault_with_the_item_in_a_note(kind: str) -> None:
    block = make(kind, Seen(BAD))
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(6))
    assert notes(found[0]) == ["in look, item 4: 3"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_whose_call_raises_can_be_skipped(kind: str) -> None:
    block = make(kind, Seen(BAD), on_error="skip")
    collector = linked(block)
    network = await run(block, range(6))
    assert contents(collector) == [0, 1, 2, 4, 5]
    assert network.balance()["look"].dropped == {"skipped": 1}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_whose_call_raises_can_become_a_dead_letter(kind: str) -> None:
    letters: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = make(kind, Seen(BAD), on_error=DeadLetter(letters))
    collector = linked(block)
    await run(block, range(5))
    assert contents(collector) == [0, 1, 2, 4]
    assert [letter.item for letter in contents(letters)] == [BAD]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_raises_once_can_be_made_again(kind: str) -> None:
    fussy = Fussy(2, times=1)
    block = make(kind, fussy, fussy.as_async, on_error=Retry(1))
    collector = linked(block)
    await run(block, range(4))
    assert contents(collector) == [0, 1, 2, 3]
    assert sorted(fussy.calls) == [0, 1, 2, 2, 3]


async def never_called(item: Any) -> None:
    raise AssertionError(item)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_returns_a_coroutine_has_not_run_and_is_a_fault(kind: str) -> None:
    def look(item: Any) -> Any:
        return never_called(item)

    async def later(item: Any) -> Any:
        return never_called(item)

    block = make(kind, look, later)
    linked(block)
    with faults(TypeError) as found:
        await run(block, [1])
    assert "returned a coroutine" in str(found[0])


async def test_a_call_that_takes_too_long_fails_by_the_policy() -> None:
    block = make("tasks", time_limit=8.5, on_error="skip")
    collector = linked(block)
    await run(block, range(5))  # they take 10 s, 9 s, 8 s …
    assert contents(collector) == [2, 3, 4]
    block = make("tasks", time_limit=8.5)
    linked(block)
    with faults(TimeLimitExceeded):
        await run(block, [0])


def several(item: int) -> Any:
    yield item


def test_a_generator_function_is_refused_because_calling_it_runs_nothing() -> None:
    with pytest.raises(TypeError, match="tap 'several': the function is a generator function"):
        Tap(several)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="tap 'look': the function must be callable, got 3"):
        Tap(3, name="look")  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 2}, "concurrency=2 needs an executor or an async function"),
        ({"capacity": 0}, "capacity"),
        ({"on_error": "ignore"}, "on_error must be 'fail'"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"tap 'look': .*{message}"):
        Tap(Seen(), name="look", **options)


# In a network


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_keeps_its_slot_until_it_has_passed(kind: str) -> None:
    governor = PipelineGovernor(1)
    shown: list[int] = []
    block, end = make(kind), Call[int](shown.append)
    block.link_target(end)
    governor.govern(first=block, last=end)
    await run(block, range(5))
    assert shown == [0, 1, 2, 3, 4]
    assert governor.in_flight == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_join_knows_that_it_keeps_the_order_and_what_was_skipped(kind: str) -> None:
    copies: Broadcast[int] = Broadcast()
    block = make(kind, Seen(BAD), on_error="skip")
    beside: UnboundedBuffer[int] = UnboundedBuffer()
    copies.link_target(block)
    copies.link_target(beside)
    collector = linked(Join(block, beside))
    await run(copies, range(6))
    assert contents(collector) == [(n, n) for n in (0, 1, 2, 4, 5)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recording_shows_that_the_item_behind_it_is_the_same(kind: str) -> None:
    recording = Recording()
    block = make(kind)
    last: Call[int] = Call(id, name="last")
    block.link_target(last)
    await run(block, range(4), recording=recording)
    numbers = {stage: [span.item for span in recording.spans if span.stage == stage] for stage in ("look", "last")}
    assert sorted(filter(None, numbers["look"])) == [1, 2, 3, 4]
    assert [*filter(None, numbers["last"])] == [1, 2, 3, 4]


def negate(item: int) -> int:
    return -item


@pytest.mark.usefixtures("real_time")
async def test_it_looks_in_processes() -> None:
    block: Tap[int] = Tap(negate, executor=Processes(1))
    collector = linked(block)
    await run(block, range(5))
    assert contents(collector) == [0, 1, 2, 3, 4]


def test_its_name_is_that_of_the_function() -> None:
    assert Tap(negate).name == "negate"
    assert str(Tap(print)) == "tap 'print'"
