"""The `async with` block of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

import trio

from penstock.blocks.base.in_trio import in_asyncio

from .built import RunOptions, build
from .sources import Items
from .steps import Step
from .stream import Stream, TrioStream

Out = TypeVar("Out", covariant=True)


class StreamContext(Generic[Out]):
    """The `async with` block of a stream. It finds out in which library it is entered."""

    def __init__(self, steps: Sequence[Step], items: Items[Any], options: RunOptions) -> None:
        self._steps = steps
        self._items = items
        self._options = options
        self._stream: Stream[Out] | None = None

    async def __aenter__(self) -> Stream[Out]:
        if self._stream is not None:
            raise RuntimeError("this stream was entered already; call stream() again for another run")
        if trio.lowlevel.in_trio_run():
            self._stream = TrioStream(build(self._steps, self._items, self._options))
        elif in_asyncio():
            from .asyncio_stream import AsyncioStream  # late: programs of trio do not need asyncio

            self._stream = AsyncioStream(self._steps, self._items, self._options)
        else:
            raise RuntimeError(
                "stream() and collect() need trio or asyncio; in plain Python, use `pipeline.run(items)`"
            )
        await self._stream.begin()
        return self._stream

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._stream is not None
        return await self._stream.end(kind, value, trace)
