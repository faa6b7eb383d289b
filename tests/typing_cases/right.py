"""What a user may write, and what a type checker makes of it. `tests/test_typing.py` has mypy and pyright read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from penstock.agents import (
    Askable,
    Handle,
    LazyTasks,
    Mailbox,
    Pipeline,
    Results,
    Runtime,
    Scope,
    Section,
    Service,
    Task,
    TaskGraph,
    TaskHandle,
    Tasks,
    first_success,
    gather,
)
from penstock.blocks import Batch, BoundedBuffer, Call, Lease, ResourcePool, Threads, Transformer, TransformMany


def double(number: int) -> int:
    return 2 * number


def find(number: int) -> str | None:
    return str(number) if number else None


async def fetch(number: int) -> str:
    return str(number)


async def look_up(number: int) -> str | None:
    return str(number) if number else None


class Scale:
    def __call__(self, data: bytes) -> float:
        return len(data) / 2

    async def later(self, data: bytes) -> float:
        return len(data) / 2


def characters(text: str) -> Iterator[str]:
    yield from text


async def pages(text: str) -> AsyncIterator[int]:
    yield len(text)


async def words(text: str) -> list[str]:
    return text.split()


def join(texts: list[str]) -> str:
    return "".join(texts)


def anything(value: Any) -> Any:
    return value


annotated: Transformer[int, int] = Transformer(lambda n: 2 * n)
annotated_optional: Transformer[int, str | None] = Transformer(lambda n: str(n) if n else None)
annotated_function: Transformer[int, int] = Transformer(double)
annotated_async: Transformer[int, str] = Transformer(fetch)
annotated_many: TransformMany[int, int] = TransformMany(lambda n: [n, 2 * n])
annotated_call: Call[int] = Call(lambda n: print(n + 1))

assert_type(Transformer[int, int](lambda n: 2 * n), Transformer[int, int])
assert_type(Transformer[int, str](fetch), Transformer[int, str])
assert_type(Transformer(double), Transformer[int, int])
assert_type(Transformer(find), Transformer[int, str | None])
assert_type(Transformer(fetch), Transformer[int, str])
assert_type(Transformer(look_up, concurrency=4, on_error="skip"), Transformer[int, str | None])
assert_type(Transformer(Scale()), Transformer[bytes, float])
assert_type(Transformer(Scale().later), Transformer[bytes, float])
assert_type(TransformMany[int, int](lambda n: range(n)), TransformMany[int, int])
assert_type(TransformMany(characters), TransformMany[str, str])
assert_type(TransformMany(pages), TransformMany[str, int])
assert_type(TransformMany(words), TransformMany[str, str])
Transformer(anything)


# Something scarce, one for each item

pool = ResourcePool([1.5, 2.5])


def weigh(number: int, lease: Lease[float]) -> str:
    return f"{lease.value * number}"


async def weigh_later(number: int, lease: Lease[float]) -> str:
    return weigh(number, lease)


assert_type(pool, ResourcePool[float])
assert_type(Transformer(weigh, resource=pool), Transformer[int, str])
assert_type(Transformer(weigh_later, resource=pool), Transformer[int, str])
assert_type(
    TransformMany[int, str](lambda number, lease: [weigh(number, lease)], resource=pool), TransformMany[int, str]
)
Call(weigh, resource=pool)


# Pipelines

lists = Pipeline(double, concurrency=4, executor=Threads(4)).map(str).filter(bool).batch(32)
assert_type(lists, Pipeline[int, list[str]])
assert_type(Pipeline(fetch), Pipeline[int, str])
assert_type(Pipeline.of(int).map(fetch, concurrency=8).map(len).map(lambda n: n / 2), Pipeline[int, float])
assert_type(Pipeline(fetch).then(Pipeline(words)).map(lambda found: found[0]), Pipeline[int, str])
assert_type(Pipeline(fetch) | BoundedBuffer[str](4) | Transformer[str, int](len), Pipeline[int, int])
assert_type(Batch[int](2) | Pipeline(len), Pipeline[int, int])
assert_type(Pipeline.of(int).fork(Pipeline(fetch), Pipeline(find)), Pipeline[int, tuple[str, str | None]])
assert_type(Pipeline.of(str).flat_map(characters).flat_map(pages).take(3), Pipeline[str, int])
assert_type(lists.flatten().tap(print).fold(lambda n, text: n + len(text), 0), Pipeline[int, int])
assert_type(lists.section(), Section[int, list[str]])


def scaled(number: int, lease: Lease[bytes]) -> float:
    return number / len(lease.value)


async def scaled_later(number: int, lease: Lease[bytes]) -> str:
    return str(number / len(lease.value))


def letters(number: int, lease: Lease[bytes]) -> list[str]:
    return [str(number)] * len(lease.value)


keys = ResourcePool([b"ab", b"cd"])
assert_type(Pipeline(scaled, resource=keys), Pipeline[int, float])
assert_type(Pipeline(scaled_later, resource=keys, concurrency=2), Pipeline[int, str])
assert_type(Pipeline.of(int).map(scaled, resource=keys, executor=Threads(2)), Pipeline[int, float])
assert_type(Pipeline.of(int).map(scaled_later, resource=keys).map(len), Pipeline[int, int])
assert_type(Pipeline.of(int).map(lambda n, lease: n + len(lease.value), resource=keys), Pipeline[int, int])
assert_type(Pipeline.of(int).flat_map(letters, resource=keys), Pipeline[int, str])
assert_type(Pipeline(double, priority=lambda n: -n, context=True), Pipeline[int, int])
assert_type(Pipeline.of(str).flat_map(characters, at_end=lambda: ["end"], priority=len), Pipeline[str, str])
assert_type(Pipeline.of(str).batch(max_weight=100, weight=len, name="pages"), Pipeline[str, list[str]])
assert_type(
    Pipeline.of(int).fork(Pipeline(fetch), Pipeline(find), key=len, unmatched="fail"),
    Pipeline[int, tuple[str, str | None]],
)
for strings in lists.run([1, 2]):
    assert_type(strings, list[str])


async def run_pipelines() -> None:
    async with lists.stream(range(3), limit=None) as results:
        async for result in results:
            assert_type(result, list[str])
    assert_type(await lists.collect([1]), list[list[str]])


# Tasks

graph = TaskGraph()
sizes = graph.map(len, ["one", "three"])
fetched = graph.map(fetch, [1, 2])
total = graph.reduce(sum, sizes)
lazy_sizes = graph.map(len, iter(["one", "three"]), lazy=True)
lazy_texts = graph.map(fetch, lazy_sizes)
assert_type(sizes, Tasks[int])
assert_type(fetched, Tasks[str])
assert_type(graph.map(double, sizes), Tasks[int])
assert_type(total, Task[int])
assert_type(lazy_sizes, LazyTasks[int])
assert_type(lazy_texts, LazyTasks[str])
assert_type(graph.reduce(join, lazy_texts), Task[str])
assert_type(graph.fan_in(join, lazy_texts), Task[str])
assert_type(graph.call(double, total), Task[int])
assert_type(graph.call(fetch, 3), Task[str])
assert_type(graph.fan_in(join, fetched), Task[str])
assert_type(graph.fan_out(total, 3, max), Tasks[int])
assert_type(sizes[0], Task[int])


def use_tasks(runtime: Runtime, results: Results) -> None:
    assert_type(runtime.submit(double, 1), TaskHandle[int])
    assert_type(runtime.submit(double, runtime.submit(double, 1)).get(), int)
    assert_type(results[total], int)
    assert_type(results[fetched], list[str])


async def use_scopes(scope: Scope) -> None:
    one, other = scope.spawn(double, 1), scope.spawn(fetch, 1)
    assert_type(one, Handle[int])
    assert_type(await other, str)
    assert_type(await gather(one, other), tuple[int, str])
    assert_type(await gather([one]), list[int])
    assert_type(await first_success(lambda: fetch(1), lambda: fetch(2)), str)


def length(text: str) -> int:
    return len(text)


box = Mailbox[str, float]()
lengths = Service(length, executor=Threads(2))


async def ask_questions() -> None:
    names = Service(fetch)
    assert_type(await lengths.ask("a"), int)
    assert_type(await gather(lengths.ask("a"), names.ask(1)), tuple[int, str])
    assert_type(await box.ask("text", priority=200), float)
    door: Askable[str, float] = box
    async for request in box:
        with request:
            request.reply(float(request.body))
        await request.forward(door)
