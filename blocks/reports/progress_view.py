"""How far the stages of a network are: what a progress display shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import attrs

from ..base.statistics import BlockStatistics, Statistics
from .link_statistics import LinkKind, LinkStatistics


@attrs.frozen
class StageView:
    """How far a stage is.

    Attributes:
        name: The block or agent.
        done: Items it is done with.
        total: How many there will be, if that is known.
        in_work: Items it is working on.
        queued: Items that wait for it.
        rate: Items a second, lately.
    """

    name: str
    done: int
    total: int | None = None
    in_work: int = 0
    queued: int = 0
    rate: float = 0.0


@attrs.frozen
class View:
    """How far a network is, `seconds` after its start."""

    network: str
    seconds: float
    stages: tuple[StageView, ...]

    def with_rates_since(self, before: View) -> View:
        """Fill in the items a second, from an earlier look on."""
        seconds = self.seconds - before.seconds
        if seconds <= 0:
            return self
        done = {stage.name: stage.done for stage in before.stages}
        stages = (attrs.evolve(s, rate=max(0, s.done - done.get(s.name, 0)) / seconds) for s in self.stages)
        return attrs.evolve(self, stages=tuple(stages))


def progress_of(statistics: Statistics, links: Sequence[LinkStatistics], totals: Mapping[str, int | None]) -> View:
    """See how far the stages are: blocks that call a function, sources, and agents; all blocks if there are none.

    Args:
        statistics: Of the network, now.
        links: Who feeds whom.
        totals: By source: how many items it has in all, if it knows.
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
    """How many items a block is done with."""
    if not block.place:
        return block.emitted
    return max(0, block.received - block.queued - block.in_work - block.discarded)


def totals_of(
    blocks: Mapping[str, BlockStatistics], links: Sequence[LinkStatistics], totals: Mapping[str, int | None]
) -> dict[str, int]:
    """How many items come to a stage in all, as far as plain chains lead from sources that know how many they have."""
    outgoing: defaultdict[str, list[LinkStatistics]] = defaultdict(list)
    incoming: Counter[str] = Counter(link.target for link in links)
    for link in links:
        if link.kind is not LinkKind.DEAD_LETTERS:
            outgoing[link.source].append(link)
    known: dict[str, int] = {}
    for name, total in totals.items():
        while total is not None and name not in known:  # a circle ends where it began
            known[name] = total
            block, ways = blocks[name], outgoing[name]
            if not is_one_to_one(block) or len(ways) != 1 or not is_whole(ways[0]) or incoming[ways[0].target] > 1:
                break
            name = ways[0].target
            total = max(0, total - sum(block.dropped.values()) - block.dead_lettered)
    return known


def is_one_to_one(block: BlockStatistics) -> bool:
    """Whether a block hands on one item for each that comes in."""
    return block.kind in ("source", "transformer", "call") or block.kind.endswith("buffer")


def is_whole(link: LinkStatistics) -> bool:
    """Whether everything goes along a link to another block."""
    return link.kind is LinkKind.LINK and not link.filter and link.remaining is None
