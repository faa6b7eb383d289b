"""The report on a network, for people: its numbers as a table, its bottleneck, and where items are held."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING

import attrs

from ..base.diagnosis import Diagnosis
from ..base.network_statistics import Statistics
from ..base.statistics_table import loss_table, report_table, title_of
from ..liveness.diagnosis import diagnose
from .bottleneck import Bottleneck
from .dashboards import find_dashboards
from .diagram import graphviz, mermaid
from .find_bottleneck import find_bottleneck
from .idle_links import find_idle_links
from .link_statistics import LinkStatistics, find_links
from .network_diagram import find_governed

if TYPE_CHECKING:
    from rich.console import Group

    from ..base.html import Printer
    from ..core.view import View

WIDTH = 100


@attrs.frozen
class Report:
    """A snapshot of a network; `print` it as a table, `rich.print` it in colour.

    The table has a row for each block, each agent, the body if it has sent or received, and each governor. Empty
    columns are left out:

    - *where*: where the function runs, and the maximum number of calls at once; the status of an agent.
    - *in*, *out*, *used up*: items received, handed on, and ended in a call or turned into several.
    - *waiting now*, *most*: items that wait in the block, now and at most; for a governor, items in flight.
    - *in work*: items that are being worked on.
    - *per item mean*, *9 of 10 within*: the time of work per item.
    - *waits for in*, *waits for out*: the share of the run in which it had nothing to do, or could hand nothing on. For
      a block that calls no function, and for a governor: the sum of the waits of all tasks there.
    - *items per s*: the rate from the first item to the last.

    A second table has the items that were *dropped*, turned into *dead letters*, *failed*, *tried again*, or
    *discarded* when the network was stopped. It is left out if there are none.

    Attributes:
        statistics: The network's numbers so far.
        diagnosis: Where items are held, and which task waits for which.
        links: The links, with the messages that each has passed.
        governed: For each governor, the blocks that it governs.
        bottleneck: The bottleneck of the run; None if nothing has run yet.
        notes: Hints, one sentence each: links that got nothing because another link took every message, and the
            address of the dashboard of a Dask cluster.
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
        return "\n".join([title_of(self.statistics), *(f"{part}\n" for part in (*tables, below) if part)]).rstrip("\n")

    def __rich__(self) -> Group:
        from rich.console import Group  # imported late: it is slow, and most programs print no table
        from rich.text import Text

        name = None if self.bottleneck is None else self.bottleneck.name
        below = [Text(line, "bold red" if line == str(self.bottleneck) else "yellow") for line in self._below()]
        tables = (report_table(self.statistics, name), loss_table(self.statistics))
        return Group(Text(title_of(self.statistics), "bold"), *(table for table in tables if table.shown), *below)

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from ..base.html import division, heading, sentences, table  # late: only notebooks need it

        name = None if self.bottleneck is None else self.bottleneck.name
        tables = (table(report_table(self.statistics, name)), table(loss_table(self.statistics)))
        below = sentences(self._below(), strong="" if name is None else str(self.bottleneck))
        return division(heading(title_of(self.statistics)), *tables, below)

    def _below(self) -> list[str]:
        lines = [] if self.bottleneck is None else [str(self.bottleneck)]
        lines += self.notes
        if self.diagnosis.held or self.diagnosis.waiting:
            lines += str(self.diagnosis).splitlines()[1:]
        return lines

    def mermaid(self) -> str:
        """Draw the network as a Mermaid flowchart: blocks, agents, governors, and links with their messages."""
        return mermaid(self)

    def graphviz(self) -> str:
        """Draw the same diagram in the language of Graphviz, for `dot`."""
        return graphviz(self)

    def svg(self) -> str:
        """Draw the same diagram as the text of an SVG file, for browsers and notebooks.

        It suits light and dark screens. Up to 100 blocks and agents are drawn, and up to 300 links; further ones are
        only counted.
        """
        from .graph_svg import draw_network  # late: few programs draw

        return draw_network(self)


def wrapped(line: str) -> str:
    """Wrap a sentence at WIDTH columns; an indented line stays as it is."""
    return line if line.startswith(" ") else fill(line, WIDTH, subsequent_indent="  ", break_long_words=False)


def make_report(network: View) -> Report:
    """Make the report on a network, as it is now."""
    statistics = network.statistics()
    links = find_links(network, statistics)
    return Report(
        statistics,
        diagnose(network),
        links,
        find_governed(network.blocks),
        find_bottleneck(statistics, links),
        (*find_idle_links(network.blocks), *find_dashboards(network.blocks)),
    )
