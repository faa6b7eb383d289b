"""Lets one task move its next messages directly, while a look at anything else would change nothing.

Plain code without trio. A target gives a sender credit to append messages to its queue, and a source gives a receiver
credit to take messages out of it. The task itself counts the credit down. A task that comes back quickly gets twice the
last credit, up to a limit. A slower task, or a task that waited in between, gets a credit of one message.

Invariant: `on_credit` counts every message that has moved with credit, and no other, also while credit is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .meters import Actor

QUICK = 0.0002
"""Seconds within which a task must come back to count as quick."""
LARGEST = 64


class Creditor:
    """One end of a queue, which gives credit to the task that uses it.

    Attributes:
        credit: How many more messages the task may move directly.
    """

    __slots__ = ("_came_at", "_counted", "_given", "_holder", "_size", "credit")

    def __init__(self) -> None:
        self.credit: int = 0
        self._given = 0  # in all, without what was withdrawn
        self._counted = 0  # of the messages on credit, those that the holder has counted
        self._holder: Actor | None = None
        self._size = 1
        self._came_at = 0.0

    @property
    def on_credit(self) -> int:
        """How many messages have moved with credit so far."""
        return self._given - self.credit

    def give_credit(self, now: float, room: int, holder: Actor | None) -> None:
        """Give credit to a task that has none, for up to `room` messages.

        Args:
            now: The time at which the task has come.
            room: For how many messages there is room, or how many there are.
            holder: The meter of the task, which counts what moves; None if nothing does.
        """
        self._counted = self._given
        self._size = min(self._size * 2, LARGEST) if now - self._came_at < QUICK else 1
        self.credit = max(0, min(self._size, room))
        self._given += self.credit
        self._holder = holder

    def came(self, now: float) -> None:
        """Note the time at which a task has moved a message without credit."""
        self._came_at = now

    def withdraw_credit(self) -> None:
        """Withdraw what is left."""
        if self._holder is not None:
            self.count_credit()
            self._holder = None
        self._given -= self.credit
        self.credit = 0

    def count_credit(self) -> None:
        """Let the meter of the task count what has moved."""
        if self._holder is not None:
            self.count_moved(self._holder, self.on_credit - self._counted)
            self._counted = self.on_credit

    def count_moved(self, holder: Actor, messages: int) -> None:
        """Add messages to the counter of a task."""
        raise NotImplementedError
