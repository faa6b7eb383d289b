"""A buffer that is set once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from .core.retained import RetainedOutbox, RetainingCore, RetainingInbox
from .core.retaining import RetainingBlock

T = TypeVar("T")


class OnceInbox(RetainingInbox[T]):
    """An inbox that is complete after one message."""

    __slots__ = ()

    def store(self, message: T) -> None:
        """Set the value."""
        super().store(message)
        self.close()


class OnceCore(RetainingCore[T]):
    """The core of a buffer that is set once."""

    __slots__ = ()

    def _make_inbox(self, outbox: RetainedOutbox[T], filter: Callable[[T], bool] | None) -> RetainingInbox[T]:
        return OnceInbox(outbox, filter)


class SingleAssignment(RetainingBlock[T]):
    """Keeps the first message forever; later messages are declined.

    - Inputs and outputs: takes one message from links and senders. Every linked target gets it, also a target that is
      linked later. `receive` waits for the value and shows it, any number of times.
    - Order: none; there is only one message.
    - Holds: the value, and a copy for each linked target that has not taken it yet.
    - Back-pressure: none; after the first message the block is complete and a send raises `Declined`.
    - Ends: with its first message, or after its last producer, when every linked target has the value.
    - Fails: calls no user function except the filters; when its network stops, the value can still be read.

    Args:
        filter: Only a message for which this is true is taken; others are declined.
        name: The name of the block in reports; by default its class and a number.
    """

    kind: ClassVar[str] = "single assignment"

    def __init__(self, *, filter: Callable[[T], bool] | None = None, name: str | None = None) -> None:
        self._core = OnceCore(self, filter, name)
