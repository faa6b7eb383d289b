"""What it means that nothing in a network is ready."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """What it means that no block is ready.

    Attributes:
        WAITING: Something is at work that will wake the pump.
        WATCHING: Only a task that is not the network's own could go on; look again after a while.
        STALLED: Nothing can move any more.
        FINISHED: Everything is done.
    """

    WAITING = "waiting"
    WATCHING = "watching"
    STALLED = "stalled"
    FINISHED = "finished"
