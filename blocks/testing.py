"""A test kit for pipelines, and checks of the contract of sources and targets for your own blocks.

.. code-block:: python

    async def test_a_page_that_is_busy_is_asked_for_again() -> None:
        pipeline = make_pipeline()
        with inject(pipeline, {"fetch": Fault(ConnectionError("busy"), on=1)}):
            async with pipeline: ...

    async def test_my_buffer_keeps_the_contract() -> None:
        await check_propagator(lambda: PriorityBuffer(neg, capacity=3), items=[3, 1, 2], ordered=False, capacity=3)

Each `check_…` function takes a factory, because every check needs a fresh block. It works with any test runner for
trio. It runs all its checks and then raises one `AssertionError` that lists the broken promises. It uses only the
public protocol.

The checks order tasks with `trio.testing.wait_all_tasks_blocked`, so no other tasks may run at the same time. To check
a block that waits for time (a timer) quickly, use a `trio.testing.MockClock` with `autojump_threshold=0`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import trio
from trio.testing import wait_all_tasks_blocked

from .base.message_status import MessageStatus
from .contract.conformance import Case, Check, Delivery, WhenFull, contents, fill, run_checks, same
from .contract.source_checks import source_checks
from .contract.target_checks import target_checks
from .core.source import Source
from .core.target import Target
from .network import Network
from .testkit.collector import Collector
from .testkit.inject import Delay, Fault, InjectedCalls, Injection, inject
from .testkit.probe_sink import ProbeSink
from .testkit.probe_source import ProbeSource
from .unbounded_buffer import UnboundedBuffer

__all__ = [
    "Collector",
    "Delay",
    "Fault",
    "InjectedCalls",
    "Injection",
    "ProbeSink",
    "ProbeSource",
    "check_propagator",
    "check_source",
    "check_target",
    "inject",
]

T = TypeVar("T")
In = TypeVar("In")

SOME_ITEMS: tuple[Any, ...] = (1, None, "three", None)
"""The default messages; `None` is a payload like any other."""


async def check_target(
    make: Callable[[], Target[In]],
    items: Sequence[In] = SOME_ITEMS,
    *,
    capacity: int | None = None,
    when_full: WhenFull = "wait",
    max_messages: int | None = None,
    seconds: float = 10.0,
) -> None:
    """Check all promises of a target to senders, links and callers of `offer`.

    Args:
        make: Makes a fresh target that nothing is linked to. If it is a source too, its outputs are discarded.
        items: Messages that it accepts, at least one; use many kinds of messages, including `None`.
        capacity: The number of messages that it holds while it is in no network; None if it takes any number.
        when_full: What happens to a message beyond `capacity`: the sender waits, it is declined, or one is dropped.
        max_messages: The target completes by itself after this number of messages; None if it does not.
        seconds: A check fails if it takes more seconds than this, by trio's clock.

    Raises:
        AssertionError: Promises are broken; the message lists them all.
    """
    case = Case(make, tuple(items), (), capacity=capacity, when_full=when_full, max_messages=max_messages)
    await run_checks(case, target_checks(case), seconds)


async def check_source(
    make: Callable[[], Source[T]],
    expected: Sequence[T],
    *,
    ordered: bool = True,
    delivery: Delivery = "first",
    seconds: float = 10.0,
) -> None:
    """Check all promises of a source to its receivers and links.

    Args:
        make: Makes a fresh source that is not linked to any target and that, in a network, gives the expected
            messages by itself and finishes.
        expected: All messages that come out of it, at least one.
        ordered: Whether they come in this order.
        delivery: What gets a message: "first", the first taker; "turns", the linked target whose turn it is; "every",
            all linked targets; "latest", all targets and all readers of a block that keeps its latest value.
        seconds: A check fails if it takes more seconds than this, by trio's clock.

    Raises:
        AssertionError: Promises are broken; the message lists them all.
    """
    case = Case(make, (), tuple(expected), ordered=ordered, delivery=delivery, feeds=False)
    await run_checks(case, source_checks(case), seconds)


async def check_propagator(
    make: Callable[[], Target[In]],
    items: Sequence[In] = SOME_ITEMS,
    *,
    expected: Sequence[object] | None = None,
    ordered: bool = True,
    delivery: Delivery = "first",
    capacity: int | None = None,
    when_full: WhenFull = "wait",
    max_messages: int | None = None,
    needs_network: bool = False,
    seconds: float = 10.0,
) -> None:
    """Check a block that is a target and a source: both contracts, and that the right messages come out.

    Args:
        make: Makes a fresh block that nothing is linked to.
        items: Messages that it accepts, at least one, but so few that none is dropped.
        expected: The messages that come out after `items` were sent and the block was completed; by default `items`.
        ordered: Whether they come in this order.
        delivery: As for `check_source`.
        capacity: As for `check_target`.
        when_full: As for `check_target`.
        max_messages: As for `check_target`; if given, `items` must have this length.
        needs_network: Whether the block works only in a network, like blocks that call functions.
        seconds: A check fails if it takes more seconds than this, by trio's clock.

    Raises:
        AssertionError: Promises are broken; the message lists them all.
    """
    case = Case(
        make,
        tuple(items),
        tuple(items if expected is None else expected),
        ordered=ordered,
        delivery=delivery,
        capacity=capacity,
        when_full=when_full,
        max_messages=max_messages,
        needs_network=needs_network,
    )
    await run_checks(case, [*target_checks(case), *source_checks(case), *propagator_checks(case)], seconds)


def propagator_checks(case: Case) -> list[Check]:
    """Return the checks for a block that is a target and a source."""
    checks: list[Check] = [keeps_what_was_sent_before_its_network]
    if case.delivery == "first" and case.capacity is not None and case.when_full == "wait":
        checks.append(never_delivers_what_was_cancelled)
    if not case.needs_network:
        checks.append(works_outside_a_network)
    return checks


async def keeps_what_was_sent_before_its_network(case: Case) -> None:
    """Messages that were sent before the network started come out in it."""
    block = case.make()
    before = case.items[: case.capacity]
    for item in before:
        block.send_nowait(item)
    collector: UnboundedBuffer[Any] = UnboundedBuffer()
    block.link_target(collector)
    async with Network(block):
        for item in case.items[len(before) :]:
            await block.send(item)
    if case.delivery == "latest":  # when the link was made, only the last value was there
        same(contents(collector)[-1:], case.expected[-1:], "the last value")
    else:
        case.check(contents(collector), "what came out")


async def never_delivers_what_was_cancelled(case: Case) -> None:
    """An item whose send was cancelled does not come out, and an item whose send has returned does."""
    block = case.make()
    fill(case, block)
    unwanted = object()
    for _ in range(2):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(block.send, unwanted)
                await wait_all_tasks_blocked()
                scope.cancel()
    collector: UnboundedBuffer[Any] = UnboundedBuffer()
    block.link_target(collector)
    async with Network(block) as network:
        await wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await block.send(case.items[0])
        assert network.balance().ok
    got = contents(collector)
    assert unwanted not in got, f"an item came out whose send was cancelled: {got!r}"


async def works_outside_a_network(case: Case) -> None:
    """Outside a network, the block takes, gives and ends in the same way."""
    block = case.make()
    got: list[Any] = []

    async def take() -> None:
        got.extend([item async for item in block])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        await wait_all_tasks_blocked()
        for item in case.items:
            await block.send(item)
            await wait_all_tasks_blocked()
        block.complete()
    case.check(got, "what came out")

    source, target = case.make(), UnboundedBuffer[Any]()
    source.link_target(target)
    for item in case.items:
        source.send_nowait(item)
    source.complete()
    case.check(contents(target), "what came out along a link")
    status = target.offer("more")
    assert status is MessageStatus.DECLINED, f"after the end of its source the target answered an offer with {status}"
