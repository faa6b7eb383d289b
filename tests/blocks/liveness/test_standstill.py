"""A network never just hangs: what is stalled, what is starved, and what is only slow."""

from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor, wait_for_all, wait_for_one
from penstock.blocks import (
    BoundedBuffer,
    Call,
    Choice,
    Join,
    Network,
    OverwriteBuffer,
    Retry,
    Shutdown,
    Stalled,
    Timer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.trio_details import waits_for_children
from tests.blocks.tools import Fussy, contents, faults, linked, never, run


def stuck() -> BoundedBuffer[int]:
    """A buffer that takes one message and never gets rid of it."""
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="stuck")
    buffer.link_target(UnboundedBuffer(name="picky"), filter=never)
    return buffer


class Work(Agent):
    """Does what it is told."""

    def __init__(self, work: Any, **options: Any) -> None:
        super().__init__(**options)
        self.work = work

    async def run(self) -> None:
        await self.work()


# Stalled


async def test_a_message_that_every_target_declines_stalls_after_the_body() -> None:
    with faults(Stalled) as found:
        await run(stuck(), [1])
    report = found[0].report
    assert (
        "<BoundedBuffer 'stuck' open, 1 of 1 held>: a filter on the way to unbounded buffer 'picky' declines" in report
    )
    assert "can move any more" in str(found[0])
    assert report in str(found[0])


async def test_a_body_that_waits_to_send_for_ever_is_stalled() -> None:
    buffer = stuck()
    with faults(Stalled) as found:
        async with Network(buffer):
            await buffer.send(1)
            await buffer.send(2)
    assert "waits to send 2" in found[0].report
    assert "'stuck'" in found[0].report


async def test_a_body_that_waits_to_receive_what_cannot_come_is_stalled() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    source.link_target(buffer, filter=never)
    with faults(Stalled) as found:
        async with Network(source):
            await source.send(1)
            await buffer.receive()
    assert "waits to receive" in found[0].report


async def test_children_of_a_nursery_in_the_body_that_wait_in_vain_are_stalled() -> None:
    buffer = stuck()
    with faults(Stalled):
        async with Network(buffer), trio.open_nursery() as nursery:
            nursery.start_soon(buffer.send, 1)
            nursery.start_soon(buffer.send, 2)


async def test_children_of_a_nursery_in_an_agent_that_wait_in_vain_are_stalled() -> None:
    buffer = stuck()

    async def work() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buffer.send, 1)
            nursery.start_soon(buffer.send, 2)

    with faults(Stalled):
        async with Network(Work(work, outputs=[buffer])):
            pass


async def test_children_of_a_nursery_that_can_still_move_are_waited_for() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    got: list[int] = []

    async def receive_later() -> None:
        await trio.sleep(100)
        got.append(await buffer.receive())
        got.append(await buffer.receive())

    async with Network(buffer), trio.open_nursery() as nursery:
        nursery.start_soon(receive_later)
        nursery.start_soon(buffer.send, 1)
        nursery.start_soon(buffer.send, 2)
    assert sorted(got) == [1, 2]


async def test_an_agent_that_waits_for_another_that_waits_for_it_is_stalled() -> None:
    first: Work = Work(lambda: second.wait(), name="first")
    second: Work = Work(lambda: first.wait(), name="second")
    with faults(Stalled) as found:
        async with Network(first, second):
            pass
    assert "task 'first' waits to see the end of an agent at agent 'second'" in found[0].report


async def test_a_body_that_waits_for_an_agent_that_waits_in_vain_is_stalled() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    feeder: UnboundedBuffer[int] = UnboundedBuffer(name="feeder")
    feeder.link_target(buffer, filter=never)
    feeder.send_nowait(1)
    for wait in (wait_for_all, wait_for_one):
        agent = Work(buffer.receive, inputs=[buffer], name="reader")
        with faults(Stalled) as found:
            async with Network(agent):
                await wait(agent)
        assert "waits to see the end of an agent at agent 'reader'" in found[0].report
        buffer = UnboundedBuffer(name="b")
        feeder = UnboundedBuffer(name="feeder")
        feeder.link_target(buffer, filter=never)
        feeder.send_nowait(1)


async def test_an_agent_that_waits_for_a_slot_that_nobody_frees_is_stalled() -> None:
    governor = PipelineGovernor(1, name="g")

    async def work() -> None:
        await governor.wait_for_available_slot()
        await governor.wait_for_available_slot()

    with faults(Stalled) as found:
        async with Network(Work(work)):
            pass
    assert "waits to take a slot at governor 'g', 1 of 1 in flight" in found[0].report


