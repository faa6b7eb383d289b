"""The shared part of the contract checks: the block to check, and the message for a broken promise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, cast

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from ..base.errors import Declined
from ..core.source import Source
from ..core.target import Target
from ..network import Network
from ..unbounded_buffer import UnboundedBuffer

Delivery = Literal["first", "turns", "every", "latest"]
WhenFull = Literal["wait", "decline", "drop"]


@attrs.frozen
class Case:
    """A kind of block, and its promises."""

    make: Callable[[], Any]
    items: tuple[Any, ...]
    expected: tuple[Any, ...]
    ordered: bool = True
    delivery: Delivery = "first"
    capacity: int | None = None
    when_full: WhenFull = "wait"
    max_messages: int | None = None
    needs_network: bool = False
    feeds: bool = True

    async def feed(self, block: Target[Any]) -> None:
        """Send all items to a block and complete it."""
        for item in self.items:
            await block.send(item)
        block.complete()

    @asynccontextmanager
    async def running(self, block: Any) -> AsyncGenerator[Network]:
        """Run a block in a network while a task feeds it, if `feeds` is set."""
        async with Network(block) as network, trio.open_nursery() as nursery:
            if self.feeds:
                nursery.start_soon(self.feed, block)
            yield network
        same([entry for entry in network.balance().blocks if entry.difference], [], "the balance does not add up")

    def check(self, got: Iterable[Any], what: str) -> None:
        """Compare the output with the expected items."""
        same(got, self.expected, what, ordered=self.ordered)


Check = Callable[[Case], Awaitable[None]]
Kinds = type[Exception] | tuple[type[Exception], ...]


async def run_checks(case: Case, checks: Iterable[Check], seconds: float) -> None:
    """Run all checks, and list those that failed in one exception."""
    name = repr(case.make())  # outside the checks: a factory that fails does not break the contract
    broken: list[str] = []
    causes: list[Exception] = []
    for check in checks:
        try:
            with trio.fail_after(seconds):
                await check(case)
        except Exception as error:
            promise = (check.__doc__ or "").rstrip(".")
            broken.append(f"- {promise}: {explain(error, seconds)}")
            causes.append(error)
    if broken:
        raise AssertionError("\n".join([f"{name} breaks {len(broken)} of its promises:", *broken])) from causes[0]


def explain(error: BaseException, seconds: float) -> str:
    """Explain why a check failed, if possible with the text of a failed assertion."""
    leaves = list(flatten(error))
    told = [leaf for leaf in leaves if isinstance(leaf, AssertionError)] or leaves
    if isinstance(told[0], trio.TooSlowError):
        return f"it did not end within {seconds} s: a task waits, and nothing wakes it"
    return "; ".join(str(leaf) if isinstance(leaf, AssertionError) else f"raised {leaf!r}" for leaf in told)


def flatten(error: BaseException) -> Iterable[BaseException]:
    """Return the exceptions in nested groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from flatten(inner)
    else:
        yield error


def same(got: Iterable[Any], expected: Iterable[Any], what: str, *, ordered: bool = True) -> None:
    """Compare two series of messages; the messages need not be hashable or sortable."""
    got, expected = list(got), list(expected)
    if ordered:
        assert got == expected, f"{what}: expected {expected!r}, got {got!r}"
        return
    left = list(expected)
    for item in got:
        assert item in left, f"{what}: expected, in any order, {expected!r}, got {got!r}"
        left.remove(item)
    assert not left, f"{what}: expected, in any order, {expected!r}, got {got!r}"


async def raises(kinds: Kinds, attempt: Callable[[], Any], what: str) -> None:
    """Check that a call, plain or async, raises one of the kinds."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    expected = " or ".join(kind.__name__ for kind in kinds)
    try:
        result = attempt()
        if isinstance(result, Awaitable):
            result = await cast("Awaitable[object]", result)
    except kinds:
        return
    except Exception as error:
        raise AssertionError(f"{what}: expected {expected}, got {error!r}") from error
    raise AssertionError(f"{what}: expected {expected}, but it returned {result!r}")


def fill(case: Case, block: Target[Any]) -> None:
    """Fill a block that is in no network."""
    assert case.capacity is not None
    for n in range(case.capacity):
        item = case.items[n % len(case.items)]
        try:
            block.send_nowait(item)
        except (trio.WouldBlock, Declined) as error:
            raise AssertionError(f"message {n + 1} of {case.capacity} that fit in was refused: {error}") from error


def of_kind(block: object, *kinds: type[object]) -> None:
    """Check that a block is of all the kinds."""
    for kind in kinds:
        assert isinstance(block, kind), f"expected a {kind.__name__}, got {block!r}"


def equal_to(wanted: object) -> Callable[[object], bool]:
    """Make a filter that accepts only items equal to `wanted`."""
    return lambda item: item == wanted


def never(item: object) -> bool:
    """A filter that accepts nothing."""
    del item
    return False


def drain(block: Any) -> UnboundedBuffer[Any] | None:
    """Link a source to a buffer, so that its output does not block it; return None if the block is not a source."""
    if not isinstance(block, Source):
        return None
    rest: UnboundedBuffer[Any] = UnboundedBuffer()
    cast("Any", block).link_target(rest)
    return rest


def contents(buffer: UnboundedBuffer[Any]) -> list[Any]:
    """Take all items out of a buffer."""
    items: list[Any] = []
    while len(buffer):
        items.append(buffer.receive_nowait())
    return items


async def show_head(block: Any) -> Any:
    """Wait until a message is at the head; return it and leave it there."""
    seen: list[Any] = []

    def look(item: Any) -> bool:
        seen.append(item)
        scope.cancel()
        return False

    with trio.CancelScope() as scope, suppress(trio.EndOfChannel):  # a finished block can still have a head
        await block.receive(look)
    assert seen, "the source ended before all expected messages came"
    return seen[0]


async def show_settled_head(block: Any) -> Any:
    """Wait until a message is at the head and all tasks wait; until then, the head of a sorting block may change."""
    await show_head(block)
    await wait_all_tasks_blocked()
    return await show_head(block)
