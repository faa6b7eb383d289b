"""The lane from a block to `client.get_executor()`, the executor of a Dask client.

Jobs and results are sent as for any other executor, but without this executor's own futures: these are never resolved
if the connection breaks while a result is being fetched, and equal concurrent calls are merged into one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from ..base.errors import WorkerDied
from .client_futures import fetch_one, on_loop
from .cluster_task import Sealed, work_through
from .lane import CompletionQueue, FutureLane, Job
from .parcel import Answer, PackedAnswer, Parcel

R = TypeVar("R")


class ClientLane(FutureLane):
    """Hands jobs to the executor of a Dask client."""

    __slots__ = ("_task",)

    def __init__(self, executor: Executor, concurrency: int, completions: CompletionQueue) -> None:
        super().__init__(MendedExecutor(executor), concurrency, completions)
        self._task: Sealed | None = None

    def _hand_over(self, job: Job) -> Future[Answer | PackedAnswer]:
        """Send the function sealed: a worker that could not unpickle it would leave the cluster."""
        if self._task is None:
            self._task = Sealed.of(job.task)
        return self._executor.submit(work_through, self._task, Parcel(job.items, job.task.name))

    def is_broken_by(self, error: Exception) -> bool:
        """Whether the error concerns all jobs: true, except the loss of workers; other errors of items are outcomes."""
        return not isinstance(error, WorkerDied)


class MendedExecutor(Executor):
    """The executor of a Dask client, with futures that always end and calls that are never merged."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Let a worker call `fn(*args, **kwargs)`."""
        executor, client = self._executor, self._executor._client  # noqa: SLF001  # Dask has no public name
        if executor._shutdown or client.status == "closed":  # noqa: SLF001
            raise RuntimeError(
                f"{executor!r} takes no more work: it was shut down, or its client was closed, {client!r}"
            )
        there = client.submit(fn, *args, **({"pure": False} | executor._kwargs), **kwargs)  # noqa: SLF001
        executor._futures.add(there)  # noqa: SLF001  # so that the executor's own shutdown waits for it
        return on_loop(client, fetch_one(client, there))


def is_client_executor(executor: Executor) -> bool:
    """Whether an executor belongs to a Dask client, of a version that `MendedExecutor` supports."""
    is_dask = type(executor).__module__ == "distributed.cfexecutor"
    return is_dask and all(hasattr(executor, name) for name in ("_client", "_kwargs", "_futures", "_shutdown"))


def dashboard_of(executor: Any) -> str:
    """Return the address of the page of an executor: of a `Cluster` or a `client.get_executor()`; "" if it has none."""
    client = executor._client if is_client_executor(executor) else executor  # noqa: SLF001
    return str(getattr(client, "dashboard_link", None) or "")
