"""Drives the network of one run in a loop of trio, and hands its results over to another thread."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import trio

from penstock.agents.tasks.one_error import loop_has_ended, only_error
from penstock.blocks import Network
from penstock.blocks.base.error_info import annotate, is_cancellation
from penstock.blocks.executors.forked import forkable
from penstock.blocks.executors.nesting import Line, current_line, enter

from .built import RunOptions, build
from .hand_over import AHEAD, HandOver
from .host import Host
from .outlet import Outlet
from .run_limit import RunLimit
from .sources import Items
from .stages import Stages
from .steps import Step

if TYPE_CHECKING:
    from .host_thread import HostThread

OWNER_WATCH = 0.25
"""Seconds between two looks whether the frame of the consumer still exists."""
PATIENCE_AT_EXIT = 5.0
"""Seconds to wait for one run when the program ends."""


class Drive:
    """One run of a pipeline, which a loop of trio drives.

    States: made → driven → ended. The network, its blocks and the source belong to the loop; the consumer has the
    hand-over, and may ask the loop to stop, or to change the limit or a stage.

    Args:
        steps: The recipe.
        items: The items.
        options: The options of the run.
        host: The asyncio loop of asynchronous functions; None if they run in trio.
        arrived: Called when there are results; None if the consumer waits in `take`.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        items: Items[Any],
        options: RunOptions,
        host: Host | None,
        arrived: Callable[[], None] | None = None,
    ) -> None:
        limit = options.get("limit")
        bound = limit if isinstance(limit, int) and limit > 0 else AHEAD
        self.hand_over: HandOver[Any] = HandOver(bound, arrived)
        self._built = build(steps, items, options, host, Outlet(self.hand_over))
        self.network: Network = self._built.network
        self.limit: RunLimit = self._built.limit
        self.stages: Stages = self._built.stages(self.change)
        self._is_without_asyncio = host is None
        self._lock = threading.Lock()
        self._token: trio.lowlevel.TrioToken | None = None
        self._is_stopped = False
        self._is_finishing = False

    def __str__(self) -> str:
        state = "new" if self._token is None else "ended" if self.hand_over.has_ended else "running"
        return f"{self.network.name!r} {state}, stages {self.stages}"

    async def drive(self) -> None:
        """Run to the end; an error goes to the consumer."""
        error: BaseException | None = None
        try:
            with self._lock:
                self._token = trio.lowlevel.current_trio_token()
                if self._is_stopped:
                    self.network.cancel()
                if self._is_finishing:
                    self._built.finish()
            async with self.network:
                pass
        except BaseException as raised:
            error = only_error(raised)
            if self._is_without_asyncio and is_about_asyncio(error):
                annotate(error, 'a function of asyncio runs here with run(…, library="asyncio")')
            if is_cancellation(raised):
                error = loop_has_ended()
                raise
        finally:
            self.hand_over.end(error)
            del error  # its traceback refers to this frame

    def stop(self) -> None:
        """Ask the loop to stop the run; callable from any thread, and more than once."""
        self.hand_over.close()
        with self._lock:
            self._is_stopped = True
            if self._token is not None and not self.hand_over.has_ended:
                with suppress(trio.RunFinishedError):
                    self._token.run_sync_soon(self.network.cancel)

    def finish(self) -> None:
        """Ask the loop to read no more items; callable from any thread, and more than once."""
        with self._lock:
            self._is_finishing = True
            if self._token is not None and not self.hand_over.has_ended:
                with suppress(trio.RunFinishedError):
                    self._token.run_sync_soon(self._built.finish)

    def change_limit(self, who: str, limit: float | None) -> None:
        """Change the limit of the run; callable from any thread, and without effect after its end."""
        self.change(partial(self.limit.change, self.limit.ask(who, limit)))

    def change(self, change: Callable[[], None]) -> None:
        """Let the loop change something; callable from any thread, and without effect after the end of the run."""
        with self._lock:
            if self._token is None:
                change()
            else:
                with suppress(trio.RunFinishedError):
                    self._token.run_sync_soon(self._make, change)

    def _make(self, change: Callable[[], None]) -> None:
        if not self.hand_over.has_ended:
            with suppress(RuntimeError):  # a run in another thread uses the rate too, and this one is about to fail
                change()


class ThreadDrive(Drive):
    """A run in a thread of its own.

    Args:
        uses_asyncio: Whether asynchronous functions run in asyncio, in a second thread.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        items: Items[Any],
        options: RunOptions,
        uses_asyncio: bool,
    ) -> None:
        self._host_thread: HostThread | None = host_thread() if uses_asyncio else None
        super().__init__(steps, items, options, None if self._host_thread is None else self._host_thread.host)
        self._context = copy_context()
        self._owner: Callable[[], object | None] = object
        self._line: Line = ()  # the workers that wait for this run, if a stage of another run iterates over it
        self._thread = threading.Thread(target=self._context.run, args=(self._run,), name="penstock run", daemon=True)

    def start(self, owner: Callable[[], object | None]) -> None:
        """Start the thread.

        Args:
            owner: Returns None when the frame that asks for results has gone. Ctrl-C may come in the middle of the
                clean-up of that frame, and then the run has to stop by itself.
        """
        self._owner = owner
        self._line = current_line()
        live.add(self)
        forkable.add(self)
        self._thread.start()

    def take_error(self) -> BaseException | None:
        """The exception with which the run has ended, once; None if there is none, or the run has not ended."""
        error, self.hand_over.error = self.hand_over.error, None
        return error

    def begin_anew(self) -> None:
        """End the run in a forked child, which has no copy of its thread; it goes on in the parent."""
        self._lock = threading.Lock()
        self._token = None
        self.hand_over.begin_anew(
            RuntimeError("this run goes on in the process from which this one was forked; call run() again here")
        )

    def join(self, seconds: float | None = None) -> None:
        """Wait for the end of the thread, up to some seconds."""
        self._thread.join(seconds)

    def _run(self) -> None:
        enter(self._line)
        host = self._host_thread
        if host is None:
            trio.run(self._main)
            return
        host.start()
        try:
            trio.run(self._main)
        finally:
            host.end()

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_owner)
            await self.drive()
            nursery.cancel_scope.cancel()

    async def _watch_owner(self) -> None:
        while self._owner() is not None:  # noqa: ASYNC110  # the owner dies in another thread, at any moment
            await trio.sleep(OWNER_WATCH)
        self.stop()


def is_about_asyncio(error: BaseException) -> bool:
    """Whether an exception, or one in a group, is what a function of asyncio raises in a loop of trio."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_about_asyncio, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    text = str(error)
    return (isinstance(error, RuntimeError) and text == "no running event loop") or (
        isinstance(error, TypeError) and "received unrecognized yield message" in text
    )


def host_thread() -> HostThread:
    """Make the thread of an asyncio loop."""
    from .host_thread import HostThread  # late: few programs need asyncio

    return HostThread()


live: weakref.WeakSet[ThreadDrive] = weakref.WeakSet()
"""The runs whose thread may still run."""


@atexit.register
def stop_all() -> None:
    """Stop the runs that are left when the program ends; their threads would not end it, but items may be in work."""
    for drive in tuple(live):
        drive.stop()
        drive.join(PATIENCE_AT_EXIT)
