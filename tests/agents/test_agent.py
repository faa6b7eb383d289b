"""Agents: every transition, in a network and in a plain nursery."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, AgentStatus, Shutdown, wait_for_all, wait_for_one
from penstock.agents.agent_status import TRANSITIONS, Event
from penstock.blocks import Batch, Call, Declined, IterableSource, Join, MessageStatus, Network, UnboundedBuffer
from tests.blocks.tools import contents, faults, notes

CREATED, RUNNABLE, STARTED = AgentStatus.CREATED, AgentStatus.RUNNABLE, AgentStatus.STARTED
DONE, CANCELED, FAULTED = AgentStatus.DONE, AgentStatus.CANCELED, AgentStatus.FAULTED


class Work(Agent):
    """Does what it is told."""

    def __init__(self, work: Callable[[], Awaitable[object]] = trio.lowlevel.checkpoint, **options: Any) -> None:
        super().__init__(**options)
        self.work = work

    async def run(self) -> None:
        await self.work()


class Copy(Agent):
    """Copies its input to its output."""

    def __init__(self, source: UnboundedBuffer[int], target: UnboundedBuffer[int], **options: Any) -> None:
        super().__init__(inputs=[source], outputs=[target], **options)
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send(item)


async def fail() -> None:
    raise ValueError("agent")


async def history(agent: Agent, into: list[AgentStatus]) -> None:
    link = UnboundedBuffer[AgentStatus]()
    agent.status_buffer.link_target(link)
    async for status in link:
        into.append(status)  # noqa: PERF401  # shows what came before an error


def test_every_state_says_where_it_can_go() -> None:
    assert set(TRANSITIONS) == set(AgentStatus)
    assert [status for status in AgentStatus if status.is_final] == [DONE, CANCELED, FAULTED]
    events = {event for row in TRANSITIONS.values() for event in row}
    assert events == set(Event)


def test_it_shows_its_name_and_status() -> None:
    agent = Work(name="worker")
    assert str(agent) == "agent 'worker'"
    assert repr(agent) == "<Work 'worker' created>"
    assert Work().name.startswith("Work-")
    assert agent.status is CREATED
    assert agent.status_buffer.value is CREATED
    assert not agent.is_done
    assert agent.task is None


WRONG_ENDS: list[Any] = [
    ({"inputs": [3]}, "agent 'a': inputs must be sources, got 3"),
    ({"inputs": [Call(print)]}, "agent 'a': inputs must be sources, got <Call 'print'"),
    ({"outputs": [3]}, "agent 'a': outputs must be targets that can be sent to, got 3"),
    ({"outputs": [IterableSource([])]}, "agent 'a': outputs must be targets that can be sent to, got <Iterable"),
    ({"outputs": [Join(inputs=2)]}, "agent 'a': outputs must be targets that can be sent to, got <Join"),
]


@pytest.mark.parametrize(("options", "message"), WRONG_ENDS)
def test_its_ends_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Work(name="a", **options)


async def test_an_input_of_a_join_can_be_an_output() -> None:
    join: Join[Any] = Join(inputs=2)

    async def feed() -> None:
        await join.inputs[0].send(1)
        await join.inputs[1].send(2)

    async with Network(Work(feed, outputs=join.inputs)):
        assert await join.receive() == (1, 2)


async def test_run_must_be_defined() -> None:
    class Lazy(Agent):
        pass

    with faults(NotImplementedError) as found:
        async with Network(Lazy()):
            pass
    assert str(found[0]) == "Lazy must define `async def run(self)`"


# In a network


async def test_it_is_created_runnable_started_and_done() -> None:
    seen: list[AgentStatus] = []

    async def look() -> None:
        assert agent.status is STARTED
        assert agent.task is trio.lowlevel.current_task()

    agent = Work(look)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(history, agent, seen)
        await wait_all_tasks_blocked()
        async with Network(agent):
            assert agent.status is RUNNABLE
            assert await agent.wait() is DONE
    assert seen == [CREATED, RUNNABLE, STARTED, DONE]
    assert agent.is_done
    assert agent.task is None


async def test_a_chain_of_agents_ends_without_a_sentinel() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    middle: UnboundedBuffer[int] = UnboundedBuffer()
    end: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(Copy(source, middle), Copy(middle, end)):
        for n in range(5):
            await source.send(n)
    assert contents(end) == list(range(5))


async def test_an_output_completes_after_the_last_of_its_agents() -> None:
    sources: list[UnboundedBuffer[int]] = [UnboundedBuffer() for _ in range(2)]
    target: UnboundedBuffer[int] = UnboundedBuffer()
    agents = [Copy(source, target) for source in sources]
    async with Network(*agents):
        sources[0].complete()
        await agents[0].wait()
        assert target.offer(1) is MessageStatus.ACCEPTED
        sources[1].complete()
        await agents[1].wait()
        assert target.offer(2) is MessageStatus.DECLINED


async def test_an_exception_is_a_fault_with_a_note_and_no_item() -> None:
    target: UnboundedBuffer[int] = UnboundedBuffer()
    agent = Work(fail, name="worker", outputs=[target])
    with faults(ValueError) as found:
        async with Network(agent) as network:
            await trio.sleep_forever()
    assert notes(found[0]) == ["in worker"]
    assert agent.status is FAULTED
    info = network.shutdown.first_error
    assert info is not None
    assert (info.phase, info.item, info.number) == ("worker", None, None)


async def test_a_fault_of_a_block_cancels_it_and_an_error_in_its_cleanup_is_told_too() -> None:
    def fail_at_once(item: int) -> None:
        raise KeyError(item)

    async def clean_up() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("cleaning up")

    quiet, loud = Work(trio.sleep_forever), Work(clean_up, name="loud")
    call: Call[int] = Call(fail_at_once)
    with faults(KeyError, ValueError) as found:
        async with Network(quiet, loud, call):
            await call.send(1)
            await trio.sleep_forever()
    assert (quiet.status, loud.status) == (CANCELED, FAULTED)
    assert notes(found[1]) == ["in loud"]
    assert quiet.is_cancellation_pending


async def test_an_error_beside_cancelled_tasks_of_its_own_is_a_fault() -> None:
    async def work() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("in cleanup")

    agent = Work(work, name="worker")
    with pytest.RaisesGroup(ValueError, flatten_subgroups=True) as caught:
        async with Network(agent) as network:
            await wait_all_tasks_blocked()
            network.cancel()
    assert agent.status is FAULTED
    assert "in worker" in notes(caught.value.exceptions[0])


async def test_it_runs_once() -> None:
    agent = Work(name="worker")
    async with Network(agent):
        pass
    with pytest.raises(RuntimeError, match="agent 'worker' is done and can be started only once; make a new one"):
        async with Network(agent):
            pass
    async with trio.open_nursery() as nursery:
        with pytest.raises(RuntimeError, match="agent 'worker' is done and can be started only once"):
            agent.start(nursery)


async def test_it_shares_the_shutdown_buffers_of_its_network() -> None:
    agent = Work(trio.sleep_forever)
    assert agent.shutdown is None
    assert not agent.is_cancellation_pending
    async with Network(agent) as network:
        assert agent.shutdown is network.shutdown
        await wait_all_tasks_blocked()
        network.shutdown.cancel()
        assert agent.is_cancellation_pending
    assert agent.status is CANCELED


# Cancelling


async def test_cancelled_before_it_starts_it_never_runs_and_its_outputs_complete() -> None:
    target: UnboundedBuffer[int] = UnboundedBuffer()
    agent = Work(fail, outputs=[target])
    assert agent.cancel()
    assert not agent.cancel()
    assert agent.status is CANCELED
    with pytest.raises(Declined):
        target.send_nowait(1)
    async with Network(agent):
        pass
    assert await agent.wait() is CANCELED
    async with trio.open_nursery() as nursery:
        agent.start(nursery)
    assert agent.status is CANCELED


async def test_cancelled_while_runnable_it_never_runs() -> None:
    agent = Work(fail)
    async with trio.open_nursery() as nursery:
        agent.start(nursery)
        assert agent.status is RUNNABLE
        assert agent.cancel()
    assert agent.status is CANCELED


async def test_cancelled_while_it_runs_it_ends_and_nobody_else() -> None:
    target: UnboundedBuffer[int] = UnboundedBuffer()
    agent = Work(trio.sleep_forever, outputs=[target])
    other = Work(partial(trio.sleep, 5))
    async with Network(agent, other):
        await wait_all_tasks_blocked()
        assert agent.cancel()
        assert agent.is_cancellation_pending
        assert await agent.wait() is CANCELED
        assert not agent.cancel()
        with pytest.raises(Declined):
            await target.send(1)
    assert other.status is DONE


async def test_one_that_swallows_its_cancellation_is_done() -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(5)

    agent = Work(stubborn)
    async with Network(agent):
        await wait_all_tasks_blocked()
        agent.cancel()
        assert await agent.wait() is DONE


# In a plain nursery


async def test_it_runs_in_a_plain_nursery() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: UnboundedBuffer[int] = UnboundedBuffer()
    agent = Copy(source, target)
    async with trio.open_nursery() as nursery:
        agent.start(nursery)
        with pytest.raises(RuntimeError, match="is runnable and can be started only once"):
            agent.start(nursery)
        await source.send(1)
        source.complete()
        assert [item async for item in target] == [1]
    assert agent.status is DONE


async def test_in_a_plain_nursery_a_fault_stops_what_the_nursery_stops() -> None:
    target: UnboundedBuffer[int] = UnboundedBuffer(name="t")
    agent = Work(fail, name="worker", outputs=[target])
    other = Work(trio.sleep_forever)
    with pytest.RaisesGroup(ValueError) as caught:
        async with trio.open_nursery() as nursery:
            other.start(nursery)
            agent.start(nursery)
    assert notes(caught.value.exceptions[0]) == ["in worker"]
    assert (agent.status, other.status) == (FAULTED, CANCELED)
    with pytest.raises(
        trio.BrokenResourceError, match="cannot receive from unbounded buffer 't': agent 'worker' has fa"
    ):
        await target.receive()


async def test_a_reader_elsewhere_that_waits_for_a_faulted_agent_is_told() -> None:
    target: UnboundedBuffer[int] = UnboundedBuffer()

    async def read() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await target.receive()

    async with trio.open_nursery() as outer:
        outer.start_soon(read)
        await wait_all_tasks_blocked()
        with pytest.RaisesGroup(ValueError):
            async with trio.open_nursery() as nursery:
                Work(fail, outputs=[target]).start(nursery)


async def test_an_output_that_another_still_feeds_survives_a_faulted_agent() -> None:
    target: UnboundedBuffer[int] = UnboundedBuffer()
    with target.producer() as producer:
        with pytest.RaisesGroup(ValueError):
            async with trio.open_nursery() as nursery:
                Work(fail, outputs=[target]).start(nursery)
        await producer.send(1)
        assert await target.receive() == 1


async def test_outputs_that_have_ended_already_are_left_alone_by_a_faulted_agent() -> None:
    call: Call[int] = Call(print)
    join: Join[Any] = Join(inputs=1)
    outputs: list[Any] = [UnboundedBuffer[int](), Batch[int](2), join.inputs[0], call]
    async with Network(call):
        pass
    for output in outputs:
        output.complete()
    with pytest.RaisesGroup(ValueError):
        async with trio.open_nursery() as nursery:
            Work(fail, outputs=outputs).start(nursery)
    with pytest.raises(trio.EndOfChannel):
        outputs[0].receive_nowait()
    with pytest.raises(Declined):
        call.send_nowait(1)


async def test_those_that_share_shutdown_buffers_stop_together() -> None:
    shutdown = Shutdown()
    agent = Work(fail, name="worker", shutdown=shutdown)
    other = Work(trio.sleep_forever, shutdown=shutdown)
    late = Work(trio.sleep_forever, shutdown=shutdown)
    async with trio.open_nursery() as outer:
        other.start(outer)
        await wait_all_tasks_blocked()
        with pytest.RaisesGroup(ValueError):
            async with trio.open_nursery() as nursery:
                agent.start(nursery)
        assert await other.wait() is CANCELED
        late.start(outer)
        assert await late.wait() is CANCELED
    assert shutdown.first_error is not None
    assert shutdown.first_error.phase == "worker"
    assert agent.is_cancellation_pending


async def test_what_a_hook_raises_at_a_fault_in_a_plain_nursery_is_not_swallowed() -> None:
    shutdown = Shutdown()

    def hook() -> None:
        raise KeyError("hook")

    shutdown.on_shutdown(hook)
    with pytest.RaisesGroup(ValueError, KeyError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            Work(fail, shutdown=shutdown).start(nursery)


async def test_an_exception_that_is_no_exception_is_no_reason_for_the_buffers() -> None:
    async def interrupt() -> None:
        raise KeyboardInterrupt

    shutdown = Shutdown()
    agent = Work(interrupt, name="worker", shutdown=shutdown)
    with pytest.RaisesGroup(KeyboardInterrupt):
        async with trio.open_nursery() as nursery:
            agent.start(nursery)
    assert agent.status is FAULTED
    assert not shutdown.is_shutdown_pending


# Waiting


async def test_waiting_for_all_gives_how_each_ended_in_argument_order() -> None:
    slow, quick, never = Work(partial(trio.sleep, 5)), Work(), Work()
    never.cancel()
    start = trio.current_time()
    async with Network(slow, quick):
        assert await wait_for_all(slow, quick, never) == (DONE, DONE, CANCELED)
    assert trio.current_time() - start == 5
    assert await wait_for_all() == ()


async def test_waiting_for_one_gives_the_place_of_the_first_that_ends() -> None:
    slow, quick = Work(partial(trio.sleep, 5)), Work(partial(trio.sleep, 1))
    start = trio.current_time()
    async with Network(slow, quick):
        assert await wait_for_one(slow, quick) == 1
        assert trio.current_time() - start == 1
        assert await wait_for_one(slow) == 0
        assert await wait_for_one(slow, quick) == 0


async def test_waiting_for_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="wait_for_one: give at least one agent"):
        await wait_for_one()


async def test_to_wait_for_a_list_of_agents_is_refused_with_what_to_write() -> None:
    agents: Any = [Agent(), Agent()]
    for wait in (wait_for_all, wait_for_one):
        with pytest.raises(
            TypeError, match=rf"{wait.__name__}: needs agents, one by one, got \[.*write {wait.__name__}"
        ):
            await wait(agents)


async def test_a_wait_can_be_cancelled_and_leaves_nothing_behind() -> None:
    first, second = Work(partial(trio.sleep, 5)), Work(partial(trio.sleep, 7))
    async with Network(first, second):
        with trio.move_on_after(1) as scope:
            await wait_for_one(first, second)
        assert scope.cancelled_caught
        with trio.CancelScope() as scope:
            scope.cancel()
            await first.wait()
        assert scope.cancelled_caught
    assert not first._core.watchers
    assert not second._core.watchers


async def test_several_can_wait_for_the_same_agent() -> None:
    agent = Work(partial(trio.sleep, 5))
    ended: list[AgentStatus] = []

    async def wait() -> None:
        ended.append(await agent.wait())

    async with Network(agent), trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(wait)
    assert ended == [DONE] * 3


async def test_waiting_never_raises_what_run_raised() -> None:
    agent = Work(fail)

    async def wait() -> None:
        assert await agent.wait() is FAULTED

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        with faults(ValueError):
            async with Network(agent):
                await trio.sleep_forever()


async def test_a_wait_for_an_agent_that_is_not_started_is_described() -> None:
    agent = Work(name="worker")
    with trio.move_on_after(1):
        await agent.wait()
    assert agent.status is CREATED


async def test_its_status_can_be_watched_by_a_link_in_the_same_network() -> None:
    seen: list[AgentStatus] = []
    agent = Work(partial(trio.sleep, 1))
    agent.status_buffer.link_target(Call(seen.append))
    async with Network(agent, agent.status_buffer):
        pass
    assert seen == [CREATED, RUNNABLE, STARTED, DONE]


async def test_a_block_whose_reader_has_ended_already_can_run_in_a_network() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    reader = Work(inputs=[buffer])
    async with trio.open_nursery() as nursery:
        reader.start(nursery)
    async with Network(buffer):
        await buffer.send(1)
        assert await buffer.receive() == 1
