"""Objects with a `run()` loop of their own.

`Agent` is what a user derives from. It reserves one private name, `_core`; all that the library keeps is in there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import trio

from penstock.blocks import OverwriteBuffer, Shutdown, Source, Target
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.names import given_name
from penstock.blocks.core.waiting import WaitList

from .agent_core import AgentCore
from .agent_status import AgentStatus


class Agent:
    """An object with its own control flow: override `run`, name what it reads and what it feeds.

    When `run` returns, each of its outputs that no other producer feeds completes by itself; whoever reads there sees
    the end of the channel. No sentinel is sent. An exception out of `run` is a fault: it stops the network, or, in a
    plain nursery, what the nursery stops, and everyone who shares the shutdown buffers.

    Give agents to a `Network`, which starts them, or call `start(nursery)` yourself.

    Args:
        inputs: The sources that `run` reads.
        outputs: The targets that `run` feeds; the agent counts as a producer of each from now on.
        shutdown: For an agent in a plain nursery: the buffers it shares. In a network those of the network are used.
        context: Whether `run` sees, from each receive on, the context variables (`contextvars`) of who sent the item,
            and sends with them. By default it sees those of the task that has entered the network.
        name: What reports call the agent; by default its class and a number.

    Raises:
        TypeError: An input is no source or an output is no target.
    """

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

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return repr(self._core)

    async def run(self) -> None:
        """Do the agent's work; override this."""
        raise NotImplementedError(f"{type(self).__name__} must define `async def run(self)`")

    @property
    def name(self) -> str:
        """What reports call the agent; in a network with another one of that name it gets a number."""
        return self._core.name

    @name.setter
    def name(self, name: str) -> None:
        self._core.name = name

    @property
    def status(self) -> AgentStatus:
        """Where the agent is in its life; `status_buffer` tells others of each change."""
        return self._core.status

    @property
    def status_buffer(self) -> OverwriteBuffer[AgentStatus]:
        """Has the present status, and gives every change to those that are linked to it."""
        return self._core.status_buffer

    @property
    def is_done(self) -> bool:
        """Whether the agent has ended: done, canceled or faulted."""
        return self._core.is_done

    @property
    def is_cancellation_pending(self) -> bool:
        """Whether there was a fault, or the user has asked to stop, among those who share the shutdown buffers."""
        return self._core.is_cancellation_pending

    @property
    def shutdown(self) -> Shutdown | None:
        """The shutdown buffers that the agent shares: its network's, or its own; None if it has neither."""
        return self._core.shutdown

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """The task in which `run` runs, while it does."""
        return self._core.task

    async def wait(self) -> AgentStatus:
        """Wait until the agent has ended, and return how; never raises what `run` raised."""
        await wait_for_one(self)
        return self.status

    def start(self, nursery: trio.Nursery) -> None:
        """Run the agent in a nursery of your own.

        Raises:
            RuntimeError: It was started before.
        """
        self._core.start(nursery)

    def cancel(self) -> bool:
        """Cancel the agent; before it has started, `run` is never entered.

        Its outputs lose it as a producer, as if it were done. Nobody else is stopped.

        Returns:
            Whether that made a difference: False if it has ended already.
        """
        return self._core.cancel()


async def wait_for_all(*agents: Agent) -> tuple[AgentStatus, ...]:
    """Wait until every one of the agents has ended; return how, in argument order."""
    return tuple([await agent.wait() for agent in agents])


async def wait_for_one(*agents: Agent) -> int:
    """Wait until one of the agents has ended; return its place among the arguments, the first in a tie.

    Raises:
        ValueError: There are no agents.
    """
    if not agents:
        raise ValueError("wait_for_one: give at least one agent")
    check_in_trio("wait for", agents[0])
    await trio.lowlevel.checkpoint_if_cancelled()
    if not any(agent.is_done for agent in agents):
        waiting: WaitList[None] = WaitList()
        cores = [agent._core for agent in agents]
        for core in cores:
            core.watchers.append(waiting)
        try:
            await waiting.park(cores[0], "see the end of an agent", None)
        finally:
            for core in cores:
                if waiting in core.watchers:
                    core.watchers.remove(waiting)
    return next(index for index, agent in enumerate(agents) if agent.is_done)
