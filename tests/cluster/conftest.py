"""A Dask cluster of two worker processes for all tests of this folder, and a limit of real time for each."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.blocks.guard import watch
from tests.cluster.proxy import Proxy

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


def run(
    test: Callable[[], Awaitable[object]], clock: trio.abc.Clock | None, instruments: Sequence[trio.abc.Instrument]
) -> None:
    """Run a test with a limit."""

    async def limited() -> None:
        with trio.fail_after(SECONDS):
            await test()

    trio.run(limited, clock=clock, instruments=instruments)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.trio(run=run), append=False)


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    yield from watch()


@pytest.fixture(scope="module")
def importable() -> Iterator[None]:
    """Have worker processes, which are started with this path, import `tests.cluster.functions`."""
    sys.path.insert(0, str(ROOT))
    yield
    sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def cluster(importable: None) -> Iterator[Any]:
    """Two workers of one thread each; a task that has lost two is given up."""
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    configuration = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.worker.multiprocessing-method": "spawn" if sys.platform == "win32" else "forkserver",  # is quick
        "distributed.deploy.lost-worker-timeout": "5 minutes",  # else a worker that is slow to restart is given up
    }
    with (
        dask.config.set(configuration),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", memory_limit=0, silence_logs=50
        ) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def one_client(cluster: Any) -> Iterator[Any]:
    with import_module("distributed").Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture
def client(one_client: Any) -> Any:
    """A client of a cluster that is complete: workers that died in the test before are back."""
    one_client.wait_for_workers(2, timeout=SECONDS)
    return one_client


@pytest.fixture
def proxy(cluster: Any) -> Iterator[Proxy]:
    proxy = Proxy(cluster.scheduler_address)
    yield proxy
    proxy.close()


@pytest.fixture
def far_client(proxy: Proxy) -> Iterator[Any]:
    """A client that gives up a second after it has lost the scheduler, behind the proxy."""
    with import_module("distributed").Client(proxy.address, timeout=1, set_as_default=False) as client:
        yield client
