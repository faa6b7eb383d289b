"""The results of a pipeline in a program of asyncio."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

import trio

from penstock.agents.tasks.one_error import raise_both
from penstock.blocks import Network

from .built import RunOptions
from .driving import Drive
from .hosting import AsyncioHost
from .portal import outlast, portal_here
from .sources import Items
from .stage import Stage
from .steps import Step
from .stream import Stream

Out = TypeVar("Out", covariant=True)


class AsyncioStream(Stream[Out]):
    """A stream in asyncio: the network runs in the portal of the loop."""

    __slots__ = ("_drive", "_ended", "_items", "_loop", "_news", "_was_left")

    def __init__(self, steps: Sequence[Step], items: Items[Any], options: RunOptions) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._items: deque[Out] = deque()
        self._was_left = False  # before its end
        self._drive = Drive(steps, items, options, AsyncioHost(self._loop), self._tell)

    def __repr__(self) -> str:
        return f"<Stream {self._drive}>"

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._news.set()
        if self._drive.hand_over.has_ended:
            self._ended.set()

    @property
    def network(self) -> Network:
        return self._drive.network

    @property
    def limit(self) -> float | None:
        return self._drive.limit.limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        self._drive.change_limit("Stream.limit", limit)

    def stage(self, name: str) -> Stage:
        return self._drive.stages.find(name)

    def __aiter__(self) -> AsyncIterator[Out]:
        return self

    async def __anext__(self) -> Out:
        if self._was_left:
            raise trio.BrokenResourceError(f"cannot take a result of {self.network}: its block was left before the end")
        while not self._items:
            self._news.clear()
            hand_over = self._drive.hand_over
            has_ended = hand_over.has_ended  # before the look at the items, which come before the end
            items = hand_over.take_nowait()
            if items is not None:
                self._items.extend(items)
            elif not has_ended:
                await self._news.wait()
            elif hand_over.error is not None:
                raise hand_over.error
            else:
                raise StopAsyncIteration
        return self._items.popleft()

    def finish(self) -> None:
        self._drive.finish()

    async def begin(self) -> None:
        portal = await portal_here()
        portal.start_soon(self._drive.drive, "pipeline")

    async def end(self, kind: Any, value: BaseException | None, trace: TracebackType | None) -> bool | None:
        self._drive.stop()
        was_cancelled = await outlast(self._ended, self._drive.stop)
        self._was_left = bool(self._items or self.network.cancel_called or self._drive.hand_over.unread())
        if was_cancelled:
            raise asyncio.CancelledError
        return raise_both("the pipeline", self._drive.hand_over.error, value)
