"""The options of stages: none of a block is missing without a reason, and each works in every way to run a pipeline."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import trio
import trio.testing

from penstock.agents import BlockOptions, CallOptions, ForkOptions, MapOptions, Pipeline, RunOptions, StageOptions
from penstock.agents import trio_function as of_trio
from penstock.agents.pipelines.built import usual_limit
from penstock.blocks import (
    Batch,
    Broadcast,
    DeadLetter,
    Fallback,
    Filter,
    Flatten,
    Fold,
    Join,
    Lease,
    Network,
    Processes,
    Regroup,
    ResourcePool,
    Retry,
    Stalled,
    Take,
    TakeWhile,
    Tap,
    Threads,
    Throttle,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.agents.pipelines.recipes import WAYS, same, twice

Way = Callable[..., list[Any]]
DECLINES = "an item that a stage declines would stay in front of it for ever; Pipeline.filter drops it"
RENAMED = {"max_items": "items", "max_seconds": "seconds"}
LEFT_OUT: dict[tuple[type, str], str] = {
    (Transformer, "filter"): DECLINES,
    (TransformMany, "filter"): DECLINES,
    (Batch, "filter"): DECLINES,
    (Take, "filter"): DECLINES,
    (TakeWhile, "filter"): DECLINES,
    (Broadcast, "filter"): DECLINES,
    (Broadcast, "capacity"): "the branches have capacities of their own",
    (Broadcast, "name"): "the two blocks of a fork have fixed names",
    (Regroup, "split"): "it is the last flat_map or flatten",
    (Join, "name"): "the two blocks of a fork have fixed names",
    (Join, "sources"): "they are the branches",
    (Join, "inputs"): "it is the number of branches",
    (Join, "greedy"): "results that wait for those of other branches are in their branch, or there is a key",
    (Network, "nodes"): "they are made of the recipe",
    (Network, "shutdown"): "what must stop together with a network is a section() of it",
    (Network, "paused"): "whoever asks for results waits for them, and could not resume the run",
}
STAGES: list[tuple[type, str, type]] = [
    (Transformer, "__init__", MapOptions),
    (Transformer, "map", MapOptions),
    (TransformMany, "flat_map", MapOptions),
    (Filter, "filter", StageOptions),
    (Tap, "tap", StageOptions),
    (Flatten, "flatten", CallOptions),
    (Fold, "fold", CallOptions),
    (Batch, "batch", BlockOptions),
    (Regroup, "regroup", object),
    (Throttle, "throttle", BlockOptions),
    (Take, "take", BlockOptions),
    (TakeWhile, "take_while", BlockOptions),
    (Broadcast, "fork", ForkOptions),
    (Join, "fork", ForkOptions),
    (Network, "run", RunOptions),
]


@pytest.mark.parametrize(("block", "method", "options"), STAGES)
def test_no_option_of_a_block_is_missing_without_a_reason(block: type, method: str, options: type) -> None:
    of_block = [name for name in inspect.signature(block).parameters if (block, name) not in LEFT_OUT]
    known = {*inspect.signature(getattr(Pipeline, method)).parameters, *getattr(options, "__annotations__", ())}
    assert [name for name in of_block if RENAMED.get(name, name) not in known] == []


# Leases


def borrow(n: int, lease: Lease[str]) -> str:
    return f"{n} with {lease.value}"


async def borrow_later(n: int, lease: Lease[str]) -> str:
    return borrow(n, lease)


def borrow_many(n: int, lease: Lease[str]) -> Iterator[str]:
    yield borrow(n, lease)


def keep(n: int, lease: Lease[str]) -> tuple[int, Lease[str]]:
    return n, lease


BORROWING: list[Callable[[ResourcePool[str]], Pipeline[int, str]]] = [
    lambda pool: Pipeline(borrow, resource=pool),
    lambda pool: Pipeline.of(int).map(borrow_later, resource=pool, concurrency=3),
    lambda pool: Pipeline.of(int).map(borrow, resource=pool, concurrency=3, executor=Threads(3)),
    lambda pool: Pipeline.of(int).flat_map(borrow_many, resource=pool),
    lambda pool: Pipeline.of(int).map(borrow, resource=pool, key=same, on_error="skip"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compose", BORROWING)
def test_an_item_starts_with_a_lease(way: Way, compose: Callable[[ResourcePool[str]], Pipeline[int, str]]) -> None:
    pool = ResourcePool(["a", "b"])
    results = way(compose(pool), range(9))
    assert [result.partition(" with ")[0] for result in results] == [str(n) for n in range(9)]
    assert {result[-1] for result in results} <= {"a", "b"}
    assert pool.in_use == 0
    assert 1 <= pool.most_in_use <= 2


def test_a_loop_that_drops_its_results_gives_their_leases_back() -> None:
    pool = ResourcePool(["a", "b"])
    numbers: list[int] = []
    for result in Pipeline(keep, resource=pool).run(range(9)):
        numbers.append(result[0])
        del result
    assert numbers == list(range(9))
    assert pool.in_use == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_program_that_keeps_all_leases_is_told_so(way: Way) -> None:
    pool = ResourcePool(["a", "b"], name="few")
    with pytest.raises(Stalled, match="resource pool 'few', of which all 2 are in use"):
        way(Pipeline(keep, resource=pool), range(9))


def test_a_plan_leaves_a_stage_as_it_is_if_its_function_is_called_in_another_way() -> None:
    pool = ResourcePool(["a"])
    pipeline = (
        Pipeline(borrow, resource=pool)
        .map(len, priority=same)
        .map(same, context=True)
        .flat_map(twice, at_end=list, name="twice")
    )
    profile = pipeline.run_profile([1, 2, 3])
    assert {task.name: task.is_fixed for task in profile.tasks} == {
        "borrow": True,
        "len": False,
        "same": True,
        "twice": True,
    }


# Priorities


async def test_the_most_urgent_item_is_started_first() -> None:
    started: list[int] = []
    go = trio.Event()

    async def work(n: int) -> int:
        started.append(n)
        await go.wait()
        return n

    section = Pipeline(work, priority=same).section()
    async with Network(section):
        section.send_nowait(5)
        await trio.testing.wait_all_tasks_blocked()
        for n in (1, 3, 2, 4):
            section.send_nowait(n)
        go.set()
        assert [await section.receive() for _ in range(5)] == [5, 4, 3, 2, 1]
    assert started == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("way", WAYS)
def test_all_items_come_out_of_a_stage_that_sorts(way: Way) -> None:
    pipeline = Pipeline(same, priority=same).flat_map(twice, priority=lambda n: -n)
    assert sorted(way(pipeline, range(30), limit=7)) == sorted(2 * [*range(30)])


# Context variables

tag: ContextVar[str] = ContextVar("tag", default="none")


def mark(n: int) -> int:
    tag.set(f"tag of {n}")
    return n


def marked(n: int) -> tuple[int, str]:
    return n, tag.get()


@pytest.mark.parametrize("way", WAYS)
def test_later_stages_see_what_an_earlier_one_has_set_for_their_item(way: Way) -> None:
    pipeline = (
        Pipeline(mark, context=True)
        .filter(lambda n: n > 0, context=True)
        .tap(same, context=True)
        .map(marked, context=True, executor=Threads(2), concurrency=2)
    )
    assert way(pipeline, range(4)) == [(n, f"tag of {n}") for n in (1, 2, 3)]
    assert tag.get() == "none"


async def test_a_section_carries_the_variables_of_the_senders() -> None:
    section = (
        Pipeline.of(list[int])
        .flatten(context=True)
        .fold(lambda total, n: total + n, 0, running=True, context=True)
        .map(marked, context=True)
        .section()
    )
    async with Network(section):
        for name, totals in (("one", [1, 3]), ("two", [4, 6])):
            tag.set(name)
            await section.send([1, 2])
            assert [await section.receive() for _ in range(2)] == [(total, name) for total in totals]


# The end of a generator


class Lines:
    """Puts pieces of text together to lines; the last line may have no end."""

    def __init__(self) -> None:
        self.rest = ""

    def add(self, text: str) -> list[str]:
        *lines, self.rest = (self.rest + text).split("\n")
        return lines

    def last(self) -> list[str]:
        rest, self.rest = self.rest, ""
        return [rest]

    async def add_later(self, text: str) -> list[str]:
        return self.add(text)

    async def last_later(self) -> list[str]:
        return self.last()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_function_still_holds_comes_at_the_end(way: Way, is_async: bool) -> None:
    lines = Lines()
    stage = Pipeline.of(str)
    pipeline = (
        stage.flat_map(lines.add_later, at_end=lines.last_later)
        if is_async
        else stage.flat_map(lines.add, at_end=lines.last)
    )
    for _ in range(2):
        assert way(pipeline, ["a\nb", "c\n", "d"]) == ["a", "bc", "d"]


# In asyncio


async def in_asyncio(n: int) -> int:
    await asyncio.sleep(0)
    return -n


async def pieces(n: int) -> AsyncIterator[int]:
    for piece in range(n):
        await asyncio.sleep(0)
        yield piece


@of_trio
async def pieces_of_trio(n: int) -> AsyncIterator[int]:
    for piece in range(n):
        await trio.lowlevel.checkpoint()
        yield piece


async def fail(n: int) -> int:
    raise ValueError(n)


@pytest.mark.parametrize(
    ("pipeline", "results"),
    [
        (Pipeline(fail, on_error=Fallback(in_asyncio)), [0, -1, -2]),
        (Pipeline(fail, on_error=Retry(1, backoff=0, then=Fallback(in_asyncio))), [0, -1, -2]),
        (Pipeline.of(int).flat_map(pieces), [0, 0, 1]),
        (Pipeline.of(int).flat_map(pieces_of_trio), [0, 0, 1]),
    ],
)
def test_everything_asynchronous_runs_in_asyncio(pipeline: Pipeline[int, int], results: list[int]) -> None:
    assert asyncio.run(pipeline.collect(range(3))) == results
    assert list(pipeline.run(range(3), library="asyncio")) == results


def test_a_generator_that_is_left_is_closed_in_asyncio() -> None:
    closed: list[bool] = []

    async def endless(n: int) -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(0)
                yield n
        finally:
            closed.append(asyncio.current_task() is not None)

    async def main() -> None:
        async with Pipeline.of(int).flat_map(endless).stream([7]) as results:
            assert await anext(results) == 7

    asyncio.run(main())
    assert closed == [True]


# Batches, forks and runs


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_may_be_full_by_weight(way: Way) -> None:
    pipeline = Pipeline.of(int).batch(max_weight=10, weight=same)
    assert str(pipeline) == "batch by weight"
    assert way(pipeline, [4, 5, 2, 9, 1, 20, 3]) == [[4, 5], [2], [9, 1], [20], [3]]
    assert way(Pipeline.of(int).batch(2, max_weight=10, weight=same), [1, 1, 1, 9]) == [[1, 1], [1, 9]]


async def test_a_batch_with_a_time_limit_gets_full_before_its_time_is_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    start = trio.current_time()
    by_number = Pipeline.of(int).batch(100, seconds=1)
    by_weight = Pipeline.of(int).batch(max_weight=100, weight=lambda _: 1, seconds=1)
    for batches in (by_number, by_weight, Pipeline.of(int) | Batch[int](100, max_seconds=1)):
        assert await batches.map(len).collect(range(300)) == [100, 100, 100]
    assert trio.current_time() == start


def test_the_default_limit_lets_in_what_a_batch_by_weight_may_hold() -> None:
    def ones(**options: Any) -> Pipeline[int, int]:
        return Pipeline.of(int).batch(max_weight=500, weight=lambda _: 1, **options).map(len)

    pipeline = Pipeline.of(int).fork(ones(), ones())
    for steps, least in (
        (ones().steps, 16 + 1023),
        (ones(capacity=None).steps, 16 + 1023),
        (ones(capacity=600).steps, 16 + 599),
        (ones(seconds=1).steps, 16 + 1023),
        (Pipeline.of(int).batch(50, max_weight=1, weight=same).steps, 16 + 49),
        (pipeline.steps, 4 * 6 + 2047),
    ):
        assert usual_limit(steps) == least
    assert list(ones().run([1] * 1100)) == [500, 500, 100]
    with pytest.raises(Stalled, match="raise the limit of governor 'limit' to at least 5"):
        list(ones().run([1] * 10, limit=4))


@pytest.mark.parametrize("way", WAYS)
def test_results_without_a_partner_in_another_branch_are_treated_as_the_fork_says(way: Way) -> None:
    letters: list[Any] = []

    def odd(n: int) -> bool:
        return n % 2 == 1

    def fork(**options: Any) -> Pipeline[int, Any]:
        return Pipeline.of(int).fork(Pipeline.of(int).filter(odd), Pipeline.of(int), key=same, **options)

    assert way(fork(), range(4)) == [(1, 1), (3, 3)]
    assert way(fork(unmatched=DeadLetter(letters.append), capacity=50), range(4)) == [(1, 1), (3, 3)]
    assert sorted(letter.item for letter in letters) == [0, 2]
    with pytest.raises(Exception, match="no partner"):
        way(fork(unmatched="fail"), range(4))


def test_stages_have_names_and_capacities() -> None:
    pipeline = (
        Pipeline.of(int)
        .batch(2, name="pairs", capacity=4)
        .flatten(name="one by one", capacity=3, on_error="skip")
        .throttle(1e6, name="slow", capacity=2)
        .fold(max, 0, running=True, name="largest", capacity=1)
        .take(3, name="some", capacity=1)
    )
    run = pipeline.run(range(5), name="the run", progress_limit=30, watchdog=30)
    assert list(run) == [0, 1, 2]
    assert run.network.name == "the run"
    names = [block.name for block in run.network.blocks]
    assert names == ["source", "pairs", "one by one", "slow", "largest", "some", "results"]


# What is refused

REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: Pipeline.of(int).filter(bool, resource=ResourcePool("a")),  # type: ignore[call-arg]  # pyright: ignore
        TypeError,
        "Pipeline.filter: there is no option 'resource'",
    ),
    (lambda: Pipeline.of(int).tap(print, priority=same), TypeError, "Pipeline.tap: there is no option 'priority'"),  # type: ignore[call-arg]  # pyright: ignore
    (lambda: Pipeline(len, pool=3), TypeError, "there is no option 'pool'; there are .*priority, resource"),  # type: ignore[call-overload]  # pyright: ignore
    (lambda: Pipeline(len, resource="a"), TypeError, "resource must be a ResourcePool, got 'a'"),  # type: ignore[call-overload]  # pyright: ignore
    (
        lambda: Pipeline(len, resource=ResourcePool("a")),  # type: ignore[arg-type]  # pyright: ignore
        TypeError,
        "function is called with an item and a lease",
    ),
    (lambda: Pipeline(same, priority=3), TypeError, "priority must be a function or None, got 3"),  # type: ignore[call-overload]  # pyright: ignore
    (lambda: Pipeline(same, context=True, executor=Processes(1)), TypeError, "context=True needs an executor with"),
    (
        lambda: Pipeline.of(int).flat_map(twice, at_end=list, executor=Threads(2), concurrency=2),
        ValueError,
        "at_end",
    ),
    (lambda: Pipeline.of(list[int]).flatten(capacity=0), ValueError, "flatten': capacity must be"),
    (lambda: Pipeline.of(int).fold(max, 0, on_error="no"), ValueError, "on_error must be"),  # type: ignore[call-overload]  # pyright: ignore
    (lambda: Pipeline.of(int).take(1, size=3), TypeError, "Pipeline.take: there is no option 'size'; there are"),  # type: ignore[call-arg]  # pyright: ignore
    (lambda: Pipeline.of(int).batch(max_weight=3), ValueError, "max_weight needs weight"),
    (lambda: Pipeline.of(int).batch(), ValueError, "give max_items, or max_weight and weight"),
    (
        lambda: Pipeline.of(int).fork(Pipeline(same), Pipeline(same), by=same),  # type: ignore[call-overload]  # pyright: ignore
        TypeError,
        "Pipeline.fork: there is no option 'by'; there are key, capacity, unmatched",
    ),
    (
        lambda: Pipeline.of(int).fork(Pipeline(same), Pipeline(same), unmatched="fail"),
        ValueError,
        "unmatched='fail' needs key=",
    ),
    (
        lambda: Pipeline.of(int).fork(
            Pipeline(same), Pipeline(same), key=same, unmatched=DeadLetter(UnboundedBuffer(name="bin"))
        ),
        TypeError,
        "Pipeline.fork: .*its dead letters cannot go to unbounded buffer 'bin'; give DeadLetter a function",
    ),
]


@pytest.mark.parametrize(("compose", "kind", "message"), REFUSED)
def test_what_cannot_work_is_refused_where_it_is_written(
    compose: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        compose()
