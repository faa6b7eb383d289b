"""The states of an agent, and the events that change them.

Created → runnable (a network or nursery has it) → started (`run` was entered) → done, canceled or faulted.
"""

from __future__ import annotations

from enum import Enum


class AgentStatus(Enum):
    """The status of an agent.

    Attributes:
        CREATED: The agent was made.
        RUNNABLE: The agent was given to a network or nursery and will run.
        STARTED: `run` was entered.
        DONE: `run` has returned.
        CANCELED: The agent was cancelled, before or while it ran.
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
        """Whether this status is final: no other follows."""
        return not TRANSITIONS[self]


class Event(Enum):
    """An event that can change an agent's status."""

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
