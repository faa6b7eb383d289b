"""How many items a hand-over has, on every lane there is: counted, since the time they take is the machine's."""

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from penstock.blocks import Call, Cluster, IterableSource, Network, Processes, Threads, Transformer
from penstock.blocks.executors import lane as lanes
from penstock.blocks.executors.client_lane import ClientLane
from penstock.blocks.executors.cluster import ClusterLane
from penstock.blocks.executors.lane import FutureLane
from penstock.blocks.executors.pool_lane import PoolLane
from penstock.blocks.executors.process_pool_lane import ProcessPoolLane
from penstock.blocks.functions.executor_runner import ExecutorRunner
from tests.blocks.executors import fake_dask
from tests.blocks.executors.fake_dask import Client, ClientExecutor, Future
from tests.blocks.executors.kinds import Time

pytestmark = pytest.mark.usefixtures("real_time")
ITEMS = 3000


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of Dask whose tasks are done as they come."""
    monkeypatch.setitem(sys.modules, "distributed", fake_dask)
    monkeypatch.setitem(sys.modules, "cloudpickle", pickle)

    class Quick(Client):
        def submit(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Future:
            future = super().submit(function, *arguments, **options)
            future.run()
            return future

    client = Quick()
    yield client
    client.close()


KINDS: dict[str, tuple[Callable[[Any], Executor], type[Any]]] = {
    "Threads": (lambda _: Threads(2), PoolLane),
    "Processes": (lambda _: Processes(2), PoolLane),
    "threads of the standard library": (lambda _: ThreadPoolExecutor(2), FutureLane),
    "processes of the standard library": (lambda _: ProcessPoolExecutor(2, get_context("spawn")), ProcessPoolLane),
    "the executor of a Dask client": (ClientExecutor, ClientLane),
}


async def sizes(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], type[Any]]:
    """How many items each hand-over had, and on what kind of lane they went.

    All items are quick, whatever else the machine does; but time goes by while nothing is out.
    """
    time = Time(monkeypatch)
    found: list[int] = []
    submit = ExecutorRunner._submit

    def count(runner: ExecutorRunner, job: lanes.Job) -> None:
        found.append(len(job.items))
        if not runner.in_flight:
            time.now += 1.0
        submit(runner, job)

    monkeypatch.setattr(ExecutorRunner, "_submit", count)
    source = IterableSource([-1] * ITEMS)
    block = Transformer[int, int](abs, executor=executor, concurrency=1)
    got: list[Any] = []
    source.link_target(block)
    block.link_target(Call(got.append))
    async with Network(source):
        pass
    assert len(got) == ITEMS
    return found, type(block._core.runner.lane)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
async def test_quick_items_travel_together_on_every_lane(
    kind: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, lane = KINDS[kind]
    executor = make(client)
    found, kind_of_lane = await sizes(executor, monkeypatch)
    if not isinstance(executor, ClientExecutor):
        executor.shutdown()
    assert kind_of_lane is lane
    assert found[0] == 1
    assert sum(found) >= ITEMS  # more if a process is interrupted, and what it has not begun goes again
    assert max(found) > 100
    assert len(found) < ITEMS / 4


async def test_on_a_cluster_each_item_travels_by_itself(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found, kind_of_lane = await sizes(Cluster(client), monkeypatch)  # type: ignore[arg-type]  # a fake
    assert kind_of_lane is ClusterLane
    assert found == [1] * ITEMS


def test_every_kind_of_lane_is_measured_here() -> None:
    assert {FutureLane, *FutureLane.__subclasses__()} <= {lane for _, lane in KINDS.values()}
