"""A body that waits for what only it could send is told so, once nothing outside can send it either."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Call,
    Join,
    Network,
    OverwriteBuffer,
    SingleAssignment,
    Threads,
    Timer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.errors import Stalled
from penstock.blocks.liveness.outside import is_guest, is_hopeless
from tests.blocks.tools import faults, linked


def same(item: int) -> int:
    return item


async def same_later(item: int) -> int:
    await trio.sleep(1)
    return item


SOURCES: dict[str, Callable[[], Any]] = {
    "transformer": lambda: Transformer(same, name="block"),
    "async transformer": lambda: Transformer(same_later, concurrency=2, name="block"),
    "buffer": lambda: UnboundedBuffer[int](name="block"),
}


@pytest.mark.parametrize("kind", SOURCES)
async def test_a_body_that_iterates_what_it_has_not_completed_is_stalled(kind: str) -> None:
    block = SOURCES[kind]()
    got: list[int] = []
    with faults(Stalled) as found:
        async with Network(block, name="n"):
            for number in range(3):
                await block.send(number)
            async for item in block:
                got.append(item)  # noqa: PERF401  # shows what came before the error
    assert got == [0, 1, 2]
    assert "which only the body of network 'n' could send" in found[0].report
    (advice,) = found[0].diagnosis.advice
    assert advice.startswith(f"send to {block}, or complete it, before the body of network 'n' waits")


@pytest.mark.usefixtures("real_time")
async def test_the_same_with_threads_that_have_nothing_to_do() -> None:
    block = Transformer(same, executor=Threads(2))
    with faults(Stalled):
        async with Network(block):
            await block.send(1)
            async for _ in block:
                pass


async def test_a_body_that_waits_behind_a_chain_is_stalled() -> None:
    first, second = Transformer(same, name="first"), Transformer(same)
    first.link_target(second)
    end = linked(second)
    with faults(Stalled) as found:
        async with Network(first):
            await first.send(1)
            while True:
                await end.receive()
    assert "send to transformer 'first', or complete it" in found[0].report


async def test_a_body_that_waits_for_an_empty_buffer_that_nothing_can_feed_is_stalled() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    with faults(Stalled):
        async with Network(buffer):
            await buffer.receive()
    value: OverwriteBuffer[int] = OverwriteBuffer()
    with faults(Stalled):
        async with Network(value):
            await value.wait_changed()


async def test_a_body_that_has_completed_what_it_feeds_reads_to_the_end() -> None:
    block = Transformer(same)
    async with Network(block):
        await block.send(1)
        block.complete()
        assert [item async for item in block] == [1]


async def test_an_outer_deadline_does_not_hide_it() -> None:
    block = Transformer(same)
    with trio.move_on_after(1_000) as scope, faults(Stalled):
        async with Network(block):
            await block.receive()
    assert not scope.cancelled_caught


async def test_two_plain_tasks_that_wait_for_each_other_are_stalled() -> None:
    one, other = UnboundedBuffer[int](name="one"), UnboundedBuffer[int](name="other")

    async def pass_on(source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        await target.send(await source.receive())

    with faults(Stalled) as found:
        async with Network(one, other), trio.open_nursery() as nursery:
            nursery.start_soon(pass_on, one, other)
            nursery.start_soon(pass_on, other, one)
    assert len(found[0].diagnosis.waiting) == 2


async def test_two_plain_tasks_and_a_body_that_waits_for_them_are_stalled() -> None:
    one, other = UnboundedBuffer[int](name="one"), UnboundedBuffer[int](name="other")

    async def pass_on(source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await target.send(await source.receive())

    with faults(Stalled):
        async with trio.open_nursery() as nursery, Network(one, other):
            nursery.start_soon(pass_on, one, other)
            await other.receive()


async def test_a_handle_that_a_waiting_task_holds_is_no_hope() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    end = linked(entry)
    with faults(Stalled), entry.producer():
        async with Network(entry):
            await end.receive()


# Where something may still come


async def test_a_task_in_the_body_that_sends_later_is_waited_for() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()

    async def feed() -> None:
        await trio.sleep(100)
        await buffer.send(1)

    async with Network(buffer), trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        assert await buffer.receive() == 1


HIDDEN: dict[str, Any] = {}


async def test_a_task_that_will_find_the_block_in_a_global_is_waited_for() -> None:
    async def feed() -> None:
        await trio.sleep(100)
        await HIDDEN["entry"].send(1)

    async def inside() -> None:
        entry = HIDDEN["entry"] = UnboundedBuffer[int]()
        async with Network(entry):
            assert await entry.receive() == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        nursery.start_soon(inside)


async def test_a_task_that_never_sends_is_waited_for_until_it_ends() -> None:
    block = Transformer(same)
    start = trio.current_time()
    with faults(Stalled):
        async with trio.open_nursery() as nursery, Network(block):
            nursery.start_soon(trio.sleep, 100)
            await block.receive()
    assert 100 <= trio.current_time() - start < 102


@pytest.mark.usefixtures("real_time")
async def test_a_thread_that_can_call_into_the_loop_is_waited_for() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    token = trio.lowlevel.current_trio_token()
    go = threading.Event()

    def feed() -> None:
        go.wait()
        trio.from_thread.run(buffer.send, 1, trio_token=token)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        async with Network(buffer), trio.open_nursery() as nursery:
            nursery.start_soon(press, go)
            assert await buffer.receive() == 1
    finally:
        thread.join()


async def press(go: threading.Event) -> None:
    for _ in range(20):
        await trio.lowlevel.checkpoint()
    go.set()


@pytest.mark.usefixtures("real_time")
async def test_a_thread_that_cannot_call_into_the_loop_is_no_hope() -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    block = Transformer(same)
    try:
        with faults(Stalled):
            async with Network(block):
                await block.receive()
    finally:
        go.set()
        thread.join()


async def test_a_local_deadline_is_a_way_out() -> None:
    block = Transformer(same)
    async with Network(block):
        with trio.move_on_after(100) as scope:
            await block.receive()
        assert scope.cancelled_caught


async def test_a_timer_is_a_way_out() -> None:
    timer = Timer(100, 1)
    buffer = linked(timer)
    async with Network(timer):
        timer.start()
        assert await buffer.receive() == 1


async def test_a_body_that_waits_at_another_network_leaves_the_verdict_to_that() -> None:
    outer: UnboundedBuffer[int] = UnboundedBuffer(name="outer")
    inner: UnboundedBuffer[int] = UnboundedBuffer(name="inner")
    with faults(Stalled) as found:
        async with Network(outer, name="around"), Network(inner, name="within"):
            await outer.receive()
    assert "nothing in network 'around' can move any more" in str(found[0])


def test_in_guest_mode_the_host_may_send() -> None:
    """The callbacks of the host loop are no tasks: they might do anything."""
    jobs: list[Callable[[], Any]] = []
    ended: list[Any] = []
    seen: list[Any] = []
    buffer: UnboundedBuffer[int] = UnboundedBuffer()

    async def main() -> None:
        async with Network(buffer):
            seen.append(await buffer.receive())

    async def ask() -> bool:
        return is_guest()

    trio.lowlevel.start_guest_run(
        main,
        run_sync_soon_threadsafe=jobs.append,
        done_callback=ended.append,
        host_uses_signal_set_wakeup_fd=True,
    )
    idle = 0
    while not ended:
        if jobs:
            idle = 0
            jobs.pop(0)()
        else:
            idle += 1
            threading.Event().wait(0.01)
            if idle == 10:
                buffer.send_nowait(7)
    ended[0].unwrap()
    assert seen == [7]
    assert not trio.run(ask)


# Blocks that no network runs


class Work(Agent):
    """Does what it is told."""

    def __init__(self, work: Any, **options: Any) -> None:
        super().__init__(**options)
        self.work = work

    async def run(self) -> None:
        await self.work()


async def test_an_agent_that_waits_at_a_block_of_no_network_is_stalled() -> None:
    forgotten: UnboundedBuffer[int] = UnboundedBuffer(name="forgotten")
    with faults(Stalled) as found:
        async with Network(Work(forgotten.receive, name="reader")):
            pass
    assert "task 'reader' waits to receive at unbounded buffer 'forgotten'" in found[0].report
    assert found[0].diagnosis.advice == (
        "link unbounded buffer 'forgotten' to the network, or name it in inputs= or outputs= of the agents that use it",
    )


async def test_a_body_that_waits_at_a_block_of_no_network_is_stalled() -> None:
    reply: SingleAssignment[int] = SingleAssignment(name="reply")
    with faults(Stalled) as found:
        async with Network(Call[int](abs)):
            await reply.receive()
    assert "single assignment 'reply'" in found[0].report


async def test_an_agent_whose_reply_comes_from_the_body_is_waited_for() -> None:
    reply: SingleAssignment[int] = SingleAssignment()
    got: list[int] = []

    async def work() -> None:
        got.append(await reply.receive())

    async with Network(Work(work)):
        await trio.sleep(100)
        await reply.send(1)
    assert got == [1]


async def test_an_agent_whose_reply_comes_from_a_function_is_waited_for() -> None:
    reply: SingleAssignment[int] = SingleAssignment()
    got: list[int] = []

    async def answer(item: int) -> None:
        await trio.sleep(100)
        await reply.send(item)

    call: Call[int] = Call(answer)

    async def work() -> None:
        await call.send(1)
        got.append(await reply.receive())

    async with Network(Work(work, outputs=[call])):
        pass
    assert got == [1]


async def test_a_sender_elsewhere_does_not_keep_a_circle_of_links_open() -> None:
    full: Any = Join[Any](inputs=2)  # an input of a join takes one message that was sent by hand
    one, other = UnboundedBuffer[int](), UnboundedBuffer[int]()
    one.link_target(other, filter=lambda _: False)
    other.link_target(one)

    async def send_elsewhere() -> None:
        keep = one
        await full.inputs[0].send(1)
        with trio.move_on_after(100):
            await full.inputs[0].send(2)
        del keep

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_elsewhere)
        await wait_all_tasks_blocked()
        async with Network(one):
            pass


async def test_a_body_that_waits_for_a_slot_that_nobody_frees_is_stalled() -> None:
    governor = PipelineGovernor(1)
    with faults(Stalled):
        async with Network(Call[int](abs)):
            await governor.wait_for_available_slot()
            await governor.wait_for_available_slot()


@pytest.mark.usefixtures("real_time")
async def test_a_block_is_hopeless_unless_a_thread_may_send_there_through_a_handle() -> None:
    entry, end = UnboundedBuffer[int](), UnboundedBuffer[int]()
    entry.link_target(end)
    assert is_hopeless(end._core)
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    with entry.producer():
        assert is_hopeless(end._core)  # no thread is there
        thread.start()
        assert not is_hopeless(end._core)
        go.set()
        thread.join()
        assert is_hopeless(end._core)
    assert not is_hopeless(PipelineGovernor(1))


async def test_a_block_is_not_hopeless_while_a_handle_for_threads_is_open() -> None:
    entry, end = UnboundedBuffer[int](), UnboundedBuffer[int]()
    entry.link_target(end)
    with entry.producer(for_threads=True):
        assert not is_hopeless(end._core)
    assert is_hopeless(end._core)


async def test_a_block_of_a_running_network_is_not_hopeless() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(buffer):
        assert not is_hopeless(buffer._core)
