"""Checks the graph of a network for problems before the start.

The body can still solve almost every problem: it may link, receive, or send few messages. So most findings are only
reported. A network is refused in two cases: one of its blocks has `problems`; or a governor can never let in the
messages that a batch waits for, and it is certain that more messages come than the governor lets in.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..core.block_core import BlockCore, core_at, giver_of
from ..core.fan_out import FanOut
from ..core.gate import Gate
from ..core.graph import reachable, upstream
from ..core.inbox import Inbox
from ..core.inputs import InputsCore
from ..core.link import Link
from ..core.ports import Part
from .known_sources import is_only_way
from .split_check import check_splits
from .wait_for import narrow

if TYPE_CHECKING:
    from ..core.view import View


def check_graph(network: View) -> tuple[str, ...]:
    """Return the problems that will stall a network unless the body, an agent or an outside task solves them."""
    blocks = [node for node in nodes_of(network) if isinstance(node, BlockCore) and not node.finished]
    found = [line for block in blocks for line in (*check_inputs(block), *check_outputs(block))]
    found += [line for block in blocks for line in block.problems()]
    found += [line for gate in gates_of(blocks) for line, _ in check_gate(gate)]
    found += [line for block in blocks if block.shape.copies for line in check_splits(block)]
    return tuple(dict.fromkeys(found))


def refuse_what_must_stall(network: View, nodes: Iterable[Part]) -> None:
    """Raise a `ValueError`, before the start, for a problem of the future nodes that nothing can solve."""
    blocks = [node for node in nodes if isinstance(node, BlockCore)]
    for block in blocks:
        for line in block.problems():
            raise ValueError(f"network {network.name!r} cannot start: {line}")
    for gate in gates_of(blocks):
        for line, batch in check_gate(gate):
            feeder = certain_feeder(gate, batch)
            if feeder is not None:
                raise ValueError(f"network {network.name!r} must stall: {line} ({feeder})")


def nodes_of(network: View) -> list[Part]:
    """Return the blocks and agents of a network, even if it has not started."""
    found: dict[Part, None] = dict.fromkeys(network.nodes)
    waiting: list[Part] = [] if found else list(reversed(network.given))
    while waiting:
        node = waiting.pop()
        if node not in found and not getattr(node, "is_left_over", False):
            found[node] = None
            waiting.extend(reversed(list(node.neighbors())))
    return list(found)


# One block


def check_inputs(block: BlockCore) -> Iterator[str]:
    """Yield the inputs that nothing feeds."""
    if isinstance(block, InputsCore) and not block.inputs:
        yield f"{block} has no input: link a source to it"
    if block.shape.joins:
        for inbox in block.inboxes():
            if not inbox.producers and not inbox.closed:
                yield f"nothing feeds {inbox}: link a source to it, or send to it in the body"


def check_outputs(block: BlockCore) -> Iterator[str]:
    """Yield a problem if nothing takes the output of a block, or every link has a filter."""
    outbox = next(iter(block.outboxes()), None)
    if outbox is None:  # a stream target, for example
        return
    if not outbox.links and not outbox.readers and block.shape.needs_taker:
        yield f"nothing is linked to {block}: link a target, or receive from it in the body"
    refusals = [refusal(link) for link in outbox.links]
    if refusals and all(refusals) and not outbox.readers:
        yield f"nothing takes messages from {block}: {'; '.join(refusals)}; give it a last link without a filter"
    elif outbox.links and all(map(may_decline, outbox.links)) and not (outbox.readers or isinstance(outbox, FanOut)):
        names = ", ".join(str(link.inbox) for link in outbox.links)
        yield (
            f"every link of {block} has a filter ({names}): a message that none of them accepts stays at its head and "
            "blocks all messages behind it; give it a last link without a filter, or drop the rest in a Filter"
        )


def refusal(link: Link[Any]) -> str:
    """Return the reason why a link can never let a message through; empty if it may let one through."""
    if link.inbox.closed:
        return f"{link.inbox} is complete"
    if any(accepts is not None and is_never(accepts) for accepts in (link.filter, link.inbox.filter)):
        return f"a filter on the way to {link.inbox} declines everything"
    return ""


def may_decline(link: Link[Any]) -> bool:
    """Whether a message may be declined on its way along a link."""
    return link.filter is not None or link.inbox.filter is not None or link.inbox.closed


# LOAD_SMALL_INT exists since Python 3.14; LOAD_COMMON_CONSTANT loads False since 3.15
LOADS = {"LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT"}
CONSTANTS = LOADS | {"RETURN_CONST"}
HARMLESS = LOADS | {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL", "DELETE_FAST"}


def is_never(accepts: Callable[[Any], bool]) -> bool:
    """Whether the code of a filter only returns a false constant."""
    code = getattr(accepts, "__code__", None)
    if code is None:
        return False
    *before, last = dis.get_instructions(code)
    constants = [step for step in (*before, last) if step.opname in CONSTANTS]
    returns = last.opname in ("RETURN_VALUE", "RETURN_CONST") and bool(constants)
    return returns and all(step.opname in HARMLESS for step in before) and not constants[-1].argval


# Governors


def gates_of(blocks: Iterable[BlockCore]) -> list[Gate]:
    """Return the governors of some blocks."""
    gates = dict.fromkeys(gate for block in blocks for gate in block.governed)
    return [gate for gate in gates if isinstance(gate, Gate)]


def check_gate(gate: Gate) -> Iterator[tuple[str, BlockCore]]:
    """Yield the batches that can never be full, because the governor lets in fewer messages than a batch needs."""
    counted = gate.counted_region()
    if counted is None:
        return
    first, region = counted
    for block in region:
        group = block.shape.group
        if block.shape.group_is_timed or group <= max(1, gate.limit):
            continue
        before = [other for other in reachable(block, upstream) if other in region]
        if all(is_one_to_one(other) for other in before if other is not block) and comes_in_at(first, before):
            yield (
                f"{gate} lets in {gate.limit} at once, but {block} waits for {group} messages: raise the "
                f"limit to at least {group}, {block.shape.group_remedy}",
                block,
            )


def is_one_to_one(block: BlockCore) -> bool:
    """Whether no more messages come out of a block than go in."""
    return not block.shape.expands and block.shape.group == 1 and bool(block.inboxes())


def comes_in_at(first: Inbox[Any], blocks: list[BlockCore]) -> bool:
    """Whether all messages for these blocks come in through one inbox."""
    return all(
        isinstance(producer, Link) and producer.giver in blocks
        for block in blocks
        for inbox in block.inboxes()
        if inbox is not first
        for producer in inbox.producers
    )


def certain_feeder(gate: Gate, batch: BlockCore) -> str | None:
    """Describe the source that is certain to bring more than the governor lets in, on a path without exits; or None."""
    counted = gate.counted_region()
    assert counted is not None
    inbox, _ = counted
    for producer in inbox.producers:
        link: Link[Any] | None = narrow(Link, producer)
        if link is not None and is_only_way(link) and leads_to(inbox, batch):
            count = giver_of(link).shape.brings
            if count > gate.limit:
                return f"{link.giver} brings {count}"
    return None


def leads_to(inbox: Inbox[Any], batch: BlockCore) -> bool:
    """Whether only buffers, in one line, lie between a target and a batch."""
    seen: set[BlockCore] = set()
    while inbox.block is not batch:
        block = core_at(inbox)
        links = [link for outbox in block.outboxes()[:1] for link in outbox.links]
        if block in seen or not block.shape.stores or len(links) != 1 or not is_only_way(links[0]):
            return False
        seen.add(block)
        inbox = links[0].inbox
    return True
