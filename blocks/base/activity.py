"""What somebody did for a while, as statistics and recordings tell it."""

from __future__ import annotations

from enum import Enum


class Activity(Enum):
    """What somebody did for a while.

    Attributes:
        WORK: Worked on an item.
        WAIT_FOR_INPUT: Waited for an item to work on.
        WAIT_FOR_OUTPUT: Waited for somebody to take what was ready.
    """

    WORK = "work"
    WAIT_FOR_INPUT = "wait for input"
    WAIT_FOR_OUTPUT = "wait for output"
