"""The numbers of the parts of a network so far: of a block, an agent, a governor."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..base.times import NEVER, Times

LEFT = "blocks that left"
"""The name of all blocks together that have left a running network."""


@attrs.frozen
class PartStatistics:
    """The numbers of one of several functions that a block calls one after the other for each item.

    Attributes:
        name: The name of the task.
        calls: How many times it was called.
        service: The times of its calls. Of functions that take less than about 0.2 ms together, only some calls are
            timed, so that this costs next to nothing.
    """

    name: str
    calls: int
    service: Times = NEVER


@attrs.frozen
class BlockStatistics:
    """The numbers of a block so far.

    Times are wall-clock times. Items that the block worked on together share their time equally.

    Attributes:
        name: The name of the block.
        kind: The kind of the block, in lower case: "transformer", "bounded buffer" …
        place: Where its function runs, or where its iterable is read: "loop", "tasks", or the kind of its executor;
            empty if it has neither.
        at_once: The most calls that it may make at once; 0 if it calls no function.
        mean_at_once: The average of `at_once` over the time of the calls; differs from it only if it was changed.
        received: Items taken in from links, senders, or an iterable.
        emitted: Items handed on to links or receivers.
        consumed: Items that ended in a function: the items of a call, or items that were turned into several outputs.
        dropped: Items dropped by a policy, by reason.
        dead_lettered: Items that a policy turned into dead letters.
        discarded: Items that were still in the block when the network was stopped.
        retried: Calls that failed and were tried again.
        failed: Items whose last call failed; what the policy did with them does not matter.
        queued: Items that wait to be worked on or, in a buffer, to be taken.
        most_queued: The largest `queued` so far.
        in_work: Items that are being worked on.
        held: All items that are in the block now, including results that are not taken yet.
        service: The times of work per item.
        cpu: Seconds of processor time of all calls; 0 for async functions, because it is not known.
        wait_for_input: The waits in which there was nothing to work on. For a block that calls no function: how
            long tasks waited to receive from it.
        wait_for_output: The waits in which no work was possible because the output was not taken. For a block
            that calls no function: how long tasks waited to send to it.
        wait_for_key: The waits in which another call could have begun, but every item that the block had started had to
            wait for an earlier item with the same `key`.
        wait_for_rate: The waits in which there was something to work on, and the `Rate` of the block allowed no call.
        throughput: Items done per second, over the whole run.
        steady_throughput: Items done per second from the first item to the last: without the time to fill and drain the
            pipeline. 0 until there were two batches.
        awaits: What has to go out next, for a block that puts items in order: for example "number 7"; empty for other
            blocks, and at the end. For a block that calls a function with several items at once and keeps their order:
            "an earlier item", while results wait for its result.
        ahead: Items that are there, in the block or before it, or results, and wait until this one has gone out.
        parts: An entry for each function, for a stage of a plan that has several and runs in this process.
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
    wait_for_key: Times = NEVER
    wait_for_rate: Times = NEVER
    throughput: float = 0.0
    steady_throughput: float = 0.0
    mean_at_once: float = 0.0
    awaits: str = ""
    ahead: int = 0
    parts: tuple[PartStatistics, ...] = ()


@attrs.frozen
class AgentStatistics:
    """The numbers of an agent, or of the body of the network, so far.

    Attributes:
        name: The name of the agent, or "body".
        status: The status of the agent; "running" or "done" for the body.
        received: Items that it has received.
        emitted: Items that it has sent. If other tasks also send to a target whose only producer is this agent, some of
            their items may be counted for the agent.
        seconds: Seconds from its start until now or until its end.
        wait_for_input: Its waits to receive.
        wait_for_output: Its waits to send, and for slots of a governor.
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
    """The numbers of a governor, or of a resource pool, so far.

    Attributes:
        name: The name of the governor or pool.
        limit: The number of slots, or the weight, that may be in use.
        in_flight: The number of slots, or the weight, in use now.
        most_in_flight: The largest `in_flight` so far, measured when something was let in.
        waits: The waits for a slot.
        unit: "bytes" if it counts bytes; empty for items and for weights of other kinds.
    """

    name: str
    limit: float
    in_flight: float = 0.0
    most_in_flight: float = 0.0
    waits: Times = NEVER
    unit: str = ""
