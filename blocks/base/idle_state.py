"""The states of a network in which no block is ready."""

from __future__ import annotations

from enum import Enum


class IdleState(Enum):
    """The state of a network in which no block is ready.

    Attributes:
        WAITING: Something is at work that will wake the pump.
        WATCHING: Only a task outside the network could go on; check again after a while.
        STALLED: Nothing can move any more.
        FINISHED: All work is done.
    """

    WAITING = "waiting"
    WATCHING = "watching"
    STALLED = "stalled"
    FINISHED = "finished"
