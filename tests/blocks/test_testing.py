"""The conformance suite finds what is broken, and says it in words."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import trio

from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Buffer,
    Call,
    IterableSource,
    Link,
    MessageStatus,
    OverwriteBuffer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.testing import check_propagator, check_source, check_target
from tests.blocks.tools import LeastFirst


class Base(UnboundedBuffer[Any]):
    """What the broken ones are made of."""


class NeverComplete(Base):
    def complete(self) -> None:
        pass


class LosesNone(Base):
    async def send(self, value: Any) -> None:
        if value is not None:
            await super().send(value)


class LosesWhatWasCancelled(Base):
    async def receive(self, filter: Any = None) -> Any:
        item = await super().receive(filter)
        await trio.lowlevel.checkpoint()
        return item


class IgnoresFilters(Base):
    async def receive(self, filter: Any = None) -> Any:
        return await super().receive()

    def receive_nowait(self, filter: Any = None) -> Any:
        return super().receive_nowait()


class ForgetsReservations(Base):
    def reserve(self, target: object) -> bool:
        del target
        return bool(len(self))


class WaitsForEver(Base):
    async def receive(self, filter: Any = None) -> Any:
        try:
            return await super().receive(filter)
        except trio.EndOfChannel:
            await trio.sleep_forever()

    async def __anext__(self) -> Any:
        return await self.receive()


class LastInFirstOut(Buffer[Any]):
    def __init__(self) -> None:
        self.items: list[Any] = []
        super().__init__()

    def put(self, item: Any) -> None:
        self.items.append(item)

    def pop(self) -> Any:
        return self.items.pop()

    def peek(self) -> Any:
        return self.items[-1]

    def size(self) -> int:
        return len(self.items)


class LinksTwice(Base):
    def link_target(self, target: Any, filter: Any = None, max_messages: Any = None) -> Link[Any]:
        for link in self._core.outbox.links:
            if link.target is target:
                return link
        return super().link_target(target, filter, max_messages)


class LosesByUnlinking(Base):
    def link_target(self, target: Any, filter: Any = None, max_messages: Any = None) -> Link[Any]:
        return super().link_target(target, filter)


class WrongError(Base):
    def send_nowait(self, value: Any) -> None:
        raise KeyError(value)


class NeverFull(BoundedBuffer[Any]):
    def __init__(self) -> None:
        super().__init__(100)


class Refuses(BoundedBuffer[Any]):
    def __init__(self) -> None:
        super().__init__(1)


class Copies(Broadcast[Any]):
    """Gives everything to the first target only."""

    def link_target(self, target: Any, filter: Any = None, max_messages: Any = None) -> Link[Any]:
        return super().link_target(target if not self._core.outbox.links else UnboundedBuffer(), filter, max_messages)


PROPAGATORS: list[tuple[Callable[[], Any], dict[str, Any], str]] = [
    (NeverComplete, {}, "A complete target declines every message, and completing it twice is allowed: an offer after"),
    (LosesNone, {}, "expected [1, None, 'three', None], got [1, 'three']"),
    (LosesWhatWasCancelled, {}, "A cancelled receive has taken nothing"),
    (IgnoresFilters, {}, "A receive with a filter looks only at the head"),
    (ForgetsReservations, {}, "While the head is reserved, no other taker gets it"),
    (WaitsForEver, {}, "it did not end within 10.0 s: a task waits, and nothing wakes it"),
    (LastInFirstOut, {}, "got ["),
    (LinksTwice, {}, "linking the same pair twice: expected ValueError, but it returned <Link"),
    (LosesByUnlinking, {}, "A link with max_messages is removed after that many messages"),
    (WrongError, {}, "expected Declined, got KeyError(1)"),
    (NeverFull, {"capacity": 3}, "an offer to the full target was answered MessageStatus.ACCEPTED"),
    (NeverFull, {"capacity": 3, "when_full": "decline"}, "an offer to the full target was answered"),
    (NeverFull, {"capacity": 3, "when_full": "drop"}, "3 messages were too many, and 0 were counted as dropped"),
    (Refuses, {"capacity": 3}, "message 2 of 3 that fit in was refused: "),
    (Copies, {"delivery": "every"}, "Every linked target gets every message"),
    (UnboundedBuffer, {"max_messages": 4}, "an offer beyond max_messages was answered MessageStatus.ACCEPTED"),
    (UnboundedBuffer, {"expected": [1]}, "expected [1], got [1, None, 'three', None]"),
    (UnboundedBuffer, {"expected": [1], "ordered": False}, "expected, in any order, [1], got"),
    (UnboundedBuffer, {"expected": [1, None, "three", None, 5], "ordered": False}, "expected, in any order"),
    (OverwriteBuffer, {}, "A cancelled receive has taken nothing"),
    (
        lambda: Transformer[Any, Any](lambda item: item),
        {},
        "Outside a network, the block takes, gives and ends in the same way",
    ),
    (lambda: Call(print), {}, "expected a Source, got <Call 'print'"),
]


@pytest.mark.parametrize(("make", "promises", "message"), PROPAGATORS, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_broken_propagator_is_found(make: Any, promises: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(message)) as caught:
        await check_propagator(make, **promises)
    first, second, *_ = str(caught.value).splitlines()
    assert re.fullmatch(r"<.*> breaks \d+ of its promises:", first)
    assert second.startswith("- ")


async def test_a_broken_source_is_found() -> None:
    with pytest.raises(AssertionError, match=re.escape("async for: expected [1, 2], got [1]")):
        await check_source(lambda: IterableSource([1]), [1, 2])


class Sink:
    """Is no target at all."""

    def __repr__(self) -> str:
        return "<Sink>"


async def test_what_is_no_target_is_found() -> None:
    with pytest.raises(AssertionError, match=re.escape("expected a Target, got <Sink>")):
        await check_target(Sink)  # type: ignore[arg-type]  # that is the point


async def test_a_factory_that_fails_is_no_broken_promise() -> None:
    def broken() -> UnboundedBuffer[Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await check_target(broken)


async def test_the_limit_of_a_check_can_be_chosen() -> None:
    with pytest.raises(AssertionError, match=r"it did not end within 3 s"):
        await check_propagator(WaitsForEver, seconds=3)


async def test_the_example_of_the_module_works() -> None:
    await check_propagator(lambda: LeastFirst(capacity=3), items=[3, 1, 2], ordered=False, capacity=3)


async def test_a_fake_that_is_not_built_on_ours_can_be_checked_piece_by_piece() -> None:
    class Closed(UnboundedBuffer[Any]):
        def offer(self, message: Any, source: object = None) -> MessageStatus:
            return MessageStatus.DECLINED

    with pytest.raises(AssertionError, match=r"was answered MessageStatus.DECLINED"):
        await check_target(Closed)
