"""Every block of the library goes through the checks that users run on theirs."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_one_way_pair

from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    ByteTransformer,
    Call,
    Choice,
    Chosen,
    Collect,
    Distribute,
    Filter,
    Flatten,
    Fold,
    IterableSource,
    Join,
    OverwriteBuffer,
    PriorityBuffer,
    Rate,
    Regroup,
    SingleAssignment,
    StreamSource,
    StreamTarget,
    Take,
    TakeWhile,
    Tap,
    Threads,
    Throttle,
    Timer,
    Transformer,
    TransformMany,
    UnboundedBuffer,
    receive_stream,
)
from penstock.blocks.testing import Collector, ProbeSource, check_propagator, check_source, check_target
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import LeastFirst

ITEMS = (1, None, "three", None)


def least(item: float) -> float:
    """A priority: the least number goes first."""
    return -float(item)


LISTS: Any = ([1, None], (), ("three",), [None])
STRINGS = ("1", "None", "'three'", "None")


CHUNKS = (b"one", b"two", b"two", b"three")


class Unchanged:
    """A codec object that changes nothing."""

    def update(self, data: bytes) -> bytes:
        return data

    def finalize(self) -> bytes:
        return b"end"


async def slow_repr(item: Any) -> str:
    await trio.sleep(1)
    return repr(item)


def always(item: Any) -> bool:
    del item
    return True


def longer(so_far: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
    return (*so_far, item)


async def longer_later(so_far: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
    await trio.sleep(1)
    return longer(so_far, item)


async def always_later(item: Any) -> bool:
    del item
    await trio.sleep(1)
    return True


def weight_of(item: Any) -> int:
    """One text is too heavy."""
    return 50 if item == "three" else 5


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
    "take-while": (lambda: TakeWhile[Any](always, capacity=3), {"capacity": 3}),
    "throttle": (lambda: Throttle[Any](1, capacity=3), {"capacity": 3, "needs_network": True}),
    "throttle that does not wait": (lambda: Throttle[Any](1e6, capacity=3), {"capacity": 3, "needs_network": True}),
    "bounded buffer of 1": (lambda: BoundedBuffer[Any](1), {"capacity": 1}),
    "probe source": (ProbeSource, {"capacity": 1}),
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
    "priority buffer": (
        lambda: PriorityBuffer[Any](least),
        {"items": [3, 1, 2], "expected": [1, 2, 3], "ordered": False},
    ),
    "bounded priority buffer": (
        lambda: PriorityBuffer[Any](least, capacity=2),
        {"items": [3, 1, 2], "ordered": False, "capacity": 2},
    ),
    "priority buffer where all are equal": (lambda: PriorityBuffer[Any](lambda item: 0, capacity=3), {"capacity": 3}),
    "buffer with an order of its own": (LeastFirst, {"items": [3, 1, 2], "expected": [1, 2, 3], "ordered": False}),
    "bounded buffer with an order of its own": (
        lambda: LeastFirst(capacity=2),
        {"items": [3, 1, 2], "ordered": False, "capacity": 2},
    ),
    "overwrite buffer": (OverwriteBuffer, {"delivery": "latest"}),
    "single assignment": (SingleAssignment, {"items": [None], "delivery": "latest", "max_messages": 1}),
    "broadcast": (lambda: Broadcast[Any](capacity=2), {"delivery": "every", "capacity": 2}),
    "unbounded broadcast": (lambda: Broadcast[Any](capacity=None), {"delivery": "every"}),
    "distribute": (lambda: Distribute[Any](capacity=2), {"delivery": "turns", "capacity": 2}),
    "unbounded distribute": (lambda: Distribute[Any](capacity=None), {"delivery": "turns"}),
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
    "transformer of 3 with one key": (
        lambda: Transformer(slow_repr, concurrency=3, capacity=3, key=lambda item: 0),
        {"expected": STRINGS, "capacity": 3, "needs_network": True},
    ),
    "transformer of 3 with several keys": (
        lambda: Transformer(slow_repr, concurrency=3, window=3, capacity=3, key=repr),
        {"expected": STRINGS, "capacity": 3, "needs_network": True, "ordered": False},
    ),
    "ordered transformer of 3 with several keys": (
        lambda: Transformer(slow_repr, concurrency=3, capacity=3, key=repr, ordered=True),
        {"expected": STRINGS, "capacity": 3, "needs_network": True},
    ),
    "transformer with keys in an executor": (
        partial(in_executor, Transformer, repr, 3, key=repr),
        {"expected": STRINGS, "capacity": 3, "needs_network": True, "ordered": False},
    ),
    "ordered transform many with keys in an executor": (
        partial(in_executor, TransformMany, twice, 3, key=repr, ordered=True),
        {"expected": TWICE, "capacity": 3, "needs_network": True},
    ),
    "transform many with keys": (
        lambda: TransformMany(slow_twice, capacity=3, concurrency=3, key=repr),
        {"expected": TWICE, "capacity": 3, "needs_network": True, "ordered": False},
    ),
    "transformer with priorities": (
        lambda: Transformer(repr, capacity=2, priority=least),
        {"items": [3, 1, 2], "expected": ["3", "1", "2"], "capacity": 2, "needs_network": True, "ordered": False},
    ),
    "transform many with priorities that gives more at its end": (
        lambda: TransformMany(lambda item: [item], priority=least, at_end=lambda: [0], capacity=3),
        {"items": [3, 1, 2], "expected": [3, 1, 2, 0], "capacity": 3, "needs_network": True, "ordered": False},
    ),
    "transformer at a rate": (
        lambda: Transformer(repr, capacity=2, rate=Rate(1)),
        {"expected": STRINGS, "capacity": 2, "needs_network": True},
    ),
    "transformer of 3 at a rate": (
        lambda: Transformer(slow_repr, concurrency=3, capacity=3, rate=Rate(2, burst=2)),
        {"expected": STRINGS, "capacity": 3, "needs_network": True},
    ),
    "transformer in an executor at a rate": (
        partial(in_executor, Transformer, repr, 3, rate=2),
        {"expected": STRINGS, "capacity": 3, "needs_network": True},
    ),
    "transform many at a rate": (
        lambda: TransformMany(twice, capacity=2, rate=1),
        {"expected": TWICE, "capacity": 2, "needs_network": True},
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
    "tap": (
        lambda: Tap(repr, capacity=2),
        {"expected": ITEMS, "capacity": 2, "needs_network": True},
    ),
    "tap with an async function": (
        lambda: Tap(slow_repr, concurrency=3, capacity=3),
        {"expected": ITEMS, "capacity": 3, "needs_network": True},
    ),
    "tap in an executor": (
        partial(in_executor, Tap, repr, 3),
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
    "flatten": (
        lambda: Flatten[Any](capacity=2),
        {"items": LISTS, "expected": ITEMS, "capacity": 2, "needs_network": True},
    ),
    **{
        f"fold with {kind} function": (
            partial(Fold[Any, Any], function, (), capacity=2),
            {"expected": [ITEMS], "capacity": 2, "needs_network": True},
        )
        for kind, function in (("a plain", longer), ("an async", longer_later))
    },
    **{
        f"running fold with {kind} function": (
            partial(Fold[Any, Any], function, (), running=True, capacity=2),
            {"expected": [ITEMS[:n] for n in range(1, 5)], "capacity": 2, "needs_network": True},
        )
        for kind, function in (("a plain", longer), ("an async", longer_later))
    },
    "byte transformer": (
        lambda: ByteTransformer(Unchanged, capacity=2),
        {"items": CHUNKS, "expected": (*CHUNKS, b"end"), "capacity": 2, "needs_network": True},
    ),
    "batch": (lambda: Batch[Any](3, capacity=3), {"expected": [[1, None, "three"], [None]], "capacity": 6}),
    "batch by weight": (
        lambda: Batch[Any](max_weight=10, weight=weight_of, capacity=3),
        {"expected": [[1, None], ["three"], [None]], "capacity": 5},
    ),
    "unbounded batch of 1": (lambda: Batch[Any](1, capacity=None), {"expected": [[item] for item in ITEMS]}),
}


async def ticks() -> AsyncIterator[Any]:
    for item in ITEMS:
        await trio.sleep(1)
        yield item


def ready_stream() -> trio.abc.ReceiveStream:
    buffer: BoundedBuffer[bytes] = BoundedBuffer(1)
    buffer.send_nowait(b"one")
    buffer.complete()
    return receive_stream(buffer)


def folded() -> Regroup[Any, tuple[Any, ...]]:
    split = Flatten[Any]()
    IterableSource[Any]([[1, "one"], [], [None]]).link_target(split)
    groups = Regroup[Any, tuple[Any, ...]](split, lambda state, item: (*state, item), ())
    split.link_target(groups)
    return groups


def regrouped() -> Regroup[Any, list[Any]]:
    split = Flatten[Any]()
    IterableSource[Any]([[1, "one"], [], [None]]).link_target(split)
    groups = Regroup[Any, list[Any]](split)
    split.link_target(groups)
    return groups


def started_timer() -> Timer[None]:
    timer = Timer(1, None)
    timer.start()
    return timer


SOURCES: dict[str, tuple[Callable[[], Any], list[Any], dict[str, Any]]] = {
    "iterable source": (lambda: IterableSource(ITEMS), list(ITEMS), {}),
    "source of an async iterable": (lambda: IterableSource(ticks()), list(ITEMS), {}),
    "stream source": (lambda: StreamSource(ready_stream()), [b"one"], {}),
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
    "collect": (lambda: Collect(IterableSource([1, "one"]), IterableSource([None])), [1, None, "one"], {}),
    "regroup": (regrouped, [[1, "one"], [], [None]], {}),
    "regroup with a function": (folded, [(1, "one"), (), (None,)], {}),
}


async def sleep_a_little(item: object) -> None:
    del item
    await trio.sleep(1)


TARGETS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "call": (lambda: Call(repr, capacity=2), {"capacity": 2}),
    "collector": (Collector, {}),
    "stream target": (
        lambda: StreamTarget(memory_stream_one_way_pair()[0], capacity=2),
        {"items": CHUNKS, "capacity": 2},
    ),
    "unbounded call": (lambda: Call(repr, capacity=None), {}),
    "call at a rate": (lambda: Call(repr, capacity=2, rate=1), {"capacity": 2}),
    "async call": (lambda: Call(sleep_a_little, capacity=2), {"capacity": 2}),
    "call in an executor": (partial(in_executor, Call, repr, 1, slow=False), {"capacity": 3}),
    "concurrent call in an executor": (partial(in_executor, Call, repr, 3), {"capacity": 3}),
    "concurrent call with keys": (lambda: Call(sleep_a_little, concurrency=3, capacity=3, key=repr), {"capacity": 3}),
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


@pytest.mark.usefixtures("real_time")
async def test_a_byte_transformer_with_a_thread_keeps_the_contract() -> None:
    with Threads(1) as executor:
        await check_propagator(
            lambda: ByteTransformer(Unchanged, executor=executor, capacity=3),
            items=CHUNKS,
            expected=(*CHUNKS, b"end"),
            capacity=3,
            needs_network=True,
        )


@pytest.mark.usefixtures("real_time")
async def test_the_ends_of_a_stream_keep_the_contract_with_files(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"onetwo")
    await check_source(lambda: StreamSource(path, chunk_size=3), [b"one", b"two"])
    await check_target(lambda: StreamTarget(tmp_path / "out", capacity=3), items=CHUNKS, capacity=3)
