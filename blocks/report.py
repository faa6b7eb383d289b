"""What a network looks like now, for people: who holds what, and who waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .block import Block
from .producer import ProducerToken
from .standstill import concerns
from .waiting import parked

if TYPE_CHECKING:
    from .network import Network


@attrs.frozen
class Report:
    """A picture of a network at one moment.

    Attributes:
        network: Its name.
        held: One line for each block that holds items, and what they wait for.
        waiting: One line for each task that waits at one of its blocks.
        unfinished: The names of blocks and agents that are not done.
    """

    network: str
    held: tuple[str, ...]
    waiting: tuple[str, ...]
    unfinished: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"network {self.network!r}"]
        for title, entries in (
            ("holds items", self.held),
            ("waits", self.waiting),
            ("not done", self.unfinished),
        ):
            if entries:
                lines.append(f"  {title}:")
                lines += [f"    {entry}" for entry in entries]
        if len(lines) == 1:
            lines.append("  nothing is held and nobody waits")
        return "\n".join(lines)


def make_report(network: Network) -> Report:
    """Look at every block, agent and parked task of a network."""
    blocks = network.blocks
    waiting = [str(waiter) for waiter in parked.values() if concerns(network, waiter)]
    waiting += [
        f"{inbox} for its {producer}"
        for block in blocks
        for inbox in block._ins()
        for producer in inbox.producers
        if isinstance(producer, ProducerToken)
    ]
    unfinished = [str(block) for block in blocks if not block._finished]
    unfinished += [str(agent) for agent in network._agents if not agent.is_done]
    return Report(
        network=network.name,
        held=tuple(explain(block) for block in blocks if block._stuck()),
        waiting=tuple(waiting),
        unfinished=tuple(unfinished),
    )


def explain(block: Block) -> str:
    """Say what a block holds, and why it does not hand it on."""
    reasons: list[str] = []
    for outbox in block._outs():
        if outbox.holder is not None:
            reasons.append(f"the head is reserved by {outbox.holder!r}, which neither consumes nor releases it")
        elif len(outbox) and not outbox.links and not outbox.readers:
            reasons.append("nothing is linked to it: link a target, or receive from it in the body of the network")
        for link in [link for link in outbox.links if link.backlog] or outbox.links:
            heads = link.backlog or outbox.queue
            if not heads:
                continue
            reasons.append(link.obstacle(heads[0]))
        reasons += [
            f"its reader {reader} " + ("is done" if reader.is_done else "does not read") for reader in outbox.readers
        ]
    reasons += filter(None, [block._why_held()])
    return f"{block!r}" + (": " + "; ".join(reasons) if reasons else "")
