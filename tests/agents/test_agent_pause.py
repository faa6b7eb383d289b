"""Agents that are paused and resumed: they take nothing, lose nothing, and nothing waits unnoticed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, AgentStatus, Mailbox
from penstock.blocks import BoundedBuffer, Call, IterableSource, Network, Stalled, Timer, Transformer, UnboundedBuffer
from tests.blocks.tools import contents, faults, linked


def is_number(thing: object) -> bool:
    """A filter that accepts all numbers."""
    return isinstance(thing, int)


class Doubler(Agent):
    """Reads numbers and sends each twice as large, a second per number."""

    def __init__(self, source: Any, target: Any, seconds: float = 1, how: str = "loop") -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target, self.seconds, self.how = source, target, seconds, how
        self.begun = 0

    async def run(self) -> None:
        self.begun += 1
        if self.how == "loop":
            async for number in self.source:
                await self.work(number)
        elif self.how == "filter":
            for _ in range(4):
                await self.work(await self.source.receive(is_number))
        else:
            async with trio.open_nursery() as nursery:
                for _ in range(2):
                    nursery.start_soon(self.read)

    async def read(self) -> None:
        """Read in a task of its own."""
        async for number in self.source:
            await self.work(number)

    async def work(self, number: int) -> None:
        """Handle one number."""
        await trio.sleep(self.seconds)
        await self.target.send(2 * number)


@pytest.mark.parametrize("how", ["loop", "filter", "tasks"])
async def test_a_paused_agent_takes_nothing_and_goes_on_after_it(how: str, autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent = Doubler(numbers, doubles, how=how)
    async with Network(agent) as network:
        for number in range(2):
            await numbers.send(number)
        await trio.sleep(0.5)
        await agent.pause()
        in_work = 2 if how == "tasks" else 1
        assert trio.current_time() == 1  # it has waited for what was in work
        assert agent.is_paused
        assert network.is_paused
        assert network.statistics().agents[0].status == "paused"
        assert len(doubles) == in_work
        await numbers.send(2)
        await numbers.send(3)
        await trio.sleep(100)
        assert len(doubles) == in_work
        await agent.pause()  # only waits
        agent.resume()
        agent.resume()
        assert not agent.is_paused
        assert network.statistics().agents[0].status == "started"
    assert sorted(contents(doubles)) == [0, 2, 4, 6]
    assert network.statistics().agents[0].received == (4 if how != "tasks" else 0)
    assert network.balance().ok


async def test_messages_go_to_other_readers_meanwhile() -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent = Doubler(numbers, doubles, seconds=0)
    async with Network(agent):
        await wait_all_tasks_blocked()  # the agent waits for its first number
        await agent.pause()
        await numbers.send(1)
        assert await numbers.receive() == 1
        agent.resume()
        await numbers.send(2)
    assert contents(doubles) == [4]


async def test_a_quick_reader_stops_at_once() -> None:
    """What it may take without asking is taken back."""
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    for number in range(10_000):
        numbers.send_nowait(number)
    agent = Doubler(numbers, doubles, seconds=0)
    agent.work = lambda number: doubles.send(number)  # type: ignore[method-assign]
    async with Network(agent):
        while len(doubles) < 2_000:
            await trio.lowlevel.checkpoint()
        await agent.pause()
        before = len(doubles)
        assert before < 10_000
        await wait_all_tasks_blocked()
        assert len(doubles) == before
        agent.resume()
    assert contents(doubles) == list(range(10_000))


class Counter(Agent):
    """Sends numbers; it reads nothing."""

    def __init__(self, target: Any, until: int) -> None:
        super().__init__(outputs=[target])
        self.target, self.until = target, until

    async def run(self) -> None:
        for number in range(self.until):
            await self.target.send(number)


async def test_an_agent_without_inputs_is_held_where_it_sends() -> None:
    numbers = BoundedBuffer[int](2)
    agent = Counter(numbers, 6)
    async with Network(agent):
        await wait_all_tasks_blocked()  # it waits for room
        await agent.pause()  # does not wait for that
        got = [await numbers.receive() for _ in range(3)]
        await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            numbers.receive_nowait()
        agent.resume()
        got += [number async for number in numbers]
    assert got == list(range(6))


async def test_an_agent_with_inputs_still_sends_what_it_has(autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), BoundedBuffer[int](1)
    agent = Doubler(numbers, doubles)
    async with Network(agent):
        for number in range(3):
            await numbers.send(number)
        await trio.sleep(2.5)  # 0 is in the buffer, 1 waits for room, 2 is in the first buffer
        await agent.pause()
        assert trio.current_time() == 2.5
        assert await doubles.receive() == 0
        assert await doubles.receive() == 2
        await trio.sleep(10)
        assert len(doubles) == 0
        agent.resume()
        assert await doubles.receive() == 4


async def test_an_agent_that_was_paused_before_it_began_does_not_begin(autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent, other = Doubler(numbers, doubles), Doubler(numbers, doubles)
    await agent.pause()
    await other.pause()
    async with Network(agent, other):
        await numbers.send(1)
        await trio.sleep(5)
        assert (agent.begun, agent.status) == (0, AgentStatus.RUNNABLE)
        other.cancel()
        await wait_all_tasks_blocked()
        assert (other.begun, other.status) == (0, AgentStatus.CANCELED)
        agent.resume()
    assert agent.begun == 1
    assert not agent.is_paused
    assert contents(doubles) == [2]


async def test_receive_nowait_of_a_paused_agent_finds_nothing() -> None:
    numbers = UnboundedBuffer[int]()
    seen: list[object] = []

    class PausesItself(Agent):
        async def run(self) -> None:
            await self.pause()
            with pytest.raises(trio.WouldBlock):
                numbers.receive_nowait()
            seen.append("held")
            await self.wait_active()
            seen.append(numbers.receive_nowait())

    agent = PausesItself(inputs=[numbers])
    async with Network(agent):
        await numbers.send(7)
        await wait_all_tasks_blocked()
        assert seen == ["held"]
        agent.resume()
    assert seen == ["held", 7]


async def test_wait_active_returns_at_once_if_there_is_no_pause() -> None:
    steps: list[int] = []

    class Works(Agent):
        async def run(self) -> None:
            for step in range(3):
                await self.wait_active()
                steps.append(step)

    agent = Works()
    async with Network(agent):
        await agent.wait()
    assert steps == [0, 1, 2]


async def test_others_may_wait_until_it_is_active_again() -> None:
    numbers = UnboundedBuffer[int]()
    agent = Doubler(numbers, UnboundedBuffer[int]())
    went_on: list[bool] = []

    async def watch() -> None:
        await agent.wait_active()
        went_on.append(agent.is_paused)

    async with Network(agent), trio.open_nursery() as nursery:
        await agent.pause()
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        assert not went_on
        agent.resume()
    assert went_on == [False]


async def test_the_end_of_an_agent_ends_its_pause(autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent = Doubler(numbers, doubles)
    async with Network(agent) as network, trio.open_nursery() as nursery:
        await numbers.send(1)
        await trio.sleep(0.5)
        nursery.start_soon(agent.pause)
        await trio.sleep(0.1)
        agent.cancel()
        await wait_all_tasks_blocked()
        assert agent.status is AgentStatus.CANCELED
        assert not agent.is_paused
        await agent.pause()  # does nothing: it has ended
        assert not agent.is_paused
        network.cancel()


async def test_resume_ends_a_pause_that_still_waits(autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent = Doubler(numbers, doubles, seconds=10)
    async with Network(agent), trio.open_nursery() as nursery:
        await numbers.send(1)
        await trio.sleep(0.5)
        nursery.start_soon(agent.pause)
        nursery.start_soon(agent.pause)
        await trio.sleep(0.5)
        agent.resume()
        await wait_all_tasks_blocked()
        assert not nursery.child_tasks
        assert trio.current_time() == 1


async def test_a_pause_of_an_agent_in_a_nursery_of_ones_own(autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent = Doubler(numbers, doubles)
    async with trio.open_nursery() as nursery:
        agent.start(nursery)
        await numbers.send(1)
        await numbers.send(2)
        await trio.sleep(0.5)
        await agent.pause()
        await trio.sleep(5)
        assert len(doubles) == 1
        agent.resume()
        numbers.complete()
    assert contents(doubles) == [2, 4]


async def test_it_is_stalled_if_nothing_can_resume_it(autojump_clock: object) -> None:
    numbers, doubles = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agent = Doubler(numbers, doubles)
    with faults(Stalled) as found:
        async with Network(agent):
            await agent.pause()
            await numbers.send(1)
    assert "waits to go on after a pause" in str(found[0])
    assert "call resume() of agent 'Doubler-" in str(found[0])


async def test_a_network_pauses_its_agents_too(autojump_clock: object) -> None:
    source, work = IterableSource(range(6)), UnboundedBuffer[int]()
    results: list[int] = []
    numbers = BoundedBuffer[int](1)
    agent = Doubler(numbers, work)
    source.link_target(numbers)
    work.link_target(Call(results.append))
    async with Network(source, agent) as network:
        await trio.sleep(1.5)
        await network.pause()
        assert trio.current_time() == 2
        assert agent.is_paused
        before = list(results)
        late = Doubler(other := UnboundedBuffer[int](), UnboundedBuffer[int](), seconds=0)
        other.send_nowait(5)
        numbers.link_target(other, filter=lambda number: number < 0)
        await trio.sleep(50)
        assert results == before
        assert late.begun == 0
        network.resume()
    assert results == [0, 2, 4, 6, 8, 10]
    assert network.balance().ok


async def test_what_joins_a_paused_network_is_held_too(autojump_clock: object) -> None:
    numbers = UnboundedBuffer[int]()
    async with Network(numbers) as network:
        await network.pause()
        numbers.link_target(work := Transformer[int, int](abs))
        results = linked(work)
        await numbers.send(-1)
        await trio.sleep(5)
        assert not len(results)
        assert work.is_paused
        network.resume()
    assert contents(results) == [1]


async def test_a_network_begins_paused(autojump_clock: object) -> None:
    source, timer, numbers = IterableSource(range(3)), Timer(2, -1), UnboundedBuffer[int]()
    timer.start()
    results: list[int] = []
    agent = Doubler(numbers, seen := Call(results.append))
    source.link_target(numbers)
    timer.link_target(seen)
    async with Network(source, timer, agent, paused=True) as network:
        assert network.is_paused
        await trio.sleep(10)
        assert (results, agent.begun, timer.is_running) == ([], 0, False)
        network.resume()
        assert not network.is_paused
    assert sorted(results) == [-1, 0, 2, 4]
    wrong: Any = 1
    with pytest.raises(TypeError, match="paused must be a bool or None, got 1"):
        Network(paused=wrong)


@pytest.mark.parametrize("where", ["agent", "network"])
async def test_a_mailbox_and_its_askers_wait_for_a_paused_agent(where: str, autojump_clock: object) -> None:
    box = Mailbox[int, int]()

    class Answers(Agent):
        async def run(self) -> None:
            async for request in box:
                request.reply(request.body + 1)

    agent = Answers(inputs=[box])
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await box.ask(1))

    async with Network(agent) as network, trio.open_nursery() as nursery:
        pause: Callable[[], Awaitable[None]] = agent.pause if where == "agent" else network.pause
        await pause()
        nursery.start_soon(ask)
        await trio.sleep(3)
        assert not answers
        (agent if where == "agent" else network).resume()
    assert answers == [2]


async def test_a_network_with_an_agent_that_waits_for_room_can_be_paused(autojump_clock: object) -> None:
    numbers = UnboundedBuffer[int]()
    work = Transformer[int, int](abs, capacity=1)
    agent = Doubler(numbers, work, seconds=0)
    results = linked(work)
    for number in range(5):
        numbers.send_nowait(number)
    async with Network(agent) as network:
        await work.pause()
        await trio.sleep(1)
        await network.pause()
        await trio.sleep(1)
        network.resume()
    assert contents(results) == [0, 2, 4, 6, 8]
