"""A subclass of a user's may use whatever private names it likes; the library reserves one."""

from typing import Any

import pytest

from penstock.agents import Agent, AgentStatus
from penstock.blocks import Network, UnboundedBuffer
from penstock.blocks.core.nodes import part_of

NAMES = (
    *("task", "inputs", "outputs", "status", "start", "end", "report", "scope", "tally"),
    *("watchers", "network", "shutdown", "main", "apply", "neighbors"),
)


class Own(Agent):
    """Has a private attribute of a name that it is told."""

    def __init__(self, name: str, value: Any, *, source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target], name="own")
        self.source, self.target, self.attribute = source, target, name
        setattr(self, name, value)
        self.seen: Any = None

    async def run(self) -> None:
        self.seen = getattr(self, self.attribute)
        async for item in self.source:
            await self.target.send(item)


@pytest.mark.parametrize("name", [f"_{name}" for name in NAMES])
async def test_private_names_of_a_subclass_are_its_own(name: str) -> None:
    source, target = UnboundedBuffer[int](), UnboundedBuffer[int](name="target")
    value = object()
    agent = Own(name, value, source=source, target=target)
    async with Network(agent) as network:
        await source.send(1)
        assert await target.receive() == 1
    assert agent.seen is value
    assert agent.status is AgentStatus.DONE
    assert network.statistics().agent("own").received == 1


async def test_a_name_may_be_given_later_and_is_made_unique_in_the_network() -> None:
    class Idle(Agent):
        async def run(self) -> None: ...

    one, other = Idle(), Idle()
    one.name = other.name = "idle"
    async with Network(one, other):
        pass
    assert (one.name, other.name) == ("idle", "idle-2")
    assert str(one) == "agent 'idle'"


def test_classes_are_no_parts_of_a_network() -> None:
    assert part_of(Agent) is None
    assert part_of(3) is None
