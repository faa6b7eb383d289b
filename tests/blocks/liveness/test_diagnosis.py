"""What a network says of itself when it stands still: who waits for whom, and what would free it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    IterableSource,
    Join,
    MemoryBudget,
    Network,
    OverwriteBuffer,
    Stalled,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.diagnosis import Diagnosis
from penstock.blocks.liveness.block_waits import waits_of_block
from penstock.blocks.liveness.diagnosis import diagnose
from penstock.blocks.liveness.wait_for import Names
from tests.blocks.tools import Grouping, Ungrouping, faults, linked, never, run


class Work(Agent):
    """Does what it is told."""

    def __init__(self, work: Callable[[], Awaitable[object]], **options: Any) -> None:
        super().__init__(**options)
        self.work = work

    async def run(self) -> None:
        await self.work()


def twice(item: int) -> int:
    return 2 * item


def buffer(name: str) -> UnboundedBuffer[Any]:
    return UnboundedBuffer(name=name)


async def stalled(*nodes: Any, body: Callable[[], Awaitable[object]] | None = None) -> Diagnosis:
    """Run a network that gets stuck, and give what it says."""
    with faults(Stalled) as found:
        async with Network(*nodes, name="n"):
            if body is not None:
                await body()
    diagnosis: Diagnosis = found[0].diagnosis
    assert found[0].report == str(diagnosis)
    return diagnosis


async def test_two_ways_that_meet_again_are_told_as_a_circle_with_the_room_that_is_enough() -> None:
    async def run_with(capacity: int) -> None:
        fork: Broadcast[int] = Broadcast(name="fork", capacity=1)
        narrow, batch = BoundedBuffer[int](capacity, name="narrow"), Grouping(6, name="batch")
        unpack = Ungrouping(name="unpack")
        IterableSource(range(12), name="feed").link_target(fork)
        fork.link_target(narrow)
        fork.link_target(batch)
        batch.link_target(unpack)
        linked(Join(narrow, unpack, name="join"))
        async with Network(fork):
            pass

    with faults(Stalled) as found:
        await run_with(2)
    assert found[0].diagnosis.cycle == (
        "broadcast 'fork' waits for room in bounded buffer 'narrow': it is full (2 of 2)",
        "bounded buffer 'narrow' waits for join 'join' input 0 to take its head: nothing has come for input 1",
        "join 'join' input 1 waits for messages from transform-many 'unpack'",
        "transform-many 'unpack' waits for messages from batch 'batch'",
        "batch 'batch' waits for 3 more messages from broadcast 'fork'",
    )
    assert found[0].diagnosis.advice == ("raise the capacity of bounded buffer 'narrow' to at least 5",)
    with faults(Stalled):
        await run_with(4)  # the advice is not more than is needed
    await run_with(5)


@pytest.mark.parametrize(("weight", "limits"), [(None, (3, 5)), (twice, (5, 11))])
async def test_a_governor_smaller_than_a_batch_is_told_with_the_limit_that_is_enough(
    weight: Callable[[int], float] | None, limits: tuple[int, int]
) -> None:
    async def run_with(limit: int) -> None:
        entry, batch = buffer("entry"), Batch[int](5, name="batch")
        entry.link_target(batch)
        batch.link_target(Call(str, name="call"))
        PipelineGovernor(limit, weight=weight, name="g").govern(entry, batch)
        async with Network(entry):
            for _ in range(10):
                await entry.send(1)

    with faults(Stalled) as found:
        await run_with(limits[0])
    diagnosis = found[0].diagnosis
    assert any("governor 'g' waits for" in line for line in diagnosis.cycle)
    (advice,) = diagnosis.advice
    assert advice.startswith("raise the limit of governor 'g' to at least ")
    await run_with(int(advice.split()[-1]))


@pytest.mark.parametrize("fan_out", [False, True])
async def test_the_weight_of_what_is_postponed_counts(fan_out: bool) -> None:
    async def run_with(limit: int) -> None:
        outside: Any = Broadcast[int](name="outside") if fan_out else buffer("outside")
        entry, batch = buffer("entry"), Batch[int](3, name="batch")
        outside.link_target(entry)
        entry.link_target(batch)
        batch.link_target(Call(str, name="call"))
        PipelineGovernor(limit, weight=lambda item: item, name="g").govern(entry, batch)
        for weight in (2, 1, 9):
            outside.send_nowait(weight)
        async with Network(outside):
            pass

    with faults(Stalled) as found:
        await run_with(4)
    assert found[0].diagnosis.advice == ("raise the limit of governor 'g' to at least 12",)
    await run_with(12)


async def test_a_full_buffer_that_nobody_reads_is_told_with_the_room_that_is_enough() -> None:
    def build(capacity: int) -> Transformer[int, int]:
        double = Transformer[int, int](lambda n: 2 * n, name="double")
        double.link_target(BoundedBuffer(capacity, name="results"))
        return double

    with faults(Stalled) as found:
        await run(build(2), range(5))
    assert found[0].diagnosis.cycle == ()
    assert found[0].diagnosis.advice == (
        "receive from bounded buffer 'results' in the body, or raise its capacity to at least 5",
    )
    await run(build(5), range(5))


async def test_a_body_that_reads_only_after_it_has_sent_is_in_the_circle() -> None:
    entry, results = BoundedBuffer[int](1, name="entry"), BoundedBuffer[int](1, name="results")
    entry.link_target(results)

    async def body() -> None:
        for number in range(3):
            await entry.send(number)

    diagnosis = await stalled(entry, body=body)
    assert diagnosis.cycle[1:] == (
        "bounded buffer 'results' waits for the body of network 'n' to receive its 1 message",
        "the body of network 'n' waits to send 2 to bounded buffer 'entry': it is full (1 of 1)",
    )
    assert diagnosis.advice == ("receive from bounded buffer 'results' in a task of its own, which does nothing else",)


async def test_agents_in_a_circle_are_told() -> None:
    there, back = buffer("there"), buffer("back")
    first = Work(there.receive, inputs=[there], outputs=[back], name="first")
    second = Work(back.receive, inputs=[back], outputs=[there], name="second")
    diagnosis = await stalled(first, second)
    assert "agent 'second' waits to receive at unbounded buffer 'back'" in diagnosis.cycle
    assert "unbounded buffer 'back' waits for messages from agent 'first'" in diagnosis.cycle
    (advice,) = diagnosis.advice
    assert advice.startswith("let one of agent '")


async def test_an_agent_that_waits_for_itself_is_told() -> None:
    own = buffer("own")
    diagnosis = await stalled(Work(own.receive, inputs=[own], outputs=[own], name="lonely"))
    assert diagnosis.advice == (
        "let agent 'lonely' send, complete or end first, without waiting for messages that come back to it",
    )


async def test_a_slot_that_is_never_freed_is_told() -> None:
    governor = PipelineGovernor(2, name="g")

    async def take() -> None:
        for _ in range(3):
            await governor.wait_for_available_slot()

    diagnosis = await stalled(Work(take, name="taker"))
    assert diagnosis.cycle[-1] == "governor 'g' waits for agent 'taker' to free slots, of which 2 are taken"
    assert diagnosis.advice == (
        "call free_slot() of governor 'g' once for each slot that was taken; 2 are still taken",
    )


async def test_a_number_that_is_nowhere_is_told_with_the_ways_that_it_may_have_gone() -> None:
    fork, left, right = buffer("fork"), BoundedBuffer[int](1, name="left"), buffer("right")
    fork.link_target(Call(str, name="lost"), lambda n: n == 2)
    fork.link_target(left, lambda n: n != 2)
    fork.link_target(right, never)
    order = SequenceMultiplexer(left, right, key=lambda n: n, name="order")
    linked(order)
    IterableSource(range(1, 9), name="feed").link_target(fork)
    diagnosis = await stalled(fork)
    assert diagnosis.advice[-1] == (
        "multiplexer 'order' waits for number 2, which nothing before it holds; it may have gone along fork → lost: "
        "call tombstone(2) of multiplexer 'order' if the item will never come"
    )
    assert "multiplexer 'order' input 1 waits for messages from unbounded buffer 'right'" in diagnosis.cycle


async def test_a_number_that_waits_behind_others_is_found() -> None:
    fork, left, right = buffer("fork"), BoundedBuffer[int](1, name="left"), buffer("right")
    fork.link_target(left, lambda n: n != 1)
    fork.link_target(right, lambda n: n == 1)
    linked(SequenceMultiplexer(left, right, key=lambda n: n, name="order"))
    for number in (2, 3, 4, 1):
        fork.send_nowait(number)
    diagnosis = await stalled(fork)
    assert "multiplexer 'order' waits for number 1, which unbounded buffer 'fork' holds" in diagnosis.cycle
    assert diagnosis.advice == ("raise the capacity of bounded buffer 'left' to at least 4",)


async def test_an_item_without_a_number_is_not_the_one() -> None:
    fork, left, right = buffer("fork"), BoundedBuffer[Any](1, name="left"), buffer("right")
    fork.link_target(left)
    right.link_target(end := buffer("end"), never)
    right.send_nowait("no number")
    linked(SequenceMultiplexer(left, end, key=lambda n: int(n), name="order"))
    fork.send_nowait(2)
    diagnosis = await stalled(fork)
    assert (
        "multiplexer 'order' waits for number 1, which nothing before it holds: "
        "call tombstone(1) of multiplexer 'order' if the item will never come"
    ) in diagnosis.advice


async def test_an_output_in_sequence_that_nobody_takes_is_no_missing_number() -> None:
    source = buffer("source")
    SequenceMultiplexer(source, key=lambda n: n, name="order").link_target(Call(str, name="picky"), never)
    source.send_nowait(1)
    diagnosis = await stalled(source)
    assert diagnosis.advice == (
        "give multiplexer 'order' a last link without a filter, for what the others decline, or drop that in a Filter",
    )


async def test_a_head_that_is_reserved_is_told_with_its_holder() -> None:
    source = buffer("source")

    async def body() -> None:
        await source.send(1)
        assert source.reserve(["me"])
        linked(source)

    diagnosis = await stalled(source, body=body)
    assert diagnosis.advice == ("consume or release the head of unbounded buffer 'source', which ['me'] has reserved",)


async def test_an_agent_that_waits_while_it_holds_a_head_is_in_a_circle() -> None:
    source = buffer("source")

    async def hold() -> None:
        await source.receive()
        assert source.reserve(agent)
        await source.receive()

    agent = Work(hold, inputs=[source], name="holder")
    source.send_nowait(1)
    source.send_nowait(2)
    source.send_nowait(3)
    diagnosis = await stalled(agent)
    assert "unbounded buffer 'source' keeps its head for agent 'holder', which has reserved it" in diagnosis.cycle
    assert diagnosis.advice == (
        "consume or release the head of unbounded buffer 'source', which agent 'holder' has reserved",
    )


async def test_a_handle_that_is_kept_open_by_who_waits_is_told() -> None:
    entry, held = buffer("entry"), buffer("held")
    held.link_target(Call(str, name="picky"), never)
    held.send_nowait(1)

    async def body() -> None:
        with entry.producer("mine"):
            await entry.receive()

    diagnosis = await stalled(entry, held, body=body)
    assert "unbounded buffer 'entry' waits for messages from producer handle 'mine', which is open" in diagnosis.cycle
    assert (
        "close the producer handle 'mine', or send through it, before the body of network 'n' waits" in diagnosis.advice
    )


async def test_a_handle_that_was_made_before_trio_ran_has_no_user() -> None:
    entry = buffer("entry")
    linked(entry)
    handle = entry.producer("early")
    handle._token.user = None
    async with Network(entry) as network:
        await entry.send(1)
        await wait_all_tasks_blocked()
        assert diagnose(network._run, is_stalled=True).advice == (
            "close the producer handle 'early' of unbounded buffer 'entry'",
        )
        handle.close()


async def test_a_function_that_waits_for_its_own_network_is_told() -> None:
    reply = buffer("reply")

    async def ask(item: int) -> int:
        del item
        answer: int = await reply.receive()
        return answer

    asker = Transformer(ask, name="asker")
    asker.link_target(reply)

    async def body() -> None:
        await asker.send(1)

    diagnosis = await stalled(asker, body=body)
    assert diagnosis.cycle[0] in ("transformer 'asker' waits for its call in task 'asker worker 1'", diagnosis.cycle[0])
    assert any("waits for its call" in line for line in diagnosis.cycle)
    assert diagnosis.advice == (
        "let the function of transformer 'asker' not wait for its own network: return what it has, and link a target",
    )


async def test_a_full_circle_of_links_is_told_with_room_for_all() -> None:
    entry, back = BoundedBuffer[int](1, name="entry"), BoundedBuffer[int](1, name="back")
    entry.link_target(back)
    back.link_target(entry)
    IterableSource([1, 2, 3], name="feed").link_target(entry)
    diagnosis = await stalled(entry)
    assert len(diagnosis.cycle) == 2
    assert diagnosis.advice[0].startswith("raise the capacity of bounded buffer '")


async def test_a_circle_of_links_that_grows_needs_more_than_room() -> None:
    grow = TransformMany[int, int](lambda n: [n, n], capacity=2, name="grow")
    grow.link_target(grow)

    async def body() -> None:
        await grow.send(1)

    diagnosis = await stalled(grow, body=body)
    assert diagnosis.cycle == ("transform-many 'grow' waits for room in transform-many 'grow': it is full (2 of 2)",)
    assert diagnosis.advice == (
        "let no more come out of transform-many 'grow' than goes in, or give transform-many 'grow' capacity=None",
    )


async def test_what_a_greedy_join_keeps_is_told() -> None:
    left, right = buffer("left"), buffer("right")
    linked(Join(left, right, greedy=True, name="join"))
    left.send_nowait(1)
    diagnosis = await stalled(left)
    assert diagnosis.advice == (
        "give every input of join 'join' as many messages, or join without greedy=True and receive what is left",
    )


async def test_messages_without_a_partner_are_told() -> None:
    left, right = buffer("left"), buffer("right")
    linked(Join(left, right, name="join"))
    left.send_nowait(1)
    assert (await stalled(left)).advice == (
        "give every input of join 'join' as many messages, or receive what is left from unbounded buffer 'left'",
    )


async def test_a_target_that_is_complete_too_early_is_told() -> None:
    source = buffer("source")
    linked(source).complete()
    source.send_nowait(1)
    assert (await stalled(source)).advice == (
        "link another target to unbounded buffer 'source', or complete unbounded buffer 'collector' only after all "
        "its messages have come",
    )


async def test_a_reader_that_is_done_is_told() -> None:
    source = buffer("source")
    source.send_nowait(1)
    source.send_nowait(2)
    diagnosis = await stalled(Work(source.receive, inputs=[source], name="reader"))
    assert diagnosis.advice == (
        "let agent 'reader' read unbounded buffer 'source' to the end (async for), or link a target to it",
    )


async def test_a_reader_that_waits_elsewhere_is_told() -> None:
    source, other = buffer("source"), buffer("other")
    source.send_nowait(1)
    agent = Work(other.receive, inputs=[source, other], outputs=[other], name="reader")
    diagnosis = await stalled(agent)
    assert "unbounded buffer 'other' waits for messages from agent 'reader'" in diagnosis.cycle


async def test_outputs_that_nobody_takes_are_told() -> None:
    double = Transformer[int, int](lambda n: n, name="double")

    async def body() -> None:
        await double.send(1)

    assert (await stalled(double, body=body)).advice == (
        "link a target to transformer 'double', or receive from it in the body",
    )


async def test_a_choice_without_inputs_is_told() -> None:
    assert (await stalled(Choice[int](name="c"))).advice == ("link a source to choice 'c', or complete it",)


async def test_a_receiver_whose_filter_declines_the_head_is_told() -> None:
    source = buffer("source")

    async def body() -> None:
        await source.send(1)
        await source.receive(never)

    diagnosis = await stalled(source, body=body)
    assert "receive from unbounded buffer 'source' without a filter" in diagnosis.advice


async def test_a_body_that_waits_for_what_only_it_could_send_is_told() -> None:
    join = Join[Any](inputs=2, name="join")
    left = buffer("left")
    left.link_target(join.inputs[0])
    left.send_nowait(1)
    diagnosis = await stalled(join, body=join.receive)
    assert diagnosis.advice == (
        "send to join 'join' input 1, or complete it, before the body of network 'n' waits for the results",
    )


async def test_children_of_the_body_are_part_of_the_circle() -> None:
    entry = BoundedBuffer[int](1, name="entry")

    async def body() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(entry.send, 1)
            nursery.start_soon(entry.send, 2, name="sender")

    diagnosis = await stalled(entry, body=body)
    assert any("the body of network 'n' waits for the end of task" in line for line in diagnosis.cycle)
    assert diagnosis.advice == ("receive from bounded buffer 'entry' in a task of its own, which does nothing else",)


async def test_a_change_that_cannot_come_is_told() -> None:
    value, held = OverwriteBuffer[int](name="value"), buffer("held")
    held.link_target(Call(str, name="picky"), never)
    held.send_nowait(1)

    async def body() -> None:
        await value.send(1)
        await value.wait_changed()

    diagnosis = await stalled(value, held, body=body)
    assert "the body of network 'n' waits to see a change at overwrite buffer 'value'" in diagnosis.cycle


async def test_a_copy_that_waits_for_a_slow_target_is_told() -> None:
    value = OverwriteBuffer[int](name="value")
    value.link_target(BoundedBuffer[int](1, name="slow"))

    async def body() -> None:
        for number in range(3):
            await value.send(number)

    diagnosis = await stalled(value, body=body)
    assert diagnosis.advice == ("receive from bounded buffer 'slow' in the body, or raise its capacity to at least 3",)


async def test_a_generator_that_waits_to_hand_on_is_no_circle_of_its_own() -> None:
    async def many(item: int) -> AsyncIterator[int]:
        for number in range(100):
            yield number + item

    expand = TransformMany(many, name="expand")
    expand.link_target(BoundedBuffer[int](1, name="results"))

    async def body() -> None:
        await expand.send(1)

    diagnosis = await stalled(expand, body=body)
    assert diagnosis.cycle == ()


async def test_a_running_network_has_no_circle_and_needs_no_advice() -> None:
    entry = buffer("entry")
    end = linked(entry)
    seen: list[Diagnosis] = []

    async def look(network: Network) -> None:
        await wait_all_tasks_blocked()
        seen.append(network.report().diagnosis)
        await entry.send(1)

    async with trio.open_nursery() as nursery, Network(entry) as network:
        nursery.start_soon(look, network)
        await end.receive()
    assert seen[0].cycle == seen[0].advice == ()
    assert "waits to receive" in seen[0].waiting[0]


async def test_a_network_at_rest_because_of_a_timer_has_no_circle() -> None:
    batch = Batch[int](5, max_seconds=10, name="batch")
    entry = buffer("entry")
    entry.link_target(batch)
    batch.link_target(Call(str, name="call"))
    PipelineGovernor(2, name="g").govern(entry, batch)
    cycles: list[tuple[str, ...]] = []

    async def look(network: Network) -> None:
        await wait_all_tasks_blocked()
        cycles.append(diagnose(network._run).cycle)

    async with trio.open_nursery() as nursery, Network(entry) as network:
        nursery.start_soon(look, network)
        for number in range(6):
            await entry.send(number)
    assert cycles == [()]


async def test_a_circle_in_a_part_of_a_network_is_told_while_another_part_runs() -> None:
    there, back = buffer("there"), buffer("back")
    first = Work(there.receive, inputs=[there], outputs=[back], name="first")
    second = Work(back.receive, inputs=[back], outputs=[there], name="second")
    async with Network(first, second, Work(partial(trio.sleep, 5), name="busy")) as network:
        await wait_all_tasks_blocked()
        diagnosis = network.report().diagnosis
        assert len(diagnosis.cycle) == 4
        assert len(diagnosis.advice) == 1
        assert "in a circle" in str(diagnosis)
        network.cancel()


async def test_an_agent_that_has_not_started_may_free_whoever_waits_for_it() -> None:
    source = buffer("source")
    agent = Work(source.receive, inputs=[source], outputs=[source], name="agent")
    async with Network(agent) as network:
        assert agent.task is None
        assert network.report().diagnosis.cycle == ()
        network.cancel()


async def test_a_function_that_is_at_work_may_free_whoever_waits_for_it() -> None:
    work = Transformer(trio.sleep, name="work")
    end = linked(work)

    async with Network(work, name="n") as network:
        await work.send(3)
        await trio.sleep(1)
        diagnosis = network.report().diagnosis
        assert diagnosis.cycle == ()
        await end.receive()
    assert network.report().diagnosis.cycle == ()


def test_a_stall_that_no_network_has_made_has_no_diagnosis() -> None:
    assert Stalled("stands still", "report").diagnosis is None


async def test_a_broadcast_that_nobody_wants_anything_of_is_told() -> None:
    fork = Broadcast[int](name="fork")
    fork.link_target(Call(str, name="picky"), never)
    fork.send_nowait(1)
    assert (await stalled(fork)).advice == (
        "give broadcast 'fork' a last link without a filter, for what the others decline, or drop that in a Filter",
    )


async def test_an_output_in_sequence_to_which_nothing_is_linked_is_told() -> None:
    source = buffer("source")
    order = SequenceMultiplexer(source, key=lambda n: n, name="order")
    source.send_nowait(1)
    assert "link a target to multiplexer 'order', or receive from it in the body" in (await stalled(order)).advice


async def test_inputs_that_have_ended_are_not_waited_for() -> None:
    ended, open_still = buffer("ended"), buffer("open")
    ended.complete()
    agent = Work(open_still.receive, outputs=[open_still], name="agent")
    linked(Choice(ended, open_still, name="choice"))
    diagnosis = await stalled(agent)
    assert not any("ended" in line for line in diagnosis.cycle)


async def test_a_sender_at_the_second_input_of_a_join_is_told() -> None:
    join = Join[Any](inputs=2, greedy=True, capacity=1, name="join")
    linked(join)

    async def body() -> None:
        await join.inputs[1].send(1)
        await join.inputs[1].send(2)

    diagnosis = await stalled(join, body=body)
    assert "the body of network 'n' waits to send 2 to join 'join' input 1: it is full (1 of 1)" in diagnosis.cycle
    assert diagnosis.advice[-1] == (
        "send to join 'join' input 0, or complete it, before the body of network 'n' waits for the results"
    )


async def test_who_waits_at_another_network_is_not_in_the_picture() -> None:
    other = buffer("other")
    async with Network(other, name="other"), trio.open_nursery() as nursery:
        nursery.start_soon(other.receive)
        await wait_all_tasks_blocked()
        diagnosis = await stalled(*picky())
        assert diagnosis.waiting == ()
        await other.send(1)


def picky() -> tuple[Any, ...]:
    """A network that gets stuck."""
    source = buffer("source")
    source.link_target(Call(str, name="picky"), never)
    source.send_nowait(1)
    return (source,)


async def test_a_network_that_has_drained_has_nothing_to_tell() -> None:
    network = await run(Call(str, name="call"), [1], name="n")
    assert str(diagnose(network._run)) == "network 'n'\n  nothing is held and nothing waits"


async def test_a_handle_that_was_made_outside_of_tasks_is_waited_for() -> None:
    entry = buffer("entry")
    linked(entry)
    handle = entry.producer("early")
    handle._token.user = None

    async def close_later(handles: list[Any]) -> None:
        await trio.sleep(5)
        handles[0].close()

    async with trio.open_nursery() as nursery, Network(entry):
        nursery.start_soon(close_later, [handle])
    assert trio.current_time() >= 5


async def test_an_input_of_a_join_that_has_ended_is_not_waited_for() -> None:
    ended, gives = buffer("ended"), buffer("gives")
    agent = Work(gives.receive, inputs=[gives], outputs=[gives], name="agent")
    order = SequenceMultiplexer(ended, gives, key=lambda n: n, start=2, name="order")
    linked(order)
    ended.complete()
    async with Network(agent, order) as network:
        await wait_all_tasks_blocked()
        lines = [wait.why for wait in waits_of_block(order._core, Names(network._run))]
        assert "multiplexer 'order' input 1 waits for messages from unbounded buffer 'gives'" in lines
        assert not any("input 0" in line for line in lines)
        network.cancel()


async def test_an_agent_that_is_at_work_is_busy() -> None:
    source = buffer("source")
    source.send_nowait(1)
    async with Network(Work(partial(trio.sleep, 5), inputs=[source], name="reader")) as network:
        assert "its reader agent 'reader' does not read" in str(diagnose(network._run))  # it has not begun
        await trio.sleep(1)
        assert "its reader agent 'reader' is busy with something else" in str(diagnose(network._run))
        network.cancel()


async def test_a_limit_in_bytes_is_told_in_bytes() -> None:
    entry, batch = buffer("entry"), Batch[bytes](2, name="batch")
    entry.link_target(batch)
    batch.link_target(Call(len, name="call"))
    PipelineGovernor(MemoryBudget(1500), weight=len, name="g").govern(entry, batch)

    async def body() -> None:
        for _ in range(3):
            await entry.send(b" " * 1024)

    (advice,) = (await stalled(entry, body=body)).advice
    assert advice == "raise the limit of governor 'g' to at least 2048 bytes (2.0 KiB)"


async def test_a_weight_that_raises_does_not_spoil_the_verdict() -> None:
    entry, batch = buffer("entry"), Batch[int](2, name="batch")
    is_broken = False

    def weigh(item: int) -> int:
        if is_broken:
            raise ValueError(item)
        return item

    entry.link_target(batch)
    batch.link_target(Call(str, name="call"))
    governor = PipelineGovernor(4, weight=weigh, name="g")
    governor.govern(entry, batch)
    async with Network(entry) as network, trio.open_nursery() as nursery:
        await entry.send(3)
        nursery.start_soon(entry.send, 9)
        await wait_all_tasks_blocked()
        assert governor._core.limit_for(1) == "12"
        is_broken = True
        assert governor._core.limit_for(1) == "6"
        network.cancel()
