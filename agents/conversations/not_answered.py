"""The error of a question that gets no answer."""

from __future__ import annotations

from typing import Literal

Reason = Literal["forgotten", "dropped", "overflowed", "ended", "stopped"]


class NotAnswered(Exception):
    """Raised by `ask` when the question will get no answer.

    Attributes:
        reason: "forgotten": the request was let go without a reply. "dropped": a policy or a filter has dropped it.
            "overflowed": the mailbox was full, and rejects. "ended": what should answer has ended, or takes no more.
            "stopped": the network was stopped.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason

    def __reduce__(self) -> tuple[type[NotAnswered], tuple[str, Reason]]:
        return NotAnswered, (str(self), self.reason)
