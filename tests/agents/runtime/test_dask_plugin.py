"""The plugin that gives each worker a runtime, with workers that are none; tests/cluster has real ones."""

from typing import Any

import attrs
import pytest

pytest.importorskip("distributed")

from penstock.agents.runtime import RuntimePlugin, dask_plugin, worker_runtime  # needs distributed


@attrs.frozen
class Worker:
    """A worker, as far as the plugin looks at it."""

    address: str


def test_each_worker_has_one_runtime_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    here: list[Any] = [Worker("a")]
    monkeypatch.setattr(dask_plugin, "get_worker", lambda: here[0])
    plugin = RuntimePlugin(threads=1)
    for worker in (Worker("a"), Worker("b"), Worker("a")):
        plugin.setup(worker)
    first = worker_runtime()
    assert worker_runtime() is first
    assert first.submit(int, "3").get() == 3
    here[0] = Worker("b")
    assert worker_runtime() is not first
    for worker in (Worker("a"), Worker("b")):
        plugin.teardown(worker)
    with pytest.raises(RuntimeError, match="worker_runtime: worker b has no runtime; register one with"):
        worker_runtime()
    with pytest.raises(RuntimeError, match="it has ended"):
        first.submit(int)


def test_outside_of_a_task_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="this code does not run in a task of a Dask worker"):
        worker_runtime()
