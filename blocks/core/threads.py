"""What other threads may do with a block: send through a handle that waits for them, and nothing else.

Everything else of a block belongs to one thread, that of the loop. A call from elsewhere is refused before anything has
changed. Outside a network a block belongs to nobody, unless a task waits at it or at one that is linked to it.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import trio

from ..base.threads import Loop, held_up, hold_up, wrong_thread
from .waiting import parked, waiting_threads

if TYPE_CHECKING:
    from .ports import Part

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
PATIENCE = 1.0
"""Seconds after which a thread that waits for its network looks whether the program still goes on."""
beginnings: threading.Condition = threading.Condition()
"""Is notified whenever blocks have become part of a running network."""


def announce_beginning() -> None:
    """Blocks have become part of a running network: threads may have waited for that."""
    with beginnings:
        beginnings.notify_all()


def loop_of(node: Any) -> Loop | None:
    """The loop of the network in which a block or agent runs; None if it does not run."""
    network = node._network
    loop: Loop | None = None if network is None else network.pump.loop
    return loop


def check_thread(node: Any, doing: str) -> None:
    """Raise a `RuntimeError` if a block or agent belongs to the loop of another thread.

    Args:
        node: The block or agent.
        doing: What was called: "link", say.
    """
    loop = loop_of(node)
    if loop is None:
        if waiting_threads:
            check_nobody_waits_elsewhere(node, doing)
    elif not loop.is_here:
        raise wrong_thread(f"{doing} {node}")


def check_nobody_waits_elsewhere(node: Part, doing: str) -> None:
    """Raise a `RuntimeError` if a task of another thread waits at a block or at one that is linked to it."""
    here = threading.get_ident()
    if len(waiting_threads) == (here in waiting_threads):
        return
    near: dict[Any, None] = {}
    waiting: list[Any] = [node]
    while waiting:
        place = waiting.pop()
        if place not in near:
            near[place] = None
            waiting.extend(place._neighbors())
    if any(waiter.thread != here and waiter.place in near for waiter in tuple(parked.values())):
        raise wrong_thread(f"{doing} {node}")


class Inlet(Protocol[T_contra]):
    """What a target offers to the errands of threads."""

    block: Any

    def check_can_come(self) -> None:
        """Raise if nothing can come any more; from any thread."""
        ...

    def take_from_thread(self, item: T_contra) -> bool:
        """Take an item, on the loop; False if it has to wait."""
        ...

    def spawn(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Have a task wait for room, on the loop."""
        ...

    async def send(self, item: T_contra) -> None:
        """Hand an item in; wait for room."""
        ...


class Handle(Protocol):
    """What an errand knows of the handle through which it comes.

    Attributes:
        is_closed: Whether it was closed.
        loop: The loop in which it was made; None if that was in none, or has ended.
        user: The task that sends through it.
    """

    is_closed: bool
    loop: Loop | None
    user: trio.lowlevel.Task | None


class Errand(Generic[T]):
    """One item on its way from a thread to a target. The loop settles it, once; the thread waits for that."""

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
        """Go, in the thread, and wait until the item was taken; raise if it was not."""
        loop.token.run_sync_soon(self._arrive)
        try:
            self._settled.acquire()
        except BaseException:  # Ctrl-C, where the loop does not run in the main thread
            with suppress(trio.RunFinishedError):
                loop.token.run_sync_soon(self._scope.cancel)
            raise
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # it knows this frame

    def _settle(self, error: BaseException | None) -> None:
        self._error = error
        self._handle.user = None  # who knows what the thread does next
        if self._thread in held_up:
            hold_up(self._thread, False)
        self._settled.release()

    def _arrive(self) -> None:
        """Be taken, on the loop, or have a task wait for room."""
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
            handle.loop = None  # it was made in a run that is over; the network may be still to come
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
    """The loop in which the target is; wait until it is in one."""
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
