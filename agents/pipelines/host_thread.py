"""An asyncio loop for the asynchronous functions of one run, in a program without a loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from .hosting import AsyncioHost


class HostThread:
    """An asyncio loop in a thread of its own.

    Attributes:
        host: Runs the functions there.
    """

    def __init__(self) -> None:
        self.host: AsyncioHost = AsyncioHost()
        self._is_ready = threading.Event()
        self._end: asyncio.Event
        self._thread = threading.Thread(target=asyncio.run, args=(self._wait(),), name="penstock asyncio", daemon=True)

    async def _wait(self) -> None:
        self._end = asyncio.Event()
        self.host.loop = asyncio.get_running_loop()
        self._is_ready.set()
        await self._end.wait()

    def start(self) -> None:
        """Start the loop, and wait until it runs."""
        self._thread.start()
        self._is_ready.wait()

    def end(self) -> None:
        """End the loop, and wait for the end."""
        with suppress(RuntimeError):  # a function has ended the loop, for example with SystemExit
            self.host.loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
