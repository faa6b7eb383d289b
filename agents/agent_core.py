"""The state of an agent, its task, and its place in a network.

A user's class derives from `Agent` and may use any names, so all of this is in an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import trio

from penstock.blocks import Block, OverwriteBuffer, Shutdown, Source, Target
from penstock.blocks.base.error_info import ErrorInfo, annotate, is_cancellation, not_cancelled
from penstock.blocks.base.loop_held import REMEDY as HELD_REMEDY
from penstock.blocks.base.loop_held import Holder, loop_held
from penstock.blocks.base.statistics import AgentStatistics
from penstock.blocks.core.block import inside
from penstock.blocks.core.block_core import BlockCore, core_at, core_of
from penstock.blocks.core.contexts import Adoption, adopting, carry_on
from penstock.blocks.core.holding import GO_ON, AfterEachStep, begin_hold, end_hold, holders, is_at_work, stand_still
from penstock.blocks.core.input_port import Input
from penstock.blocks.core.inputs import InputsBlock
from penstock.blocks.core.pause import Pause
from penstock.blocks.core.ports import Part
from penstock.blocks.core.threads import check_thread
from penstock.blocks.core.waiting import WaitList, running_networks
from penstock.blocks.measuring.snapshot import of_task
from penstock.blocks.measuring.task_meter import TaskMeter
from penstock.blocks.shutdown import post

from .agent_status import TRANSITIONS, AgentStatus, Event

if TYPE_CHECKING:
    from penstock.blocks.core.inbox import Inbox
    from penstock.blocks.core.outbox import Outbox
    from penstock.blocks.core.ports import Host
    from penstock.blocks.core.waiting import Waiter


class Runs(Protocol):
    """What the core of an agent needs of it."""

    async def run(self) -> None:
        """Do the agent's work."""
        ...


