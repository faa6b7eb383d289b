"""Stands in for the package `distributed`: a client whose tasks the test ends itself, with a loop of its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from types import SimpleNamespace
from typing import Any, Literal

Status = Literal["pending", "finished", "error", "cancelled"]


class KilledWorker(Exception):
    """What Dask raises for a task that has lost its workers."""


class Future:
    """A task on the cluster.

    Attributes:
        call: The function and its arguments.
        options: What else was said to `submit`.
    """

    def __init__(self, client: "Client", call: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.client = client
        self.call = call
        self.options = options
        self.status: Status = "pending"
        self.error: BaseException | None = None
        self.value: Any = None
        self.event = asyncio.Event()

    def run(self) -> None:
        """Do the task, as a worker would; futures among the arguments are their values there."""
        function, *arguments = self.call
        values = [argument.value if isinstance(argument, Future) else argument for argument in arguments]
        try:
            self.value = function(*values)
        except BaseException as error:
            self.fail(error)
        else:
            self.end("finished")

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.end("error")

    def end(self, status: Status) -> None:
        self.status = status
        self.client.loop.asyncio_loop.call_soon_threadsafe(self.event.set)

    def done(self) -> bool:
        return self.status != "pending"

    async def exception(self, *, asynchronous: bool) -> BaseException | None:
        assert asynchronous
        await self.event.wait()
        return self.error

    async def traceback(self, *, asynchronous: bool) -> Any:
        assert asynchronous
        return self.error.__traceback__ if self.error is not None else None


class WorkerPlugin:
    """The base of plugins."""


class Client:
    """A connection to a cluster.

    Attributes:
        tasks: All that was submitted, in order.
        plugins: Those of the only worker.
        fetched: Called before results are given, with the futures.
        asynchronous: As Dask's.
    """

    def __init__(self, *, asynchronous: bool = False) -> None:
        self.tasks: list[Future] = []
        self.plugins: dict[str, Any] = {}
        self.fetched: Callable[[list[Future]], None] = lambda _: None
        self.asynchronous = asynchronous
        self.status = "running"
        self.dashboard_link = ""
        self.loop = SimpleNamespace(asyncio_loop=asyncio.new_event_loop())
        self.thread = threading.Thread(target=self.loop.asyncio_loop.run_forever, daemon=True)
        self.thread.start()

    def register_plugin(self, plugin: Any) -> None:
        self.plugins[plugin.name] = plugin
        plugin.setup(worker=self)

    def unregister_worker_plugin(self, name: str) -> None:
        self.plugins.pop(name).teardown(worker=self)

    def submit(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Future:
        if self.status != "running":
            raise RuntimeError("the client is closed")
        self.tasks.append(Future(self, (function, *arguments), options))
        return self.tasks[-1]

    async def gather(self, futures: list[Future], *, asynchronous: bool) -> list[Any]:
        assert asynchronous
        await asyncio.sleep(0)
        self.fetched(futures)
        return [future.value for future in futures]

    async def cancel(self, futures: list[Future], *, asynchronous: bool) -> None:
        assert asynchronous
        for future in futures:
            future.end("cancelled")

    def close(self) -> None:
        """Stop the loop; tasks are cancelled."""
        if self.status == "closed":
            return
        self.status = "closed"
        loop = self.loop.asyncio_loop
        for future in self.tasks:
            if not future.done():
                future.end("cancelled")
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), loop).result()  # who waits for them hears of it
        loop.call_soon_threadsafe(loop.stop)
        self.thread.join()
        loop.close()


class ClientExecutor(Executor):
    """What `client.get_executor()` gives."""

    def __init__(self, client: Client, **options: Any) -> None:
        self._client = client
        self._kwargs = options
        self._futures: set[Future] = set()
        self._shutdown = False


ClientExecutor.__module__ = "distributed.cfexecutor"
