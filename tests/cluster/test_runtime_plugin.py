"""A runtime on each worker of a real cluster."""

import sys
from importlib import import_module
from typing import Any

import pytest

from penstock.agents.runtime import RuntimePlugin, worker_runtime
from tests.cluster import functions

pytest.importorskip("distributed")
SECONDS = 60


def test_each_worker_has_a_runtime_for_its_tasks(client: Any) -> None:
    client.register_plugin(RuntimePlugin(threads=2))
    futures = [client.submit(functions.in_runtime, n, pure=False) for n in range(10)]
    assert [future.result(SECONDS) for future in futures] == [2 * n for n in range(10)]
    before = client.run(functions.count_runtimes)
    client.register_plugin(RuntimePlugin(threads=3))  # as a second program does
    assert client.run(functions.count_runtimes) == before
    assert {*before.values()} == {1}
    client.unregister_worker_plugin(RuntimePlugin.name)
    assert {*client.run(functions.count_runtimes).values()} == {0}


def test_without_the_plugin_a_task_is_told_what_to_do(client: Any) -> None:
    with pytest.raises(RuntimeError, match=r"has no runtime; register one with client\.register_plugin"):
        client.submit(worker_runtime, pure=False).result(SECONDS)
    with pytest.raises(RuntimeError, match="this code does not run in a task of a Dask worker"):
        worker_runtime()


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "penstock.agents.runtime.dask_plugin")
    with pytest.raises(ImportError, match=r"RuntimePlugin needs Dask; install it with: pip install 'penstock\[dask\]'"):
        import_module("penstock.agents.runtime.dask_plugin")
