"""The activities of blocks, agents and tasks, for statistics and recordings."""

from __future__ import annotations

from enum import Enum


class Activity(Enum):
    """What a block, an agent or a task did for a while.

    Attributes:
        WORK: It worked on an item.
        WAIT_FOR_INPUT: It waited for an item to work on.
        WAIT_FOR_OUTPUT: It waited until its output was taken.
        WAIT_FOR_RATE: It had an item, and waited until its `Rate` allowed a call.
    """

    WORK = "work"
    WAIT_FOR_INPUT = "wait for input"
    WAIT_FOR_OUTPUT = "wait for output"
    WAIT_FOR_RATE = "wait for rate"