async def test_a_reader_that_has_ended_early_is_named() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    with faults(Stalled) as found:
        async with Network(Work(buffer.receive, inputs=[buffer], name="reader")):
            await buffer.send(1)
            await buffer.send(2)
    assert "<UnboundedBuffer 'b' open, 1 held>: its reader agent 'reader' is done" in found[0].report


async def test_a_head_that_is_reserved_for_ever_is_reported() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    with faults(Stalled) as found:
        async with Network(buffer):
            await buffer.send(1)
            assert buffer.reserve("me")
            linked(buffer)
    assert "the head is reserved by 'me', which neither consumes nor releases it" in found[0].report


async def test_an_output_that_nobody_takes_is_reported() -> None:
    with faults(Stalled) as found:
        await run(Transformer[int, int](lambda n: n, name="t"), [1])
    assert "nothing is linked to it: link a target, or receive from it in the body" in found[0].report


async def test_a_complete_target_is_named() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    target = linked(source)
    target.complete()
    with faults(Stalled) as found:
        await run(source, [1])
    assert "unbounded buffer 'collector' is complete and takes no more" in found[0].report


async def test_a_join_that_waits_for_one_input_is_named() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    other: UnboundedBuffer[int] = UnboundedBuffer(name="other")
    join = Join(source, other, name="join")
    other_end: UnboundedBuffer[int] = UnboundedBuffer(name="other end")
    other_end.link_target(other, filter=never)
    other_end.send_nowait(1)
    linked(join)
    with faults(Stalled) as found:
        await run(source, [1])
    assert "nothing has come for input 1" in found[0].report


async def test_a_choice_without_inputs_never_ends() -> None:
    with faults(Stalled) as found:
        async with Network(Choice[int](name="c")):
            pass
    assert "choice 'c'" in found[0].report


async def test_an_outer_deadline_is_no_way_out() -> None:
    buffer = stuck()
    with trio.move_on_after(1_000), faults(Stalled):
        async with Network(buffer):
            await buffer.send(1)
            await buffer.send(2)
    assert trio.current_time() < trio.current_effective_deadline() - 1_000


async def test_a_fault_while_stalling_is_not_lost() -> None:
    buffer = stuck()
    with faults(Stalled, KeyError):
        async with Network(buffer):
            await buffer.send(1)
            try:
                await buffer.send(2)
            finally:
                raise KeyError


# Starved, or slow


