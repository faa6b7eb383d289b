"""A Dask cluster as the executor of blocks that leave their results on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures import wait as wait_for_all
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import uuid4

import attrs
import trio

from ..base.checks import check_function
from ..base.error_info import annotate
from ..base.errors import WorkerDied
from .client_futures import fetch, fetch_one, future_type, on_loop, settle, take_apart, take_back, value_of
from .cluster_calls import ClusterCalls
from .cluster_state import WithState
from .cluster_task import Failed, Sealed, follow, work
from .lane import CompletionQueue, Job
from .work import Outcome

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")


class Cluster(Executor):
    """Runs the functions of blocks on a Dask cluster, and leaves their results there: `executor=Cluster(client)`.

    A block with this executor takes plain items and Dask futures; for a future, its function gets the value. The block
    hands on *futures* of finished work. So two such blocks in a row move only names through this process; the payload
    stays on the worker that made it, or goes from worker to worker. `Transformer(cluster.gather, concurrency=4)`
    fetches the values. A tuple or list with futures in it, from a `Join` or a `Batch`, counts as a future.

    - To a type checker the messages are the values, but futures are passed. A filter on a link, the weight function of
      a governor, and a block that is not on the cluster see futures.
    - Order, policies, `concurrency`: as with other executors. An exception keeps its type; its traceback on the worker
      is in a note. Each submission has one item; for many small items, `client.get_executor()` is better: it sends
      several at once.
    - Back-pressure: `concurrency` items are on the cluster at once, waiting or running; use about twice the number of
      worker threads. The cluster holds results while their messages live; limit these with `capacity` or a governor.
    - A lost worker: Dask repeats its work, from the first block on, so a function may be called more than once with an
      item. If an item loses its worker repeatedly, `WorkerDied` is raised for it.
    - Cancellation: calls that have not begun are cancelled; a running call goes on to its end, without a wait for it.
    - The loss of the scheduler is a fault of the network.

    `TransformMany` and `Filter` do not run on it, because they must see the results of their functions here. It is also
    an ordinary `concurrent.futures.Executor`, whose futures give values as usual.

    Args:
        client: A synchronous client that is connected to the cluster. It belongs to the caller: open it before the
            network starts, and close it after the network has ended.
        worker_init: Called once in each worker process before its first item, also in workers that join later;
            `worker_state()` returns its result there, to all threads of the worker. An exception from it is a fault of
            the network. The workers keep the state until `shutdown`, or the end of a `with`.

    Raises:
        TypeError: `client` is not a synchronous `distributed.Client`, or `worker_init` cannot be called or pickled.
    """

    is_here = False
    keeps_results = True  # on the cluster; the block gets a future

    def __init__(self, client: Client, *, worker_init: Callable[[], Any] | None = None) -> None:
        if not isinstance(client, import_module("distributed").Client) or client.asynchronous:
            raise TypeError(f"Cluster: client must be a distributed.Client that is not asynchronous, got {client!r}")
        self._client: Any = client
        self._is_shut = False
        self._pending: set[Future[Any]] = set()
        self._key: str | None = None
        check_function("Cluster", "worker_init", worker_init)
        if worker_init is not None:
            self._key = f"penstock-worker-init-{uuid4().hex}"
            sealed = self._seal(worker_init, "Cluster: worker_init")
            self._client.register_plugin(import_module(f"{__package__}.cluster_plugin").InitPlugin(self._key, sealed))

    def __repr__(self) -> str:
        return f"<Cluster{', shut down' if self._is_shut else ''}, {self._client!r}>"

    @property
    def dashboard_link(self) -> str:
        """The address of the dashboard of the cluster; "" if it has none."""
        return str(self._client.dashboard_link or "")

    async def gather(self, item: T) -> T:
        """Fetch the value of a future; use it as a block's function: `Transformer(cluster.gather, concurrency=4)`.

        Args:
            item: A future, or a tuple or list with futures in it, at any depth. Anything else is returned unchanged.

        Raises:
            BrokenExecutor: The connection to the scheduler is lost, or the futures were cancelled.
            WorkerDied: A result was lost with its worker and could not be computed again.
        """
        kind = future_type()
        parts: list[Any] = []
        plan = take_apart(item, kind, parts)
        futures = [part for part in parts if isinstance(part, kind)]
        if not futures:
            await trio.lowlevel.checkpoint()
            return item
        try:
            values = iter(await value_of(on_loop(self._client, fetch(self._client, futures))))
        except Failed as error:
            raise error.record.revive() from None
        whole: T = follow(plan, [next(values) if isinstance(part, kind) else part for part in parts])
        return whole

    # The executor of blocks

    def check_function(self, function: Callable[..., Any], who: str) -> None:
        """Raise a `TypeError` that says what to do if a function cannot be sent to the workers.

        :meta private:
        """
        self._seal(function, who)

    def _seal(self, function: Callable[..., Any], who: str) -> Sealed:
        try:
            return Sealed.of(function)
        except Exception as error:
            raise TypeError(
                f"{who}: {function!r} cannot be pickled, which is needed to send it to a worker; let the function "
                "itself make a lock, a file or a connection that it needs there"
            ) from error

    def check_expanding(self, who: str) -> None:
        """Raise a `TypeError` that says what to do: the results of a function are seen only on the cluster.

        :meta private:
        """
        raise TypeError(
            f"{who}: a Cluster does not run the function of a TransformMany or a Filter, because its results must be "
            "seen here; use a Transformer there, and split or filter after a gather; or use client.get_executor()"
        )

    def open_lane(self, name: str, limit: int, completions: CompletionQueue) -> ClusterLane:
        """Open a lane for a block.

        :meta private:
        """
        if self._is_shut or self._client.status == "closed":
            raise RuntimeError(f"block {name!r}: {self!r} takes no more work")
        return ClusterLane(self._client, name, limit, completions, self._with_state)

    def calls(self) -> ClusterCalls:
        """What calls functions here one by one, for task graphs.

        :meta private:
        """
        return ClusterCalls(self._client, self._with_state)

    def _with_state(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let a function find the state of its worker, if there is a `worker_init`."""
        return function if self._key is None else WithState(function, self._key)

    # The standard interface

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Let a worker call `fn(*args, **kwargs)`, and fetch the result.

        Raises:
            RuntimeError: The executor was shut down.
        """
        if self._is_shut:
            raise RuntimeError(f"{self!r} takes no more work")
        there = self._client.submit(self._with_state(fn), *args, pure=False, **kwargs)
        future: Future[R] = on_loop(self._client, fetch_one(self._client, there))
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work. The client stays open: it belongs to the caller.

        Args:
            wait: Return only when the futures of `submit` are done.
            cancel_futures: Cancel these futures.
        """
        self._is_shut = True
        pending = list(self._pending)
        for future in pending if cancel_futures else ():
            future.cancel()
        if wait:
            wait_for_all(pending)
        if self._key is not None and self._client.status != "closed":
            self._client.unregister_worker_plugin(self._key)
            self._key = None


