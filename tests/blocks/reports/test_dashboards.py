"""The report names the page of the cluster that works for blocks."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from penstock.blocks import Call, Cluster, Network, Transformer
from penstock.blocks.executors.client_lane import dashboard_of
from tests.blocks.executors import fake_dask

pytestmark = pytest.mark.usefixtures("real_time")


class OnCluster(ThreadPoolExecutor):
    """An executor with a page."""

    def __init__(self, link: str | None) -> None:
        super().__init__(1)
        self.dashboard_link = link


@pytest.mark.parametrize("link", ["http://head:8787/status", None, ""])
async def test_a_report_has_the_address_once_for_all_blocks_of_a_cluster(link: Any) -> None:
    with OnCluster(link) as executor:
        first = Transformer[int, int](abs, executor=executor, name="first")
        second = Transformer[int, int](abs, executor=executor, name="second")
        first.link_target(second)
        second.link_target(Call(abs))
        async with Network(first) as network:
            await first.send(1)
    notes = network.report().notes
    line = f"the dashboard of the cluster of transformer 'first' and transformer 'second': {link}"
    assert notes == ((line,) if link else ())


@pytest.mark.parametrize("executor", [None, object()])
def test_other_executors_have_no_page(executor: object) -> None:
    assert dashboard_of(executor) == ""


def test_executors_of_dask_have_that_of_their_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", fake_dask)
    client = fake_dask.Client()
    client.dashboard_link = "http://head:8787/status"
    executors = (fake_dask.ClientExecutor(client), Cluster(client))  # type: ignore[arg-type]  # a fake
    assert [dashboard_of(executor) for executor in executors] == ["http://head:8787/status"] * 2
    client.close()
