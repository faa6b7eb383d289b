"""The edges of the wait-for graph of a network, and the names of its nodes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs
import trio

from .outside import body_of

if TYPE_CHECKING:
    from ..core.inbox import Inbox
    from ..core.view import View


DEAD_LETTERS = "dead letters"
"""The `remedy` of a wait to hand on a dead letter."""


def narrow(kind: type, thing: object) -> Any:
    """`thing` if it is an instance of `kind`, else None. (In pyright, `isinstance` gives unknown type arguments.)"""
    return thing if isinstance(thing, kind) else None


class Cause(Enum):
    """The cause of a wait."""

    FULL = "the target has no room"
    GATE = "the governor of the target lets nothing in"
    SLOT = "the governor has no free slot"
    REGION = "items are in the governed blocks"
    TAKEN = "slots were taken and not freed"
    CLOSED = "the target is complete"
    DECLINED = "a filter declines the head"
    BUSY = "the target needs something else first"
    RESERVED = "the head is reserved"
    READER = "an agent does not read"
    NO_PARTNER = "the other inputs of a join have ended"
    LEFT = "the agent that should read is done"
    UNREAD = "only the body could receive it"
    UNLINKED = "nothing is linked"
    KEPT = "a full buffer keeps results that nothing reads"
    INPUT = "a message has to come from another block or an agent"
    HANDLE = "a message has to come from the holder of a handle, or the handle has to be closed"
    FEED = "only the body could send it"
    NO_INPUT = "there is no input"
    PAUSED = "the block is paused"
    ADRIFT = "no network runs the block"
    MISSING = "the awaited message is nowhere"
    CALL = "a call of the function waits"
    LEASE = "everything in a resource pool is in use"
    LENT = "a message keeps a resource of a pool"
    ANSWER = "a question was not answered"
    RECEIVE = "there is nothing to receive"
    END = "an agent has not ended"
    CHILD = "a task of a nursery has not ended"


@attrs.frozen(eq=False)
class Wait:
    """A wait of one node for another, or for an action that nothing will do.

    Attributes:
        who: The node that waits: a block, an agent, a governor, a resource pool or a task.
        whom: The node for which it waits; None if nothing will end the wait.
        cause: The cause, for the program.
        why: The reason, for people: a sentence without its full stop.
        inbox: The target that must accept or get a message.
        count: The number of items, slots or messages that it is about; 0 if unknown.
        remedy: A detail that the advice needs, such as a name; empty if there is none.
    """

    who: object
    whom: object
    cause: Cause
    why: str
    inbox: Inbox[Any] | None = None
    count: int = 0
    remedy: str = ""


class Names:
    """The names of the tasks and agents of a network."""

    def __init__(self, network: View) -> None:
        self.network = network
        self.body: trio.lowlevel.Task | None = body_of(network)
        self._agents = {agent.task: agent for agent in network.agents if agent.task is not None}

    def node(self, who: object) -> object:
        """The agent that a task runs, else `who` itself."""
        return self._agents.get(who, who) if isinstance(who, trio.lowlevel.Task) else who

    def name(self, who: object) -> str:
        """The name of a node in a sentence."""
        who = self.node(who)
        if who is not None and who is self.body:
            return f"the body of network {self.network.name!r}"
        return f"task {who.name!r}" if isinstance(who, trio.lowlevel.Task) else str(who)
