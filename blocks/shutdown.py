"""The shutdown buffers: a fault in one stage stops all networks and agents that share the buffers.

There are two reasons to stop, as in the chapter on pipelines. A fault sets `pending`; it stops only what shares these
buffers. A request from outside sets `cancellation`; only the user can request this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TypeVar

import trio

from .base.callables import check_ran
from .base.checks import check_function
from .base.error_info import ErrorInfo
from .base.errors import Declined
from .base.loop_held import LOOP_HELD, loop_held
from .base.threads import wrong_thread
from .base.timing import time_slice
from .core.block import Block, inside
from .core.target import Target
from .overwrite_buffer import OverwriteBuffer
from .unbounded_buffer import UnboundedBuffer

T = TypeVar("T")
B = TypeVar("B", bound=Block)


class Shutdown:
    """The shutdown buffers of agents, blocks and networks that must stop together.

    A network makes shutdown buffers of its own unless it is given some. If several networks share them, a fault in one
    network stops all of them.

    Args:
        name: The name in reports. Default: "shutdown".
    """

    def __init__(self, name: str | None = None) -> None:
        self.name: str = name or "shutdown"
        self.first_error: ErrorInfo | None = None
        self._listeners: list[Callable[[], object]] = []
        self._members: dict[object, tuple[int, Callable[[], None]]] = {}

    # The buffers are made when they are first used, because most networks never use them.

    @cached_property
    def pending(self) -> OverwriteBuffer[bool]:
        """True as soon as there was a fault."""
        return self._opened(OverwriteBuffer(name=f"{self.name} pending"))

    @cached_property
    def errors(self) -> UnboundedBuffer[ErrorInfo]:
        """An `ErrorInfo` for each fault, in the order in which they happened."""
        return self._opened(UnboundedBuffer(name=f"{self.name} errors"))

    @cached_property
    def cancellation(self) -> OverwriteBuffer[bool]:
        """True as soon as the user has asked to stop."""
        return self._opened(OverwriteBuffer(name=f"{self.name} cancellation"))

    def _opened(self, buffer: B) -> B:
        """Keep a buffer open while there can be a fault."""
        inside(buffer).inbox.producers[self] = None
        return buffer

    def buffers(self) -> Iterable[OverwriteBuffer[bool] | UnboundedBuffer[ErrorInfo]]:
        """The buffers that were used so far."""
        made = vars(self)
        return [made[name] for name in ("pending", "errors", "cancellation") if name in made]

    def __repr__(self) -> str:
        count = len(self.errors) if "errors" in vars(self) else 0
        state = "fault" if self.is_shutdown_pending else "cancelled" if self.is_cancellation_pending else "quiet"
        return f"<Shutdown {self.name!r} {state}, {count} errors>"

    @property
    def is_shutdown_pending(self) -> bool:
        """Whether there was a fault."""
        return self.first_error is not None

    @property
    def is_cancellation_pending(self) -> bool:
        """Whether there was a fault or the user has asked to stop."""
        is_used = "cancellation" in vars(self)
        return self.is_shutdown_pending or (is_used and self.cancellation.has_value)

    def fault(self, error: ErrorInfo) -> Sequence[Exception]:
        """Report a fault: everything that shares these buffers stops.

        Returns:
            The exceptions of the functions that were given to `on_shutdown`.
        """
        self._check_thread("report a fault to")
        post(self.errors, error)
        if self.first_error is not None:
            return ()
        self.first_error = error
        post(self.pending, True)
        return self._tell()

    def cancel(self) -> None:
        """Ask everything that shares these buffers to stop, without a fault; a second call does nothing.

        Raises:
            ExceptionGroup: The exceptions of the functions that were given to `on_shutdown`.
        """
        self._check_thread("cancel")
        if not self.cancellation.has_value:
            post(self.cancellation, True)
            errors = self._tell()
            if errors:
                raise ExceptionGroup(f"{self.name}: on_shutdown", errors)

    def join(self, member: object, stop: Callable[[], None]) -> None:
        """Add a network or agent that must stop with the others; only for members that run tasks themselves.

        Args:
            member: The network or agent.
            stop: Stops the member; called on the loop.
        """
        self._members[member] = (threading.get_ident(), stop)

    def leave(self, member: object) -> None:
        """Remove a network or agent that has ended; does nothing if it was removed before."""
        self._members.pop(member, None)

    def _check_thread(self, doing: str) -> None:
        if any(thread != threading.get_ident() for thread, _ in tuple(self._members.values())):
            raise wrong_thread(f"{doing} {self.name}")

    def on_shutdown(self, callback: Callable[[], object]) -> None:
        """Register a function that is called once, when a stop begins, for example to show it in a window.

        It is called on the loop, without arguments, at the first fault or cancellation; at once if there was one.

        Raises:
            TypeError: `callback` is not a plain function.
        """
        check_function(self.name, "callback", callback)
        if self.is_cancellation_pending:
            check_ran(self.name, "callback", callback())
        else:
            self._listeners.append(callback)

    def _look_whether_held(self, listener: Callable[[], object], seconds: float) -> None:
        """Warn if a function has blocked the loop for too long."""
        if seconds > LOOP_HELD:
            loop_held.explain(seconds)
            remedy = "let it only note what has happened, and do the work elsewhere"
            loop_held.report(self, seconds, remedy, part="a function of on_shutdown of ", function=listener)

    def _tell(self) -> list[Exception]:
        for _, stop in tuple(self._members.values()):
            stop()
        listeners, self._listeners = self._listeners, []
        errors: list[Exception] = []
        for listener in listeners:
            start = time_slice.clock()
            try:
                check_ran(self.name, "callback", listener())
                self._look_whether_held(listener, time_slice.clock() - start)
            except Exception as error:  # must not hide the fault
                errors.append(error)
        return errors


def post(buffer: Target[T], message: T) -> None:
    """Put a message into a shutdown buffer, unless the user has linked it into a network that has ended."""
    with suppress(Declined, trio.BrokenResourceError):
        buffer.send_nowait(message)
