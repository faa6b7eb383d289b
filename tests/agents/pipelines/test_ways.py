"""The same recipe gives the same results in plain Python, in trio and in asyncio."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import Pipeline
from penstock.blocks import MemoryBudget, Recording, Threads, TimeLimitExceeded
from tests.agents.pipelines.recipes import WAYS, Recipe, by_asyncio, invert, recipes, same

Way = Callable[..., list[Any]]
ways = pytest.mark.parametrize("way", WAYS, ids=["plain", "trio", "asyncio"])


@given(recipes, st.integers(0, 40), st.sampled_from(WAYS), st.sampled_from([None, 64, "default"]), st.booleans())
def test_every_recipe_gives_what_a_plain_program_gives(
    recipe: Recipe, count: int, way: Way, limit: Any, is_generator: bool
) -> None:
    pipeline, plain = recipe
    items: Any = (n for n in range(count)) if is_generator else range(count)
    options = {} if limit == "default" else {"limit": limit}
    assert way(pipeline, items, **options) == plain(list(range(count)))


@ways
def test_a_fault_comes_out_by_itself_with_its_notes(way: Way) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        way(Pipeline(invert).map(str), range(2, -7, -1))
    assert caught.value.__notes__ == ["in invert, item 3: 0"]
    assert caught.value.__context__ is None


@ways
def test_a_group_that_a_stage_raises_comes_out_as_it_is(way: Way) -> None:
    def fail(n: int) -> None:
        raise ExceptionGroup("both", [ValueError(n)])

    with pytest.raises(ExceptionGroup, match="both") as caught:
        way(Pipeline(fail), [1])
    assert caught.value.__notes__ == ["in fail, item 1: 1"]


@ways
def test_several_faults_come_out_together(way: Way) -> None:
    sleep = asyncio.sleep if way is by_asyncio else trio.sleep

    async def fail(n: int) -> None:
        try:
            await sleep(0.01 if n == 0 else 1000)
        finally:
            raise ValueError(n)

    with pytest.raises(ExceptionGroup) as caught:
        way(Pipeline(fail, concurrency=2), range(2))
    assert sorted(map(str, caught.value.exceptions)) == ["0", "1"]


@ways
def test_a_fault_of_the_source_comes_out(way: Way) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("source")

    with pytest.raises(KeyError, match="source"):
        way(Pipeline(same), items())


@ways
@pytest.mark.parametrize("limit", [1, 3, 16, 200])
def test_no_more_items_are_between_source_and_caller_than_the_limit(way: Way, limit: int) -> None:
    given_out: list[int] = []
    most = 0

    def items() -> Iterator[int]:
        for n in range(300):
            given_out.append(n)
            yield n

    def count(n: int) -> int:
        nonlocal most
        most = max(most, len(given_out) - n)  # the items before n may have left
        return n

    assert way(Pipeline(count).map(count), items(), limit=limit) == list(range(300))
    assert most <= limit + 1  # the one that the source has just read


@ways
def test_the_default_limit_bounds_an_endless_source(way: Way) -> None:
    read = 0

    def endless() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    assert way(Pipeline(same).take(100), endless()) == list(range(1, 101))
    assert read <= 100 + 256 + 1


@ways
def test_a_memory_budget_bounds_the_bytes(way: Way) -> None:
    items = [bytes(1000) for _ in range(50)]
    assert way(Pipeline(len), items, limit=MemoryBudget(5000)) == 50 * [1000]


@ways
def test_a_recording_and_a_time_limit_go_to_the_network(way: Way) -> None:
    recording = Recording()
    assert way(Pipeline(same, name="work"), range(3), recording=recording) == [0, 1, 2]
    assert {span.stage for span in recording.spans} >= {"work"}

    def endless() -> Iterator[int]:
        while True:
            time.sleep(0.001)
            yield 1

    with pytest.raises(TimeLimitExceeded):
        way(Pipeline(same), endless(), time_limit=0.05)


def name_of_thread(_: int) -> str:
    return threading.current_thread().name


@ways
def test_a_shared_executor_is_kept(way: Way) -> None:
    with Threads(2) as pool:
        pipeline = Pipeline(name_of_thread, executor=pool, concurrency=2)
        for _ in range(3):
            assert all("worker" in name for name in way(pipeline, range(10)))


@ways
def test_a_generator_is_read_and_closed_in_a_thread_of_its_own(way: Way) -> None:
    seen: set[str] = set()

    def items() -> Iterator[int]:
        try:
            while True:
                seen.add(threading.current_thread().name)
                yield 1
        finally:
            seen.add(threading.current_thread().name)

    assert way(Pipeline(same).take(10), items()) == 10 * [1]
    assert seen == {"source worker 1"}


@ways
@pytest.mark.parametrize(
    "make", [lambda: [1, 2], lambda: {1: 0, 2: 0}.keys(), lambda: iter([1, 2]), lambda: np.ones(2), lambda: "ab"]
)
def test_a_collection_is_read_on_the_loop(way: Way, make: Callable[[], Any]) -> None:
    def place(item: int) -> bool:
        return any(thread.name.startswith("source worker") for thread in threading.enumerate())

    assert way(Pipeline(place), make()) == [False, False]


@ways
def test_nothing_comes_of_nothing(way: Way) -> None:
    assert way(Pipeline(same), []) == []
    assert way(Pipeline.of(int), [3]) == [3]
