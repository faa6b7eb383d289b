"""The tables with the numbers of a network: of reports, and of statistics in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import attrs

from .grid import Column, Grid
from .statistics import AgentStatistics, BlockStatistics, GovernorStatistics
from .times import NEVER, Times
from .units import printable, shortened, show, show_aligned, show_amount, show_rate


@attrs.frozen
class Row:
    """The values of a row; None for an empty cell."""

    name: str
    where: str = ""
    received: int | None = None
    emitted: int | None = None
    consumed: int | None = None
    dropped: int = 0
    dead_lettered: int = 0
    failed: int = 0
    retried: int = 0
    discarded: int = 0
    now: float = 0
    most: float = 0
    unit: str = ""
    in_work: int = 0
    service: Times = NEVER
    wait_for_input: Times = NEVER
    wait_for_output: Times = NEVER
    wait_for_rate: Times = NEVER
    rate: float = 0.0


class Numbers(Protocol):
    """The statistics of a network."""

    @property
    def network(self) -> str:
        """The name of the network."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds from its start until now or until its end."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        ...

    @property
    def blocks(self) -> Sequence[BlockStatistics]:
        """An entry per block."""
        ...

    @property
    def agents(self) -> Sequence[AgentStatistics]:
        """An entry per agent."""
        ...

    @property
    def governors(self) -> Sequence[GovernorStatistics]:
        """An entry per governor."""
        ...

    @property
    def body(self) -> AgentStatistics:
        """The body of the network."""
        ...


def title_of(statistics: Numbers) -> str:
    """Return the title: the network, its state, and the time that it has run."""
    state = "running" if statistics.is_running else "ended" if statistics.seconds else "not started"
    return f"network {printable(statistics.network)!r}, {state}, {show(statistics.seconds)}"


def report_table(statistics: Numbers, marked: str | None = None) -> Grid:
    """Make the table.

    Args:
        statistics: The numbers.
        marked: The name of the block or agent to highlight.
    """
    rows = list(rows_of(statistics))
    run = statistics.seconds
    number = next((number for number, row in enumerate(rows) if row.name == marked), None)
    return Grid(tuple(columns_of(rows, run)), number)


def loss_table(statistics: Numbers) -> Grid:
    """Make the table of lost and failed items; only blocks that have any get a row."""
    lossy = [row for row in map(row_of_block, statistics.blocks) if any(loss(row) for loss in LOSSES.values())]
    names = Column("", tuple(shortened(row.name) for row in lossy), is_text=True, style="bold")
    columns = [
        Column(title, tuple(counted(loss(row) or None) for row in lossy), style="yellow")
        for title, loss in LOSSES.items()
    ]
    return Grid((names, *columns))


LOSSES: dict[str, Callable[[Row], int]] = {
    "dropped": lambda row: row.dropped,
    "dead letters": lambda row: row.dead_lettered,
    "failed": lambda row: row.failed,
    "tried again": lambda row: row.retried,
    "discarded": lambda row: row.discarded,
}


def rows_of(statistics: Numbers) -> Iterator[Row]:
    """Yield a row per block (with its parts), agent and governor, and the body if it has sent or received."""
    for block in statistics.blocks:
        yield row_of_block(block)
        for part in block.parts:
            yield Row(name=f"· {part.name}", received=part.calls, service=part.service)
    body = statistics.body
    for agent in (*statistics.agents, *([body] if body.received or body.emitted else [])):
        yield row_of_agent(agent)
    for governor in statistics.governors:
        yield row_of_governor(governor)


def row_of_block(block: BlockStatistics) -> Row:
    """Return the row of a block."""
    return Row(
        name=block.name,
        where=f"{block.place} × {block.at_once}" if block.at_once > 1 else block.place,
        received=block.received if block.received or not block.emitted else None,
        emitted=block.emitted if block.emitted or not block.consumed else None,
        consumed=block.consumed,
        dropped=sum(block.dropped.values()),
        dead_lettered=block.dead_lettered,
        failed=block.failed,
        retried=block.retried,
        discarded=block.discarded,
        now=block.queued,
        most=block.most_queued,
        in_work=block.in_work,
        service=block.service,
        wait_for_input=block.wait_for_input,
        wait_for_output=block.wait_for_output,
        wait_for_rate=block.wait_for_rate,
        rate=block.steady_throughput or block.throughput,
    )


def row_of_agent(agent: AgentStatistics) -> Row:
    """Return the row of an agent, or of the body."""
    return Row(
        name=agent.name,
        where=agent.status,
        received=agent.received or None,
        emitted=agent.emitted or None,
        wait_for_input=agent.wait_for_input,
        wait_for_output=agent.wait_for_output,
        rate=max(agent.received, agent.emitted) / agent.seconds if agent.seconds else 0.0,
    )


def row_of_governor(governor: GovernorStatistics) -> Row:
    """Return the row of a governor; waits for a slot are shown as waits to hand an item on."""
    return Row(
        name=governor.name,
        where=f"limit {show_amount(governor.limit, governor.unit)}",
        now=governor.in_flight,
        most=governor.most_in_flight,
        unit=governor.unit,
        wait_for_output=governor.waits,
    )


def columns_of(rows: Sequence[Row], run: float) -> Iterator[Column]:
    """Yield all columns, including empty ones."""

    def column(title: str, text: Callable[[Row], str], style: str = "", rank: int = 0) -> Column:
        return Column(title, tuple(map(text, rows)), style=style, rank=rank)

    yield Column("", tuple(shortened(row.name) for row in rows), is_text=True, style="bold")
    yield Column("where", tuple(row.where for row in rows), is_text=True, style="cyan")
    yield column("in", lambda row: counted(row.received))
    yield column("out", lambda row: counted(row.emitted))
    yield column("used\nup", lambda row: counted(row.consumed or None), rank=4)
    yield column("waiting\nnow", lambda row: show_amount(row.now, row.unit) if row.most or row.now else "", rank=1)
    yield column("most\nwaiting", lambda row: show_amount(row.most, row.unit) if row.most else "", rank=6)
    yield column("in\nwork", lambda row: counted(row.in_work or None), rank=2)
    yield column("per item\nmean", lambda row: timed(row.service, row.service.mean))
    yield column("9 of 10\nwithin", lambda row: timed(row.service, row.service.p90), rank=5)
    yield column("waits\nfor in", lambda row: share(row.wait_for_input, run), rank=1)
    yield column("waits\nfor out", lambda row: share(row.wait_for_output, run), rank=1)
    yield column("waits\nfor rate", lambda row: share(row.wait_for_rate, run), rank=2)
    yield column("items\nper s", lambda row: show_rate(row.rate) if row.rate else "", rank=3)


def counted(number: int | None) -> str:
    """Write a count; an empty text for None."""
    return "" if number is None else f"{number:,}"


def timed(times: Times, seconds: float) -> str:
    """Write a time; an empty text if nothing was timed."""
    return show_aligned(seconds) if times.count else ""


def share(times: Times, run: float) -> str:
    """Write waits as a share of the run; an empty text if there were none."""
    return f"{times.total / run:.0%}" if times.count and run else ""
