"""The links of a network, and the number of messages that each has passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from ..base.callables import callable_name
from ..base.names import BODY
from ..base.statistics import AgentStatistics
from ..base.units import printable
from ..core.block_core import BlockCore
from ..core.inputs import InputsCore

if TYPE_CHECKING:
    from ..base.network_statistics import Statistics
    from ..core.ports import Member
    from ..core.view import View


class LinkKind(Enum):
    """The kind of a connection.

    Attributes:
        LINK: A link, made by `link_target`.
        DEAD_LETTERS: A link along which a block's policy sends failed items.
        INPUT: An agent is a reader of a block.
        OUTPUT: An agent is a producer of a block.
        BY_HAND: Tasks send or receive; usually the body of the network.
    """

    LINK = "link"
    DEAD_LETTERS = "dead letters"
    INPUT = "input"
    OUTPUT = "output"
    BY_HAND = "by hand"


@attrs.frozen
class LinkStatistics:
    """The statistics of one connection.

    Attributes:
        source: The block or agent that messages come from; empty for tasks that send by hand.
        target: The block or agent that messages go to; empty for tasks that receive by hand.
        kind: The kind of the connection.
        passed: The number of messages passed; None if it is not known.
        filter: The name of the function that chooses the messages; empty if all messages pass.
        remaining: The number of messages to pass until the link is removed; None for no limit.
    """

    source: str
    target: str
    kind: LinkKind = LinkKind.LINK
    passed: int | None = None
    filter: str = ""
    remaining: int | None = None

    def __str__(self) -> str:
        notes = [
            "" if self.kind is LinkKind.LINK else self.kind.value,
            "" if self.passed is None else f"{self.passed} passed",
            f"only {self.filter}" if self.filter else "",
            "" if self.remaining is None else f"{self.remaining} more",
        ]
        what = ", ".join(note for note in notes if note)
        way = f"{printable(self.source or 'body')} → {printable(self.target or 'body')}"
        return f"{way}: {what}" if what else way


class Members(Protocol):
    """The blocks and agents of a network."""

    @property
    def blocks(self) -> Sequence[BlockCore]:
        """Its blocks."""
        ...

    @property
    def agents(self) -> Sequence[Member]:
        """Its agents."""
        ...


def find_links(network: Members, statistics: Statistics) -> tuple[LinkStatistics, ...]:
    """Collect a network's links, then the connections of its agents, then those of tasks that send or receive."""
    links = [link for block in network.blocks for link in linked(block)]
    numbers = {agent.name: agent for agent in statistics.agents}
    for agent in network.agents:
        links += used_by(agent, numbers.get(agent.name, AgentStatistics(agent.name, "")))
    return (*links, *moved_by_hand(network.blocks, links))


def ways_of(network: View) -> list[tuple[str, str]]:
    """Return the names of each linked source and target in a network, as pairs."""
    return [(link.source or BODY, link.target or BODY) for link in find_links(network, network.statistics())]


def linked(block: BlockCore) -> Iterator[LinkStatistics]:
    """Yield the statistics of the outgoing links of a block."""
    for number, outbox in enumerate(block.outboxes()):
        kind = LinkKind.DEAD_LETTERS if number else LinkKind.LINK
        for link in outbox.links:
            accepts: Any = link.filter
            name = "" if accepts is None else callable_name(accepts)
            yield LinkStatistics(block.name, link.taker.name, kind, link.passed, name, link.remaining)


def used_by(agent: Any, numbers: AgentStatistics) -> Iterator[LinkStatistics]:
    """Yield the connections of an agent; the number of messages is known if it has one input or one output."""
    inputs, outputs = getattr(agent, "inputs", ()), getattr(agent, "outputs", ())
    for source in inputs:
        passed = numbers.received if len(inputs) == 1 else None
        yield LinkStatistics(source.block.name, agent.name, LinkKind.INPUT, passed)
    for target in outputs:
        passed = numbers.emitted if len(outputs) == 1 else None
        yield LinkStatistics(agent.name, target.block.name, LinkKind.OUTPUT, passed)


def moved_by_hand(blocks: Iterable[BlockCore], links: Iterable[LinkStatistics]) -> Iterator[LinkStatistics]:
    """Yield the connections of blocks to tasks, without links and agents, if the number of messages is known."""
    came: defaultdict[str, list[int | None]] = defaultdict(list)
    went: defaultdict[str, list[int | None]] = defaultdict(list)
    for link in links:
        came[link.target].append(link.passed)
        if link.kind is LinkKind.INPUT:
            went[link.source].append(link.passed)
    for block in blocks:
        accepted = 0 if isinstance(block, InputsCore) else sum(inbox.accepted for inbox in block.inboxes())
        received = sum(outbox.received for outbox in block.outboxes()[:1])
        if sent := rest(accepted, came[block.name]):
            yield LinkStatistics("", block.name, LinkKind.BY_HAND, sent)
        readers = went[block.name]
        taken = rest(received, readers)
        if taken > len(readers):  # a reader that was just given a message counts it when it goes on
            yield LinkStatistics(block.name, "", LinkKind.BY_HAND, taken)


def rest(total: int, parts: Sequence[int | None]) -> int:
    """Return a number minus its parts; 0 if a part is not known."""
    known = [part for part in parts if part is not None]
    return max(0, total - sum(known)) if len(known) == len(parts) else 0
