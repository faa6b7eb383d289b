"""Objects with a `run()` loop of their own, and the states they go through.

Created → runnable (it was handed to a network or nursery) → started (`run` was entered) → done, canceled or faulted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import trio
from outcome import Outcome

from penstock.blocks import Block, OverwriteBuffer, Shutdown, Source, Target
from penstock.blocks.base.error_info import ErrorInfo, annotate, is_cancellation
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.names import given_name
from penstock.blocks.base.statistics import AgentStatistics
from penstock.blocks.core.inputs import Input, InputsBlock
from penstock.blocks.core.ports import Node
from penstock.blocks.core.threads import check_thread
from penstock.blocks.core.waiting import WaitList, overseers
from penstock.blocks.measuring.meter import of_task
from penstock.blocks.measuring.tally import Tally
from penstock.blocks.shutdown import tell

if TYPE_CHECKING:
    from penstock.blocks.core.ports import Host
    from penstock.blocks.core.waiting import Waiter


class AgentStatus(Enum):
    """Where an agent is in its life.

    Attributes:
        CREATED: It was made.
        RUNNABLE: It was handed to a network or nursery and will run.
        STARTED: `run` was entered.
        DONE: `run` has returned.
        CANCELED: It was cancelled, before or while it ran.
        FAULTED: `run` has raised.
    """

    CREATED = "created"
    RUNNABLE = "runnable"
    STARTED = "started"
    DONE = "done"
    CANCELED = "canceled"
    FAULTED = "faulted"

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return not TRANSITIONS[self]


class Event(Enum):
    """What can happen to an agent."""

    SCHEDULE = "schedule"
    ENTER = "enter"
    RETURN = "return"
    RAISE = "raise"
    CANCEL = "cancel"


TRANSITIONS: dict[AgentStatus, dict[Event, AgentStatus]] = {
    AgentStatus.CREATED: {Event.SCHEDULE: AgentStatus.RUNNABLE, Event.CANCEL: AgentStatus.CANCELED},
    AgentStatus.RUNNABLE: {Event.ENTER: AgentStatus.STARTED, Event.CANCEL: AgentStatus.CANCELED},
    AgentStatus.STARTED: {
        Event.RETURN: AgentStatus.DONE,
        Event.RAISE: AgentStatus.FAULTED,
        Event.CANCEL: AgentStatus.CANCELED,
    },
    AgentStatus.DONE: {},
    AgentStatus.CANCELED: {},
    AgentStatus.FAULTED: {},
}


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
        name: str | None = None,
    ) -> None:
        self.name = given_name(type(self).__name__, name)
        self._inputs = tuple(inputs)
        self._outputs = tuple(outputs)
        self._check_ends()
        self._status = AgentStatus.CREATED
        self.status_buffer: OverwriteBuffer[AgentStatus] = OverwriteBuffer(name=f"status of {self.name}")
        self.status_buffer.send_nowait(self._status)
        self.status_buffer._inbox.producers[self] = None
        self._shutdown = shutdown
        self._network: Host | None = None
        self._task: trio.lowlevel.Task | None = None
        self._scope = trio.CancelScope()
        self._watchers: list[WaitList[None]] = []
        self._tally = Tally()
        for source in self._inputs:
            source._outbox.readers.append(self)
        for target in self._outputs:
            target._inbox.producers[self] = None

    def _check_ends(self) -> None:
        for source in self._inputs:
            if not isinstance(source, Source) or not isinstance(source, Block):
                raise TypeError(f"agent {self.name!r}: inputs must be sources, got {source!r}")
        for target in self._outputs:
            can_be_sent_to = isinstance(target, (Block, Input)) and not isinstance(target, InputsBlock)
            if not isinstance(target, Target) or not can_be_sent_to:
                raise TypeError(f"agent {self.name!r}: outputs must be targets that can be sent to, got {target!r}")

    def __str__(self) -> str:
        return f"agent {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self._status.value}>"

    async def run(self) -> None:
        """Do the agent's work; override this."""
        raise NotImplementedError(f"{type(self).__name__} must define `async def run(self)`")

    # Status

    @property
    def status(self) -> AgentStatus:
        """Where the agent is in its life; `status_buffer` tells others of each change."""
        return self._status

    @property
    def is_done(self) -> bool:
        """Whether the agent has ended: done, canceled or faulted."""
        return self._status.is_final

    @property
    def is_cancellation_pending(self) -> bool:
        """Whether there was a fault, or the user has asked to stop, among those who share the shutdown buffers."""
        shutdown = self.shutdown
        return self._scope.cancel_called or (shutdown is not None and shutdown.is_cancellation_pending)

    @property
    def shutdown(self) -> Shutdown | None:
        """The shutdown buffers that the agent shares: its network's, or its own; None if it has neither."""
        return self._network.shutdown if self._network is not None else self._shutdown

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """The task in which `run` runs, while it does."""
        return self._task

    async def wait(self) -> AgentStatus:
        """Wait until the agent has ended, and return how; never raises what `run` raised."""
        await wait_for_one(self)
        return self._status

    def _apply(self, event: Event) -> None:
        self._status = TRANSITIONS[self._status][event]
        tell(self.status_buffer, self._status)
        if self._status.is_final:
            self.status_buffer.complete()
            watchers, self._watchers = self._watchers, []
            for waiting in watchers:
                for waiter in waiting:
                    waiting.wake(waiter)

    # Running

    def start(self, nursery: trio.Nursery) -> None:
        """Run the agent in a nursery of your own.

        Raises:
            RuntimeError: It was started before.
        """
        if self._status is AgentStatus.CANCELED:
            return
        if self._status is not AgentStatus.CREATED:
            raise RuntimeError(f"{self} is {self._status.value} and can be started only once; make a new one")
        self._apply(Event.SCHEDULE)
        nursery.start_soon(self._main, name=self.name)

    def cancel(self) -> bool:
        """Cancel the agent; before it has started, `run` is never entered.

        Its outputs lose it as a producer, as if it were done. Nobody else is stopped.

        Returns:
            Whether that made a difference: False if it has ended already.
        """
        if self.is_done:
            return False
        check_thread(self, "cancel")
        self._scope.cancel()
        if self._status is not AgentStatus.STARTED:
            self._end(Event.CANCEL)
        return True

    async def _main(self) -> None:
        if self.is_done:  # cancelled before it could begin
            return
        self._task = trio.lowlevel.current_task()
        if self._network is not None:
            self._network.measures.task_begins(self._task, self._tally, self.name)
        self._apply(Event.ENTER)
        how = Event.CANCEL
        if self._network is None and self._shutdown is not None:
            self._shutdown.join(self, self._scope.cancel)
            if self._shutdown.is_cancellation_pending:
                self._scope.cancel()
        try:
            with self._scope:
                await self.run()
                how = Event.RETURN
        except BaseException as error:
            if not is_cancellation(error):
                how = Event.RAISE
                further = self._report(error)
                if further:
                    raise BaseExceptionGroup(f"{self} and what was told of its fault", [error, *further]) from None
            raise
        finally:
            if self._network is not None:
                self._network.measures.task_ends(self._task, self._tally)
            self._task = None
            if self._shutdown is not None:
                self._shutdown.leave(self)
            self._end(how)

    def _report(self, error: BaseException) -> Sequence[Exception]:
        """Tell of a fault; give what those who were told have raised, if nobody else does."""
        if self._network is not None:
            self._network.fault(error, phase=self.name)
            return ()
        info = ErrorInfo.of(error, phase=self.name)
        annotate(error, info.where)
        if self._shutdown is not None and isinstance(error, Exception):
            return self._shutdown.fault(info)
        return ()

    def _end(self, how: Event) -> None:
        self._apply(how)
        for target in self._outputs:
            inbox = target._inbox
            if how is not Event.RAISE:
                inbox.producer_done(self)
            elif self._network is None and list(inbox.producers) == [self]:  # who waits there waits in vain
                inbox.block._abort(f"{self} has faulted")
        if self._network is not None:
            self._network.pump.wake()

    def output_ended(self) -> Sequence[Block]:
        """Learn that an output needs nothing more: if none of them does, be cancelled.

        Returns:
            What the agent has read, if it was cancelled.
        """
        inboxes = [target._inbox for target in self._outputs]
        if not all(inbox.closed or inbox.takes_only_links for inbox in inboxes):
            return ()
        self.cancel()
        for source in self._inputs:
            source._outbox.readers.remove(self)
        return [source._outbox.block for source in self._inputs]

    def _statistics(self) -> AgentStatistics:
        return of_task(self.name, self._status.value, self._tally, self._task)

    # The network

    def _neighbors(self) -> Iterator[Node]:
        for source in self._inputs:
            yield source._outbox.block
        for target in self._outputs:
            yield target._inbox.block
        if self.status_buffer._outbox.links or self.status_buffer._outbox.readers:
            yield self.status_buffer

    def _check_free(self, network: Host) -> None:
        if self._network is not None or self._status not in (AgentStatus.CREATED, AgentStatus.CANCELED):
            raise RuntimeError(
                f"{self} is {self._status.value} and can be started only once; make a new one for {network.name!r}"
            )

    def _join(self, network: Host) -> None:
        self._network = network

    def _start(self) -> None:
        assert self._network is not None
        self._network.pump.context.run(self.start, self._network.nursery)

    def _parked(self) -> None:
        overseers.tell()

    def _waited(self, waiter: Waiter[Any], answer: Outcome[Any]) -> None:
        """A wait for the end of an agent is neither for input nor for output."""

    def _others(self) -> Iterable[trio.lowlevel.Task]:
        return () if self._task is None else (self._task,)

    def _describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits to {waiter.doing} at {self}"


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
        for agent in agents:
            agent._watchers.append(waiting)
        try:
            await waiting.park(agents[0], "see the end of an agent", None)
        finally:
            for agent in agents:
                if waiting in agent._watchers:
                    agent._watchers.remove(waiting)
    return next(index for index, agent in enumerate(agents) if agent.is_done)
