"""One loop of trio for all pipelines and networks of an asyncio loop: each run is a task there, not a thread."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

import trio
from outcome import Error, Outcome, acapture

from penstock.agents.tasks.one_error import loop_has_ended
from penstock.blocks.base.error_info import is_cancellation
from penstock.blocks.executors.nesting import current_line, enter

T = TypeVar("T")


class Portal:
    """A thread with a loop of trio.

    It starts when it is first used. It ends with the asyncio loop, when that ends its asynchronous generators, which
    `asyncio.run` does; or else with the program.
    """

    def __init__(self) -> None:
        self._is_ready = threading.Event()
        self._is_ending = False
        self._lock = threading.Lock()
        self._line = current_line()  # the workers that wait for the asyncio loop
        self._thread = threading.Thread(target=self._run, name="penstock portal", daemon=True)
        self._token: trio.lowlevel.TrioToken
        self._nursery: trio.Nursery
        self._keeper = keep(self)

    async def open(self) -> None:
        """Start the thread, and end it with the asyncio loop that runs here."""
        self._thread.start()
        self._is_ready.wait()  # a millisecond
        await anext(self._keeper)  # from now on the asyncio loop knows it, and closes it at its end

    def _run(self) -> None:
        enter(self._line)
        trio.run(self._main)

    async def _main(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._is_ready.set()
            await trio.sleep_forever()

    def start_soon(self, function: Callable[..., Awaitable[Any]], name: str) -> None:
        """Start a task there, with the context variables of the caller; it must not raise.

        Raises:
            RuntimeError: The portal has ended.
        """
        context = copy_context()
        with self._lock:  # what is asked for before the end is started before it
            if self._is_ending:
                raise loop_has_ended()
            self._token.run_sync_soon(lambda: context.run(self._nursery.start_soon, function, name=name))

    def call_soon(self, function: Callable[[], Any]) -> None:
        """Call a function there, unless the portal has ended."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(function)

    async def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Call an asynchronous function of trio there, with the context variables of the caller; wait for its result.

        If the caller is cancelled, the call is cancelled and waited for. If it had its result already, the result is
        returned, and the next wait of the caller is cancelled instead: an item that was received is not lost.
        """
        inward = Inward(function, args)
        self.start_soon(inward.run, getattr(function, "__qualname__", "call"))
        if not await outlast(inward.done, lambda: self.call_soon(inward.scope.cancel)):
            return inward.result()
        if inward.was_cancelled():
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        task.cancel()
        return inward.result()

    def end(self) -> None:
        """Cancel all tasks there, and wait for the end of the thread."""
        with self._lock:
            self._is_ending = True
            self.call_soon(lambda: self._nursery.cancel_scope.cancel())
        self._thread.join()


class Inward(Generic[T]):
    """One call on its way from asyncio to trio and back; the task in trio owns the result until `done` is set."""

    def __init__(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._loop = asyncio.get_running_loop()
        self._result: Outcome[T] | None = None
        self.done: asyncio.Event = asyncio.Event()
        self.scope: trio.CancelScope = trio.CancelScope()

    async def run(self) -> None:
        """Make the call; runs in trio."""
        try:
            with self.scope:
                self._result = await acapture(self._function, *self._args)
                if isinstance(self._result, Error) and is_cancellation(self._result.error):
                    raise self._result.error
        finally:
            with suppress(RuntimeError):  # the asyncio loop is closed
                self._loop.call_soon_threadsafe(self.done.set)

    def was_cancelled(self) -> bool:
        """Whether there is no result."""
        return self._result is None or (isinstance(self._result, Error) and is_cancellation(self._result.error))

    def result(self) -> T:
        """Return the result, or raise the exception of the call."""
        if self.was_cancelled():
            raise loop_has_ended()
        assert self._result is not None
        return self._result.unwrap()


async def outlast(ended: asyncio.Event, hurry: Callable[[], object]) -> bool:
    """Wait for the end of something in another thread, also if the caller is cancelled.

    Args:
        ended: Set at the end.
        hurry: Called at each cancellation; it sees to it that the end comes soon.

    Returns:
        Whether the caller was cancelled.
    """
    was_cancelled = False
    while not ended.is_set():
        try:
            await ended.wait()
        except asyncio.CancelledError:
            was_cancelled = True
            hurry()
    return was_cancelled


async def keep(portal: Portal) -> AsyncGenerator[None]:
    """End a portal when the asyncio loop that has begun this generator closes it."""
    try:
        yield
    finally:
        await asyncio.to_thread(portal.end)


portals: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Portal] = weakref.WeakKeyDictionary()


async def portal_here() -> Portal:
    """Return the portal of the asyncio loop that runs here; start it if there is none."""
    loop = asyncio.get_running_loop()
    portal = portals.get(loop)
    if portal is None:
        portal = portals[loop] = Portal()
        await portal.open()
    return portal
