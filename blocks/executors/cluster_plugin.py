"""The plugin that brings `worker_init` to the workers of a Dask cluster; imported only where Dask is."""

from __future__ import annotations

from typing import Any

from distributed import WorkerPlugin

from .cluster_state import states
from .cluster_task import Sealed


class InitPlugin(WorkerPlugin):
    """Brings a `worker_init` to each worker.

    Args:
        key: Says which `Cluster` it is of.
        worker_init: The function.
    """

    def __init__(self, key: str, worker_init: Sealed) -> None:
        self.name: str = key
        self._worker_init = worker_init

    def setup(self, worker: Any) -> None:
        """Called in each worker when it has the plugin."""
        del worker
        states.begin(self.name, self._worker_init)

    def teardown(self, worker: Any) -> None:
        """Called when the plugin is taken back, and when the worker ends."""
        del worker
        states.end(self.name)