async def test_a_body_that_waits_for_outside_input_is_starved() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    collector = linked(entry)

    async def feed() -> None:
        await trio.sleep(1_000)
        await entry.send(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        async with Network(entry):
            assert await collector.receive() == 1


async def test_an_idle_body_is_no_standstill() -> None:
    async with Network(stuck()) as network:
        await network.blocks[0].send(1)  # type: ignore[attr-defined]  # a buffer, as we know
        await trio.sleep(1_000)
        network.cancel()


async def test_a_local_deadline_around_a_receive_is_a_way_out() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    entry.link_target(collector := UnboundedBuffer[int](), filter=lambda n: n > 1)
    async with Network(entry) as network:
        await entry.send(1)
        with trio.move_on_after(1_000) as scope:
            await collector.receive()
        assert scope.cancelled_caught
        network.cancel()


async def test_a_deadline_that_is_set_while_waiting_is_a_way_out() -> None:
    buffer = stuck()
    go = trio.Event()
    scope = trio.CancelScope()

    async def inside() -> None:
        async with Network(buffer) as network:
            await buffer.send(1)
            await wait_all_tasks_blocked()
            with scope:
                go.set()
                await buffer.send(2)
            assert scope.cancelled_caught
            network.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(inside)
        await go.wait()
        await trio.lowlevel.checkpoint()  # in this turn the network sees nobody who could move
        scope.deadline = trio.current_time() + 500


async def test_a_pause_before_a_retry_is_no_standstill() -> None:
    call: Call[int] = Call(Fussy(1, times=1), on_error=Retry(1, backoff=1_000))
    async with Network(call):
        await call.send(1)


async def test_a_timer_that_ticks_is_no_standstill() -> None:
    timer = Timer(1_000, 1)
    collector = linked(timer)
    async with Network(timer):
        timer.start()
        assert await collector.receive() == 1


async def test_an_async_function_that_works_is_no_standstill() -> None:
    async def work(item: int) -> int:
        await trio.sleep(1_000)
        return item

    block = Transformer(work)
    async with Network(block):
        await block.send(1)
        assert await block.receive() == 1


async def test_a_function_that_waits_at_a_block_of_its_own_network_can_stall() -> None:
    buffer = stuck()

    async def work(item: int) -> None:
        await buffer.send(item)

    call: Call[int] = Call(work)
    with faults(Stalled):
        async with Network(buffer, call):
            for n in range(3):
                await call.send(n)
            await trio.sleep(1)
            await buffer.send(9)


async def test_a_network_whose_body_waits_at_another_network_is_not_stalled() -> None:
    first: UnboundedBuffer[int] = UnboundedBuffer()
    second = stuck()
    got: list[int] = []

    async def feed() -> None:
        await trio.sleep(100)
        await first.send(1)

    async with trio.open_nursery() as nursery, Network(first):
        nursery.start_soon(feed)
        async with Network(second) as inner:
            await second.send(1)
            got.append(await first.receive())
            inner.cancel()
    assert got == [1]


async def test_an_agent_that_feeds_from_time_to_time_is_waited_for() -> None:
    seen: list[int] = []
    call: Call[int] = Call(seen.append)

    async def work() -> None:
        for n in range(5):
            await trio.sleep(100)
            await call.send(n)

    async with Network(Work(work, outputs=[call]), Work(partial(trio.sleep, 50))):
        pass
    assert seen == [0, 1, 2, 3, 4]


async def test_while_one_agent_moves_another_may_wait() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    got: list[int] = []

    async def feed() -> None:
        for n in range(5):
            await trio.sleep(100)
            await buffer.send(n)

    async def read() -> None:
        async for item in buffer:
            got.append(item)  # noqa: PERF401  # shows what came before an error

    async with Network(Work(feed, outputs=[buffer]), Work(read, inputs=[buffer])):
        pass
    assert got == [0, 1, 2, 3, 4]


# Tasks outside


async def test_an_outside_task_that_is_alive_is_waited_for() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)

    async def outside() -> None:
        await buffer.send(1)
        await trio.sleep(1_000)
        assert await buffer.receive() == 1
        assert await buffer.receive() == 2

    async with trio.open_nursery() as nursery, Network(buffer):
        nursery.start_soon(outside)
        await wait_all_tasks_blocked()
        await buffer.send(2)


async def test_an_outside_task_that_dies_is_waited_for_no_longer() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)

    async def outside() -> None:
        await buffer.send(1)
        await trio.sleep(1_000)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        with faults(Stalled):
            async with Network(buffer):
                nursery.start_soon(outside)
                await wait_all_tasks_blocked()
                await buffer.send(2)
        assert 1_000 <= trio.current_time() - start < 1_002


async def test_an_outside_task_that_waits_in_vain_itself_is_told() -> None:
    buffer = stuck()
    told: list[str] = []

    async def outside() -> None:
        await buffer.send(1)
        try:
            await buffer.send(2)
        except trio.BrokenResourceError as error:
            told.append(str(error))

    async with trio.open_nursery() as nursery:
        with faults(Stalled):
            async with Network(buffer):
                nursery.start_soon(outside)
                await wait_all_tasks_blocked()
                await buffer.send(3)
    assert len(told) == 1


