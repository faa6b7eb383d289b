"""What a network has done so far, in numbers: by block, by agent, by governor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import attrs

from ..base.times import NEVER, Times

LEFT = "blocks that left"
"""What the blocks that have left a running network are called, all together."""


@attrs.frozen
class BlockStatistics:
    """What a block has done so far.

    Times are wall-clock times. Items that the block worked on together share their time equally.

    Attributes:
        name: The block.
        kind: What it is, in lower case: "transformer", "bounded buffer" …
        place: Where its function runs, or its iterable is read: "loop", "tasks", or the kind of its executor; empty if
            it has neither.
        at_once: How many calls it is allowed at once; 0 if it calls no function.
        received: Items taken in from links, senders, or an iterable.
        emitted: Items handed on, to links or to receivers.
        consumed: Items that a function used up: those of a call, or those that were turned into several outputs.
        dropped: Items dropped by a policy, by reason.
        dead_lettered: Items that a policy turned into dead letters.
        discarded: Items that were still here when the network was stopped.
        retried: Calls that failed and were tried again.
        failed: Items whose last call failed, whatever the policy then did with them.
        queued: Items that wait to be worked on, or in a buffer to be taken.
        most_queued: The largest `queued` that there was.
        in_work: Items that are being worked on.
        held: All items that are here now, including results that are not taken yet.
        service: How long an item was worked on.
        cpu: Seconds of processor time of all calls; not known (0) of async functions.
        wait_for_input: The waits in which there was nothing to work on. Of a block that calls no function: how
            long tasks waited to receive from it.
        wait_for_output: The waits in which nothing could be done because the output was not taken. Of a block
            that calls no function: how long tasks waited to send to it.
        throughput: Items done a second, over the whole run.
        steady_throughput: The same from its first item on to its last: without the time in which the pipeline was
            filled and drained. 0 until there were two batches.
    """

    name: str
    kind: str
    place: str = ""
    at_once: int = 0
    received: int = 0
    emitted: int = 0
    consumed: int = 0
    dropped: Mapping[str, int] = attrs.field(factory=dict[str, int])
    dead_lettered: int = 0
    discarded: int = 0
    retried: int = 0
    failed: int = 0
    queued: int = 0
    most_queued: int = 0
    in_work: int = 0
    held: int = 0
    service: Times = NEVER
    cpu: float = 0.0
    wait_for_input: Times = NEVER
    wait_for_output: Times = NEVER
    throughput: float = 0.0
    steady_throughput: float = 0.0


@attrs.frozen
class AgentStatistics:
    """What an agent, or the body of the network, has done so far.

    Attributes:
        name: The agent, or "body".
        status: Where it is in its life; "running" or "done" for the body.
        received: Items it has received.
        emitted: Items it has sent. If the body or others send to a target of which an agent is the only producer, some
            of theirs may be counted for that agent.
        seconds: Since it was started, until now or its end.
        wait_for_input: How long it waited each time it had to wait to receive.
        wait_for_output: How long it waited each time it had to wait to send, or for a slot of a governor.
        feeding: Seconds from its start until the last item that it has sent, without these waits.
    """

    name: str
    status: str
    received: int = 0
    emitted: int = 0
    seconds: float = 0.0
    wait_for_input: Times = NEVER
    wait_for_output: Times = NEVER
    feeding: float = 0.0


@attrs.frozen
class GovernorStatistics:
    """What a governor, or a resource pool, has done so far.

    Attributes:
        name: The governor, or the pool.
        limit: So many slots, or so much weight, may be in use.
        in_flight: Slots, or weight, in use now.
        most_in_flight: The largest `in_flight` that there was when something was let in.
        waits: The waits for a slot.
        unit: What it counts: "bytes"; empty for items and for weights of other kinds.
    """

    name: str
    limit: float
    in_flight: float = 0.0
    most_in_flight: float = 0.0
    waits: Times = NEVER
    unit: str = ""


@attrs.frozen
class Statistics:
    """What a network has done so far.

    Attributes:
        network: Its name.
        seconds: Since it was started, until now or its end.
        is_running: Whether it has not ended.
        blocks: By block, in the order in which they joined. Blocks that have left the running network come last, as
            one, "blocks that left": items and times are their sums.
        agents: By agent, in the order in which they joined.
        governors: By governor that governs blocks of the network, and by resource pool of its blocks.
        body: The task that runs the body of the `async with` block.
    """

    network: str
    seconds: float
    is_running: bool
    blocks: tuple[BlockStatistics, ...]
    agents: tuple[AgentStatistics, ...]
    governors: tuple[GovernorStatistics, ...]
    body: AgentStatistics

    def __getitem__(self, name: str) -> BlockStatistics:
        """Look up a block by name; a `KeyError` names those there are."""
        return find("block", self.blocks, name)

    def agent(self, name: str) -> AgentStatistics:
        """Look up an agent by name; a `KeyError` names those there are."""
        return find("agent", self.agents, name)

    def governor(self, name: str) -> GovernorStatistics:
        """Look up a governor by name; a `KeyError` names those there are."""
        return find("governor", self.governors, name)


One = TypeVar("One", BlockStatistics, AgentStatistics, GovernorStatistics)


def find(kind: str, everyone: Sequence[One], name: str) -> One:
    """The one of that name."""
    for one in everyone:
        if one.name == name:
            return one
    raise KeyError(f"no {kind} {name!r}; there are {', '.join(repr(one.name) for one in everyone) or 'none'}")
