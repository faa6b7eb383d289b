"""Takes the statistics of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import trio

from ..base.activity import Activity
from ..base.network_statistics import Statistics
from ..base.statistics import AgentStatistics, GovernorStatistics
from ..base.timing import time_slice
from ..core.block_core import BlockCore
from ..core.gate import Gate
from ..core.resource_pool import ResourcePool
from ..core.view import View
from ..core.waiting import parked
from .departed import Departed
from .task_meter import ACTIVITIES, Lifetime, TaskMeter


class Measurements(Protocol):
    """The part of the measurements of a run that is needed here."""

    life: Lifetime
    departed: Departed
    body: TaskMeter
    gates_used: dict[Gate, None]


def take_statistics(network: View, measures: Measurements) -> Statistics:
    """Take the statistics of every block, agent and governor."""
    for block in network.blocks:
        for inbox in block.inboxes():
            inbox.count_credit()
        for outbox in block.outboxes():
            outbox.count_credit()
    seconds = measures.life.seconds()
    body = "done" if network.body_done or network.has_ended else "running"
    return Statistics(
        network=network.name,
        seconds=seconds,
        is_running=network.is_open,
        blocks=(*(block.measured(seconds) for block in network.blocks), *measures.departed.statistics(seconds)),
        agents=tuple(agent.statistics() for agent in network.agents),
        governors=(*(gate.statistics() for gate in gates(network, measures)), *map(of_pool, pools(network.blocks))),
        body=of_task("body", body, measures.body, network.body_task),
    )


def gates(network: View, measures: Measurements) -> Iterator[Gate]:
    """Yield the governors of a network's blocks, and the governors from which its tasks take slots."""
    yield from dict.fromkeys((*network.pump.gates, *measures.gates_used))


def pools(blocks: Iterable[BlockCore]) -> Iterable[ResourcePool[Any]]:
    """Return the pools from which blocks take resources."""
    return dict.fromkeys(pool for block in blocks if (pool := getattr(block, "pool", None)) is not None)


def of_pool(pool: ResourcePool[Any]) -> GovernorStatistics:
    """Return the statistics of a pool, in the form of a governor's statistics."""
    return GovernorStatistics(pool.name, pool.size, pool.in_use, pool.most_in_use, pool.waits.summary())


def of_task(name: str, status: str, meter: TaskMeter, task: trio.lowlevel.Task | None) -> AgentStatistics:
    """Return the statistics of an agent, or of the body."""
    waiter = None if task is None or meter.life.is_over else parked.get(task)
    doing = None if waiter is None else ACTIVITIES.get(waiter.doing)
    seconds = 0.0 if waiter is None else time_slice.clock() - waiter.since
    return AgentStatistics(
        name=name,
        status=status,
        received=meter.received,
        emitted=meter.emitted,
        seconds=meter.life.seconds(),
        feeding=meter.fed_for,
        wait_for_input=meter.waits_in.summary(seconds if doing is Activity.WAIT_FOR_INPUT else None),
        wait_for_output=meter.waits_out.summary(seconds if doing is Activity.WAIT_FOR_OUTPUT else None),
    )