class AgentCore:
    """The core of one agent, which networks and blocks use.

    Args:
        agent: The agent; its `run` is called.
        name: Its name in reports.
        inputs: The sources that it reads.
        outputs: The targets that it feeds.
        shutdown: The shutdown buffers that it uses outside a network.
        context: Whether it takes over the context variables of the items that it receives.

    Attributes:
        status: Its current status.
        status_buffer: Sends each change of the status.
        watchers: The wait lists of the tasks that wait for its end.
        paused: The pause, while it is paused.
        held: Its tasks, and others, that wait until it is resumed.
    """

    def __init__(
        self,
        agent: Runs,
        name: str,
        inputs: Iterable[Source[Any]],
        outputs: Iterable[Target[Any]],
        shutdown: Shutdown | None,
        context: bool,
    ) -> None:
        self.name = name
        self.inputs: tuple[Outbox[Any], ...] = tuple(self._check_inputs(inputs))
        self.outputs: tuple[Inbox[Any], ...] = tuple(self._check_outputs(outputs))
        self.status: AgentStatus = AgentStatus.CREATED
        self.status_buffer: OverwriteBuffer[AgentStatus] = OverwriteBuffer(name=f"status of {self.name}")
        self.status_buffer.send_nowait(self.status)
        core_of(self.status_buffer).inbox.producers[self] = None
        self.watchers: list[WaitList[None]] = []
        self._agent = agent
        self.wants_contexts = context
        self._shutdown = shutdown
        self.host: Host | None = None
        self._task: trio.lowlevel.Task | None = None
        self._scope = trio.CancelScope()
        self._meter = TaskMeter()
        self.paused: Pause | None = None
        self.held: WaitList[None] = WaitList()
        for source in self.inputs:
            source.readers.append(self)
        for target in self.outputs:
            target.producers[self] = None

    def _check_inputs(self, sources: Iterable[Source[Any]]) -> Iterator[Outbox[Any]]:
        for source in sources:
            if not isinstance(source, Source) or not isinstance(source, Block):
                raise TypeError(f"agent {self.name!r}: inputs must be sources, got {source!r}")
            yield core_of(source).outbox

    def _check_outputs(self, targets: Iterable[Target[Any]]) -> Iterator[Inbox[Any]]:
        for target in targets:
            can_be_sent_to = isinstance(target, (Block, Input)) and not isinstance(target, InputsBlock)
            if not isinstance(target, Target) or not can_be_sent_to:
                raise TypeError(f"agent {self.name!r}: outputs must be targets that can be sent to, got {target!r}")
            inbox: Inbox[Any] = inside(target).inbox
            yield inbox

    def __str__(self) -> str:
        return f"agent {self.name!r}"

    def __repr__(self) -> str:
        return f"<{type(self._agent).__name__} {self.name!r} {self.status.value}>"

    # Status

    @property
    def is_done(self) -> bool:
        """Whether the agent has ended: done, canceled or faulted."""
        return self.status.is_final

    @property
    def is_cancellation_pending(self) -> bool:
        """Whether the agent was cancelled, or its shutdown buffers hold a fault or a request to stop."""
        shutdown = self.shutdown
        return self._scope.cancel_called or (shutdown is not None and shutdown.is_cancellation_pending)

    @property
    def shutdown(self) -> Shutdown | None:
        """The shutdown buffers that the agent uses: its network's, or its own; None if it has neither."""
        return self.host.shutdown if self.host is not None else self._shutdown

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """The task that runs `run`; None before it has started and after it has ended."""
        return self._task

    def _apply(self, event: Event) -> None:
        self.status = TRANSITIONS[self.status][event]
        post(self.status_buffer, self.status)
        if self.status.is_final:
            self.status_buffer.complete()
            watchers, self.watchers = self.watchers, []
            for waiting in watchers:
                for waiter in waiting:
                    waiting.wake(waiter)

    # Running

    def start(self, nursery: trio.Nursery) -> None:
        """Run the agent in a nursery of your own.

        Raises:
            RuntimeError: The agent was started before.
        """
        if self.status is AgentStatus.CANCELED:
            return
        if self.status is not AgentStatus.CREATED:
            raise RuntimeError(f"{self} is {self.status.value} and can be started only once; make a new one")
        self._apply(Event.SCHEDULE)
        nursery.start_soon(self._main, name=self.name)

    def cancel(self) -> bool:
        """Cancel the agent; if it has not started yet, `run` is never entered.

        Its outputs lose it as a producer, as if it were done. Nothing else is stopped.

        Returns:
            False if the agent has ended already, else True.
        """
        if self.is_done:
            return False
        check_thread(self, "cancel")
        self._scope.cancel()
        if self._task is None:
            self._end(Event.CANCEL)
        return True

    async def _main(self) -> None:
        if self.is_done:  # it was cancelled before it began
            return
        self._task = trio.lowlevel.current_task()
        if self.wants_contexts:
            adopting[self._task] = Adoption()
        if self.host is not None:
            loop_held.holders[self._task] = Holder(str(self), self.name, HELD_REMEDY, type(self._agent).run)
            self.host.measures.task_begins(self._task, self._meter, self.name)
        how = Event.CANCEL
        if self.host is None and self._shutdown is not None:
            self._shutdown.join(self, self._scope.cancel)
            if self._shutdown.is_cancellation_pending:
                self._scope.cancel()
        try:
            with self._scope:
                if self.paused is not None:
                    holders[self._task] = self
                    await stand_still()
                self._apply(Event.ENTER)
                await self._agent.run()
                how = Event.RETURN
        except BaseException as raised:
            error = not_cancelled(raised) or raised
            if not is_cancellation(error):
                how = Event.RAISE
                further = self._report(error)
                if further:
                    raise BaseExceptionGroup(f"{self} and errors of its report", [error, *further]) from None
            if error is not raised:
                raise error from raised
            raise
        finally:
            if self.host is not None:
                self.host.measures.task_ends(self._task, self._meter)
            adopting.pop(self._task, None)
            self._let_go()
            self._task = None
            if self._shutdown is not None:
                self._shutdown.leave(self)
            self._end(how)

    # Pausing

    @property
    def holds_sends(self) -> bool:
        """Whether a pause also holds the agent where it sends: it reads nothing, so it makes its messages itself."""
        return not self.inputs

    def hold(self) -> None:
        """Let the agent take nothing new."""
        check_thread(self, "pause")
        if self.paused is None and not self.is_done:
            self.paused = Pause()
            if self.host is not None:
                self.host.withdraw()
            for block in (*map(core_at, self.inputs), *map(core_at, self.outputs)):
                block.withdraw()
            if self._task is not None:
                begin_hold(self, self._task)

    def go_on(self) -> None:
        """End the pause."""
        check_thread(self, "resume")
        self._let_go()

    def _let_go(self) -> None:
        pause, self.paused = self.paused, None
        if pause is not None:
            pause.is_quiet()
            end_hold(self, self._task)

    async def until_at_rest(self) -> None:
        """Wait until all tasks of the agent wait, or have ended."""
        pause, task = self.paused, self._task
        if pause is None or task is None or not is_at_work(task):
            await trio.lowlevel.checkpoint()
            return

        def look() -> None:
            if not is_at_work(task):
                pause.is_quiet()

        with AfterEachStep(look):
            await pause.waits.park(self, "pause", None)

    async def wait_active(self) -> None:
        """Wait while the agent is paused."""
        if self.paused is None:
            await trio.lowlevel.checkpoint()
        while self.paused is not None:
            await self.held.park(self, GO_ON, None)

    @property
    def should_terminate(self) -> bool:
        """Whether the agent should end: it is cancelled, or its network takes nothing more from outside."""
        return self.is_cancellation_pending or (self.host is not None and self.host.body_done)

    # The end

    def _report(self, error: BaseException) -> Sequence[Exception]:
        """Report a fault; return the exceptions of the `on_shutdown` functions, unless a network handles them."""
        if self.host is not None:
            self.host.fault(error, phase=self.name)
            return ()
        info = ErrorInfo.of(error, phase=self.name)
        annotate(error, info.where)
        if self._shutdown is not None and isinstance(error, Exception):
            return self._shutdown.fault(info)
        return ()

    def _end(self, how: Event) -> None:
        self._apply(how)
        for inbox in self.outputs:
            if how is not Event.RAISE:
                inbox.producer_done(self)
            elif self.host is None and list(inbox.producers) == [self]:  # or its waiters would wait forever
                core_at(inbox).abort(f"{self} has faulted")
        for outbox in self.inputs:
            core_at(outbox).readers_left(self)
        if self.host is not None:
            self.host.pump.wake()

    def output_ended(self) -> Sequence[BlockCore]:
        """Note that an output needs nothing more; cancel the agent if that is true of all its outputs.

        Returns:
            The blocks that the agent was reading, if it was cancelled.
        """
        if not all(inbox.closed or inbox.takes_only_links for inbox in self.outputs):
            return ()
        self.cancel()
        for outbox in self.inputs:
            outbox.readers.remove(self)
        return [core_at(outbox) for outbox in self.inputs]

    def contexts_from(self) -> Sequence[BlockCore]:
        """The blocks whose context variables the agent passes on."""
        return [core_at(outbox) for outbox in self.inputs] if self.wants_contexts else ()

    def statistics(self) -> AgentStatistics:
        status = self.status.value if self.paused is None else "paused"
        return of_task(self.name, status, self._meter, self._task)

    # The network

    def neighbors(self) -> Iterator[Part]:
        for outbox in self.inputs:
            yield core_at(outbox)
        for inbox in self.outputs:
            yield core_at(inbox)
        status = core_of(self.status_buffer)
        if status.outbox.links or status.outbox.readers:
            yield status

    def check_free(self, network: Host) -> None:
        if self.host is not None or self.status not in (AgentStatus.CREATED, AgentStatus.CANCELED):
            raise RuntimeError(
                f"{self} is {self.status.value} and can be started only once; make a new one for {network.name!r}"
            )

    def join(self, network: Host) -> None:
        self.host = network

    def begin(self) -> None:
        assert self.host is not None
        carry_on(self.contexts_from())
        self.host.pump.context.run(self.start, self.host.nursery)

    def parked(self) -> None:
        running_networks.tell()

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """Count nothing: a wait for the end of an agent is neither for input nor for output."""

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        return () if self._task is None else (self._task,)

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits to {waiter.doing} at {self}"
