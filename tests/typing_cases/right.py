"""What a user may write, and what a type checker makes of it. `tests/test_typing.py` has mypy and pyright read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from penstock.blocks import Call, Lease, ResourcePool, Transformer, TransformMany


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
