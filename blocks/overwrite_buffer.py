"""A buffer for a value that changes: readers get the latest value, links get every value."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from .core.retained import RetainingCore
from .core.retaining import RetainingBlock

T = TypeVar("T")


class OverwriteBuffer(RetainingBlock[T]):
    """Keeps the latest message; a new message replaces it.

    - Inputs and outputs: takes messages from links and senders. Every linked target gets every value; a new link gets
      the current value at once. `receive` shows the latest value and leaves it there; it waits for the first one.
      `wait_changed` waits for the next. `async for` gives the value and then each change; a reader that is slower
      than the changes sees only the latest value.
    - Order: the order in which the values came.
    - Holds: one value, and for each linked target the values that it has not taken yet.
    - Back-pressure: none; a send never waits.
    - Ends: after its last producer, when every linked target has every value; the value can still be read.
    - Fails: calls no user function except the filters; when its network stops, the value can still be read.

    In the balance, a replaced value counts as dropped ("overwritten"), and each value that a link gets as a copy.

    Args:
        filter: Only messages for which this is true are taken; others are declined.
        name: The name of the block in reports; by default its class and a number.
    """

    kind: ClassVar[str] = "overwrite buffer"

    def __init__(self, *, filter: Callable[[T], bool] | None = None, name: str | None = None) -> None:
        self._core = RetainingCore(self, filter, name)
