"""Who waits at a block that no network runs is told so, once a network that might have fed it has ended."""

import threading
from typing import Any

import pytest
import trio

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import BoundedBuffer, Call, Network, OverwriteBuffer, SingleAssignment, UnboundedBuffer
from tests.blocks.tools import faults


async def sleep(item: object) -> None:
    del item
    await trio.sleep(10)


async def ask(reply: Any, told: list[str], wait: str = "receive") -> None:
    """Wait for a reply; note what comes instead."""
    try:
        told.append(f"got {await getattr(reply, wait)()}")
    except trio.BrokenResourceError as error:
        told.append(str(error))


REPLIES: dict[str, tuple[Any, str]] = {
    "single assignment": (SingleAssignment, "receive"),
    "buffer": (UnboundedBuffer, "receive"),
    "overwrite buffer": (OverwriteBuffer, "wait_changed"),
}


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("how", ["cancelled", "ended", "failed"])
async def test_who_waits_for_a_reply_is_told_when_the_network_has_ended(kind: str, how: str) -> None:
    make, wait = REPLIES[kind]
    reply = make(name="reply")
    told: list[str] = []
    call = Call[object](sleep)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told, wait)
        if how == "failed":
            with faults(KeyError):
                async with Network(call, name="n"):
                    raise KeyError
        else:
            async with Network(call, name="n") as network:
                await call.send(1)
                await trio.sleep(1)
                if how == "cancelled":
                    network.cancel()
    (text,) = told
    assert f"{reply}: the wait to " in text
    assert "cannot end: network 'n' has ended, no network runs the block, and no other task or thread is left" in text


class Idle(Agent):
    """An agent that is never started."""


@pytest.mark.parametrize("kind", ["slot", "empty", "agent"])
async def test_who_waits_for_a_governor_or_an_agent_is_told_too(kind: str) -> None:
    governor, told = PipelineGovernor(1, name="g"), list[str]()
    await governor.wait_for_available_slot()
    place, wait = {
        "slot": (governor, "wait_for_available_slot"),
        "empty": (governor, "wait_for_empty"),
        "agent": (Idle(name="idle"), "wait"),
    }[kind]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, place, told, wait)
        async with Network(Call[int](abs), name="n"):
            await trio.sleep(1)
    (text,) = told
    assert text.startswith(f"{place}: the wait to ")
    assert "cannot end: network 'n' has ended, no network runs it, and no other task or thread is left" in text


async def test_a_deadline_of_the_waiter_itself_does_not_hide_it() -> None:
    reply, told = SingleAssignment[int](), list[str]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_in_time, reply, told)
        async with Network(Call[int](abs)):
            await trio.sleep(1)
    assert "cannot end" in told[0]


async def ask_in_time(reply: Any, told: list[str]) -> None:
    with trio.fail_after(50):
        await ask(reply, told)


async def test_several_who_wait_are_all_told() -> None:
    replies = [SingleAssignment[int]() for _ in range(3)]
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        for reply in replies:
            nursery.start_soon(ask, reply, told)
        async with Network(Call[int](abs)):
            await trio.sleep(1)
    assert len(told) == 3


async def test_a_sender_to_a_full_buffer_is_told_too() -> None:
    full: BoundedBuffer[int] = BoundedBuffer(1, name="full")
    told: list[str] = []

    async def fill() -> None:
        await full.send(1)
        try:
            await full.send(2)
        except trio.BrokenResourceError as error:
            told.append(str(error))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fill)
        async with Network(Call[int](abs)):
            await trio.sleep(1)
    assert "bounded buffer 'full': the wait to send cannot end" in told[0]


async def test_a_reply_that_comes_after_the_end_is_still_got() -> None:
    reply, told = SingleAssignment[int](), list[str]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told)
        async with Network(Call[int](abs)):
            await trio.sleep(1)
        await trio.sleep(100)
        await reply.send(7)
        await trio.sleep(3)  # in this time the watch ends
    assert told == ["got 7"]


async def test_who_waits_is_told_when_the_last_one_that_could_reply_has_ended() -> None:
    reply, told = SingleAssignment[int](), list[str]()
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told)
        nursery.start_soon(trio.sleep, 100)
        async with Network(Call[int](abs)):
            await trio.sleep(1)
    assert "cannot end" in told[0]
    assert 100 <= trio.current_time() - start < 102


async def test_while_several_others_could_reply_nothing_is_said() -> None:
    reply, told = SingleAssignment[int](), list[str]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told)
        nursery.start_soon(trio.sleep, 100)
        nursery.start_soon(trio.sleep, 200)
        async with Network(Call[int](abs)):
            await trio.sleep(1)
        await trio.sleep(50)
        assert told == []
    assert "cannot end" in told[0]


async def test_while_another_network_runs_nothing_is_said() -> None:
    reply, told = SingleAssignment[int](), list[str]()

    async def answer(item: int) -> None:
        await trio.sleep(100)
        await reply.send(item)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told)
        async with Network(call := Call[int](answer)):
            async with Network(Call[int](abs)):
                await trio.sleep(1)
            await call.send(7)
    assert told == ["got 7"]


@pytest.mark.usefixtures("real_time")
async def test_while_a_thread_can_call_into_the_loop_nothing_is_said() -> None:
    reply, told = SingleAssignment[int](), list[str]()
    token = trio.lowlevel.current_trio_token()
    go = threading.Event()

    def answer() -> None:
        go.wait()
        trio.from_thread.run(reply.send, 7, trio_token=token)

    thread = threading.Thread(target=answer)
    thread.start()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told)
        async with Network(Call[int](abs)):
            await trio.lowlevel.checkpoint()
        for _ in range(20):
            await trio.lowlevel.checkpoint()
        go.set()
    thread.join()
    assert told == ["got 7"]


async def test_nothing_stays_behind_when_the_run_ends_with_one_who_waits() -> None:
    reply, told = SingleAssignment[int](), list[str]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, reply, told)
        async with Network(Call[int](abs)):
            await trio.lowlevel.checkpoint()
        await trio.sleep(3)
        nursery.cancel_scope.cancel()
    assert told == []


def test_a_network_that_ends_while_the_run_is_closing_says_nothing() -> None:
    reply, told = SingleAssignment[int](), list[str]()

    async def late() -> None:
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, reply, told)
                async with Network(Call[int](abs)):
                    await trio.sleep(0.1)
                await trio.sleep(0.1)
                await reply.send(1)

    async def main() -> None:
        trio.lowlevel.spawn_system_task(late)
        await trio.sleep(0.01)

    trio.run(main)
    assert told == ["got 1"]
