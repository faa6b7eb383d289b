"""Generated tasks that wait for each other in all ways: a program never hangs, and without a circle no wait fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import attrs
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from penstock.agents import Handle, Scope, gather, race
from penstock.agents.scopes.waits import awaited, calling, elsewhere, holders
from penstock.blocks import Stalled
from penstock.blocks.core.waiting import parked

ALWAYS = ["in turn", "gather", "child", "nursery"]
"""The ways to wait that need all of the awaited tasks."""
PAUSES = st.sampled_from([0.0, 0.3, 0.7, 1.5])


@attrs.frozen
class Waiting:
    """A task, and how it waits for others."""

    way: str
    others: tuple[int, ...]
    before: float
    after: float


def waitings(count: int) -> st.SearchStrategy[list[Waiting]]:
    others = st.lists(st.integers(0, count - 1), max_size=2).map(tuple)
    one = st.builds(Waiting, st.sampled_from([*ALWAYS, "race", "time limit"]), others, PAUSES, PAUSES)
    return st.lists(one, min_size=count, max_size=count)


def leads_to_itself(tasks: list[Waiting], start: int) -> bool:
    seen: set[int] = set()
    open_ones = [*tasks[start].others]
    while open_ones:
        each = open_ones.pop()
        if each not in seen:
            seen.add(each)
            open_ones += tasks[each].others
    return start in seen


def leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    return [each for one in group.exceptions for each in leaves(one)]


async def run(tasks: list[Waiting], limit: int | None) -> list[BaseException]:
    """Run the tasks; return all exceptions."""
    handles: list[Handle[None]] = []

    async def wait_for(place: int) -> None:
        await handles[place]

    async def task(scope: Scope, waiting: Waiting) -> None:
        await trio.sleep(waiting.before)
        waits: list[Callable[[], Awaitable[None]]] = [partial(wait_for, other) for other in waiting.others]
        await WAYS[waiting.way](scope, waits, waiting.after)
        await trio.sleep(waiting.after)

    errors: list[BaseException] = []
    async with Scope(limit) as scope:
        handles += [scope.spawn(task, scope, waiting, hold=True) for waiting in tasks]
        for handle in handles:
            try:
                await handle
            except Exception as error:
                errors += leaves(error)
    return errors


Waits = list[Callable[[], Awaitable[None]]]


async def in_turn(_: Scope, waits: Waits, __: float) -> None:
    for wait in waits:
        await wait()


async def at_once(_: Scope, waits: Waits, __: float) -> None:
    await gather([wait() for wait in waits])


async def in_a_child(scope: Scope, waits: Waits, _: float) -> None:
    async with scope.child() as child:
        for wait in waits:
            child.spawn(wait)


async def in_a_nursery(_: Scope, waits: Waits, seconds: float) -> None:
    async with trio.open_nursery() as nursery:
        for wait in waits:
            nursery.start_soon(wait)
        await trio.sleep(seconds)


async def in_a_race(_: Scope, waits: Waits, __: float) -> None:
    if waits:
        await race(*waits)


async def for_a_while(scope: Scope, waits: Waits, seconds: float) -> None:
    with trio.move_on_after(5):
        await in_turn(scope, waits, seconds)


WAYS: dict[str, Any] = {
    "in turn": in_turn,
    "gather": at_once,
    "child": in_a_child,
    "nursery": in_a_nursery,
    "race": in_a_race,
    "time limit": for_a_while,
}


@given(tasks=st.integers(1, 6).flatmap(waitings), limit=st.sampled_from([None, 1, 2]))
def test_generated_waits_end_and_fail_only_in_a_circle(tasks: list[Waiting], limit: int | None) -> None:
    async def main() -> list[BaseException]:
        with trio.fail_after(1_000):
            return await run(tasks, limit)

    errors = trio.run(main, clock=MockClock(autojump_threshold=0))
    assert {type(error) for error in errors} <= {Stalled}
    circles = [place for place in range(len(tasks)) if leads_to_itself(tasks, place)]
    assert circles or not errors
    if circles and all(waiting.way in ALWAYS for waiting in tasks):
        assert errors
    assert (awaited, holders, elsewhere, calling) == ({}, {}, {}, {})
    assert not parked
