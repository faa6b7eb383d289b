"""Writes to the output of the program without holding the loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import BinaryIO

import trio

from penstock.blocks import Call

__all__ = ["Write", "write_to", "writer"]

Write = Callable[[bytes], Awaitable[None]]


def writer(output: BinaryIO) -> Write:
    """Return a function that writes to a file or stream, which stays open.

    It writes in a thread that is left behind if the program is stopped, because a pipe may never take the rest.
    """

    async def write(data: bytes) -> None:
        await trio.to_thread.run_sync(output.write, data, abandon_on_cancel=True)

    return write


def write_to(output: BinaryIO) -> Call[bytes]:
    """Make a block that writes to a file or stream, which stays open."""
    return Call(writer(output), capacity=4, name="write")
