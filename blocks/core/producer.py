"""A handle for sending to a target: the target does not complete before the handle is closed."""

from __future__ import annotations

import warnings
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import trio

from ..base.threads import Loop
from .inbox import Inbox
from .threads import loop_of, send_from_thread

if TYPE_CHECKING:
    from .block import Block

T = TypeVar("T")


class ProducerToken:
    """Represents a handle in the target's list of producers, without keeping the handle alive.

    Attributes:
        is_closed: Whether the handle was closed.
        loop: The loop in which the handle was made; None if it was made outside a loop.
        user: The task that sent through the handle last, or else made it; None if it was made outside a task.
    """

    __slots__ = ("is_closed", "loop", "name", "user")

    def __init__(self, name: str, for_threads: bool) -> None:
        self.name: str = name
        self.is_closed: bool = False
        self.loop: Loop | None = Loop.running()
        self.user: trio.lowlevel.Task | None = None
        with suppress(RuntimeError):  # if it is made before trio runs
            self.user = None if for_threads else trio.lowlevel.current_task()

    def __str__(self) -> str:
        return f"producer handle {self.name!r}, which is open"


class Producer(Generic[T]):
    """A handle that counts as a producer of its target from its creation until it is closed.

    Make it with `target.producer()` before the work starts, and use it as a context manager in the task or thread that
    sends (a thread uses `send_from_thread`). The target completes when its last producer has closed. A handle that is
    garbage-collected unclosed gives a `ResourceWarning` and counts as closed.
    """

    __slots__ = ("_inbox", "_token", "name")

    def __init__(self, inbox: Inbox[T], name: str | None, *, for_threads: bool = False) -> None:
        self._inbox = inbox
        self.name: str = name or f"producer of {inbox.block.name}"
        self._token = ProducerToken(self.name, for_threads)
        inbox.producers[self._token] = None

    @property
    def target(self) -> Block:
        """The block that the handle feeds."""
        return cast("Block", self._inbox.block.facade)

    def __repr__(self) -> str:
        return f"<Producer {self.name!r} {'closed' if self._token.is_closed else 'open'}>"

    async def send(self, item: T) -> None:
        """Send an item to the target; see `Target.send`.

        Raises:
            trio.ClosedResourceError: The handle was closed.
        """
        self._check_open()
        self._token.user = trio.lowlevel.current_task()
        await self._inbox.send(item)

    def send_nowait(self, item: T) -> None:
        """Send an item to the target without waiting; see `Target.send_nowait`.

        Raises:
            trio.ClosedResourceError: The handle was closed.
        """
        self._check_open()
        self._inbox.send_nowait(item)

    def send_from_thread(self, item: T) -> None:
        """Send an item to the target from another thread than the loop's; returns when the target has taken it.

        This is the only way to send from a thread: of the program, of a driver, of trio, or of an executor. It waits
        while the target has no room, and until the network has started. Stopping or cancelling the network ends the
        wait.

        Raises:
            Declined: The filter of the target declined the item, or the target is complete.
            trio.BrokenResourceError: The network of the target has stopped, or stops during the wait.
            trio.ClosedResourceError: The handle was closed.
            RuntimeError: The call was made in the thread of the loop, which would wait for itself.
        """
        self._check_open()
        send_from_thread(self._inbox, self._token, item)

    def close(self) -> None:
        """Close the handle: nothing more comes from it. Callable from any thread; a second call does nothing."""
        token = self._token
        if token.is_closed:
            return
        token.is_closed = True
        loop = loop_of(self._inbox.block) or token.loop
        if loop is not None and not loop.is_here:
            with suppress(trio.RunFinishedError):
                loop.token.run_sync_soon(self._inbox.producer_done, token)
                return
        self._inbox.producer_done(token)

    def _check_open(self) -> None:
        if self._token.is_closed:
            raise trio.ClosedResourceError(f"{self.name} was closed and cannot send any more")

    def __enter__(self) -> Producer[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        token: ProducerToken | None = getattr(self, "_token", None)
        if token is not None and not token.is_closed:
            warnings.warn(f"{self!r} was never closed; use it in a with block", ResourceWarning, stacklevel=1)
            self.close()
