"""What a recording says of agents."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import Activity, BoundedBuffer, Network, Recording, Source, Target, UnboundedBuffer
from penstock.blocks.base.timing import time_slice


class Load(Agent):
    """Makes three items, for two seconds each."""

    def __init__(self, now: list[float], target: Target[object]) -> None:
        super().__init__(outputs=[target], name="load")
        self.now, self.target = now, target

    async def run(self) -> None:
        for _ in range(3):
            self.now[0] += 2
            await self.target.send(object())


class Filter(Agent):
    """Makes another of each item, for one second each."""

    def __init__(self, now: list[float], source: Source[object], target: Target[object]) -> None:
        super().__init__(inputs=[source], outputs=[target], name="filter")
        self.now, self.source, self.target = now, source, target

    async def run(self) -> None:
        async for _ in self.source:
            self.now[0] += 1
            await self.target.send(object())


class Show(Agent):
    """Looks at each item for a while."""

    def __init__(self, now: list[float], source: Source[object]) -> None:
        super().__init__(inputs=[source], name="show")
        self.now, self.source = now, source

    async def run(self) -> None:
        async for _ in self.source:
            await trio.lowlevel.checkpoint()
            self.now[0] += 4


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time_slice, "clock", lambda: now[0])
    return now


async def test_agents_work_on_what_they_have_received_or_make_what_they_send(now: list[float]) -> None:
    loaded, filtered = BoundedBuffer[object](1, name="loaded"), BoundedBuffer[object](1, name="filtered")
    recording = Recording()
    async with Network(Load(now, loaded), Filter(now, loaded, filtered), Show(now, filtered), recording=recording):
        pass
    for stage, seconds in (("load", 2.0), ("filter", 1.0), ("show", 4.0)):
        spans = [span for span in recording.spans if span.stage == stage and span.activity is Activity.WORK]
        assert list(dict.fromkeys(span.item for span in spans)) == [1, 2, 3]
        assert sum(span.seconds for span in spans) >= 3 * seconds
    assert recording.stages == ("load", "filter", "show")
    assert recording.links == (("load", "filter"), ("filter", "show"))


async def test_an_agent_that_waits_for_a_slot_waits_for_output(now: list[float]) -> None:
    governor = PipelineGovernor(1)
    buffer = UnboundedBuffer[int]()

    class Take(Agent):
        async def run(self) -> None:
            await governor.wait_for_available_slot()
            await wait_all_tasks_blocked()
            now[0] += 3
            governor.free_slot()

    recording = Recording()
    async with Network(Take(name="a"), Take(name="b"), buffer, recording=recording):
        pass
    assert [(span.activity, span.seconds) for span in recording.spans] == [(Activity.WAIT_FOR_OUTPUT, 3.0)]
