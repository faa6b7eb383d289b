"""What becomes of an item for which the function raises: every policy, in every order and concurrency."""

import re
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    BoundedBuffer,
    Budget,
    Call,
    DeadLetter,
    ErrorInfo,
    Fail,
    Network,
    Retry,
    Skip,
    Stalled,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.functions.policies import Action, Failures
from tests.blocks.tools import Fussy, contents, faults, linked, never, notes, run
from tests.blocks.ways import every_way, make

# Deciding, without a loop


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Budget: give at_most, rate, or both"),
        ({"at_most": -1}, "Budget: at_most must be an int >= 0, got -1"),
        ({"at_most": True}, "Budget: at_most must be an int >= 0, got True"),
        ({"at_most": 0.5}, "Budget: at_most must be an int >= 0, got 0.5"),
        ({"rate": 1.1}, "Budget: rate must be between 0 and 1, got 1.1"),
        ({"rate": -0.1}, "Budget: rate must be a number >= 0, got -0.1"),
        ({"rate": 0.1, "minimum": 0}, "Budget: minimum must be an int >= 1, got 0"),
    ],
)
def test_a_budget_says_what_is_wrong_with_its_numbers(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Budget(**arguments)


@pytest.mark.parametrize(
    ("budget", "failed", "seen", "allowed"),
    [
        (Budget(at_most=2), 2, 2, True),
        (Budget(at_most=2), 3, 1_000, False),
        (Budget(at_most=0), 1, 1, False),
        (Budget(rate=0.1), 1, 1, True),
        (Budget(rate=0.1), 19, 19, True),
        (Budget(rate=0.1), 2, 20, True),
        (Budget(rate=0.1), 3, 20, False),
        (Budget(rate=0.5, minimum=2), 2, 2, False),
        (Budget(at_most=1, rate=1.0), 2, 2, False),
        (Budget(at_most=9, rate=0.1, minimum=1), 2, 4, False),
    ],
)
def test_a_budget_bounds_the_number_and_the_rate(budget: Budget, failed: int, seen: int, allowed: bool) -> None:
    assert budget.allows(failed, seen) is allowed


def test_a_retry_that_ends_in_a_retry_is_an_error() -> None:
    with pytest.raises(ValueError, match="call 'c': a Retry ends in fail, skip, DeadLetter or Fallback"):
        Call(print, on_error=Retry(1, then=Retry(2)), name="c")  # type: ignore[arg-type]  # that is the point


def test_what_a_retry_ends_in_is_checked() -> None:
    with pytest.raises(
        ValueError, match="call 'c': on_error must be 'fail', 'skip', Fail, Skip, DeadLetter, Fallback or Retry"
    ):
        Call(print, on_error=Retry(1, then="ignore"), name="c")  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Fail(), [Action.FAIL]),
        (Skip(), [Action.SKIP, Action.SKIP]),
        (Skip(Budget(at_most=1)), [Action.SKIP, Action.FAIL]),
        (Retry(2, then="skip"), [Action.SKIP, Action.SKIP]),
        (Retry(1), [Action.FAIL]),
    ],
    ids=repr,
)
def test_each_item_that_is_not_tried_again_is_decided_on(policy: Any, expected: list[Action]) -> None:
    failures = Failures("block", policy)
    assert [failures.decide(seen=number + 1) for number in range(len(expected))] == expected
    assert failures.is_strict is (policy == Fail())


def test_nothing_is_tried_again_without_a_retry() -> None:
    assert Failures("block", Skip()).try_again(ValueError(), None, now=0.0) is None


# In a network: every policy × order × concurrency


@every_way
@pytest.mark.parametrize("on_error", ["fail", Fail()], ids=["word", "class"])
async def test_fail_stops_the_network(way: str, on_error: Any) -> None:
    block = make(way, Fussy(2), on_error=on_error)
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(5))
    assert notes(found[0]) == ["in t, item 3: 2"]


@every_way
@pytest.mark.parametrize("on_error", ["skip", Skip()], ids=["word", "class"])
async def test_skip_drops_the_item_and_leaves_no_gap(way: str, on_error: Any) -> None:
    block = make(way, Fussy(0, 2, 3), on_error=on_error)
    collector = linked(block)
    network = await run(block, range(6))
    got = contents(collector)
    assert sorted(got) == [10, 40, 50]
    assert "unordered" in way or got == sorted(got)
    assert network.balance()["t"].dropped == {"skipped": 3}


