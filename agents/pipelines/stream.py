"""The results of a pipeline in an asynchronous program, of trio or of asyncio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from functools import partial
from types import TracebackType
from typing import Any, Generic, TypeVar

from penstock.agents.tasks.one_error import only_error
from penstock.blocks import Network
from penstock.blocks.core.block import inside

from .built import Built
from .stage import Change, Stage

Out = TypeVar("Out", covariant=True)


class Stream(ABC, Generic[Out]):
    """The results of one run of a pipeline, as an asynchronous iterator. Made by `Pipeline.stream`."""

    __slots__ = ("__weakref__",)  # assigning to a wrong name is an error

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[Out]:
        """Return an iterator over the results that were not taken yet."""

    @abstractmethod
    async def __anext__(self) -> Out:
        """Take the next result."""

    @property
    @abstractmethod
    def network(self) -> Network:
        """The network of the run, for its statistics, balance and report, during the run and after it."""

    @property
    @abstractmethod
    def limit(self) -> float | None:
        """The limit of the run: a number of items, or of bytes with a `MemoryBudget`; None if there is none.

        It can be changed at any time in the program. If it is raised, items that wait come in. If it is lowered,
        nothing that is in flight is stopped, and nothing new comes in until less than the new limit is in flight. A
        limit that was set no longer depends on how quick the items are. After the end, a change has no effect.

        Raises:
            ValueError: The new limit is out of its range, or smaller than a batch.
            RuntimeError: The run was started with `limit=None`.
        """

    @limit.setter
    @abstractmethod
    def limit(self, limit: float | None) -> None: ...

    @abstractmethod
    def stage(self, name: str) -> Stage:
        """Return a stage of the run, whose `concurrency` and `rate` can be changed at any time in the program.

        `results.stage("load").concurrency = 8` is for this run only; the pipeline stays as it is.

        Args:
            name: The name of the stage, as in reports: that of its function, or its option `name`.

        Raises:
            KeyError: There is no such stage.
        """

    @abstractmethod
    def finish(self) -> None:
        """Read no more items. The results of those that were read still come, and then the stream ends.

        To discard them, leave the `async with` block.
        """

    @abstractmethod
    async def begin(self) -> None:
        """Start the run."""

    @abstractmethod
    async def end(self, kind: Any, value: BaseException | None, trace: TracebackType | None) -> bool | None:
        """End the run; whether an exception of the body goes no further."""


class TrioStream(Stream[Out]):
    """A stream in trio: the task that has entered it is the body of the network, and receives from the last block."""

    __slots__ = ("_built", "_is_over", "_stages")

    def __init__(self, built: Built) -> None:
        self._built = built
        self._stages = built.stages(self._change)
        self._is_over = False

    def __repr__(self) -> str:
        return f"<Stream {self.network.name!r} {'ended' if self._is_over else 'running'}, stages {self._stages}>"

    @property
    def network(self) -> Network:
        return self._built.network

    @property
    def limit(self) -> float | None:
        return self._built.limit.limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        self._change(partial(self._built.limit.change, self._built.limit.ask("Stream.limit", limit)))

    def stage(self, name: str) -> Stage:
        return self._stages.find(name)

    def _change(self, change: Change) -> None:
        if not self._is_over:
            change()

    def __aiter__(self) -> AsyncIterator[Out]:
        results: AsyncIterator[Out] = self._built.last
        return results

    async def __anext__(self) -> Out:
        result: Out = await anext(self._built.last)
        return result

    def finish(self) -> None:
        self._built.finish()

    async def begin(self) -> None:
        await self.network.__aenter__()

    async def end(self, kind: Any, value: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._is_over = True
        outbox = inside(self._built.last).outbox
        if value is None and not (outbox.ended and not len(outbox)):
            self.network.cancel()
        try:
            return await self.network.__aexit__(kind, value, trace)
        except BaseExceptionGroup as group:
            only = only_error(group)
            if only is group:
                raise
        context = only.__context__
        try:
            if only is value:
                return False
            raise only
        finally:
            only.__context__ = context  # and not that the body was cancelled
            del only, value  # their tracebacks refer to this frame
