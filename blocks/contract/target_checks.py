"""The promises of a target, with one check for each; the docstring of a check is the promise."""

from __future__ import annotations

from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from ..base.errors import Declined
from ..base.message_status import MessageStatus
from ..core.block import Block
from ..core.target import Target
from ..network import Network
from ..unbounded_buffer import UnboundedBuffer
from .conformance import Case, Check, drain, fill, never, of_kind, raises


def target_checks(case: Case) -> list[Check]:
    """Return the checks of the promises that this target makes."""
    checks: list[Check] = [
        is_a_trio_send_channel,
        takes_what_it_is_offered,
        declines_what_its_filter_declines,
        takes_nothing_when_it_is_complete,
        completes_after_its_last_producer,
        finishes_in_a_network,
        gets_everything_along_a_link,
        is_closed_to_senders_when_its_network_was_stopped,
    ]
    if case.capacity is not None:
        if case.when_full == "wait":
            checks += [makes_senders_wait_when_it_is_full, wakes_senders_when_it_is_completed]
        else:
            checks += [never_makes_a_sender_wait]
    return checks


async def is_a_trio_send_channel(case: Case) -> None:
    """A target is a trio SendChannel, and closing it completes it."""
    block = case.make()
    of_kind(block, Target, trio.abc.SendChannel)
    async with block:
        pass
    await raises(Declined, lambda: block.send_nowait(case.items[0]), "send_nowait after aclose")
    await block.aclose()


async def takes_what_it_is_offered(case: Case) -> None:
    """A target accepts a message if it has room, by offer, send and send_nowait."""
    for way in ("offer", "send_nowait", "send"):
        block = case.make()
        for item in case.items[: case.capacity]:
            if way == "offer":
                status = block.offer(item)
                assert status is MessageStatus.ACCEPTED, f"offer({item!r}) was answered {status}"
            elif way == "send_nowait":
                block.send_nowait(item)
            else:
                await block.send(item)
        if case.max_messages is not None:
            status = block.offer(case.items[0])
            assert status is MessageStatus.DECLINED, f"an offer beyond max_messages was answered {status}"


async def declines_what_its_filter_declines(case: Case) -> None:
    """A target declines messages that its filter declines, until the filter is removed."""
    block = case.make()
    item = case.items[0]
    block.filter = never
    status = block.offer(item)
    assert status is MessageStatus.DECLINED, f"an offer that the filter declines was answered {status}"
    await raises(Declined, lambda: block.send_nowait(item), "send_nowait of what the filter declines")
    await raises(Declined, lambda: block.send(item), "send of what the filter declines")
    block.filter = None
    status = block.offer(item)
    assert status is MessageStatus.ACCEPTED, f"an offer without the filter was answered {status}"


async def takes_nothing_when_it_is_complete(case: Case) -> None:
    """A complete target declines every message, and completing it twice is allowed."""
    block = case.make()
    block.complete()
    block.complete()
    item = case.items[0]
    status = block.offer(item)
    assert status is MessageStatus.DECLINED, f"an offer after complete() was answered {status}"
    await raises(Declined, lambda: block.send_nowait(item), "send_nowait after complete()")
    await raises(Declined, lambda: block.send(item), "send after complete()")


async def completes_after_its_last_producer(case: Case) -> None:
    """A target completes after its last producer, which may be a handle or a link."""
    block = case.make()
    feeder: UnboundedBuffer[Any] = UnboundedBuffer()
    with block.producer() as first:
        second = block.producer()
        feeder.link_target(block)
        second.close()
        second.close()
        await raises(trio.ClosedResourceError, lambda: second.send_nowait(case.items[0]), "send_nowait when closed")
        await raises(trio.ClosedResourceError, lambda: second.send(case.items[0]), "send when closed")
        feeder.complete()
        block.filter = never  # shows whether the target is still open, without sending anything
        first.close()
    block.filter = None
    status = block.offer(case.items[0])
    assert status is MessageStatus.DECLINED, f"after the last producer an offer was answered {status}"
    block = case.make()
    with block.producer() as first, block.producer() as second:
        first.close()
        status = block.offer(case.items[0])
        assert status is MessageStatus.ACCEPTED, f"while there was a producer an offer was answered {status}"


