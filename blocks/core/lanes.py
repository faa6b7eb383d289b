"""Finds the lanes that lead to the inputs of a collect, and listens for the messages that are lost on them.

A lane begins at a block that gives its messages to several targets in turn. Without such a block, it begins where the
line of blocks before the input begins: each of them keeps the order, and has one source and one target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from .block_core import BlockCore, giver_of
from .branch import Branch
from .forks import Stage, Way, distrust, put_in_by_hand, ways_to
from .lane_turns import LaneTurns
from .link import Link, as_link
from .listening import Listening

if TYPE_CHECKING:
    from .inbox import Inbox
    from .input_port import InputPort

REMEDY = "number the messages, and use a SequenceMultiplexer"


@attrs.frozen
class Lane:
    """The blocks that lead to an input.

    Attributes:
        stages: The blocks, each with its outgoing link, in order.
        fork: The block that gives messages to several lanes in turn, which is the first of `stages`; None if there is
            none.
        is_counted: Whether the losses of the first block are turns of this lane.
        obstacles: Why it cannot be known which messages are lost, as text; empty if it can.
    """

    stages: tuple[Stage, ...]
    fork: BlockCore | None = None
    is_counted: bool = False
    obstacles: tuple[str, ...] = ()

    @property
    def link(self) -> Link[Any]:
        """The link with which the lane begins."""
        link = self.stages[0][1]
        assert link is not None
        return link


def takes_turns(block: BlockCore) -> bool:
    """Whether a block gives its messages to lanes in turn."""
    return block.shape.takes_turns


def lane_to(inbox: Inbox[Any], collect: BlockCore) -> Lane | None:
    """The lane that leads to an input; None if no block is linked to it."""
    for way in ways_to(inbox, collect, takes_turns).values():
        link = way.stages[0][1]
        if link is not None:  # its lanes do not come together before the input
            reasons = [*way.obstacles, *put_in_by_hand(Way(way.fork, way.stages[1:], ()))]
            if was_fed_directly(link):
                reasons.append(f"messages were sent to {link.inbox} directly")
            return Lane(way.stages, way.fork, obstacles=tuple(dict.fromkeys(reasons)))
    return line_to(inbox, collect)


def was_fed_directly(link: Link[Any]) -> bool:
    """Whether messages have come to the end of a link that have not come along it."""
    return link.inbox.accepted != link.inbox.came_along(link)


def line_to(inbox: Inbox[Any], collect: BlockCore) -> Lane | None:
    """The line of blocks that leads to an input, as far as it is known that each keeps the order."""
    stages: list[Stage] = []
    here: Inbox[Any] | None = inbox
    is_counted = True
    while here is not None and is_counted:
        feeders = tuple(dict.fromkeys((*here.producers, *here.fed_by())))
        link = as_link(feeders[0]) if len(feeders) == 1 else None
        block = None if link is None else giver_of(link)
        if link is None or block is None or block is collect or any(block is known for known, _ in stages):
            break
        if was_fed_directly(link):
            break
        stages.insert(0, (block, link))
        is_counted = not any(distrust(block, link)) and len(link.outbox.links) == 1
        inboxes = block.inboxes()
        is_whole = block.fork_behind() is None  # else what comes together here is not yet in order before it
        here = inboxes[0] if len(inboxes) == 1 and is_whole else None
    return Lane(tuple(stages), is_counted=is_counted) if stages else None


class Lanes:
    """The lanes of a collect, and whose turn it is.

    Args:
        collect: The block with the inputs.
        inputs: Its inputs.
        wake: Called when a loss or a problem was reported.

    Attributes:
        turns: Whose turn it is.
        is_stale: Whether something was linked since the lanes were found.
    """

    def __init__(self, collect: BlockCore, inputs: list[InputPort[Any]], wake: Callable[[], None]) -> None:
        self.turns: LaneTurns = LaneTurns()
        self.is_stale: bool = False
        self._collect = collect
        self._inputs = inputs
        self._wake = wake
        self._lanes: dict[int, Lane] = {}
        self._listening = Listening(wake)

    def problems(self) -> Iterator[str]:
        """The reasons why it cannot be known which messages are lost on their way."""
        for lane in map(self._lane_to, self._inputs):
            if lane is not None and lane.obstacles:
                yield (
                    f"{self._collect} takes the messages of {lane.fork} in turn, but cannot know which are lost: "
                    f"{'; '.join(lane.obstacles)}. Instead, {REMEDY}"
                )

    def _lane_to(self, port: InputPort[Any]) -> Lane | None:
        return lane_to(port.inbox, self._collect)

    def fork(self) -> BlockCore | None:
        """The block whose lanes these are, if it has no others; else None."""
        lanes = self._listening.look(lambda: [self._lane_to(port) for port in self._inputs])
        if lanes is None:
            return None
        forks = {None if lane is None or lane.obstacles else lane.fork for lane in lanes}
        fork = forks.pop() if len(forks) == 1 else None
        return fork if fork is not None and len(fork.outboxes()[0].links) == len(lanes) else None

    def set_up(self) -> None:
        """Find the lanes, and listen for losses on them.

        Raises:
            ValueError: It cannot be known which messages are lost, or a lane has come too late.
        """
        self.is_stale = False
        for problem in self.problems():
            raise ValueError(problem)
        lanes = {port.index: lane for port in self._inputs if (lane := self._lane_to(port)) is not None}
        if not self.has_begun:
            self._forget()
            for index in self._in_order(lanes):
                self._add(index, lanes.get(index))
            return
        for port in self._inputs:
            if port.index not in self.turns.next:
                lane = lanes.get(port.index)
                if lane is not None and lane.fork is not None:
                    raise ValueError(
                        f"{self._collect}: a lane from {lane.fork} was linked after messages had been collected; link "
                        "all lanes before the first message"
                    )
                self._add(port.index, lane)

    @property
    def has_begun(self) -> bool:
        """Whether a message was taken or has lost its turn."""
        return any(number > self._first(lane) for lane, number in self.turns.next.items())

    def _first(self, index: int) -> int:
        lane = self._lanes.get(index)
        return 1 if lane is None else lane.link.first

    def _in_order(self, lanes: dict[int, Lane]) -> list[int]:
        """The inputs in the order of their turns: that of the block before the lanes, if there is only one."""
        inputs = [port.index for port in self._inputs]
        if len({lane.fork for lane in lanes.values()}) == 1 and len(lanes) == len(inputs):
            inputs.sort(key=lambda index: lanes[index].link.number)
        return inputs

    def _forget(self) -> None:
        self._listening.forget()
        self._lanes.clear()
        self.turns.clear()

    def _add(self, index: int, lane: Lane | None) -> None:
        if lane is None:
            self.turns.add(index)
            return
        if any(block.has_lost() for block, _ in lane.stages[not lane.is_counted :]):
            raise ValueError(
                f"{self._collect} was linked after messages had been lost in lane {index}, and cannot know whose turn "
                f"it is; link it earlier, or {REMEDY}"
            )
        self._lanes[index] = lane
        self.turns.add(index, lane.link.first)
        hears, breaks = partial(self._hear, index), self._listening.break_off
        branch = Branch(lane.stages, hears, breaks, lambda: self.turns.next[index])
        self._listening.along(lane.stages, branch, lane.is_counted)

    def _hear(self, index: int, number: int) -> None:
        self.turns.lose(index, number)
        self._wake()

    # Turns

    @property
    def is_known(self) -> bool:
        """Whether it is known whose turn it is."""
        return self._listening.broken_off is None and not self.is_stale

    def check(self) -> None:
        """Raise a `ValueError` if it cannot be known any more whose turn it is."""
        if self._listening.broken_off is not None:
            raise ValueError(
                f"{self._collect} cannot know any more whose turn it is: {self._listening.broken_off}. Instead, "
                f"{REMEDY}"
            )

    def place(self) -> int:
        """The place of the next message in the stream that was distributed, counted from 1."""
        return 1 + sum(number - self._first(index) for index, number in self.turns.next.items())

    def unknown_end(self, index: int) -> bool:
        """Whether a lane has ended, and it is not known what has become of all its messages."""
        lane = self._lanes.get(index)
        return lane is not None and lane.link.passed > self.turns.next[index] - lane.link.first
