"""Blocks on Ray, through the class of a few lines in docs/how-to/cluster.md; left out where Ray is not installed."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest

from penstock.blocks import Transformer
from tests.blocks.tools import contents, faults, linked, run
from tests.cluster import functions

pytest.importorskip("ray")
R = TypeVar("R")


def call(function: Callable[..., R], args: Any, kwargs: Any) -> R:
    return function(*args, **kwargs)


class RayExecutor(Executor):
    """Runs calls on Ray."""

    def __init__(self) -> None:
        ray: Any = import_module("ray")
        self._call: Any = ray.remote(call)

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Let Ray call a function."""
        future: Future[R] = self._call.remote(fn, args, kwargs).future()
        return future


@pytest.fixture(scope="module")
def executor() -> Iterator[RayExecutor]:
    ray: Any = import_module("ray")
    root = str(Path(__file__).parents[2])
    path = {"env_vars": {"PYTHONPATH": ":".join([root, *sys.path])}}
    ray.init(num_cpus=2, include_dashboard=False, runtime_env=path)
    yield RayExecutor()
    ray.shutdown()


async def test_results_come_in_order(executor: RayExecutor) -> None:
    block = Transformer(functions.tenfold, executor=executor, concurrency=4)
    results = linked(block)
    await run(block, range(200))
    assert contents(results) == [10 * number for number in range(200)]


async def test_a_failure_keeps_its_type_and_policies_work(executor: RayExecutor) -> None:
    block = Transformer(functions.not_two, executor=executor, concurrency=2, on_error="skip")
    results = linked(block)
    await run(block, [1, 2, 3])
    assert contents(results) == [1, 3]
    with faults(ValueError):
        await run(Transformer(functions.not_two, executor=executor), [2])