async def finishes_in_a_network(case: Case) -> None:
    """A network with the target ends by itself after the body, and then the target is finished."""
    block = case.make()
    drain(block)
    async with Network(block) as network:
        for item in case.items:
            await block.send(item)
    assert not isinstance(block, Block) or block.is_finished, f"after its network it is not finished: {block!r}"
    balance = network.balance()
    assert balance.ok, f"the balance does not add up: {balance}"
    accepted = sum(entry.accepted for entry in balance.blocks if entry.name == getattr(block, "name", None))
    assert not isinstance(block, Block) or accepted == len(case.items), f"{accepted} messages were counted as accepted"


async def gets_everything_along_a_link(case: Case) -> None:
    """A target asks later for each message that it postpones, so a linked source can hand on all its messages."""
    block = case.make()
    drain(block)
    feeder: UnboundedBuffer[Any] = UnboundedBuffer()
    count = case.max_messages or 3 * ((case.capacity if case.when_full == "wait" else 0) or len(case.items))
    for n in range(count):
        feeder.send_nowait(case.items[n % len(case.items)])
    async with Network(feeder):
        feeder.link_target(block)
    assert not len(feeder), f"{len(feeder)} of {count} messages stayed with the source"


async def is_closed_to_senders_when_its_network_was_stopped(case: Case) -> None:
    """A sender that waits when the network stops is woken with BrokenResourceError; a later sender gets it too."""
    block = case.make()
    woken: list[BaseException] = []
    enough = 20 * (case.capacity or 0) + 100

    async def send_on() -> None:
        try:
            for n in range(enough):
                await block.send(case.items[n % len(case.items)])
        except (trio.BrokenResourceError, Declined) as error:
            woken.append(error)

    async with trio.open_nursery() as nursery, Network(block) as network:
        if case.capacity is not None and case.when_full == "wait":
            nursery.start_soon(send_on)
        await wait_all_tasks_blocked()
        network.cancel()
    for error in woken:
        assert isinstance(error, trio.BrokenResourceError), f"the sender was woken with {error!r}"
    if case.max_messages is None:
        await raises(trio.BrokenResourceError, lambda: block.send_nowait(case.items[0]), "send_nowait after the stop")
        await raises(trio.BrokenResourceError, lambda: block.send(case.items[0]), "send after the stop")


async def makes_senders_wait_when_it_is_full(case: Case) -> None:
    """A full target postpones offers, send waits, and send_nowait raises WouldBlock; a cancelled send does nothing."""
    block = case.make()
    fill(case, block)
    item = case.items[0]
    for _ in range(2):
        status = block.offer(item)
        assert status is MessageStatus.POSTPONED, f"an offer to the full target was answered {status}"
        await raises(trio.WouldBlock, lambda: block.send_nowait(item), "send_nowait to the full target")
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(block.send, item)
                await wait_all_tasks_blocked()
                assert nursery.child_tasks, "send to the full target returned"
                scope.cancel()
    block.filter = never
    await raises(Declined, lambda: block.send_nowait(item), "send_nowait of what the filter declines, when full")


async def wakes_senders_when_it_is_completed(case: Case) -> None:
    """A sender that waits is woken with Declined when the target is completed."""
    block = case.make()
    fill(case, block)
    woken: list[BaseException] = []

    async def send() -> None:
        try:
            await block.send(case.items[0])
        except Exception as error:
            woken.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        block.complete()
    assert [type(error) for error in woken] == [Declined] * 2, f"two waiting senders were woken with {woken!r}"


async def never_makes_a_sender_wait(case: Case) -> None:
    """A full target that does not let senders wait declines the message or drops one and counts it."""
    block = case.make()
    fill(case, block)
    item = case.items[0]
    if case.when_full == "decline":
        status = block.offer(item)
        assert status is MessageStatus.DECLINED, f"an offer to the full target was answered {status}"
        await raises(Declined, lambda: block.send_nowait(item), "send_nowait to the full target")
        await raises(Declined, lambda: block.send(item), "send to the full target")
        return
    status = block.offer(item)
    assert status is MessageStatus.ACCEPTED, f"an offer to the full target was answered {status}"
    block.send_nowait(item)
    await block.send(item)
    async with Network(block) as network:
        pass
    balance = network.balance()
    assert balance.ok, f"the balance does not add up: {balance}"
    assert balance.dropped == 3, f"3 messages were too many, and {balance.dropped} were counted as dropped"
