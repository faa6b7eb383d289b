"""A stream of trio that sends to a block."""

from __future__ import annotations

import warnings
from types import TracebackType

import trio
from trio.abc import SendStream

from ..base.errors import Declined
from ..core.target import Target
from .chunks import Data, as_view, pieces
from .ends import GONE, SendEnd
from .one_at_a_time import OneAtATime

CANCELLED = "a send_all was cancelled, and it is not known how much was sent"


class BlockSendStream(SendStream):
    """Sends to a block; see `send_stream`."""

    def __init__(self, target: Target[bytes], name: str | None) -> None:
        self._end = SendEnd("send_stream", target, name)
        self._target = target  # the deadlock detection looks for blocks among the attributes of variables
        self._calls = OneAtATime(self._end.name)
        self._why_broken: str | None = None

    def __repr__(self) -> str:
        state = "closed" if self._calls.is_closed else "broken" if self._why_broken else "open"
        return f"<{type(self).__name__} {self._end.name} {state}>"

    async def send_all(self, data: Data) -> None:
        """Send data; wait for room.

        Raises:
            trio.BrokenResourceError: The reader has stopped before the end, the network has stopped, or an earlier call
                was cancelled.
            trio.ClosedResourceError: The stream was closed.
            trio.BusyResourceError: Another task uses the stream.
        """
        with self._calls.call("send_all"):
            view = as_view(self._end.name, data)
            self._check_whole()
            try:
                await trio.lowlevel.checkpoint()
                for piece in pieces(data if isinstance(data, bytes) else view):
                    await self._end.send(piece)
            except trio.Cancelled:
                self._why_broken = CANCELLED
                raise
            except Declined as error:
                self._why_broken = GONE if self._end.is_unwanted else str(error)
                raise self._broken() from error

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: trio allows that, and only `send_all` knows how much room it needs."""
        with self._calls.call("wait_send_all_might_not_block"):
            self._check_whole()
            await trio.lowlevel.checkpoint()

    def _check_whole(self) -> None:
        if self._end.is_stopped:
            raise self._end.stopped()
        if self._why_broken is None and self._end.is_unwanted:
            self._why_broken = GONE
        if self._why_broken is not None:
            raise self._broken()

    def _broken(self) -> trio.BrokenResourceError:
        return trio.BrokenResourceError(f"{self._end.name}: {self._why_broken}")

    async def aclose(self) -> None:
        """Say that the stream is complete. After a cancelled `send_all`, or if it is cancelled itself, it is not."""
        was_open = not self._calls.is_closed
        was_busy = self._calls.close()
        if not was_open:
            await trio.lowlevel.checkpoint()
            return
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
        except BaseException as error:
            self._end.break_off(error)
            raise
        if was_busy:
            self._why_broken = "it was closed during a send_all"
        if self._why_broken is None:
            self._end.complete()
        else:
            self._end.break_off(self._broken())
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if value is None:
            await self.aclose()
        elif not self._calls.is_closed:
            self._calls.close()
            self._end.break_off(value)

    def __del__(self) -> None:
        end: SendEnd | None = getattr(self, "_end", None)
        if end is not None and not end.is_over:
            warnings.warn(f"{self!r} was never closed; use it in an async with block", ResourceWarning, stacklevel=1)
            end.forget()


def send_stream(target: Target[bytes], *, name: str | None = None) -> SendStream:
    """Make a `trio.abc.SendStream` that sends to a block of bytes.

    The stream is a producer of the target: the target completes after the stream was closed. Use it in an `async with`
    block, in the task that writes. Data of more than 256 KiB are sent as several chunks, so the capacity of the target
    also bounds the bytes in it.

    An incomplete stream never looks like a complete one. If the block is left by an exception, this exception is a
    fault of the target's network; if it is left by a cancellation, the fault is a `trio.BrokenResourceError`, unless
    the network is cancelled too. A target that runs in no network is stopped alone. Readers get a
    `trio.BrokenResourceError` that names the writer. The same holds for a stream that is closed after a cancelled
    `send_all`, or never closed.

    If the reader stops before the end, `send_all` raises `trio.BrokenResourceError`.

    Args:
        target: The block. It must keep all chunks, in their order.
        name: The name of the writer in reports and errors.

    Raises:
        TypeError: `target` is not a target.
    """
    return BlockSendStream(target, name)