@every_way
async def test_skip_beyond_its_budget_is_a_fault_that_says_so(way: str) -> None:
    block = make(way, Fussy(1, 3), on_error=Skip(Budget(at_most=1)))
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(5))
    budget, place = notes(found[0])
    assert re.fullmatch("the error budget of transformer 't' is exceeded: 2 of [2-5] items failed", budget)
    assert place in ("in t, item 4: 3", "in t, item 2: 1")


@every_way
async def test_skip_within_a_rate_goes_on(way: str) -> None:
    block = make(way, Fussy(*range(0, 100, 10)), on_error=Skip(Budget(rate=0.2)))
    collector = linked(block)
    await run(block, range(100))
    assert len(collector) == 90


@pytest.mark.parametrize("way", ["inline", "one task"])
async def test_skip_beyond_a_rate_is_a_fault(way: str) -> None:
    block = make(way, Fussy(*range(0, 100, 3)), on_error=Skip(Budget(rate=0.2)))
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(100))
    assert notes(found[0])[0].endswith("is exceeded: 8 of 22 items failed")


async def test_a_rate_is_a_share_of_all_items_also_for_one_that_fails_late() -> None:
    async def work(item: int) -> int:
        if item == 20:
            await trio.sleep(1)
        if item % 10 == 0:
            raise ValueError(item)
        return item

    block = Transformer(work, concurrency=2, ordered=False, on_error=Skip(Budget(rate=0.2)))
    collector = linked(block)
    await run(block, range(100))
    assert len(collector) == 90


@every_way
async def test_dead_letter_sends_the_error_to_a_target(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer(name="dead")
    block = make(way, Fussy(1, 3), on_error=DeadLetter(dead))
    collector = linked(block)
    network = await run(block, range(5))
    assert sorted(contents(collector)) == [0, 20, 40]
    letters = sorted(contents(dead), key=lambda letter: str(letter.item))
    assert [(letter.phase, letter.item, letter.number) for letter in letters] == [("t", 1, 2), ("t", 3, 4)]
    assert [str(letter.exception) for letter in letters] == ["bad 1", "bad 3"]
    assert "ValueError: bad 1" in letters[0].traceback
    assert network.balance()["t"].dead_lettered == 2
    assert dead.is_finished


@every_way
async def test_dead_letters_beyond_their_budget_are_faults(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = make(way, Fussy(1, 3), on_error=DeadLetter(dead, Budget(at_most=1)))
    linked(block)
    with faults(ValueError):
        await run(block, range(5))


@every_way
async def test_while_the_target_of_dead_letters_is_full_the_block_waits(way: str) -> None:
    dead: BoundedBuffer[ErrorInfo] = BoundedBuffer(1)
    function = Fussy(*range(20))
    block = make(way, function, on_error=DeadLetter(dead))
    linked(block)
    async with Network(block):
        for n in range(20):
            await block.send(n)
        await wait_all_tasks_blocked()
        assert len(function.calls) <= (12 if "executor" in way else 4)  # items that travelled together
        assert "holds items" in str(block.network and block.network.report())
        got = [await dead.receive() for _ in range(20)]
    assert sorted(str(letter.item) for letter in got) == sorted(map(str, range(20)))


@every_way
async def test_dead_letters_that_nobody_takes_are_reported(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer(name="dead", filter=never)
    block = make(way, Fussy(1), on_error=DeadLetter(dead))
    linked(block)
    with faults(Stalled) as found:
        await run(block, [1])
    assert "a filter on the way to unbounded buffer 'dead' declines the head" in found[0].report


async def test_the_policies_hold_for_calls_and_many_outputs_too() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    call: Call[int] = Call(Fussy(1), on_error=DeadLetter(dead))
    await run(call, range(3))
    assert len(dead) == 1

    function = Fussy(1, times=1)
    many = TransformMany[int, int](lambda item: [function(item)] * 2, on_error=Retry(1, backoff=1))
    collector = linked(many)
    await run(many, range(3))
    assert contents(collector) == [0, 0, 10, 10, 20, 20]


async def test_two_blocks_can_share_a_target_for_dead_letters() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    calls: list[Call[int]] = [Call(Fussy(1), on_error=DeadLetter(dead), name=f"call {n}") for n in range(2)]
    async with Network(*calls):
        for call in calls:
            await call.send(1)
    assert sorted(letter.phase for letter in contents(dead)) == ["call 0", "call 1"]
    assert dead.is_finished
