"""A target for tests that keeps everything in a list."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from ..base.names import given_name
from ..call import Call

T = TypeVar("T")


class Collector(Call[T]):
    """Takes everything that comes, and keeps it in a list.

    - Inputs and outputs: takes messages from links and senders.
    - Order: as they come.
    - Holds: everything, in `items`.
    - Back-pressure: none, as it is quick.
    - Ends: after its last producer.
    - Fails: calls no user function.

    Args:
        name: The name of the block in reports; by default its class and a number.

    Attributes:
        items: All messages that came, in order.
    """

    kind: ClassVar[str] = "collector"

    def __init__(self, name: str | None = None) -> None:
        self.items: list[T] = []
        super().__init__(self.items.append, name=given_name(type(self).__name__, name))
