"""The function blocks that run the tasks of a graph, one for each group, and what goes in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from time import perf_counter
from typing import Any, cast

import attrs

from penstock.blocks import DeadLetter, ErrorInfo, Retry, Transformer, UnboundedBuffer
from penstock.blocks.core.block_core import core_of
from penstock.blocks.functions.function_block import FunctionCore

from .keeping import Keeping
from .leaves import Leaves
from .node import Node
from .on_cluster import KeepsResults
from .recipe import Recipe

OWN_BLOCKS = 16
"""How many groups have a block of their own; the others share one."""
Job = tuple[int, Callable[..., Any], tuple[Any, ...]]
"""What a block gets: the place of a task in the order, its function, and its arguments."""
Done = tuple[int, Any, float]
"""What a block gives: the place of a task in the order, its result, and the seconds that it has taken."""


@attrs.frozen
class RunSettings:
    """How a graph runs.

    Attributes:
        name: The name of the network.
        executor: Where plain functions run; None: on the loop.
        concurrency: How many tasks of a group run at once.
        retry: Whether a task that fails is tried again.
        time_limit: Seconds that one try may take.
        stops: Whether the first failure ends the run.
        network: More options of the network.
        keeping: Keeps the results, if there is a checkpoint.
        cluster: The executor, if it keeps results where they were made.
    """

    name: str
    executor: Executor | None
    concurrency: int
    retry: Retry | None
    time_limit: float | None
    stops: bool
    network: dict[str, Any]
    keeping: Keeping | None = None
    cluster: KeepsResults | None = None


def run_job(job: Job) -> Done:
    """Call the function of a task; runs where the executor works."""
    place, function, args = job
    began = perf_counter()
    result = function(*args)
    return place, result, perf_counter() - began


async def await_job(job: Job) -> Done:
    """Call the asynchronous function of a task."""
    place, function, args = job
    began = perf_counter()
    result = await function(*args)
    return place, result, perf_counter() - began


class GroupBlocks:
    """The blocks.

    Args:
        settings: How the graph runs.
        recipe: The graph.
        done: Gets what the blocks give.
    """

    def __init__(self, settings: RunSettings, recipe: Recipe, done: UnboundedBuffer[Done | ErrorInfo]) -> None:
        self._settings = settings
        self._recipe = recipe
        self._done = done
        self._blocks: dict[tuple[str, bool], Transformer[Job, Done]] = {}

    def all(self) -> Collection[Transformer[Job, Done]]:
        """All blocks that were asked for."""
        return self._blocks.values()

    def of_all(self, nodes: Sequence[Node]) -> list[Transformer[Job, Done]]:
        """The block of each node; those that know it are told how many tasks they will get, for the progress."""
        blocks: list[Transformer[Job, Done]] = []
        growing: set[Transformer[Job, Done]] = set()
        lazy = self._recipe.lazy
        group: str | None = None
        block: Transformer[Job, Done] | None = None
        function: Callable[..., Any] | None = None
        for node in nodes:
            if node in lazy:
                growing.update(self._of_leaves(lazy[node]))
            if block is None or node.group is not group or node.function is not function:
                group, function = node.group, node.function
                block = self.of(group, function)
            blocks.append(block)
        for block, total in Counter(blocks).items():
            if block not in growing:
                cast("FunctionCore[Any]", core_of(block)).expected = total
        return blocks

    def _of_leaves(self, leaves: Leaves) -> Iterator[Transformer[Job, Done]]:
        """The blocks with the tasks of a lazy map."""
        for stage in leaves.stages:
            yield self.of(stage.group, stage.function)
        yield self.of(leaves.node.group, leaves.node.function)

    def of(self, group: str, function: Callable[..., Any]) -> Transformer[Job, Done]:
        """The block of a group, or the one that the groups share that came later."""
        settings = self._settings
        is_async = settings.cluster is not None or self._recipe.is_async(function)
        key = (group if (group, is_async) in self._blocks or len(self._blocks) < OWN_BLOCKS else "others", is_async)
        if key not in self._blocks:
            letters: DeadLetter = DeadLetter(self._done)
            block: Transformer[Job, Done] = Transformer(
                await_job if is_async else run_job,
                concurrency=settings.concurrency if is_async or settings.executor is not None else 1,
                executor=None if is_async else settings.executor,
                ordered=False,
                capacity=None,
                on_error=letters if settings.retry is None else attrs.evolve(settings.retry, then=letters),
                time_limit=settings.time_limit,
                name=f"{key[0]}, async" if is_async and (key[0], False) in self._blocks else key[0],
            )
            block.link_target(self._done)
            self._blocks[key] = block
        return self._blocks[key]
