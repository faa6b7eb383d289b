"""What a network looks like now, for people: its numbers as a table, what keeps it, and who holds what."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import attrs

from ..base.diagnosis import Diagnosis
from ..base.statistics import Statistics
from ..base.units import printable, show
from ..liveness.diagnosis import diagnose
from .bottleneck import Bottleneck
from .diagram import graphviz, mermaid
from .find_bottleneck import find_bottleneck
from .idle_links import find_idle_links
from .link_statistics import LinkStatistics, find_links
from .report_table import loss_table, report_table

if TYPE_CHECKING:
    from rich.console import Group

    from ..core.view import View

WIDTH = 100


@attrs.frozen
class Report:
    """A picture of a network at one moment; `print` it as a table, `rich.print` it in colour.

    The table has a row for each block, each agent, the body if it has sent or received, and each governor, and shows
    only the columns in which anything stands:

    - *where*: where the function runs, and how many calls it is allowed at once; the state of an agent.
    - *in*, *out*, *used up*: items received, handed on, and used up by a call or turned into several.
    - *waiting now*, *most*: items that wait in the block, now and at the most; of a governor, those in flight.
    - *in work*: items that are being worked on.
    - *an item mean*, *9 of 10 within*: how long an item is worked on.
    - *waits for in*, *waits for out*: share of the run in which it had nothing to do, or could hand nothing on. Of a
      block that calls no function, and of a governor: how long tasks waited there, added up.
    - *items per s*: from the first item on to the last.

    A second table has what was *dropped*, turned into *dead letters*, *failed*, *tried again*, and *discarded* when the
    network was stopped; it is there if there is any of it.

    Attributes:
        statistics: What it has done so far.
        diagnosis: Who holds what, and who waits for whom.
        links: Who feeds whom.
        governed: By governor: the blocks that it governs.
        bottleneck: What keeps the run as long as it is; None if nothing has run yet.
        notes: What is worth a look, a sentence each: a link that got nothing because another one took everything.
    """

    statistics: Statistics
    diagnosis: Diagnosis
    links: tuple[LinkStatistics, ...] = ()
    governed: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]])
    bottleneck: Bottleneck | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        tables = [str(report_table(self.statistics)), str(loss_table(self.statistics))]
        below = "\n".join(wrapped(line) for line in self._below())
        return "\n".join([self._title(), *(f"{part}\n" for part in (*tables, below) if part)]).rstrip("\n")

    def __rich__(self) -> Group:
        from rich.console import Group  # here, because it takes a while and most programs never look at a table
        from rich.text import Text

        name = None if self.bottleneck is None else self.bottleneck.name
        below = [Text(line, "bold red" if line == str(self.bottleneck) else "yellow") for line in self._below()]
        tables = (report_table(self.statistics, name), loss_table(self.statistics))
        return Group(Text(self._title(), "bold"), *(table for table in tables if table.shown), *below)

    def _title(self) -> str:
        numbers = self.statistics
        state = "running" if numbers.is_running else "ended" if numbers.seconds else "not started"
        return f"network {printable(numbers.network)!r}, {state}, {show(numbers.seconds)}"

    def _below(self) -> list[str]:
        lines = [] if self.bottleneck is None else [str(self.bottleneck)]
        lines += self.notes
        if self.diagnosis.held or self.diagnosis.waiting:
            lines += str(self.diagnosis).splitlines()[1:]
        return lines

    def mermaid(self) -> str:
        """Draw the network as a Mermaid flowchart: blocks, agents, governors, and what went along the links."""
        return mermaid(self)

    def graphviz(self) -> str:
        """Draw the same in the language of Graphviz, for `dot`."""
        return graphviz(self)


def wrapped(line: str) -> str:
    """A sentence in lines that are no longer than the table, as a rule; others are as they are."""
    return line if line.startswith(" ") else fill(line, WIDTH, subsequent_indent="  ", break_long_words=False)


def make_report(network: View) -> Report:
    """Look at everything in a network."""
    statistics = network.statistics()
    links = find_links(network, statistics)
    return Report(
        statistics,
        diagnose(network),
        links,
        find_governed(network),
        find_bottleneck(statistics, links),
        tuple(find_idle_links(network.blocks)),
    )


def find_governed(network: View) -> dict[str, tuple[str, ...]]:
    """Which blocks each governor governs."""
    governed: dict[str, tuple[str, ...]] = {}
    for block in network.blocks:
        for gate in block._governed:
            governor: Any = gate
            governed[governor.name] = (*governed.get(governor.name, ()), block.name)
    return governed
