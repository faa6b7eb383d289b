"""Every block of the library goes through the checks that users run on theirs."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import trio

from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    Chosen,
    Filter,
    IterableSource,
    Join,
    OverwriteBuffer,
    SingleAssignment,
    Take,
    Threads,
    Timer,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.testing import check_propagator, check_source, check_target
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import PriorityBuffer

ITEMS = (1, None, "three", None)
STRINGS = ("1", "None", "'three'", "None")


async def slow_repr(item: Any) -> str:
    await trio.sleep(1)
    return repr(item)


def always(item: Any) -> bool:
    del item
    return True


async def always_later(item: Any) -> bool:
    del item
    await trio.sleep(1)
    return True


async def quick_repr(item: Any) -> str:
    return repr(item)


def twice(item: Any) -> Iterator[Any]:
    yield item
    yield item


async def slow_twice(item: Any) -> AsyncIterator[Any]:
    yield item
    await trio.sleep(1)
    yield item


async def list_twice(item: Any) -> list[Any]:
    return [item, item]


def in_executor(kind: Any, function: Any, concurrency: int, *, slow: bool = True, **options: Any) -> Any:
    """A block whose executor works on the loop, so that the clock may jump."""
    executor = OnLoop(seconds=1.0 if slow else 0.0, workers=concurrency)
    return kind(function, executor=executor, concurrency=concurrency, capacity=3, **options)


TWICE = [item for item in ITEMS for _ in range(2)]

PROPAGATORS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "unbounded buffer": (UnboundedBuffer, {}),
    "take": (lambda: Take[Any](1_000, capacity=3), {"capacity": 3}),
    "bounded buffer of 1": (lambda: BoundedBuffer[Any](1), {"capacity": 1}),
    "bounded buffer of 3": (lambda: BoundedBuffer[Any](3), {"capacity": 3}),
    "bounded buffer that rejects": (
        lambda: BoundedBuffer[Any](4, overflow="reject"),
        {"capacity": 4, "when_full": "decline"},
    ),
    "bounded buffer that drops the oldest": (
        lambda: BoundedBuffer[Any](4, overflow="drop_oldest"),
        {"capacity": 4, "when_full": "drop"},
    ),
    "bounded buffer that drops the newest": (
        lambda: BoundedBuffer[Any](4, overflow="drop_newest"),
        {"capacity": 4, "when_full": "drop"},
    ),
    "priority buffer": (PriorityBuffer, {"items": [3, 1, 2], "expected": [1, 2, 3], "ordered": False}),
    "bounded priority buffer": (
        lambda: PriorityBuffer(capacity=2),
        {"items": [3, 1, 2], "ordered": False, "capacity": 2},
    ),
    "overwrite buffer": (OverwriteBuffer, {"delivery": "latest"}),
    "single assignment": (SingleAssignment, {"items": [None], "delivery": "latest", "max_messages": 1}),
    "broadcast": (lambda: Broadcast[Any](capacity=2), {"delivery": "every", "capacity": 2}),
    "unbounded broadcast": (lambda: Broadcast[Any](capacity=None), {"delivery": "every"}),
    "transformer": (
        lambda: Transformer(repr, capacity=2),
        {"expected": STRINGS, "capacity": 2, "needs_network": True},
    ),
    "unbounded transformer": (
        lambda: Transformer(repr, capacity=None),
        {"expected": STRINGS, "needs_network": True},
    ),
    "async transformer": (
        lambda: Transformer(quick_repr, capacity=2),
        {"expected": STRINGS, "capacity": 2, "needs_network": True},
    ),
    "ordered transformer of 3": (
        lambda: Transformer(slow_repr, concurrency=3, capacity=3),
        {"expected": STRINGS, "capacity": 3, "needs_network": True},
    ),
    "unordered transformer of 3": (
        lambda: Transformer(slow_repr, concurrency=3, ordered=False, window=3, capacity=3),
        {"expected": STRINGS, "capacity": 3, "needs_network": True, "ordered": False},
    ),
    "filter": (
        lambda: Filter(always, capacity=2),
        {"expected": ITEMS, "capacity": 2, "needs_network": True},
    ),
    "filter with an async predicate": (
        lambda: Filter(always_later, concurrency=3, capacity=3),
        {"expected": ITEMS, "capacity": 3, "needs_network": True},
    ),
    "filter in an executor": (
        partial(in_executor, Filter, always, 3),
        {"expected": ITEMS, "capacity": 3, "needs_network": True},
    ),
    "transform many": (
        lambda: TransformMany(twice, capacity=2),
        {"expected": TWICE, "capacity": 2, "needs_network": True},
    ),
    "transform many that skips": (
        lambda: TransformMany(twice, capacity=2, on_error="skip"),
        {"expected": TWICE, "capacity": 2, "needs_network": True},
    ),
    "transform many that gives more at its end": (
        lambda: TransformMany(twice, at_end=lambda: ["the", "end"], capacity=2),
        {"expected": (*TWICE, "the", "end"), "capacity": 2, "needs_network": True},
    ),
    "transform many with an async generator that gives more at its end": (
        lambda: TransformMany(slow_twice, at_end=lambda: ["the", "end"], capacity=2),
        {"expected": (*TWICE, "the", "end"), "capacity": 2, "needs_network": True},
    ),
    "transform many with an async function": (
        lambda: TransformMany(list_twice, capacity=2),
        {"expected": TWICE, "capacity": 2, "needs_network": True},
    ),
    "transform many with an async generator": (
        lambda: TransformMany(slow_twice, capacity=2),
        {"expected": TWICE, "capacity": 2, "needs_network": True},
    ),
    "transform many with 3 async generators": (
        lambda: TransformMany(slow_twice, capacity=3, concurrency=3),
        {"expected": TWICE, "capacity": 3, "needs_network": True},
    ),
    "unordered transform many with 3 async generators": (
        lambda: TransformMany(slow_twice, capacity=3, concurrency=3, ordered=False),
        {"expected": TWICE, "capacity": 3, "needs_network": True, "ordered": False},
    ),
    **{
        f"{order} transformer of {concurrency} in an executor": (
            partial(in_executor, Transformer, repr, concurrency, ordered=ordered),
            {"expected": STRINGS, "capacity": 3, "needs_network": True, "ordered": ordered},
        )
        for concurrency in (1, 3)
        for order, ordered in (("ordered", True), ("unordered", False))
    },
    **{
        f"{order} transform many of {concurrency} in an executor": (
            partial(in_executor, TransformMany, twice, concurrency, ordered=ordered),
            {"expected": TWICE, "capacity": 3, "needs_network": True, "ordered": ordered},
        )
        for concurrency in (1, 3)
        for order, ordered in (("ordered", True), ("unordered", False))
    },
    "batch": (lambda: Batch[Any](3, capacity=3), {"expected": [[1, None, "three"], [None]], "capacity": 6}),
    "unbounded batch of 1": (lambda: Batch[Any](1, capacity=None), {"expected": [[item] for item in ITEMS]}),
}


async def ticks() -> AsyncIterator[Any]:
    for item in ITEMS:
        await trio.sleep(1)
        yield item


def started_timer() -> Timer[None]:
    timer = Timer(1, None)
    timer.start()
    return timer


SOURCES: dict[str, tuple[Callable[[], Any], list[Any], dict[str, Any]]] = {
    "iterable source": (lambda: IterableSource(ITEMS), list(ITEMS), {}),
    "source of an async iterable": (lambda: IterableSource(ticks()), list(ITEMS), {}),
    "timer": (started_timer, [None], {}),
    "join": (
        lambda: Join(IterableSource([1, None]), IterableSource(["one", "none"])),
        [(1, "one"), (None, "none")],
        {},
    ),
    "greedy join": (
        lambda: Join(IterableSource([1, None]), IterableSource(["one", "none"]), greedy=True, capacity=1),
        [(1, "one"), (None, "none")],
        {},
    ),
    "choice": (
        lambda: Choice(IterableSource([1, None]), IterableSource(["one"])),
        [Chosen(0, 1), Chosen(0, None), Chosen(1, "one")],
        {"ordered": False},
    ),
}


async def sleep_a_little(item: object) -> None:
    del item
    await trio.sleep(1)


TARGETS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "call": (lambda: Call(repr, capacity=2), {"capacity": 2}),
    "unbounded call": (lambda: Call(repr, capacity=None), {}),
    "async call": (lambda: Call(sleep_a_little, capacity=2), {"capacity": 2}),
    "call in an executor": (partial(in_executor, Call, repr, 1, slow=False), {"capacity": 3}),
    "concurrent call in an executor": (partial(in_executor, Call, repr, 3), {"capacity": 3}),
    "concurrent call": (lambda: Call(sleep_a_little, concurrency=3, capacity=3), {"capacity": 3}),
}


@pytest.mark.parametrize("name", PROPAGATORS)
async def test_a_propagator_keeps_the_contract(name: str) -> None:
    make, promises = PROPAGATORS[name]
    await check_propagator(make, **promises)


@pytest.mark.parametrize("name", SOURCES)
async def test_a_source_keeps_the_contract(name: str) -> None:
    make, expected, promises = SOURCES[name]
    await check_source(make, expected, **promises)


@pytest.mark.parametrize("name", [*TARGETS, *PROPAGATORS])
async def test_a_target_keeps_the_contract(name: str) -> None:
    make, promises = TARGETS.get(name) or PROPAGATORS[name]
    for_targets = {key: promises[key] for key in ("items", "capacity", "when_full", "max_messages") if key in promises}
    await check_target(make, **for_targets)


EXECUTORS: dict[str, Callable[[int], Executor]] = {"threads": Threads, "standard": ThreadPoolExecutor}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("kind", EXECUTORS)
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_blocks_with_threads_keep_the_contract(kind: str, ordered: bool, concurrency: int) -> None:
    with EXECUTORS[kind](2) as executor:
        options: Any = {"executor": executor, "concurrency": concurrency, "capacity": 3}
        promises: Any = {"capacity": 3, "needs_network": True, "ordered": ordered}
        await check_propagator(lambda: Transformer(repr, ordered=ordered, **options), expected=STRINGS, **promises)
        await check_propagator(lambda: TransformMany(twice, ordered=ordered, **options), expected=TWICE, **promises)
        await check_target(lambda: Call(repr, **options), capacity=3)
