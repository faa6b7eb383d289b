"""The promises of a source, with one check for each; the docstring of a check is the promise."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from ..base.message_status import MessageStatus
from ..core.source import Source
from ..network import Network
from ..unbounded_buffer import UnboundedBuffer
from .conformance import (
    Case,
    Check,
    contents,
    drain,
    equal_to,
    never,
    of_kind,
    raises,
    same,
    show_head,
    show_settled_head,
)


def source_checks(case: Case) -> list[Check]:
    """Return the checks of the promises that this source makes."""
    checks: list[Check] = [
        is_a_trio_receive_channel,
        has_nothing_to_give_outside_a_network,
        wakes_receivers_when_its_network_is_stopped,
        refuses_links_that_make_no_sense,
        completes_its_targets,
    ]
    if case.delivery == "latest":
        return [*checks, gives_every_value_to_every_target, keeps_its_value]
    checks += [ends_when_everything_was_received, loses_nothing_with_a_cancelled_receive, looks_at_the_head_only]
    if case.delivery == "every":
        return [*checks, gives_every_message_to_every_target, goes_at_the_pace_of_the_slowest]
    if case.delivery == "turns":
        return [*checks, gives_messages_to_its_targets_in_turn, passes_over_targets_that_have_ended]
    return [
        *checks,
        gives_each_message_to_the_first_taker,
        keeps_what_every_target_declines,
        takes_a_link_away_after_max_messages,
        loses_nothing_by_unlinking,
        keeps_a_reserved_head,
    ]


async def is_a_trio_receive_channel(case: Case) -> None:
    """A source is a trio ReceiveChannel, and can be closed."""
    block = case.make()
    of_kind(block, Source, trio.abc.ReceiveChannel)
    async with block:
        pass


async def has_nothing_to_give_outside_a_network(case: Case) -> None:
    """Without a message, receive waits, receive_nowait raises WouldBlock, and a cancelled receive takes nothing."""
    block = case.make()
    await raises(trio.WouldBlock, block.receive_nowait, "receive_nowait of a source that has nothing")
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(block.receive)
            await wait_all_tasks_blocked()
            assert nursery.child_tasks, "receive from a source that has nothing returned"
            scope.cancel()
    collector = drain(block)
    assert collector is not None
    async with case.running(block):
        pass
    case.check(contents(collector), "after a cancelled receive")


async def ends_when_everything_was_received(case: Case) -> None:
    """`async for` gives all messages and ends; after that receive and receive_nowait raise EndOfChannel."""
    block = case.make()
    async with case.running(block):
        case.check([item async for item in block], "async for")
        await raises(trio.EndOfChannel, block.receive, "receive after the end")
        await raises(trio.EndOfChannel, block.receive_nowait, "receive_nowait after the end")
    await raises(trio.EndOfChannel, block.receive, "receive after the end of the network")

    block = case.make()
    got: list[Any] = []
    ended: list[int] = []

    async def take(number: int) -> None:
        try:
            got.append(await block.receive())
        except trio.EndOfChannel:
            ended.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(len(case.expected) + 2):
            nursery.start_soon(take, number)
        await wait_all_tasks_blocked()
        async with case.running(block):
            pass
    same(got, case.expected, "what waiting receivers got", ordered=False)
    assert len(ended) == 2, f"2 receivers were too many, and {len(ended)} got EndOfChannel"


async def loses_nothing_with_a_cancelled_receive(case: Case) -> None:
    """A cancelled receive has taken nothing, even if it is cancelled when a message has come."""
    block = case.make()
    got: list[Any] = []
    async with case.running(block):
        while len(got) < len(case.expected):
            with trio.CancelScope() as scope:
                scope.cancel()
                got.append(await block.receive())
            if len(got) < len(case.expected):
                got.append(await block.receive())
        await raises(trio.EndOfChannel, block.receive, "receive after the end")
    case.check(got, "receives, each second one cancelled")


async def looks_at_the_head_only(case: Case) -> None:
    """A receive with a filter looks only at the head, and takes it only if the filter accepts it."""
    block = case.make()
    seen: list[Any] = []

    def decline(item: Any) -> bool:
        seen.append(item)
        return False

    async with case.running(block):
        head = await show_settled_head(block)
        await raises((trio.WouldBlock, trio.EndOfChannel), lambda: block.receive_nowait(decline), "a filtered receive")
        assert all(item == head for item in seen), f"the head was {head!r}, and the filter was shown {seen!r}"
        got = [await block.receive(equal_to(head))]
        got += [item async for item in block]
    case.check(got, "after a receive whose filter declined the head")


async def wakes_receivers_when_its_network_is_stopped(case: Case) -> None:
    """A receiver that waits when the network stops is woken with BrokenResourceError; a later receiver gets it too."""
    block = case.make()
    woken: list[BaseException] = []

    async def receive() -> None:
        try:
            await block.receive(never)
        except (trio.BrokenResourceError, trio.EndOfChannel) as error:
            woken.append(error)

    async with trio.open_nursery() as nursery, Network(block) as network:
        nursery.start_soon(receive)
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        network.cancel()
    assert len(woken) == 2, "a receiver still waits"
    for error in woken:
        assert isinstance(error, trio.BrokenResourceError), f"the receiver was woken with {error!r}"
    if case.delivery != "latest":
        await raises(trio.BrokenResourceError, block.receive_nowait, "receive_nowait after the stop")
        await raises(trio.BrokenResourceError, block.receive, "receive after the stop")


async def refuses_links_that_make_no_sense(case: Case) -> None:
    """It is an error to link the same pair twice, to link a non-target, or to give max_messages below 1."""
    block = case.make()
    target: UnboundedBuffer[Any] = UnboundedBuffer()
    link = block.link_target(target)
    await raises(ValueError, lambda: block.link_target(target), "linking the same pair twice")
    link.unlink()
    link.unlink()
    assert not link.is_linked, "after unlink() the link says that it is linked"
    await raises(ValueError, lambda: block.link_target(target, max_messages=0), "link_target(max_messages=0)")
    await raises(TypeError, lambda: block.link_target(object()), "link_target(object())")
    block.link_target(target)
    block.unlink_targets()
    block.link_target(target)


async def completes_its_targets(case: Case) -> None:
    """A finished source is no longer a producer of its targets; they complete if it was their last producer."""
    block = case.make()
    alone: UnboundedBuffer[Any] = UnboundedBuffer()
    shared: UnboundedBuffer[Any] = UnboundedBuffer()
    block.link_target(alone)
    block.link_target(shared)
    with shared.producer() as other:
        async with case.running(block):
            async for _ in alone:
                pass
            status = shared.offer("still open")
            assert status is MessageStatus.ACCEPTED, f"while another producer was there an offer was answered {status}"
            other.close()
            assert "still open" in [item async for item in shared], "a message was lost"


async def gives_each_message_to_the_first_taker(case: Case) -> None:
    """Each message goes to the first target, in link order, whose link filter accepts it."""
    wanted = case.expected[0]
    first: UnboundedBuffer[Any] = UnboundedBuffer()
    second: UnboundedBuffer[Any] = UnboundedBuffer()
    third: UnboundedBuffer[Any] = UnboundedBuffer()
    block = case.make()
    block.link_target(first, filter=equal_to(wanted))
    block.link_target(second)
    block.link_target(third)
    async with case.running(block):
        pass
    got = contents(first), contents(second), contents(third)
    same(got[0], [item for item in case.expected if item == wanted], "what the first target got")
    rest = [item for item in case.expected if item != wanted]
    same(got[1], rest, "what the second target got", ordered=case.ordered)
    same(got[2], [], "what the third target got")


async def keeps_what_every_target_declines(case: Case) -> None:
    """A head that every target declines stays at its place, and is offered again when a link or a filter changes."""
    block = case.make()
    picky: UnboundedBuffer[Any] = UnboundedBuffer(filter=never)
    link = block.link_target(picky)
    block.link_target(UnboundedBuffer(), filter=never)
    async with case.running(block):
        head = await show_settled_head(block)
        same([picky.offer(head), len(picky)], [MessageStatus.DECLINED, 0], "what a target got that declines")
        picky.filter = None
        await wait_all_tasks_blocked()
        got = contents(picky)
        assert got[:1] == [head], f"when the filter was taken away the target got {got!r}, the head was {head!r}"
        link.unlink()
        collector: UnboundedBuffer[Any] = UnboundedBuffer()
        block.link_target(collector)
    case.check(got + contents(picky) + contents(collector), "after the head was declined")


async def takes_a_link_away_after_max_messages(case: Case) -> None:
    """A link with max_messages is removed after that many messages; the rest goes along other links."""
    block = case.make()
    one: UnboundedBuffer[Any] = UnboundedBuffer()
    rest: UnboundedBuffer[Any] = UnboundedBuffer()
    link = block.link_target(one, max_messages=1)
    block.link_target(rest)
    async with case.running(block):
        pass
    assert not link.is_linked, "the link is still there"
    got = contents(one)
    same([len(got)], [1], "how many messages went along the link")
    case.check(got + contents(rest), "both targets together")


async def loses_nothing_by_unlinking(case: Case) -> None:
    """Unlinking during a run loses no message and duplicates none."""
    block = case.make()
    relay: list[UnboundedBuffer[Any]] = []
    got: list[Any] = []
    async with case.running(block):
        while len(got) < len(case.expected):
            await show_head(block)
            relay.append(UnboundedBuffer())
            link = block.link_target(relay[-1], max_messages=1)
            await wait_all_tasks_blocked()
            link.unlink()
            got += contents(relay[-1])
    case.check(got, "targets that were linked one after the other")


async def keeps_a_reserved_head(case: Case) -> None:
    """While the head is reserved, no other taker gets it; the holder consumes it, or releases it for a new offer."""
    block = case.make()
    holder, other = object(), object()
    got: list[Any] = []
    assert not block.reserve(holder), "a source that has nothing let it be reserved"
    async with case.running(block):
        head = await show_settled_head(block)
        assert block.reserve(holder), "the head could not be reserved"
        assert not block.reserve(other), "a reserved head could be reserved once more"
        collector: UnboundedBuffer[Any] = UnboundedBuffer()
        link = block.link_target(collector)
        await wait_all_tasks_blocked()
        same(contents(collector), [], "what a target got while the head was reserved")
        await raises(trio.WouldBlock, block.receive_nowait, "receive_nowait while the head is reserved")
        await raises(RuntimeError, lambda: block.consume(other), "consume by another taker")
        await raises(RuntimeError, lambda: block.release(other), "release by another taker")
        link.unlink()
        block.release(holder)
        await raises(RuntimeError, lambda: block.consume(holder), "consume after release")
        assert block.reserve(other), "the head could not be reserved after its release"
        got.append(block.consume(other))
        assert got[0] == head, f"the head was {head!r}, consumed was {got[0]!r}"
        if len(case.expected) > 1:
            await show_head(block)
            assert block.reserve(holder), "the second head could not be reserved"
            block.link_target(collector)
            await wait_all_tasks_blocked()
            same(contents(collector), [], "what a target got while the second head was reserved")
            block.release(holder)
        else:
            block.link_target(collector)
    case.check(got + contents(collector), "after reserving, releasing and consuming")


async def gives_every_message_to_every_target(case: Case) -> None:
    """Every linked target gets every message, except those that its link filter declines."""
    wanted = case.expected[0]
    targets: list[UnboundedBuffer[Any]] = [UnboundedBuffer(), UnboundedBuffer(), UnboundedBuffer()]
    block = case.make()
    block.link_target(targets[0])
    block.link_target(targets[1], filter=equal_to(wanted))
    block.link_target(targets[2], max_messages=1)
    async with case.running(block):
        pass
    case.check(contents(targets[0]), "what a target without a filter got")
    same(contents(targets[1]), [item for item in case.expected if item == wanted], "what a target behind a filter got")
    same([len(contents(targets[2]))], [1], "how many messages went along a link with max_messages=1")


async def goes_at_the_pace_of_the_slowest(case: Case) -> None:
    """A target that takes nothing for a while makes the others wait, and misses no message."""
    quick: UnboundedBuffer[Any] = UnboundedBuffer()
    slow: UnboundedBuffer[Any] = UnboundedBuffer()
    block = case.make()
    with_gap = block.link_target(quick)
    block.link_target(slow)
    async with case.running(block):
        await wait_all_tasks_blocked()
        with_gap.unlink()
    case.check(contents(slow), "what the target got that stayed")


async def gives_messages_to_its_targets_in_turn(case: Case) -> None:
    """With n linked targets, each gets every n-th message, in the order of the links."""
    targets: list[UnboundedBuffer[Any]] = [UnboundedBuffer(), UnboundedBuffer(), UnboundedBuffer()]
    block = case.make()
    for target in targets:
        block.link_target(target)
    async with case.running(block):
        pass
    for place, target in enumerate(targets):
        same(contents(target), case.expected[place :: len(targets)], f"what target {place} of {len(targets)} got")


async def passes_over_targets_that_have_ended(case: Case) -> None:
    """Targets that are complete or were unlinked have no turn, and no message is lost with them."""
    left: UnboundedBuffer[Any] = UnboundedBuffer()
    unlinked: UnboundedBuffer[Any] = UnboundedBuffer()
    complete: UnboundedBuffer[Any] = UnboundedBuffer()
    block = case.make()
    link = block.link_target(unlinked)
    block.link_target(complete)
    block.link_target(left)
    link.unlink()
    complete.complete()
    async with case.running(block):
        pass
    case.check(contents(left), "what the target got that was left")


async def gives_every_value_to_every_target(case: Case) -> None:
    """Every linked target gets every value, and a target that is linked later gets the current value at once."""
    before: UnboundedBuffer[Any] = UnboundedBuffer()
    after: UnboundedBuffer[Any] = UnboundedBuffer()
    much_later: UnboundedBuffer[Any] = UnboundedBuffer()
    block = case.make()
    block.link_target(before)
    async with case.running(block):
        async for _ in block:
            pass
        block.link_target(after)
        await wait_all_tasks_blocked()
    block.link_target(much_later)
    case.check(contents(before), "what a target got that was linked from the start")
    same(contents(after), case.expected[-1:], "what a target got that was linked to the finished block")
    same(contents(much_later), case.expected[-1:], "what a target got that was linked after the network")


async def keeps_its_value(case: Case) -> None:
    """Receiving shows the latest value; later receivers see it too, even after the network has ended."""
    block = case.make()
    async with case.running(block):
        await block.receive(equal_to(case.expected[-1]))
        same([await block.receive(), block.receive_nowait()], 2 * case.expected[-1:], "two receives")
    same([await block.receive(), block.receive_nowait()], 2 * case.expected[-1:], "two receives after the network")
