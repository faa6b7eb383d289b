"""Calls of functions on a Dask cluster, one by one, whose results stay there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import attrs

from ..base.error_info import annotate
from .client_futures import future_type, on_loop, settle, take_apart, take_back, value_of
from .cluster_task import Failed, Sealed, work
from .work import Task


@attrs.frozen
class Spread:
    """Calls a function with several arguments, which are one item of a task."""

    function: Callable[..., Any]

    def __call__(self, args: tuple[Any, ...]) -> Any:
        return self.function(*args)


class ClusterCalls:
    """Calls functions on a cluster.

    Args:
        client: The client.
        with_state: Lets a function find the state of its worker.
    """

    def __init__(self, client: Any, with_state: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._client = client
        self._with_state = with_state
        self._kind = future_type()

    def sealed(self, name: str, function: Callable[..., Any]) -> Sealed:
        """A function as it is sent to the workers.

        Raises:
            TypeError: It cannot be pickled; the message says what to do.
        """
        try:
            return Sealed.of(Task(self._with_state(Spread(function)), name=name))
        except Exception as error:
            raise TypeError(
                f"{name}: {function!r} cannot be pickled, which is needed to send it to a worker; let the function "
                "itself make a lock, a file or a connection that it needs there"
            ) from error

    async def call(self, name: str, function: Sealed, args: tuple[Any, ...]) -> Any:
        """Let a worker call a function; return the future of its result when the call has ended.

        Args:
            name: The name of the call on the dashboard.
            function: The function.
            args: Its arguments: values and futures, also in tuples and lists.

        Raises:
            WorkerDied: The call has lost its workers too often.
            BrokenExecutor: The scheduler is lost.
            Exception: Whatever the function has raised.
        """
        try:
            parts: list[Any] = []
            plan = take_apart(args, self._kind, parts)
            sealed = [part if isinstance(part, self._kind) else Sealed.of(part) for part in parts]
        except Exception as error:
            annotate(error, "an argument could not be sent to the cluster")
            raise
        future = self._client.submit(work, function, plan, *sealed, key=f"{name}-{uuid4().hex}", pure=False)
        try:
            return await value_of(on_loop(self._client, settle(self._client, future)))
        except Failed as error:
            raise error.record.revive() from None
        finally:
            if not future.done():
                take_back(self._client, [future])
