"""The blocks and agents of one run, and how they come and leave.

Blocks that joined the running network may leave it, too. Only their totals are kept, so any number of subscribers may
come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..base.names import BODY
from ..base.statistics import LEFT
from ..core.block_core import BlockCore
from ..core.ports import Member, Part
from ..core.unique_names import UniqueNames

if TYPE_CHECKING:
    from ..core.ports import Host


class Members:
    """The blocks and agents of one run.

    Args:
        host: The run.

    Attributes:
        nodes: The blocks and agents.
        blocks: The blocks, in the order in which they joined.
        agents: The agents.
        hearers: The blocks that must be told about lost items.
        paused: Whether the run as a whole is paused, so that parts which join are held.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.nodes: dict[Part, None] = {}
        self.blocks: dict[BlockCore, None] = {}
        self.agents: list[Member] = []
        self.hearers: dict[BlockCore, None] = {}
        self.paused: bool = False
        self._late: dict[object, BlockCore] = {}
        self._names = UniqueNames((BODY, LEFT))

    def found(self, nodes: Sequence[Part]) -> dict[Part, None]:
        """Find nodes, and everything linked to them, that are not members yet; raise if one cannot join."""
        new: dict[Part, None] = {}
        given = set(nodes)
        waiting = list(reversed(nodes))
        while waiting:
            node = waiting.pop()
            if node not in self.nodes and node not in new:
                if node not in given and getattr(node, "is_left_over", False):
                    continue  # it only hands on the items that an earlier network has left in it
                node.check_free(self._host)
                new[node] = None
                waiting.extend(reversed(list(node.neighbors())))
        return new

    def take_in(self, new: Iterable[Part]) -> None:
        """Make nodes members."""
        for node in new:
            node.join(self._host)
            node.name = self._names.take(node.name)
            self.nodes[node] = None
            if isinstance(node, BlockCore):
                self.blocks[node] = None
                if node.hears_losses:
                    self.hearers[node] = None
            else:
                self.agents.append(cast("Member", node))

    def begin(self, new: Iterable[Part], is_late: bool = False) -> None:
        """Let members begin to work; they are held if the run is paused."""
        new = tuple(new)
        if is_late:
            self._late.update((node, node) for node in new if isinstance(node, BlockCore))
        if self.paused:
            for node in new:
                node.hold()
        for node in new:
            node.begin()

    def let_leave(self, ended: Iterable[Any], departs: Callable[[BlockCore], None]) -> Iterator[BlockCore]:
        """Release blocks that joined late, have ended and have no links any more.

        Args:
            ended: The blocks that have ended, or have lost a link after their end.
            departs: Called with each block that leaves.

        Yields:
            The blocks that must be looked at again later.
        """
        for block in [self._late[block] for block in ended if block in self._late]:
            if block.is_at_work():
                yield block
            elif block.can_be_spared():
                departs(block)
                block.part()
                self._names.release(block.name)
                del self.nodes[block], self.blocks[block], self._late[block]
                self.hearers.pop(block, None)

    # Pausing

    def hold(self) -> None:
        """Hold all that starts work of its own."""
        self.paused = True
        for node in self.nodes:
            node.hold()

    def go_on(self) -> None:
        """Let all go on."""
        self.paused = False
        for node in self.nodes:
            node.go_on()
