"""Runs the functions of a graph on a Dask cluster, and leaves their results there until the program wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

import attrs

from penstock.agents.tasks.task_state import TaskState
from penstock.blocks.executors.cluster_calls import ClusterCalls
from penstock.blocks.executors.cluster_task import Sealed

from .node import Node


class KeepsResults(Protocol):
    """A `Cluster`."""

    def calls(self) -> ClusterCalls:
        """What calls functions there one by one."""
        ...

    async def gather(self, item: Any, /) -> Any:
        """Fetch values."""
        ...


@attrs.frozen
class CallThere:
    """Called in place of a plain function; returns a future of its result."""

    calls: ClusterCalls
    name: str
    function: Sealed

    async def __call__(self, *args: Any) -> Any:
        return await self.calls.call(self.name, self.function, args)


@attrs.frozen
class CallHere:
    """Called in place of an asynchronous function, which gets the values of futures."""

    cluster: KeepsResults
    function: Callable[..., Awaitable[Any]]

    async def __call__(self, *args: Any) -> Any:
        return await self.function(*await self.cluster.gather(args))


def sent_there(cluster: KeepsResults, group: str, function: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
    """What is called in place of a function.

    Raises:
        TypeError: The function cannot be pickled; the message says what to do.
    """
    if is_async:
        return CallHere(cluster, function)
    calls = cluster.calls()
    return CallThere(calls, group, calls.sealed(f"task {group!r}", function))


def check_nodes(who: str, nodes: Iterable[Node]) -> None:
    """Raise a `TypeError` for a task that needs to know here how another one has ended."""
    for node in nodes:
        if node.optional:
            raise TypeError(
                f"{who}: {node} has an optional input, whose result must be seen here; a Cluster keeps results where "
                "they were made; use client.get_executor()"
            )


async def fetch_results(cluster: KeepsResults, nodes: Sequence[Node]) -> None:
    """Put the values of the results that the program wants in place of their futures."""
    wanted = [node for node in nodes if node.is_wanted and node.state is TaskState.COMPLETED]
    for node, value in zip(wanted, await cluster.gather([node.value for node in wanted]), strict=True):
        node.value = value
