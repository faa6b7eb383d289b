"""The answers of a target to an offer."""

from __future__ import annotations

from enum import Enum


class MessageStatus(Enum):
    """The answer of a target to an offered message.

    Attributes:
        ACCEPTED: The target has taken the message; it is the target's now.
        DECLINED: The target does not take this message: its filter declined it, or the target is complete.
        POSTPONED: The target cannot take the message now; it will ask the offering source for it later.
    """

    ACCEPTED = "accepted"
    DECLINED = "declined"
    POSTPONED = "postponed"
