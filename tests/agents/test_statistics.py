"""What agents and governors tell about themselves, moved to known values."""

import pytest
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    AgentStatistics,
    BoundedBuffer,
    Call,
    GovernorStatistics,
    Network,
    OverwriteBuffer,
    Source,
    Target,
    Times,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from tests.blocks.clock import Clock, every


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time_slice, "clock", clock)
    return clock


class Copy(Agent):
    """Hands on what it reads."""

    def __init__(self, source: Source[int], target: Target[int], name: str = "copy") -> None:
        super().__init__(inputs=[source], outputs=[target], name=name)
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send(item)


async def test_agents_that_share_a_source_and_a_target_are_told_apart() -> None:
    source, target = UnboundedBuffer[int](), UnboundedBuffer[int]()
    first, second = Copy(source, target, "first"), Copy(source, target, "second")
    for n in range(100):
        source.send_nowait(n)
    async with Network(first, second) as network:
        source.complete()
    one, other = network.statistics().agents
    assert one.received + other.received == one.emitted + other.emitted == 100
    assert one.received == one.emitted


async def test_the_waits_of_an_agent_are_known_and_how_long_it_ran(clock: Clock) -> None:
    source, target = UnboundedBuffer[int](), BoundedBuffer[int](1)
    copy = Copy(source, target)
    async with Network(copy) as network:
        await clock.passes(2)
        for n in range(3):
            source.send_nowait(n)
        await clock.passes(5)
        assert network.statistics().agent("copy") == AgentStatistics(
            "copy", "started", 2, 1, 7.0, every(2.0, 1), every(5.0, 1)
        )
        source.complete()
        async for _ in target:
            pass
    statistics = network.statistics().agent("copy")
    assert (statistics.status, statistics.received, statistics.emitted, statistics.seconds) == ("done", 3, 3, 7.0)


async def test_an_agent_that_was_cancelled_while_it_waited_has_received_nothing(clock: Clock) -> None:
    copy = Copy(UnboundedBuffer(), UnboundedBuffer())
    async with Network(copy) as network:
        await clock.passes(3)
        copy.cancel()
    statistics = network.statistics().agent("copy")
    assert (statistics.status, statistics.received, statistics.wait_for_input) == ("canceled", 0, every(3.0, 1))


async def test_to_wait_for_a_change_is_to_wait_for_input_and_to_wait_for_an_agent_is_neither(clock: Clock) -> None:
    light: OverwriteBuffer[str] = OverwriteBuffer()

    class Watch(Agent):
        async def run(self) -> None:
            await light.wait_changed()

    class Patient(Agent):
        async def run(self) -> None:
            await watch.wait()

    watch, patient = Watch(name="watch"), Patient(name="patient")
    async with Network(watch, patient, light) as network:
        await clock.passes(4)
        light.send_nowait("green")
    assert network.statistics().agent("watch").wait_for_input == every(4.0, 1)
    assert network.statistics().agent("patient").wait_for_input == Times()
    assert network.statistics().agent("patient").wait_for_output == Times()


async def test_a_governor_tells_its_slots_and_how_long_somebody_was_kept_waiting(clock: Clock) -> None:
    first, last = Transformer[int, int](abs, name="first"), BoundedBuffer[int](9, name="last")
    first.link_target(last)
    governor = PipelineGovernor(2, name="two")
    governor.govern(first, last)

    class Take(Agent):
        async def run(self) -> None:
            for _ in range(3):
                await clock.passes(6)
                last.receive_nowait()

    take = Take(inputs=[last], name="take")
    async with Network(first, take) as network:
        for n in range(3):
            await first.send(n)
        assert network.statistics().governor("two") == GovernorStatistics("two", 2, 2, 2, every(6.0, 1))
    assert network.statistics().governor("two") == GovernorStatistics("two", 2, 0, 2, every(6.0, 1))
    assert network.statistics().body.wait_for_output == every(6.0, 1)


async def test_slots_that_are_taken_by_hand_are_known_too(clock: Clock) -> None:
    governor = PipelineGovernor(1, name="one")
    call = Call[int](abs)

    class Take(Agent):
        async def run(self) -> None:
            await governor.wait_for_available_slot()
            await clock.passes(3)
            governor.free_slot()

    async with Network(Take(name="a"), Take(name="b"), call) as network:
        assert network.statistics().governors == ()
    assert network.statistics().governors == (GovernorStatistics("one", 1, 0, 1, every(3.0, 1)),)
    waits = [network.statistics().agent(name).wait_for_output for name in "ab"]
    assert sorted(times.total for times in waits) == [0.0, 3.0]


async def test_slots_that_a_stranger_takes_are_nobodys() -> None:
    governor = PipelineGovernor(1)
    await governor.wait_for_available_slot()
    async with Network(Call[int](abs)) as network:
        governor.free_slot()
    assert network.statistics().governors == ()


async def test_what_was_reserved_and_consumed_was_received() -> None:
    buffer = UnboundedBuffer[int]()

    class Take(Agent):
        async def run(self) -> None:
            buffer.reserve(self)
            buffer.consume(self)

    buffer.send_nowait(1)
    take = Take(inputs=[buffer], name="take")
    async with Network(take) as network:
        buffer.complete()
    assert network.statistics().agent("take").received == 1


async def test_a_look_at_a_value_that_stays_counts_each_time() -> None:
    light: OverwriteBuffer[str] = OverwriteBuffer()

    class Look(Agent):
        async def run(self) -> None:
            await light.receive()
            await light.receive()
            light.reserve(self)
            light.consume(self)

    look = Look(inputs=[light], name="look")
    async with Network(look) as network:
        await wait_all_tasks_blocked()
        light.send_nowait("green")
    assert network.statistics().agent("look").received == 3
