"""A handle for whoever feeds a target by hand: the target does not complete before the handle is closed."""

from __future__ import annotations

import warnings
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from .inbox import Inbox

if TYPE_CHECKING:
    from .block import Block

T = TypeVar("T")


class ProducerToken:
    """Stands for a handle in the target's list, without keeping the handle alive.

    Attributes:
        user: The task that sent through the handle last, or else made it; None if that was in no task.
    """

    __slots__ = ("name", "user")

    def __init__(self, name: str) -> None:
        self.name = name
        self.user: trio.lowlevel.Task | None = None
        with suppress(RuntimeError):  # made before trio runs
            self.user = trio.lowlevel.current_task()

    def __str__(self) -> str:
        return f"producer handle {self.name!r}, which is open"


class Producer(Generic[T]):
    """Counts as one of a target's producers from the moment it is made until it is closed.

    Make it with `target.producer()` before the work starts, and use it as a context manager in the task that sends:
    the target completes after the last of its producers, whichever that is. A handle that is forgotten, that is
    garbage-collected unclosed, warns with a `ResourceWarning` and counts as closed.
    """

    __slots__ = ("_closed", "_inbox", "_token", "name")

    def __init__(self, inbox: Inbox[T], name: str | None) -> None:
        self._inbox = inbox
        self._closed = False
        self.name = name or f"producer of {inbox.block.name}"
        self._token = ProducerToken(self.name)
        inbox.producers[self._token] = None

    @property
    def target(self) -> Block:
        """The block that is fed."""
        return self._inbox.block

    def __repr__(self) -> str:
        return f"<Producer {self.name!r} {'closed' if self._closed else 'open'}>"

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

    def close(self) -> None:
        """Say that nothing more comes from here; closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._inbox.producer_done(self._token)

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError(f"{self.name} was closed and cannot send any more")

    def __enter__(self) -> Producer[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"{self!r} was never closed; use it in a with block", ResourceWarning, stacklevel=1)
            self.close()
