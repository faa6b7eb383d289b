"""Finds the broadcast from which the inputs of a join get copies of the same messages, and the paths in between.

A join by position may rely on a path only if each block on it keeps the order and reports its losses. The reasons
against that are collected as text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from .block_core import BlockCore, giver_of
from .link import Link, as_link

if TYPE_CHECKING:
    from .inbox import Inbox

Stage = tuple[BlockCore, "Link[Any] | None"]


@attrs.frozen
class Way:
    """A path from a broadcast to an input of a join.

    Attributes:
        fork: The broadcast.
        stages: The blocks on the path, the broadcast first, each with its outgoing link.
        obstacles: Why the order of the messages is not reliable, as text; empty if it is.
    """

    fork: BlockCore
    stages: tuple[Stage, ...]
    obstacles: tuple[str, ...]


@attrs.frozen
class Group:
    """Inputs that get copies of the same messages.

    Attributes:
        inputs: Their indices among the inputs of the join.
        ways: The path to each of them.
    """

    inputs: tuple[int, ...]
    ways: tuple[Way, ...]

    @property
    def fork(self) -> BlockCore:
        """The broadcast that the inputs have in common."""
        return self.ways[0].fork

    def obstacles(self) -> tuple[str, ...]:
        """The reasons why the messages of the inputs cannot be matched by position."""
        return tuple(dict.fromkeys(reason for way in self.ways for reason in (*way.obstacles, *put_in_by_hand(way))))


def find_groups(join: BlockCore) -> Iterator[Group]:
    """Yield each group of inputs of a join that have a broadcast in common.

    Raises:
        ValueError: Some inputs have broadcasts in common, but no single broadcast feeds them all.
    """
    ways = [ways_to(inbox, join) for inbox in join.inboxes()]
    left = [index for index, found in enumerate(ways) if found]
    while left:
        group = [left.pop(0)]
        for index in group:
            related = [other for other in left if ways[index].keys() & ways[other].keys()]
            group += related
            left = [other for other in left if other not in related]
        if len(group) > 1:
            yield Group(tuple(sorted(group)), tuple(ways_from_one(join, [ways[index] for index in sorted(group)])))


def share_source(join: BlockCore) -> bool:
    """Whether all inputs of a join get copies of the same messages, in any order."""
    try:
        return any(len(group.inputs) == len(join.inboxes()) for group in find_groups(join))
    except ValueError:
        return False


def come_in_order(join: BlockCore) -> bool:
    """Whether nothing before a join is known to change the order: no block does, and no inbox has two producers."""
    seen: set[BlockCore] = {join}
    waiting = [join]
    while waiting:
        for inbox in waiting.pop().inboxes():
            if len(inbox.producers) > 1:
                return False
            for feeder in inbox.producers:
                link = as_link(feeder)
                for block in read_by(feeder) if link is None else (giver_of(link),):
                    if block.may_overtake:
                        return False
                    if block not in seen:
                        seen.add(block)
                        waiting.append(block)
    return True


def ways_from_one(join: BlockCore, ways: Sequence[dict[BlockCore, Way]]) -> list[Way]:
    """The paths from the nearest broadcast that feeds all these inputs."""
    common = [fork for fork in ways[0] if all(fork in others for others in ways)]
    if not common:
        forks = ", ".join(str(fork) for fork in dict.fromkeys(fork for found in ways for fork in found))
        raise ValueError(f"its inputs get copies from several broadcasts ({forks}), and none of these feeds them all")
    nearest = min(common, key=lambda fork: sum(len(found[fork].stages) for found in ways))
    return [found[nearest] for found in ways]


def copies(block: BlockCore) -> bool:
    """Whether a block is a broadcast."""
    return block.copies


def ways_to(inbox: Inbox[Any], join: BlockCore, begins: Callable[[BlockCore], bool] = copies) -> dict[BlockCore, Way]:
    """The blocks before an input at which paths begin, each with the shortest path.

    A path leads past blocks whose outputs come together again, from where they do to the block that makes them.

    Args:
        inbox: The input.
        join: Its block.
        begins: Whether paths begin at a block. By default they begin at broadcasts.
    """
    found: dict[BlockCore, Way] = {}
    seen: set[int] = set()
    waiting: deque[tuple[Inbox[Any], tuple[Stage, ...], tuple[str, ...]]] = deque([(inbox, (), ())])
    while waiting:
        here, stages, obstacles = waiting.popleft()
        if id(here) in seen:
            continue
        seen.add(id(here))
        feeders = tuple(dict.fromkeys((*here.producers, *here.fed_by())))
        if len(feeders) > 1:
            obstacles = (*obstacles, f"{len(feeders)} sources feed {here}")
        for feeder in feeders:
            producer = as_link(feeder)
            if producer is None:
                more = (*obstacles, f"{feeder} stands in between")
                waiting.extend((before, stages, more) for source in read_by(feeder) for before in source.inboxes())
                continue
            block = giver_of(producer)
            if block is join:
                continue  # a loop
            reasons = (*obstacles, *distrust(block, producer))
            way: tuple[Stage, ...] = ((block, producer), *stages)
            fork = block if begins(block) else block.fork_behind()
            if fork is not None and fork is not block:
                way = ((fork, None), *way)
            if fork is not None and begins(fork):
                found.setdefault(fork, Way(fork, way, reasons))
            waiting.extend((before, way, reasons) for before in (block if fork is None else fork).inboxes())
    return found


def read_by(agent: object) -> Iterable[BlockCore]:
    """The blocks that an agent reads; none for a producer handle."""
    neighbors: Any = getattr(agent, "neighbors", tuple)
    blocks = [node for node in neighbors() if isinstance(node, BlockCore)]
    return [block for block in blocks if any(reader is agent for reader in block.outboxes()[0].readers)]


def distrust(block: BlockCore, link: Link[Any]) -> Iterator[str]:
    """The reasons why a block on the path does not keep the order of the messages along a link."""
    if link.outbox is not block.outboxes()[0]:
        yield f"dead letters of {block} come along this path"
    if not block.keeps_order:
        yield f"{block} does not give one message for each message that it gets, in the same order"


def put_in_by_hand(way: Way) -> Iterator[str]:
    """Describe each place where messages came in that are not from the broadcast, or left along another link."""
    for block, link in way.stages:
        if link is None:
            continue
        if link.inbox.accepted != link.inbox.came_along(link):
            yield f"messages were sent to {link.inbox} directly"
        if link.outbox.handed_out(link) != link.passed + len(link.backlog):
            yield f"messages have left {block} already, and not along {link}"