async def test_an_outside_receiver_alone_does_not_keep_a_network_from_ending() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    ended: list[bool] = []

    async def outside() -> None:
        async for _ in buffer:
            pass
        ended.append(True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(outside)
        await wait_all_tasks_blocked()
        async with Network(buffer):
            await buffer.send(1)
    assert ended == [True]


async def test_a_change_that_an_outside_task_waits_for_is_no_standstill() -> None:
    value: OverwriteBuffer[int] = OverwriteBuffer()

    async def outside() -> None:
        with pytest.raises(trio.EndOfChannel):
            await value.wait_changed()

    async with trio.open_nursery() as nursery, Network(value):
        nursery.start_soon(outside)
        await wait_all_tasks_blocked()


async def test_without_the_inside_of_trio_the_verdict_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(trio.Nursery, "_nested_child_finished")
    async with trio.open_nursery() as nursery:
        task = trio.lowlevel.current_task()
        assert not waits_for_children(task)
        nursery.cancel_scope.cancel()
        monkeypatch.undo()


@pytest.mark.parametrize("linked_behind", [False, True])
async def test_a_task_that_is_just_about_to_send_for_the_first_time_is_waited_for(linked_behind: bool) -> None:
    buffer = stuck()
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    end = linked(entry) if linked_behind else entry
    go = trio.Event()

    async def inside() -> None:
        async with Network(buffer, entry) as network:
            await buffer.send(1)
            await wait_all_tasks_blocked()
            go.set()
            assert await end.receive() == 7
            network.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(inside)
        await go.wait()
        await trio.lowlevel.checkpoint()  # in this turn the network sees nobody who could move
        entry.send_nowait(7)


async def test_who_holds_a_handle_and_waits_for_what_cannot_come_is_told() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer(name="entry")
    end = linked(entry)
    told: list[str] = []

    async def outside() -> None:
        with entry.producer() as producer:
            await producer.send(1)
            try:
                while True:
                    await end.receive()
            except trio.BrokenResourceError as error:
                told.append(str(error))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(outside)
        await wait_all_tasks_blocked()
        with faults(Stalled) as found:
            async with Network(entry):
                pass
    assert len(told) == 1
    assert "producer handle" in found[0].report


async def test_results_are_there_after_a_stall_of_something_else() -> None:
    buffer = stuck()
    results: UnboundedBuffer[int] = UnboundedBuffer()
    with faults(Stalled):
        async with Network(buffer, results):
            await results.send(1)
            results.complete()
            await buffer.send(1)
            await buffer.send(2)
    assert contents(results) == [1]


@pytest.mark.parametrize("who", ["body", "child"])
async def test_a_task_that_could_move_and_ends_without_moving_anything_is_noticed(who: str) -> None:
    buffer = stuck()
    with faults(Stalled):
        async with Network(buffer), trio.open_nursery() as nursery:
            nursery.start_soon(buffer.send, 1)
            nursery.start_soon(buffer.send, 2)
            if who == "body":
                await trio.sleep(1)
            else:
                nursery.start_soon(trio.sleep, 1)


@pytest.mark.parametrize("who", ["body", "agent"])
async def test_children_of_a_parked_task_that_will_move_are_waited_for(who: str) -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    got: list[int] = []

    async def consume() -> None:
        await trio.sleep(1)
        async for item in buffer:
            got.append(item)  # noqa: PERF401  # shows what came before an error

    async def feed() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(consume)
            for n in range(3):
                await buffer.send(n)
            buffer.complete()

    async with Network(buffer, *([Work(feed, outputs=[buffer])] if who == "agent" else [])):
        if who == "body":
            await feed()
    assert got == [0, 1, 2]


async def test_an_outside_task_that_holds_a_reservation_is_waited_for() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    picky: UnboundedBuffer[int] = UnboundedBuffer()
    buffer.link_target(picky, filter=never)
    taken: list[int] = []

    async def outside() -> None:
        assert buffer.reserve("me")
        await trio.sleep(3)
        taken.append(buffer.consume("me"))

    async with trio.open_nursery() as nursery, Network(buffer):
        await buffer.send(1)
        nursery.start_soon(outside)
        await wait_all_tasks_blocked()
    assert taken == [1]


async def test_an_agent_of_a_plain_nursery_can_be_waited_for_in_a_network() -> None:
    agent = Work(partial(trio.sleep, 5))
    block: Transformer[int, int] = Transformer(same)
    async with trio.open_nursery() as nursery:
        agent.start(nursery)
        async with Network(block):
            await block.send(1)
            await agent.wait()
            assert await block.receive() == 1


def same(item: int) -> int:
    return item


async def test_what_nobody_takes_from_a_choice_is_put_down_to_the_obstacle() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer(name="source")
    full: BoundedBuffer[Any] = BoundedBuffer(1, name="full")
    Choice(source, name="choice").link_target(full)
    full.link_target(UnboundedBuffer(), filter=never)
    with faults(Stalled) as found:
        await run(source, [1, 2])
    assert (
        "nothing takes its output: it is offered to bounded buffer 'full', but it is full (1 of 1)" in found[0].report
    )


async def test_an_agent_that_listens_for_a_shutdown_ends_with_its_network() -> None:
    shutdown = Shutdown()
    heard: list[bool] = []

    async def listen() -> None:
        with pytest.raises(trio.EndOfChannel):
            await shutdown.pending.receive()
        heard.append(True)

    async with Network(Work(listen, inputs=[shutdown.pending]), shutdown=shutdown):
        pass
    assert heard == [True]
