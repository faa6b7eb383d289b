"""The metrics of networks: their names, and their values in the statistics of one network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import attrs

from ..base.names import automatic_kind
from ..base.network_statistics import Statistics
from ..base.statistics import AgentStatistics, BlockStatistics, GovernorStatistics
from ..base.times import Times

BLOCK, AGENT, GOVERNOR = ("network", "block"), ("network", "agent"), ("network", "governor")
SECONDS = "s"


@attrs.frozen(eq=False)
class Metric:
    """One metric.

    Attributes:
        name: The name, with dots between its parts.
        text: What it counts.
        labels: The names of the labels.
        unit: "s" for seconds; empty for a number.
        grows: Whether it only grows, as a counter does; otherwise it is a gauge.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    unit: str = ""
    grows: bool = True


class Row(NamedTuple):
    """The value of a metric for some labels."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


RECEIVED = Metric("block.received", "Items that the block has taken in", BLOCK)
ITEMS = Metric("block.items", "Items that have left the block or ended in it", (*BLOCK, "outcome", "reason"))
FAILED = Metric("block.failed", "Items whose last call failed", BLOCK)
RETRIED = Metric("block.retried", "Calls that failed and were tried again", BLOCK)
CALLS = Metric("block.calls", "Calls of the function of the block", BLOCK)
BUSY = Metric("block.busy", "Seconds in calls, summed over all calls", BLOCK, SECONDS)
CPU = Metric("block.cpu", "Seconds of processor time in calls", BLOCK, SECONDS)
WAITS = Metric("block.wait", "Seconds of waiting for input, output, a key or a rate", (*BLOCK, "waits_for"), SECONDS)
QUEUED = Metric("block.queued", "Items that wait in the block", BLOCK, grows=False)
IN_WORK = Metric("block.in_work", "Items that are being worked on", BLOCK, grows=False)
HELD = Metric("block.held", "All items in the block", BLOCK, grows=False)
AT_ONCE = Metric("block.concurrency", "Calls that the block may make at once", BLOCK, grows=False)
TAKEN = Metric("agent.received", "Items that the agent, or the body, has received", AGENT)
SENT = Metric("agent.sent", "Items that the agent, or the body, has sent", AGENT)
AGENT_WAITS = Metric("agent.wait", "Seconds of waiting for input or output", (*AGENT, "waits_for"), SECONDS)
IN_FLIGHT = Metric("governor.in_flight", "Slots, or weight, in use", GOVERNOR, grows=False)
LIMIT = Metric("governor.limit", "Slots, or weight, that may be in use", GOVERNOR, grows=False)
GATE_WAITS = Metric("governor.wait", "Seconds of waiting for a slot", GOVERNOR, SECONDS)
RUN_TIME = Metric("network.run", "Seconds that networks of this name have run", ("network",), SECONDS)
RUNNING = Metric("network.running", "Networks of this name that run now", ("network",), grows=False)
ENDED = Metric("network.ended", "Networks of this name that have ended", ("network", "outcome"))
AGE = Metric("network.age", "Age of the numbers; 0 if the loop has answered", ("network",), SECONDS, grows=False)
METRICS: tuple[Metric, ...] = (
    *(RECEIVED, ITEMS, FAILED, RETRIED, CALLS, BUSY, CPU, WAITS, QUEUED, IN_WORK, HELD, AT_ONCE),
    *(TAKEN, SENT, AGENT_WAITS, IN_FLIGHT, LIMIT, GATE_WAITS, RUN_TIME, RUNNING, ENDED, AGE),
)


class Labels:
    """The labels of the parts of one network.

    Names that the library gives have a number that differs from run to run. They are numbered anew in each network, so
    that the same part has the same label in each run.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, name: str) -> str:
        """The label of a part."""
        kind = automatic_kind(name)
        if kind is None:
            return name
        self._numbers[kind] = number = self._numbers.get(kind, 0) + 1
        return f"{kind}-{number}"


def label_of_network(name: str) -> str:
    """The label of a network: its name, or its class if it was given no name."""
    return automatic_kind(name) or name


def rows_of(statistics: Statistics) -> Iterator[Row]:
    """Yield the values of all metrics of a network, without those of `network.running`, `ended` and `age`."""
    network, labels = label_of_network(statistics.network), Labels()
    yield Row(RUN_TIME, (network,), statistics.seconds)
    for block in statistics.blocks:
        yield from rows_of_block(block, (network, labels.of(block.name)))
    for agent in (*statistics.agents, statistics.body):
        yield from rows_of_agent(agent, (network, labels.of(agent.name)))
    for governor in statistics.governors:
        yield from rows_of_governor(governor, (network, labels.of(governor.name)))


def rows_of_block(block: BlockStatistics, where: tuple[str, str]) -> Iterator[Row]:
    """Yield the values of a block."""
    yield Row(RECEIVED, where, block.received)
    yield Row(ITEMS, (*where, "emitted", ""), block.emitted)
    yield Row(ITEMS, (*where, "consumed", ""), block.consumed)
    yield Row(ITEMS, (*where, "dead_lettered", ""), block.dead_lettered)
    yield Row(ITEMS, (*where, "discarded", ""), block.discarded)
    for reason, count in block.dropped.items():
        yield Row(ITEMS, (*where, "dropped", reason), count)
    yield Row(QUEUED, where, block.queued)
    yield Row(HELD, where, block.held)
    yield from waits(WAITS, where, block.wait_for_input, block.wait_for_output)
    for reason, times in (("key", block.wait_for_key), ("rate", block.wait_for_rate)):
        if times.count:  # most blocks have neither keys nor a rate
            yield Row(WAITS, (*where, reason), times.total)
    if block.place:  # it calls a function, or reads an iterable
        yield Row(FAILED, where, block.failed)
        yield Row(RETRIED, where, block.retried)
        yield Row(CALLS, where, block.service.count)
        yield Row(BUSY, where, block.service.total)
        yield Row(CPU, where, block.cpu)
        yield Row(IN_WORK, where, block.in_work)
        yield Row(AT_ONCE, where, block.at_once)


def rows_of_agent(agent: AgentStatistics, where: tuple[str, str]) -> Iterator[Row]:
    """Yield the values of an agent, or of the body."""
    yield Row(TAKEN, where, agent.received)
    yield Row(SENT, where, agent.emitted)
    yield from waits(AGENT_WAITS, where, agent.wait_for_input, agent.wait_for_output)


def rows_of_governor(governor: GovernorStatistics, where: tuple[str, str]) -> Iterator[Row]:
    """Yield the values of a governor, or of a resource pool."""
    yield Row(IN_FLIGHT, where, governor.in_flight)
    yield Row(LIMIT, where, governor.limit)
    yield Row(GATE_WAITS, where, governor.waits.total)


def waits(metric: Metric, where: tuple[str, str], for_input: Times, for_output: Times) -> Iterator[Row]:
    """Yield the waits of a block or agent."""
    yield Row(metric, (*where, "input"), for_input.total)
    yield Row(metric, (*where, "output"), for_output.total)
