"""Use of blocks from other threads: they may only send through a producer handle.

All other calls of a block are only allowed in the thread of its loop. A call from another thread is refused before
anything has changed. Outside a network a block belongs to no thread, unless a task waits at it or at a linked block.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Generic, Protocol, TypeVar

import trio

from ..base.threads import Loop, held_up, hold_up, wrong_thread
from .waiting import parked, waiting_threads

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
PATIENCE = 1.0
"""Seconds after which a thread that waits for its network checks whether the program still runs."""
beginnings: threading.Condition = threading.Condition()
"""This condition is notified whenever blocks have become part of a running network."""


def announce_beginning() -> None:
    """Wake the waiting threads, because blocks have become part of a running network."""
    with beginnings:
        beginnings.notify_all()


def loop_of(node: Any) -> Loop | None:
    """The loop of the network in which a block or agent runs; None if it does not run."""
    network = node.host
    loop: Loop | None = None if network is None else network.pump.loop
    return loop


def check_thread(node: Any, doing: str) -> None:
    """Raise a `RuntimeError` if a block or agent belongs to the loop of another thread.

    Args:
        node: The block or agent.
        doing: The call, as a verb: "link", for example.
    """
    loop = loop_of(node)
    if loop is None:
        if waiting_threads:
            check_nobody_waits_elsewhere(node, doing)
    elif not loop.is_here:
        raise wrong_thread(f"{doing} {node}")


def check_nobody_waits_elsewhere(node: Any, doing: str) -> None:
    """Raise a `RuntimeError` if a task of another thread waits at a block or at a block linked to it."""
    here = threading.get_ident()
    if len(waiting_threads) == (here in waiting_threads):
        return
    near: dict[Any, None] = {}
    waiting: list[Any] = [node]
    while waiting:
        place = waiting.pop()
        if place not in near:
            near[place] = None
            waiting.extend(place.neighbors())
    if any(waiter.thread != here and waiter.place in near for waiter in tuple(parked.values())):
        raise wrong_thread(f"{doing} {node}")


class Inlet(Protocol[T_contra]):
    """A target, as an `Errand` sees it."""

    block: Any

    def check_can_come(self) -> None:
        """Raise if the target accepts nothing any more; callable from any thread."""
        ...

    def take_from_thread(self, item: T_contra) -> bool:
        """Accept an item; runs in the loop's thread. False if the item has to wait."""
        ...

    def spawn(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Start a task that waits for room; runs in the loop's thread."""
        ...

    async def send(self, item: T_contra) -> None:
        """Hand an item in; wait for room."""
        ...


class Handle(Protocol):
    """A producer handle, as an `Errand` sees it.

    Attributes:
        is_closed: Whether the handle was closed.
        loop: The loop in which the handle was made; None if it was made outside a loop, or the loop has ended.
        user: The task that sends through the handle.
    """

    is_closed: bool
    loop: Loop | None
    user: trio.lowlevel.Task | None


def settle(loop: Loop, arrive: Callable[[], None], settled: threading.Lock, scope: trio.CancelScope) -> None:
    """Call a function in a loop, and wait in this thread until a lock is released; Ctrl-C cancels the scope."""
    loop.token.run_sync_soon(arrive)
    try:
        settled.acquire()
    except BaseException:  # Ctrl-C, where the loop does not run in the main thread
        with suppress(trio.RunFinishedError):
            loop.token.run_sync_soon(scope.cancel)
        raise


class Errand(Generic[T]):
    """One item on its way from a thread to a target. The thread waits until the loop has settled the errand."""

    __slots__ = ("_context", "_error", "_handle", "_inlet", "_item", "_scope", "_settled", "_thread")

    def __init__(self, inlet: Inlet[T], handle: Handle, item: T) -> None:
        self._inlet = inlet
        self._handle = handle
        self._item = item
        self._thread = threading.current_thread()
        self._context = copy_context()
        self._scope = trio.CancelScope()
        self._error: BaseException | None = None
        self._settled = threading.Lock()
        self._settled.acquire()

    def run(self, loop: Loop) -> None:
        """Send the item from the thread and wait until it is taken; raise if it is not."""
        settle(loop, self._arrive, self._settled, self._scope)
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # it refers to this frame

    def _settle(self, error: BaseException | None) -> None:
        self._error = error
        self._handle.user = None  # the next action of the thread is unknown
        if self._thread in held_up:
            hold_up(self._thread, False)
        self._settled.release()

    def _arrive(self) -> None:
        """Hand the item to the target, or start a task that waits for room; runs in the loop's thread."""
        try:
            if self._context.run(self._inlet.take_from_thread, self._item):
                self._settle(None)
            else:
                self._context.run(self._inlet.spawn, self._wait, f"thread {self._thread.name!r}")
        except Exception as error:
            self._settle(error)

    async def _wait(self) -> None:
        error: BaseException | None = trio.BrokenResourceError(f"cannot send to {self._inlet}: its network was stopped")
        self._handle.user = trio.lowlevel.current_task()
        hold_up(self._thread, True)
        try:
            with self._scope:
                await self._inlet.send(self._item)
                error = None
        except Exception as raised:
            error = raised
        finally:
            self._settle(error)
            del error


def send_from_thread(inlet: Inlet[T], handle: Handle, item: T) -> None:
    """Send an item from a thread that is not the loop's; wait for the network to begin, and for room."""
    check_may_wait(inlet, handle)
    while True:
        loop = wait_for_loop(inlet, handle)
        try:
            Errand(inlet, handle, item).run(loop)
        except trio.RunFinishedError:
            if handle.loop is not loop:
                raise trio.BrokenResourceError(f"cannot send to {inlet}: its network was stopped") from None
            handle.loop = None  # the handle was made in an earlier run; the network may start later
        else:
            return


def check_may_wait(inlet: Inlet[Any], handle: Handle) -> None:
    """Raise a `RuntimeError` if this is the thread of a loop, which would wait for itself."""
    loops = (loop_of(inlet.block), handle.loop, Loop.running())
    if any(loop is not None and loop.is_here for loop in loops):
        raise RuntimeError(
            f"send_from_thread to {inlet} was called in the thread of the loop, which would wait for itself; use "
            "`await send(item)`, or send_nowait(item)"
        )


def wait_for_loop(inlet: Inlet[Any], handle: Handle) -> Loop:
    """Wait until the target is in a loop, and return the loop."""
    with beginnings:
        while True:
            inlet.check_can_come()
            if handle.is_closed:
                raise trio.ClosedResourceError(f"the handle for {inlet} was closed and cannot send any more")
            loop = loop_of(inlet.block) or handle.loop
            if loop is not None:
                return loop
            if not threading.main_thread().is_alive():
                raise trio.BrokenResourceError(f"cannot send to {inlet}: the program ends, and no network has started")
            beginnings.wait(PATIENCE)
