"""A buffer for a value that changes: readers want the latest, links want every one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from .core.retained import RetainingBlock

T = TypeVar("T")


class OverwriteBuffer(RetainingBlock[T]):
    """Keeps the latest message; a new one takes its place.

    - Inputs and outputs: takes messages from links and senders. Every linked target gets every value, a new link the
      present one at once. `receive` shows the latest value and leaves it there; it waits for the first one.
      `wait_changed` waits for the next. `async for` gives the value and then each change; a reader that is slower
      than the changes sees the latest only.
    - Order: the order in which the values came.
    - Holds: one value, and for each linked target those it has not taken yet.
    - Back-pressure: none; a send never waits.
    - Ends: after its last producer, when every linked target has every value; the value can still be read.
    - Fails: runs no function of the user's but the filters; when its network stops, the value can still be read.

    In the balance, a value that was replaced counts as dropped ("overwritten"), and what each link gets as a copy.

    Args:
        filter: Only messages of which this is true are taken; others are declined.
        name: What reports call the block; by default its class and a number.
    """

    kind: ClassVar[str] = "overwrite buffer"

    def __init__(self, *, filter: Callable[[T], bool] | None = None, name: str | None = None) -> None:
        super().__init__(filter, name)
