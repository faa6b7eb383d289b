"""The states of an agent, and what leads from one to the next.

Created → runnable (it was handed to a network or nursery) → started (`run` was entered) → done, canceled or faulted.
"""

from __future__ import annotations

from enum import Enum


class AgentStatus(Enum):
    """Where an agent is in its life.

    Attributes:
        CREATED: It was made.
        RUNNABLE: It was handed to a network or nursery and will run.
        STARTED: `run` was entered.
        DONE: `run` has returned.
        CANCELED: It was cancelled, before or while it ran.
        FAULTED: `run` has raised.
    """

    CREATED = "created"
    RUNNABLE = "runnable"
    STARTED = "started"
    DONE = "done"
    CANCELED = "canceled"
    FAULTED = "faulted"

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return not TRANSITIONS[self]


class Event(Enum):
    """What can happen to an agent."""

    SCHEDULE = "schedule"
    ENTER = "enter"
    RETURN = "return"
    RAISE = "raise"
    CANCEL = "cancel"


TRANSITIONS: dict[AgentStatus, dict[Event, AgentStatus]] = {
    AgentStatus.CREATED: {Event.SCHEDULE: AgentStatus.RUNNABLE, Event.CANCEL: AgentStatus.CANCELED},
    AgentStatus.RUNNABLE: {Event.ENTER: AgentStatus.STARTED, Event.CANCEL: AgentStatus.CANCELED},
    AgentStatus.STARTED: {
        Event.RETURN: AgentStatus.DONE,
        Event.RAISE: AgentStatus.FAULTED,
        Event.CANCEL: AgentStatus.CANCELED,
    },
    AgentStatus.DONE: {},
    AgentStatus.CANCELED: {},
    AgentStatus.FAULTED: {},
}
