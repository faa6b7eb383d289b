"""The core of a block that gives its messages to several targets, and waits for the slow ones."""

from __future__ import annotations

from typing import Any, TypeVar

from .fan_out import FanOut
from .storing import StoringCore

T = TypeVar("T")


class FanOutCore(StoringCore[T]):
    """The core of a block whose outbox keeps messages for targets that are behind."""

    __slots__ = ()
    outbox: FanOut[Any]

    @property
    def keeps_order(self) -> bool:
        """Return True: messages go out in the order in which they came in."""
        return True

    def _try_to_finish(self) -> None:
        if self.finished or not self.held() or self.keeps_results():
            super()._try_to_finish()

    def held(self) -> int:
        return len(self.outbox) + self.outbox.waiting_copies()
