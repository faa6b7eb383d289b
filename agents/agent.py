"""Objects with a `run()` loop of their own.

A user derives from `Agent`. It reserves one private name, `_core`, which holds everything that the library keeps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import trio

from penstock.blocks import OverwriteBuffer, Shutdown, Source, Target
from penstock.blocks.base.error_info import shorten
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.names import given_name
from penstock.blocks.core.block import Cored, inside
from penstock.blocks.core.waiting import WaitList

from .agent_core import AgentCore
from .agent_status import AgentStatus


class Agent(Cored):
    """An object with its own control flow: override `run`, and name its inputs and outputs.

    When `run` returns, each of its outputs that no other producer feeds completes by itself: its readers see the end
    of the channel. No sentinel is sent. An exception from `run` is a fault. It stops the network. In a plain nursery it
    cancels the nursery, and stops everything that shares the shutdown buffers.

    Give agents to a `Network`, which starts them, or call `start(nursery)` yourself.

    Args:
        inputs: The sources that `run` reads.
        outputs: The targets that `run` feeds; the agent counts as a producer of each from now on.
        shutdown: For an agent in a plain nursery: the shutdown buffers it shares. In a network the network's are used.
        context: Whether each receive gives `run` the context variables (`contextvars`) of the item's sender, and `run`
            sends with them. By default it has those of the task that has entered the network.
        name: The agent's name in reports; by default its class and a number.

    Raises:
        TypeError: An input is not a source or an output is not a target.
    """

    _core: AgentCore

    def __init__(
        self,
        *,
        inputs: Iterable[Source[Any]] = (),
        outputs: Iterable[Target[Any]] = (),
        shutdown: Shutdown | None = None,
        context: bool = False,
        name: str | None = None,
    ) -> None:
        self._core = AgentCore(self, given_name(type(self).__name__, name), inputs, outputs, shutdown, context)

    async def run(self) -> None:
        """Do the agent's work; override this."""
        raise NotImplementedError(f"{type(self).__name__} must define `async def run(self)`")

    @property
    def name(self) -> str:
        """The agent's name in reports; a network adds a number to it if the name is taken."""
        return self._core.name

    @name.setter
    def name(self, name: str) -> None:
        self._core.name = name

    @property
    def status(self) -> AgentStatus:
        """The agent's current status; `status_buffer` gives each change."""
        return self._core.status

    @property
    def status_buffer(self) -> OverwriteBuffer[AgentStatus]:
        """A buffer that holds the current status and sends every change to its linked targets."""
        return self._core.status_buffer

    @property
    def is_done(self) -> bool:
        """Whether the agent has ended: done, canceled or faulted."""
        return self._core.is_done

    @property
    def is_cancellation_pending(self) -> bool:
        """Whether the agent was cancelled, or its shutdown buffers hold a fault or a request to stop."""
        return self._core.is_cancellation_pending

    @property
    def shutdown(self) -> Shutdown | None:
        """The shutdown buffers that the agent uses: its network's, or its own; None if it has neither."""
        return self._core.shutdown

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """The task that runs `run`; None before it has started and after it has ended."""
        return self._core.task

    async def wait(self) -> AgentStatus:
        """Wait until the agent has ended, and return its final status. An exception of `run` is not raised here."""
        await wait_for_one(self)
        return self.status

    def start(self, nursery: trio.Nursery) -> None:
        """Run the agent in a nursery of your own.

        Raises:
            RuntimeError: The agent was started before.
        """
        self._core.start(nursery)

    def cancel(self) -> bool:
        """Cancel the agent; if it has not started yet, `run` is never entered.

        Its outputs lose it as a producer, as if it were done. Nothing else is stopped.

        Returns:
            False if the agent has ended already, else True.
        """
        return self._core.cancel()

    # Pausing

    async def pause(self) -> None:
        """Let the agent take nothing new, and wait until it is at rest. A second call only waits.

        A receive of the agent waits until `resume`, also in tasks that `run` has started; an agent without inputs is
        held where it sends as well. A `receive_nowait` finds nothing. If `run` does neither, let it call `wait_active`.
        An agent that has not begun yet does not begin.

        The agent is at rest if its tasks are held, or wait for anything else in this library: an agent that waits for
        room to send goes on when there is room, up to its next receive.

        Raises:
            RuntimeError: It was called in another thread.
        """
        self._core.hold()
        await self._core.until_at_rest()

    def resume(self) -> None:
        """Go on after a pause; does nothing if there is none.

        Raises:
            RuntimeError: It was called in another thread.
        """
        self._core.go_on()

    @property
    def is_paused(self) -> bool:
        """Whether the agent takes nothing new, because of `pause`."""
        return self._core.paused is not None

    async def wait_active(self) -> None:
        """Wait while the agent is paused; for a `run` that works without receiving or sending."""
        await self._core.wait_active()

    @property
    def should_terminate(self) -> bool:
        """Whether an agent that makes its messages itself should end.

        It is True when the agent is cancelled, when the body of its network has ended, and after `Network.terminate`.
        An agent that reads needs no such check: its `async for` loop ends when everything has come.
        """
        return self._core.should_terminate


def check_agents(who: str, agents: Iterable[object]) -> None:
    """Raise a `TypeError` if something is not an agent: a list of agents, for example."""
    for agent in agents:
        if not isinstance(agent, Agent):
            raise TypeError(f"{who}: needs agents, one by one, got {shorten(agent)}; for a list, write {who}(*agents)")


async def wait_for_all(*agents: Agent) -> tuple[AgentStatus, ...]:
    """Wait until all the agents have ended; return their final statuses, in argument order.

    Raises:
        TypeError: Something else than agents is given.
    """
    check_agents("wait_for_all", agents)
    return tuple([await agent.wait() for agent in agents])


async def wait_for_one(*agents: Agent) -> int:
    """Wait until one of the agents has ended; return its index among the arguments, the lowest in a tie.

    Raises:
        ValueError: No agents are given.
        TypeError: Something else than agents is given.
    """
    check_agents("wait_for_one", agents)
    if not agents:
        raise ValueError("wait_for_one: give at least one agent")
    check_in_trio("wait for", agents[0])
    await trio.lowlevel.checkpoint_if_cancelled()
    if not any(agent.is_done for agent in agents):
        waiting: WaitList[None] = WaitList()
        cores: list[AgentCore] = [inside(agent) for agent in agents]
        for core in cores:
            core.watchers.append(waiting)
        try:
            await waiting.park(cores[0], "see the end of an agent", None)
        finally:
            for core in cores:
                if waiting in core.watchers:
                    core.watchers.remove(waiting)
    return next(index for index, agent in enumerate(agents) if agent.is_done)
