"""The public part of blocks that keep one value; reading does not remove it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import trio

from ..base.in_trio import check_in_trio
from .retained import RetainingCore
from .storing_block import StoringBlock

T = TypeVar("T")


class RetainingBlock(StoringBlock[T]):
    """A block whose value can be read any number of times."""

    __slots__ = ()
    _core: RetainingCore[T]

    @property
    def has_value(self) -> bool:
        """Whether the block has a value."""
        return bool(self._core.outbox.queue)

    @property
    def value(self) -> T:
        """The current value.

        Raises:
            trio.WouldBlock: The block has no value yet.
        """
        if not self._core.outbox.queue:
            raise trio.WouldBlock(f"{self} has no value yet; wait for one with receive()")
        return self._core.outbox.queue[0]

    async def wait_changed(self) -> T:
        """Wait for the next value that is set after this call, and return it.

        Raises:
            trio.EndOfChannel: The block is complete: no other value will come.
            trio.BrokenResourceError: The network of the block has stopped.
        """
        return await self._core.wait_changed()

    def __aiter__(self) -> Changes[T]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return Changes(self._core)


class Changes(AsyncIterator[T]):
    """Iterates over the value and then over each change; it never gives the same version twice."""

    __slots__ = ("_block", "_seen")

    def __init__(self, block: RetainingCore[T]) -> None:
        self._block = block
        self._seen = 0

    async def __anext__(self) -> T:
        outbox = self._block.outbox
        check_in_trio("iterate over", self._block)
        try:
            if outbox.version == self._seen:
                await self._block.wait_changed()
            else:
                await trio.lowlevel.checkpoint()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        self._seen = outbox.version
        return outbox.queue[0]
