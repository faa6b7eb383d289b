"""The limit of a run, changed while it runs: in plain Python, in trio and in asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Pipeline, Run, Stream
from penstock.agents.pipelines.hand_over import HandOver
from penstock.blocks import MemoryBudget
from tests.agents.pipelines.recipes import comes_true, invert, same

Results = Run[Any] | Stream[Any]


def seen_by(seen: list[int]) -> Pipeline[int, int]:
    def see(n: int) -> int:
        seen.append(n)
        return n

    return Pipeline(see).map(same)


def limit_that_holds(results: Results) -> float:
    return results.network.statistics().governor("limit").limit


async def test_it_is_raised_and_lowered_under_back_pressure_in_trio() -> None:
    seen: list[int] = []
    async with seen_by(seen).stream(range(12), limit=2) as results:
        await wait_all_tasks_blocked()
        assert seen == [0, 1]
        results.limit = 5
        await wait_all_tasks_blocked()
        assert seen == [0, 1, 2, 3, 4]
        results.limit = 1
        for n in range(4):
            assert await anext(results) == n
            await wait_all_tasks_blocked()
            assert seen == [0, 1, 2, 3, 4]  # what is in flight goes on, and nothing new comes in
        assert await anext(results) == 4
        await wait_all_tasks_blocked()
        assert seen == [0, 1, 2, 3, 4, 5]
        assert [n async for n in results] == [*range(5, 12)]
        assert results.limit == 1
    results.limit = 3
    assert results.limit == 3
    assert limit_that_holds(results) == 1


def check_in_another_thread(results: Results, seen: list[int], take: Callable[[], int]) -> None:
    """Change the limit of a run whose loop is in another thread."""
    assert take() == 0
    comes_true(lambda: seen == [0, 1])  # the program has one item, which counts
    results.limit = 5
    assert results.limit == 5
    comes_true(lambda: seen == [0, 1, 2, 3, 4])
    results.limit = 1
    comes_true(lambda: limit_that_holds(results) == 1)
    for n in range(1, 5):
        assert take() == n
        assert seen == [0, 1, 2, 3, 4]
    assert [take() for _ in range(5, 12)] == [*range(5, 12)]


def test_it_is_raised_and_lowered_under_back_pressure_in_plain_python() -> None:
    seen: list[int] = []
    with seen_by(seen).run(range(12), limit=2) as results:
        check_in_another_thread(results, seen, lambda: next(results))
    results.limit = 3
    assert results.limit == 3
    assert limit_that_holds(results) == 1


def test_it_is_raised_and_lowered_under_back_pressure_in_asyncio() -> None:
    seen: list[int] = []

    async def main() -> None:
        async with seen_by(seen).stream(range(12), limit=2) as results:
            assert await anext(results) == 0
            comes_true(lambda: seen == [0, 1])
            results.limit = 5
            assert results.limit == 5
            comes_true(lambda: seen == [0, 1, 2, 3, 4])
            results.limit = 1
            comes_true(lambda: limit_that_holds(results) == 1)
            assert [n async for n in results] == [*range(1, 12)]
        results.limit = 3
        await Pipeline(same).collect([1])  # the loop has seen it
        assert limit_that_holds(results) == 1

    asyncio.run(main())


def test_it_can_be_set_before_the_start() -> None:
    seen: list[int] = []
    results = seen_by(seen).run(range(2000))
    assert results.limit == 16
    results.limit = 3
    assert list(results) == [*range(2000)]
    assert limit_that_holds(results) == 3  # although the items are quick
    assert results.network.statistics().governor("limit").most_in_flight <= 3


async def test_a_limit_that_was_set_does_not_depend_on_how_quick_items_are() -> None:
    async with Pipeline(same).stream(range(2000)) as results:
        results.limit = 3
        assert [n async for n in results] == [*range(2000)]
        assert limit_that_holds(results) == 3


async def test_a_source_that_fills_a_slow_pipeline_at_once_is_not_quick() -> None:
    async def stay(item: int) -> int:
        await trio.sleep(1)
        return item

    async with Pipeline(stay).stream(range(100)) as results:
        await wait_all_tasks_blocked()
        assert results.limit == 16


async def test_a_limit_in_bytes_stays_one() -> None:
    items = [bytes(1000) for _ in range(9)]
    async with Pipeline(len).stream(items, limit=MemoryBudget(2500)) as results:
        await wait_all_tasks_blocked()
        assert results.network.statistics()["len"].received == 2
        results.limit = MemoryBudget(4600).limit
        await wait_all_tasks_blocked()
        assert results.network.statistics()["len"].received == 4
        with pytest.raises(ValueError, match=r"Stream\.limit: limit, the number of bytes, must be a number > 0, got 0"):
            results.limit = 0
        assert [n async for n in results] == 9 * [1000]


def test_a_limit_in_bytes_may_have_a_fraction() -> None:
    items = [bytes(1000) for _ in range(9)]
    run = Pipeline(len).run(items, limit=MemoryBudget(2500))
    run.limit = 1e6
    assert list(run) == 9 * [1000]
    assert run.network.statistics().governor("limit").most_in_flight > 2500


@pytest.mark.parametrize("limit", [0, 2.5, True, None, "3"])
def test_a_wrong_limit_changes_nothing(limit: Any) -> None:
    run = Pipeline(same).run(range(3), limit=2)
    with pytest.raises(ValueError, match=r"Run\.limit: limit must be an int >= 1, got"):
        run.limit = limit
    assert run.limit == 2


def test_a_limit_below_a_batch_and_a_limit_where_there_is_none_are_refused() -> None:
    run = Pipeline.of(int).batch(5).run(range(3))
    with pytest.raises(ValueError, match=r"Run\.limit: limit must be at least 5, which the batches .*, got 4"):
        run.limit = 4
    endless = Pipeline(same).run(range(3), limit=None)
    assert endless.limit is None
    with pytest.raises(RuntimeError, match="started with limit=None; start it with a limit"):
        endless.limit = 4


async def test_a_change_while_the_run_fails_changes_nothing_any_more() -> None:
    async def fail() -> None:
        async with Pipeline(invert).stream(range(3), limit=2) as results:
            try:
                await trio.sleep_forever()
            finally:
                results.limit = 100

    with pytest.raises(ZeroDivisionError):
        await fail()


def test_a_hand_over_with_a_new_bound_has_other_slices() -> None:
    hand_over = HandOver[int](4)
    hand_over.change_bound(40)
    hand_over.put([*range(25)])
    assert hand_over.take() == [*range(10)]
    hand_over.change_bound(1000)
    assert hand_over.bound == 256
    hand_over.change_bound(1)
    hand_over.put([25, 26])
    assert [hand_over.take() for _ in range(4)] == [[*range(10, 20)], [*range(20, 25)], [25], [26]]
