"""Gives each worker of a Dask cluster a runtime; imported only where Dask is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .runtime import Runtime

try:
    from distributed import WorkerPlugin, get_worker
except ModuleNotFoundError:
    raise ImportError("RuntimePlugin needs Dask; install it with: pip install 'penstock[dask]'") from None

runtimes: dict[str, Runtime] = {}
"""The runtimes of the workers in this process, by the address of the worker."""


class RuntimePlugin(WorkerPlugin):
    """Gives each worker of a Dask cluster a `Runtime`: `client.register_plugin(RuntimePlugin(threads=8))`.

    `worker_runtime()` returns it in a task. Workers that join later have one too, and it ends with its worker. To
    register the plugin again changes nothing while a runtime exists.

    Args:
        threads: As for `Runtime`.
        io_threads: As for `Runtime`.
        worker_init: As for `Runtime`; it must be importable on the workers.
    """

    name = "penstock-runtime"
    idempotent = True

    def __init__(
        self,
        threads: int | None = None,
        io_threads: int | None = None,
        *,
        worker_init: Callable[[], object] | None = None,
    ) -> None:
        self._compute = threads
        self._io = io_threads
        self._worker_init = worker_init

    def setup(self, worker: Any) -> None:
        """Called in each worker when it has the plugin."""
        if worker.address not in runtimes:
            runtimes[worker.address] = Runtime(
                self._compute, self._io, worker_init=self._worker_init, name=f"of {worker.address}"
            )

    def teardown(self, worker: Any) -> None:
        """Called when the plugin is taken back, and when the worker ends; what has not begun is cancelled."""
        runtimes.pop(worker.address).shutdown(wait=False)


def worker_runtime() -> Runtime:
    """Return the runtime of the Dask worker in whose task the code runs.

    Raises:
        RuntimeError: The code does not run in a task of Dask, or the worker has no `RuntimePlugin`.
    """
    try:
        address: str = get_worker().address
    except ValueError:
        raise RuntimeError("worker_runtime: this code does not run in a task of a Dask worker") from None
    runtime = runtimes.get(address)
    if runtime is None:
        raise RuntimeError(
            f"worker_runtime: worker {address} has no runtime; register one with "
            "client.register_plugin(RuntimePlugin(threads=8))"
        )
    return runtime
