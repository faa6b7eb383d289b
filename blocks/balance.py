"""The accounts of a network: what became of every item that a block accepted."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class BlockBalance:
    """What went into a block and what became of it; every item ends in exactly one way.

    Attributes:
        name: The block.
        accepted: Items taken from links and senders.
        produced: Items born here: read from an iterable, ticks, joined tuples, batches, copies for a further target.
        delivered: Items handed to linked targets.
        received: Items taken by `receive`.
        consumed: Items that the function of a call used up, or that a one-to-many function turned into its outputs.
        merged: Items that became part of a tuple or batch.
        dropped: Items dropped by a policy, by reason.
        dead_lettered: Items that a policy turned into dead letters.
        discarded: Items that were still here when the network was stopped.
        held: Items that are here now.
    """

    name: str
    accepted: int
    produced: int
    delivered: int
    received: int
    consumed: int
    merged: int
    dropped: Mapping[str, int]
    dead_lettered: int
    discarded: int
    held: int

    @property
    def difference(self) -> int:
        """Items that came in and are accounted for nowhere; anything but 0 is an error in this library."""
        ends = self.delivered + self.received + self.consumed + self.merged + self.dead_lettered + self.discarded
        return self.accepted + self.produced - ends - sum(self.dropped.values()) - self.held


@attrs.frozen
class Balance:
    """The accounts of all blocks of a network.

    Attributes:
        blocks: One entry a block, in the order in which they joined.
    """

    blocks: tuple[BlockBalance, ...]

    def __getitem__(self, name: str) -> BlockBalance:
        """Look up a block by name; a `KeyError` names those there are."""
        for block in self.blocks:
            if block.name == name:
                return block
        raise KeyError(f"no block {name!r}; there are {', '.join(repr(block.name) for block in self.blocks)}")

    @property
    def ok(self) -> bool:
        """Whether every item is accounted for."""
        return all(block.difference == 0 for block in self.blocks)

    @property
    def dropped(self) -> int:
        """Items dropped by policies, in all blocks."""
        return sum(sum(block.dropped.values()) for block in self.blocks)

    @property
    def discarded(self) -> int:
        """Items that were in flight when the network was stopped."""
        return sum(block.discarded for block in self.blocks)

    @property
    def held(self) -> int:
        """Items that are in the network now."""
        return sum(block.held for block in self.blocks)

    def __str__(self) -> str:
        lines: list[str] = []
        for block in self.blocks:
            row = attrs.asdict(block, filter=lambda field, value: field.name != "name" and bool(value))
            row.update({f"dropped ({reason})": n for reason, n in row.pop("dropped", {}).items()})
            lines.append(f"{block.name}: " + (", ".join(f"{key} {n}" for key, n in row.items()) or "nothing"))
        return "\n".join(lines)
