"""Takes the statistics of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import trio

from ..base.activity import Activity
from ..base.statistics import AgentStatistics, BlockStatistics, GovernorStatistics, Statistics
from ..base.times import NEVER
from ..base.timing import time_slice
from ..core.block import Block
from ..core.ports import View, WatchedGate
from ..core.resource_pool import ResourcePool
from ..core.waiting import parked
from ..functions.effort import NO_INPUT, NO_OUTPUT, Effort
from ..functions.function_block import FunctionBlock
from .tally import ACTIVITIES, Tally

if TYPE_CHECKING:
    from .measures import Measures


def take_statistics(network: View, measures: Measures) -> Statistics:
    """Ask every block, agent and governor."""
    for block in network.blocks:
        for inbox in block._ins():
            inbox.settle()
    seconds = measures.life.seconds()
    body = "done" if network.body_done or network.has_ended else "running"
    return Statistics(
        network=network.name,
        seconds=seconds,
        is_running=network.is_open,
        blocks=(*(of_block(block, seconds) for block in network.blocks), *measures.departed.statistics(seconds)),
        agents=tuple(agent._statistics() for agent in network.agents),
        governors=(*(gate.statistics() for gate in gates(network, measures)), *map(of_pool, pools(network))),
        body=of_task("body", body, measures.body, network.body_task),
    )


def gates(network: View, measures: Measures) -> Iterator[WatchedGate]:
    """The governors of its blocks, and those from which its tasks take slots."""
    yield from dict.fromkeys((*network.pump.gates, *measures.gates_used))


def pools(network: View) -> Iterable[ResourcePool[Any]]:
    """The pools out of which its blocks take what their items need."""
    return dict.fromkeys(pool for block in network.blocks if (pool := getattr(block, "pool", None)) is not None)


def of_pool(pool: ResourcePool[Any]) -> GovernorStatistics:
    """How much of a pool is in use."""
    return GovernorStatistics(pool.name, pool.size, pool.in_use, pool.most_in_use, pool.waits.summary())


def of_block(block: Block, seconds: float) -> BlockStatistics:
    """What a block has done in so many seconds."""
    accounts = block._balance()
    waits = block._waits
    done = accounts.delivered + accounts.received + accounts.consumed
    statistics = BlockStatistics(
        name=block.name,
        kind=block.kind,
        place=getattr(block, "place", ""),
        received=accounts.accepted or accounts.produced * (not block._ins()),
        emitted=accounts.delivered + accounts.received,
        consumed=accounts.consumed,
        dropped=accounts.dropped,
        dead_lettered=accounts.dead_lettered,
        discarded=accounts.discarded,
        queued=accounts.held,
        most_queued=max((accounts.held, *(inbox.most_queued for inbox in block._ins()))),
        held=accounts.held,
        wait_for_input=waits["receive"].summary() if "receive" in waits else NEVER,
        wait_for_output=waits["send"].summary() if "send" in waits else NEVER,
        throughput=done / seconds if seconds > 0 else 0.0,
    )
    effort: Effort | None = getattr(block, "_effort", None)
    if isinstance(block, FunctionBlock):
        statistics = of_function(block, statistics)  # pyright: ignore[reportUnknownArgumentType]  # whatever it takes
    return statistics if effort is None else with_times(effort, statistics, seconds)


def of_function(block: FunctionBlock[Any], statistics: BlockStatistics) -> BlockStatistics:
    """Add what is known of a block that calls a function."""
    runner, queued = block._runner, len(block._inbox.queue)
    return attrs.evolve(
        statistics,
        place=runner.place,
        at_once=runner.at_once,
        retried=block._counts["retried"],
        failed=block._counts["failed"],
        queued=queued,
        most_queued=max(block._inbox.most_queued, queued),
        in_work=runner.busy,
    )


def with_times(effort: Effort, statistics: BlockStatistics, seconds: float) -> BlockStatistics:
    """Add what was measured of the calls, of a function or of an iterable."""
    return attrs.evolve(
        statistics,
        service=effort.service.summary(),
        cpu=effort.cpu,
        wait_for_input=effort.wait(NO_INPUT),
        wait_for_output=effort.wait(NO_OUTPUT),
        throughput=effort.items / seconds if seconds > 0 else 0.0,
        steady_throughput=effort.steady(),
    )


def of_task(name: str, status: str, tally: Tally, task: trio.lowlevel.Task | None) -> AgentStatistics:
    """What an agent or the body has done."""
    waiter = None if task is None or tally.life.is_over else parked.get(task)
    doing = None if waiter is None else ACTIVITIES.get(waiter.doing)
    seconds = 0.0 if waiter is None else time_slice.clock() - waiter.since
    return AgentStatistics(
        name=name,
        status=status,
        received=tally.received,
        emitted=tally.emitted,
        seconds=tally.life.seconds(),
        feeding=tally.fed_for,
        wait_for_input=tally.waits_in.summary(seconds if doing is Activity.WAIT_FOR_INPUT else None),
        wait_for_output=tally.waits_out.summary(seconds if doing is Activity.WAIT_FOR_OUTPUT else None),
    )