class ClusterLane:
    """Submits jobs of one item each to a cluster; the outcome of a job is the future of its result."""

    streams: ClassVar[bool] = False
    __slots__ = (
        "_client",
        "_completions",
        "_in_flight",
        "_kind",
        "_name",
        "_task",
        "_with_state",
        "depth",
        "limit",
        "seconds",
    )

    def __init__(
        self,
        client: Any,
        name: str,
        limit: int,
        completions: CompletionQueue,
        with_state: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._client = client
        self._name = name
        self._completions = completions
        self._kind = future_type()
        self._in_flight: dict[Job, Any] = {}
        self._task: Sealed | None = None
        self._with_state = with_state
        self.depth: int = limit
        self.seconds: float = 0.0  # a job never has a second item
        self.limit: float = math.inf

    def resize(self, concurrency: int) -> None:
        """Have up to this many jobs in flight from now on."""
        self.depth = concurrency

    def submit(self, job: Job) -> None:
        """Submit a job."""
        try:
            parts: list[Any] = []
            plan = take_apart(job.items[0], self._kind, parts)
            sealed = [part if isinstance(part, self._kind) else Sealed.of(part) for part in parts]
        except Exception as error:
            annotate(error, f"the item could not be sent to the cluster that works for {job.task.name}")
            job.outcome = Outcome([], [(0, error)])
            self._completions.put(job)
            return
        if self._task is None:
            self._task = Sealed.of(attrs.evolve(job.task, function=self._with_state(job.task.function)))
        key = f"{self._name}-{uuid4().hex}"
        future = self._client.submit(work, self._task, plan, *sealed, key=key, pure=False)
        settling = on_loop(self._client, settle(self._client, future))
        self._in_flight[job] = future
        settling.add_done_callback(partial(self._settled, job))

    def _settled(self, job: Job, done: Future[Any]) -> None:
        """Return a finished job, unless it was taken back."""
        if self._in_flight.pop(job, None) is None:
            return
        try:
            job.outcome = Outcome([done.result()], [])
        except Failed as error:
            job.outcome = Outcome([], [(0, error.record.revive())])
        except BaseException as error:
            job.error = error
        self._completions.put(job)

    def tell_beginnings(self, tell: Callable[[Job], None]) -> bool:
        """Return False: a cluster does not tell when a worker begins a job."""
        del tell
        return False

    def completed(self, job: Job) -> float:
        """Return 0: there is nothing to learn, because each job has one item."""
        return 0.0

    def is_broken_by(self, error: Exception) -> bool:
        """Whether the error concerns all jobs: true, except the loss of workers; other errors of items are outcomes."""
        return not isinstance(error, WorkerDied)

    def give_up(self, job: Job) -> bool:
        """Take a job back; if it runs on a worker, it goes on there."""
        future = self._in_flight.pop(job, None)
        if future is not None:  # otherwise it has just finished
            job.error = CancelledError()
            self._completions.put(job)
            take_back(self._client, [future])
        return True

    def stop(self) -> bool:
        """Take all jobs back; a running call cannot be ended, and is not waited for."""
        jobs = list(self._in_flight)  # some may end now
        mine = [(job, future) for job in jobs if (future := self._in_flight.pop(job, None))]
        for job, _ in mine:
            job.error = CancelledError()
            self._completions.put(job)
        take_back(self._client, [future for _, future in mine])
        return False

    def abandon(self) -> bool:
        """Return False: nothing is ended, and nothing is waited for, see `stop`."""
        return False

    def close(self) -> None:
        """Do nothing: the client belongs to the user."""
