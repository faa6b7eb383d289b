"""The progress of the stages of a network, as plain data for a display."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import attrs

from ..base.network_statistics import Statistics
from ..base.statistics import BlockStatistics
from .link_statistics import LinkKind, LinkStatistics


@attrs.frozen
class StageView:
    """The progress of a stage.

    Attributes:
        name: The block or agent.
        done: The number of items that it has done.
        total: The number of items that it will get; None if it is not known.
        in_work: The number of items that it works on now.
        queued: The number of items that wait for it.
        rate: Recent items per second.
    """

    name: str
    done: int
    total: int | None = None
    in_work: int = 0
    queued: int = 0
    rate: float = 0.0


@attrs.frozen
class View:
    """The progress of a network, `seconds` after its start."""

    network: str
    seconds: float
    stages: tuple[StageView, ...]

    def with_rates_since(self, before: View) -> View:
        """Fill in the items per second since an earlier view."""
        seconds = self.seconds - before.seconds
        if seconds <= 0:
            return self
        done = {stage.name: stage.done for stage in before.stages}
        stages = (attrs.evolve(s, rate=max(0, s.done - done.get(s.name, 0)) / seconds) for s in self.stages)
        return attrs.evolve(self, stages=tuple(stages))


def progress_of(statistics: Statistics, links: Sequence[LinkStatistics], totals: Mapping[str, int | None]) -> View:
    """Return the progress of all sources, agents and blocks that call a function; of all blocks if there are none.

    Args:
        statistics: The network's statistics now.
        links: The links of the network.
        totals: For each source, and each block that knows what it will get, the total number of items; None if it is
            not known.
    """
    known = totals_of({block.name: block for block in statistics.blocks}, links, totals)
    stages = [block for block in statistics.blocks if block.place or block.name in totals]
    views = [
        StageView(block.name, done_by(block), known.get(block.name), block.in_work, block.queued)
        for block in (stages if stages or statistics.agents else statistics.blocks)
    ]
    views += [StageView(agent.name, max(agent.received, agent.emitted)) for agent in statistics.agents]
    return View(statistics.network, statistics.seconds, tuple(views))


def done_by(block: BlockStatistics) -> int:
    """Return the number of items that a block has done."""
    if not block.place:
        return block.emitted
    return max(0, block.received - block.queued - block.in_work - block.discarded)


def totals_of(
    blocks: Mapping[str, BlockStatistics], links: Sequence[LinkStatistics], totals: Mapping[str, int | None]
) -> dict[str, int]:
    """Return the total number of items of each stage that a plain chain of links connects to a source with a total."""
    outgoing: defaultdict[str, list[LinkStatistics]] = defaultdict(list)
    incoming: Counter[str] = Counter(link.target for link in links)
    for link in links:
        if link.kind is not LinkKind.DEAD_LETTERS:
            outgoing[link.source].append(link)
    known: dict[str, int] = {}
    for name, total in totals.items():
        while total is not None and name not in known:  # a cycle ends where it began
            known[name] = total
            block, ways = blocks[name], outgoing[name]
            if not is_one_to_one(block) or len(ways) != 1 or not is_whole(ways[0]) or incoming[ways[0].target] > 1:
                break
            name = ways[0].target
            total = max(0, total - sum(block.dropped.values()) - block.dead_lettered)
    return known


def is_one_to_one(block: BlockStatistics) -> bool:
    """Whether a block hands on one item for each item that comes in."""
    return block.kind in ("source", "transformer", "call") or block.kind.endswith("buffer")


def is_whole(link: LinkStatistics) -> bool:
    """Whether a link to another block passes all messages."""
    return link.kind is LinkKind.LINK and not link.filter and link.remaining is None
