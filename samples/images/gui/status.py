"""The states of a session and the events that change them: one table."""

from __future__ import annotations

from enum import Enum

__all__ = ["Controls", "Event", "Status", "controls_of", "next_status"]

Controls = dict[str, bool]
"""Whether each control of the page can be used."""


class Status(Enum):
    """The states of a session."""

    IDLE = "idle"
    RUNNING = "running"
    COMPARING = "comparing"
    STOPPING = "stopping"
    QUITTING = "quitting"


class Event(Enum):
    """The events: four commands, and the end of a run."""

    START = "start"
    COMPARE = "compare"
    STOP = "stop"
    QUIT = "quit"
    ENDED = "ended"


_TABLE: dict[Status, dict[Event, Status]] = {
    Status.IDLE: {Event.START: Status.RUNNING, Event.COMPARE: Status.COMPARING, Event.QUIT: Status.QUITTING},
    Status.RUNNING: {Event.STOP: Status.STOPPING, Event.ENDED: Status.IDLE, Event.QUIT: Status.QUITTING},
    Status.COMPARING: {Event.STOP: Status.STOPPING, Event.ENDED: Status.IDLE, Event.QUIT: Status.QUITTING},
    Status.STOPPING: {Event.STOP: Status.STOPPING, Event.ENDED: Status.IDLE, Event.QUIT: Status.QUITTING},
    Status.QUITTING: {Event.STOP: Status.QUITTING, Event.ENDED: Status.QUITTING, Event.QUIT: Status.QUITTING},
}


def next_status(status: Status, event: Event) -> Status | None:
    """Return the state after `event`, or None if the event is not possible in this state."""
    return _TABLE[status].get(event)


def controls_of(status: Status) -> Controls:
    """Return which controls can be used: those whose command is possible in this state."""
    idle = status is Status.IDLE
    return {
        "start": idle,
        "stop": status in (Status.RUNNING, Status.COMPARING),
        "compare": idle,
        "settings": idle,
        "quit": status is not Status.QUITTING,
    }
