"""A lost scheduler, or a closed client, is a fault at once: nothing waits for results that will never come."""

from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.blocks import Call, Cluster, Network, Transformer, UnboundedBuffer
from tests.blocks.tools import contents, faults, linked, run
from tests.cluster import functions
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import eventually

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # Dask's, when it is cut off

SIZE = 3_000_000


@pytest.fixture(params=["get_executor", "Cluster"])
def executor(request: pytest.FixtureRequest, far_client: Any) -> Any:
    return far_client.get_executor() if request.param == "get_executor" else Cluster(far_client)


@pytest.fixture
def lose(request: pytest.FixtureRequest, proxy: Proxy, far_client: Any) -> Any:
    """Lose the scheduler, one way or the other."""
    return {"cut": proxy.cut, "close": far_client.close}[request.param]


lost = pytest.mark.parametrize("lose", ["cut", "close"], indirect=True)


@lost
async def test_work_that_runs_is_given_up(executor: Any, lose: Any, tmp_path: Path) -> None:
    with trio.fail_after(60), faults(BrokenExecutor) as found:
        async with Network(block := Call(functions.wait_for_file, executor=executor, on_error="skip")):
            await block.send(tmp_path)
            await eventually(lambda: bool(functions.calls(tmp_path / "begun")))
            await trio.to_thread.run_sync(lose)
    functions.note(tmp_path / "go")
    assert "the client loses the scheduler" in str(found[0])


@lost
async def test_results_on_their_way_home_are_given_up(far_client: Any, lose: Any, proxy: Proxy) -> None:
    block = Transformer(functions.make, executor=far_client.get_executor(), on_error="skip")
    with trio.fail_after(60), faults(BrokenExecutor):
        async with Network(block):
            await break_in_the_middle(block, SIZE, lose, proxy)


@lost
async def test_a_gather_on_its_way_is_given_up(far_client: Any, lose: Any, proxy: Proxy) -> None:
    there = Cluster(far_client)
    maker = Transformer(functions.make, executor=there)
    messages: UnboundedBuffer[Any] = linked(maker)
    await run(maker, [SIZE])
    (message,) = contents(messages)
    gather: Call[Any] = Call(there.gather)
    with trio.fail_after(60), faults(BrokenExecutor):
        async with Network(gather):
            await break_in_the_middle(gather, message, lose, proxy)


async def break_in_the_middle(block: Any, item: object, lose: Any, proxy: Proxy) -> None:
    """Lose the scheduler when a part of the answer has come."""
    proxy.hold_after(SIZE // 2)
    await block.send(item)
    await eventually(proxy.is_holding.is_set)
    await trio.to_thread.run_sync(lose)


async def test_a_closed_client_takes_no_network(far_client: Any) -> None:
    executor, there = far_client.get_executor(), Cluster(far_client)
    far_client.close()
    for each in (executor, there):
        with faults(RuntimeError) as found:
            await run(Call(functions.tenfold, executor=each), [1])
        assert "takes no more work" in str(found[0])
