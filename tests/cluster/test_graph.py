"""Task graphs whose results stay on a real Dask cluster."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.agents import Checkpoint, NotRun, TaskGraph, TasksFailed, optional
from penstock.blocks import Cluster
from penstock.blocks.executors.cluster_calls import Spread
from tests.cluster import functions
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import eventually

pytest.importorskip("distributed")

SIZE = 1_000_000


@pytest.fixture
def there(client: Any) -> Cluster:
    return Cluster(client)


async def triple(number: int) -> int:
    await trio.lowlevel.checkpoint()
    return 3 * number


async def test_results_stay_there_and_only_those_that_are_wanted_come_home(proxy: Proxy, far_client: Any) -> None:
    graph = TaskGraph("g", executor=Cluster(far_client), concurrency=4)
    made = graph.map(functions.make, [SIZE] * 8)
    twice = graph.map(functions.twice, made)
    total = graph.fan_in(sum, graph.map(functions.size, twice))
    before = dict(proxy.passed)
    results = await graph.run()
    assert results[total] == 8 * 2 * SIZE
    assert proxy.passed["to"] - before["to"] < SIZE / 4
    assert proxy.passed["from"] - before["from"] < SIZE / 4


async def test_asynchronous_functions_get_values_and_results_are_values(there: Cluster) -> None:
    graph = TaskGraph(executor=there)
    numbers = graph.map(functions.tenfold, range(9))
    tripled = graph.map(triple, numbers)
    total = graph.reduce(sum, tripled, split_every=4)
    nested = graph.call(functions.identity, [numbers, (total, 1)])
    lazy = graph.reduce(sum, graph.map(functions.tenfold, iter(range(20)), lazy=True))
    listed = graph.map(functions.tenfold, range(3), lazy=True)
    results = await graph.run(keep=[numbers, total])
    assert results[numbers] == [10 * n for n in range(9)]
    assert results[total] == 30 * sum(range(9))
    assert results[nested] == [results[numbers], (results[total], 1)]
    assert (results[lazy], results[listed]) == (1_900, [0, 10, 20])


async def test_a_failure_keeps_its_type_and_the_rest_goes_on(there: Cluster) -> None:
    graph = TaskGraph("g", executor=there)
    numbers = graph.map(functions.not_two, range(4))
    total = graph.fan_in(sum, numbers)
    good = graph.fan_in(sum, [numbers[0], numbers[3]])
    with pytest.raises(TasksFailed, match="1 task of 'g' failed") as raised:
        await graph.run(on_error="continue")
    (error,) = raised.value.exceptions
    assert isinstance(error, ValueError)
    assert error.__notes__[-1] == "in <task 'not_two 3'> with 2"
    assert any("it was raised on the worker" in note for note in error.__notes__)
    assert raised.value.results[good] == 3
    with pytest.raises(NotRun):
        raised.value.results[total]


async def test_a_cancelled_run_takes_its_calls_back(cluster: Any, there: Cluster, tmp_path: Path) -> None:
    graph = TaskGraph(executor=there)
    graph.map(functions.wait_for_file, [tmp_path] * 30)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(graph.run)
            await eventually(lambda: len(functions.calls(tmp_path / "begun")) == 2)  # one on each worker
            scope.cancel()
    assert scope.cancelled_caught
    await eventually(lambda: not tasks_of(cluster, "wait_for_file"))
    functions.note(tmp_path / "go")
    assert len(functions.calls(tmp_path / "begun")) <= 3  # the third may have begun before its worker heard of it


async def test_results_that_nothing_needs_are_released(cluster: Any, there: Cluster) -> None:
    graph = TaskGraph(executor=there)
    sizes = graph.map(functions.size, graph.map(functions.make, [10] * 20))
    total = graph.fan_in(sum, sizes)
    assert (await graph.run())[total] == 200
    gc.collect()
    await eventually(lambda: not tasks_of(cluster, "make", "size", "sum"))


def tasks_of(cluster: Any, *groups: str) -> list[str]:
    """What the scheduler knows of some groups."""
    return [key for key in list(cluster.scheduler.tasks) if key.rpartition("-")[0] in groups]


async def test_what_cannot_be_sent_is_a_failure_that_names_it(there: Cluster) -> None:
    lock = threading.Lock()
    graph = TaskGraph(executor=there)
    graph.call(lambda: lock, name="bound")
    graph.call(functions.identity, lock, name="argument")
    with pytest.raises(TasksFailed) as raised:
        await graph.run(on_error="continue")
    bound, argument = raised.value.exceptions
    assert "task 'bound': <function" in str(bound)
    assert "let the function itself make a lock" in str(bound)
    assert argument.__notes__[0] == "an argument could not be sent to the cluster"


def test_an_argument_list_is_one_item() -> None:
    assert Spread(max)((1, 2)) == 2  # elsewhere, a worker calls it


async def test_what_needs_results_here_is_refused(there: Cluster) -> None:
    graph = TaskGraph("g", executor=there)
    number = graph.call(functions.tenfold, 1)
    with pytest.raises(TypeError, match=r"'g': a checkpoint needs the results here, .*; use client\.get_executor\(\)"):
        await graph.run(checkpoint=Checkpoint("unused"))
    graph.call(functions.identity, optional(number))
    with pytest.raises(TypeError, match=r"'g': <task 'identity'> has an optional input, .* use client\.get_executor"):
        await graph.run()


async def test_results_that_are_lost_before_they_are_fetched_are_told(there: Cluster, client: Any) -> None:
    graph = TaskGraph("g", executor=there)
    number = graph.call(functions.tenfold, 1)

    async def lose(futures: list[Any]) -> list[Any]:
        raise OSError("gone")

    there.gather = lose  # type: ignore[method-assign,assignment]
    with pytest.raises(TasksFailed) as raised:
        await graph.run()
    assert raised.value.exceptions[0].__notes__ == ["while the results of graph 'g' were fetched"]
    assert number.name == "tenfold"
