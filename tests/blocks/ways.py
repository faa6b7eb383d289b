"""The ways in which a block may call its function, for tests of what all of them have in common."""

from collections.abc import Callable
from typing import Any

import pytest

from penstock.blocks import Transformer
from tests.blocks.executors.kinds import OnLoop

Make = Callable[..., Transformer[int, int]]


def inline(function: Any, **options: Any) -> Transformer[int, int]:
    return Transformer(function, name="t", **options)


def in_tasks(function: Any, **options: Any) -> Transformer[int, int]:
    return Transformer(function.as_async, name="t", **options)


def in_executor(function: Any, **options: Any) -> Transformer[int, int]:
    return Transformer(function, executor=OnLoop(), name="t", **options)


WAYS: dict[str, tuple[Make, dict[str, Any]]] = {
    "inline": (inline, {}),
    "one task": (in_tasks, {}),
    "three tasks": (in_tasks, {"concurrency": 3}),
    "three tasks, unordered": (in_tasks, {"concurrency": 3, "ordered": False}),
    "executor": (in_executor, {}),
    "executor, three calls": (in_executor, {"concurrency": 3}),
    "executor, three calls, unordered": (in_executor, {"concurrency": 3, "ordered": False}),
}
every_way = pytest.mark.parametrize("way", WAYS)


def make(way: str, function: Any, **options: Any) -> Transformer[int, int]:
    maker, more = WAYS[way]
    return maker(function, **more, **options)
