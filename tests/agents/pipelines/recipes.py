"""Generated recipes, each with a plain program that gives the same results."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

import trio
from hypothesis import strategies as st

from penstock.agents import Pipeline
from penstock.blocks import Batch, BoundedBuffer, Lease, Rate, ResourcePool, Skip, Threads, Transformer

Plain = Callable[[list[Any]], list[Any]]
Recipe = tuple[Pipeline[Any, Any], Plain]


def comes_true(condition: Callable[[], bool]) -> None:
    """Wait until something is true that other threads bring about."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def invert(n: int) -> int:
    """Fail for 0."""
    return 1 // n


def same(item: Any) -> Any:
    """Return the item."""
    return item


def inc(item: Any) -> Any:
    return item + 1 if isinstance(item, int) else item


async def later(item: Any) -> Any:
    return inc(item)


def longer(items: list[Any], item: Any) -> list[Any]:
    return [*items, item]


def is_wanted(item: Any) -> bool:
    return not (isinstance(item, int) and item % 3 == 0)


def fail_some(item: Any) -> Any:
    if not is_wanted(item):
        raise ValueError(item)
    return item


def twice(item: Any) -> list[Any]:
    return [item, item]


def borrow(item: Any, lease: Lease[str]) -> Any:
    assert lease.value in "ab"
    return item


def alike(_: Any) -> int:
    return 1


def lists(items: Iterable[Any], size: int) -> list[Any]:
    items = list(items)
    return [items[n : n + size] for n in range(0, len(items), size)]


Step = tuple[Callable[[Pipeline[Any, Any]], Pipeline[Any, Any]], Plain]
ONE_TO_ONE: list[Step] = [
    (lambda p: p.map(inc), lambda xs: list(map(inc, xs))),
    (lambda p: p.map(inc, executor=Threads(2), concurrency=2), lambda xs: list(map(inc, xs))),
    (lambda p: p.map(later, concurrency=3), lambda xs: list(map(inc, xs))),
    (lambda p: p.filter(is_wanted), lambda xs: list(filter(is_wanted, xs))),
    (lambda p: p.map(fail_some, on_error="skip"), lambda xs: list(filter(is_wanted, xs))),
    (lambda p: p | Transformer(fail_some, on_error=Skip()), lambda xs: list(filter(is_wanted, xs))),
    (lambda p: p | BoundedBuffer[Any](3), lambda xs: xs),
    (lambda p: p.tap(str), lambda xs: xs),
    (lambda p: p.map(later, concurrency=3, ordered=True, key=str), lambda xs: list(map(inc, xs))),
    (lambda p: p.map(inc, rate=1e6).throttle(Rate(1e6, burst=1000)), lambda xs: list(map(inc, xs))),
    (lambda p: p.fold(lambda _, x: x, 0, running=True), lambda xs: xs),
    (lambda p: p.map(borrow, resource=ResourcePool("ab"), concurrency=2, executor=Threads(2)), lambda xs: xs),
    (lambda p: p.map(inc, context=True).tap(str, context=True), lambda xs: list(map(inc, xs))),
]
OTHERS: list[Step] = [
    (lambda p: p.flat_map(twice), lambda xs: [x for x in xs for _ in range(2)]),
    (lambda p: p.batch(4), lambda xs: lists(xs, 4)),
    (lambda p: p | Batch[Any](3), lambda xs: lists(xs, 3)),
    (lambda p: p.map(later, priority=alike, concurrency=2), lambda xs: list(map(inc, xs))),
    (lambda p: p.batch(max_weight=3, weight=alike), lambda xs: lists(xs, 3)),
    (lambda p: p.flat_map(twice, at_end=lambda: [0]), lambda xs: [*(x for x in xs for _ in range(2)), 0]),
    (lambda p: p.take(5), lambda xs: xs[:5]),
    (lambda p: p.take_while(is_wanted), lambda xs: list(itertools.takewhile(is_wanted, xs))),
    (lambda p: p.batch(2).flatten(), lambda xs: xs),
    (lambda p: p.fold(longer, list[Any]()), lambda xs: [xs]),
]


def chained(steps: Iterable[Step]) -> Recipe:
    """Put steps behind one another."""
    pipeline: Pipeline[Any, Any] = Pipeline.of(object)
    plains: list[Plain] = []
    for extend, plain in steps:
        pipeline = extend(pipeline)
        plains.append(plain)

    def run(items: list[Any]) -> list[Any]:
        for plain in plains:
            items = plain(items)
        return items

    return pipeline, run


def forked(branch: list[Step]) -> Step:
    """A fork into some steps and the item itself; the other branch drops what the first one drops."""
    pipeline, plain = chained(branch)

    def pairs(items: list[Any]) -> list[Any]:
        return [(result, item) for item in items for result in plain([item])]

    return lambda p: p.fork(pipeline, Pipeline.of(object)), pairs


def regrouped(inner: list[Step]) -> Step:
    """Two copies of each item through some steps, and in a list again."""
    pipeline, plain = chained(inner)
    return lambda p: p.flat_map(twice).then(pipeline).regroup(), lambda items: [plain(twice(item)) for item in items]


one_to_one: st.SearchStrategy[Step] = st.sampled_from(ONE_TO_ONE)
simple: st.SearchStrategy[list[Step]] = st.lists(one_to_one, max_size=2)
inner: st.SearchStrategy[list[Step]] = st.lists(one_to_one | simple.map(forked) | simple.map(regrouped), max_size=2)
forks: st.SearchStrategy[Step] = inner.map(forked)
groups: st.SearchStrategy[Step] = inner.map(regrouped)
steps: st.SearchStrategy[Step] = one_to_one | st.sampled_from(OTHERS) | forks | groups
recipes: st.SearchStrategy[Recipe] = st.lists(steps, max_size=4).map(chained)


def by_run(pipeline: Pipeline[Any, Any], items: Any, **options: Any) -> list[Any]:
    return list(pipeline.run(items, **options))


def by_trio(pipeline: Pipeline[Any, Any], items: Any, **options: Any) -> list[Any]:
    async def main() -> list[Any]:
        return await pipeline.collect(items, **options)

    return trio.run(main)


def by_asyncio(pipeline: Pipeline[Any, Any], items: Any, **options: Any) -> list[Any]:
    return asyncio.run(pipeline.collect(items, **options))


WAYS = [by_run, by_trio, by_asyncio]
"""The ways to run a pipeline."""
