"""One run of a network: membership, tasks, faults, start and end.

States: new → running → ending (the body has ended) → ended. The run owns the pump, the nursery of all its tasks and the
list of its members; the blocks own their items. Deadlock detection, meters, limits and displays are plugged in by the
network (see `Plugs`); this module imports none of them.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context, copy_context
from functools import partial
from typing import Any

import outcome
import trio

from ..base.error_info import Shown, annotate, not_cancelled
from ..base.errors import Stalled
from ..base.idle_state import IdleState
from ..base.log import fields, log
from ..base.network_statistics import Statistics
from ..base.threads import Loop, wrong_thread
from ..base.trio_details import is_alive, sight
from ..base.units import show
from ..core.balance import Balance
from ..core.block_core import BlockCore, core_at
from ..core.early_end import leave_early, was_left_early, was_left_unread
from ..core.inbox import Inbox
from ..core.meters import Actor
from ..core.ports import Facade, Member, Part
from ..core.threads import announce_beginning
from ..core.waiting import running_networks
from ..core.watchers import watchers
from .faults import Faults
from .members import Members
from .plugs import Measuring, Plugs
from .pump import Pump


class Run:
    """Runs blocks and agents, once.

    Args:
        facade: The public interface of the network.
        given: Blocks and agents; one of each connected set is enough.
        shutdown: The shutdown buffers.

    Attributes:
        name: The name of the network.
        facade: The public interface of the network.
        shutdown: The shutdown buffers.
        cancel_called: Whether the network was asked to stop.
        given: The nodes with which the network was made.
        members: Its blocks and agents.
        faults: Its faults.
        pump: Runs the steps of the blocks.
        nursery: The nursery of its tasks.
        is_open: Whether the network runs.
        is_stopping: Whether it is being stopped, as of the last time slice of the pump or the last request.
        has_ended: Whether the network has ended.
        body_done: Whether nothing more comes from outside: the body has ended, or `terminate` was called.
        body_task: The task that has entered the network.
        outer_deadline: The deadline of the cancel scopes around the network.
        busy_count: How many activities are under way that will continue without being woken.
        outside: The tasks outside the network that have used one of its blocks.
        measures: The counters and timers.
    """

    def __init__(self, facade: Facade, given: Sequence[Part], shutdown: Any) -> None:
        self.name: str = facade.name
        self.facade = facade
        self.shutdown = shutdown
        self.cancel_called: bool = False
        self.given = given
        self.members: Members = Members(self)
        self.faults: Faults = Faults(self)
        self.pump: Pump = Pump()
        self.nursery: trio.Nursery
        self.is_open: bool = False
        self.is_stopping: bool = False
        self.has_ended: bool = False
        self.body_done: bool = False
        self.body_task: trio.lowlevel.Task | None = None
        self.outer_deadline: float = math.inf
        self.busy_count: int = 0
        self.outside: set[trio.lowlevel.Task] = set()
        self.measures: Measuring
        self._outside_limit = 64
        self._has_left = False  # the body
        self._has_drained = False
        self._plugs: Plugs

    def plug_in(self, plugs: Plugs) -> None:
        """Set the plug-ins of this run."""
        self._plugs = plugs
        self.measures = plugs.measures
        self.pump.own_task_moves = partial(plugs.checks.own_task_moves, self)
        self.pump.when_idle = self._settle_losses
        self.pump.on_slice = self._look_if_stopping

    def __str__(self) -> str:
        return f"network {self.name!r}"

    @property
    def nodes(self) -> dict[Part, None]:
        """The blocks and agents."""
        return self.members.nodes

    @property
    def blocks(self) -> tuple[BlockCore, ...]:
        """The blocks, in the order in which they joined, without those that have left."""
        return tuple(self.members.blocks)

    @property
    def agents(self) -> Sequence[Member]:
        """The agents."""
        return self.members.agents

    @property
    def hearers(self) -> dict[BlockCore, None]:
        """The blocks that must be told about lost items."""
        return self.members.hearers

    @property
    def late_errors(self) -> list[BaseException]:
        """The errors of clean-ups and hooks, which are not raised elsewhere."""
        return self.faults.late

    # Running

    @asynccontextmanager
    async def entered(self) -> AsyncGenerator[None]:
        """Run until the body has ended and everything has drained."""
        sight.look()
        self.body_task = trio.lowlevel.current_task()
        self.outer_deadline = trio.current_effective_deadline()
        found = self.members.found(self.given)
        self._plugs.checks.refuse(self, found)
        self._plugs.recorder.prepare()
        self.members.take_in(found)
        try:
            async with trio.open_nursery() as nursery:
                self._open(nursery)
                yield
                self._has_left = True
                if not nursery.cancel_scope.cancel_called:
                    self._end_body()
                    if self._has_drained and nursery.child_tasks:
                        nursery.cancel_scope.cancel()
        except BaseException as error:
            self._close(error)
            raise
        self._close(None)
        if not self.cancel_called and not self.faults.by_others:
            for block in self.blocks:
                block.check_returned()
        if self.faults.by_others:
            first = self.shutdown.first_error
            assert first is not None
            reason = trio.BrokenResourceError(f"{self} was stopped by a fault {first.where}")
            raise ExceptionGroup(f"{self} was stopped", [reason])

    def _open(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.is_open = True
        self.pump.loop = Loop.running()
        self.pump.context = copy_context()
        announce_beginning()
        assert self.body_task is not None
        if log.isEnabledFor(logging.DEBUG):
            found = fields("network_starts", network=self.name)
            log.debug("%s: starts with %d blocks and agents", self, len(self.nodes), extra=found)
        self.measures.begin(self.body_task)
        self._plugs.recorder.begin()
        self.members.begin(self.nodes)
        nursery.start_soon(self._drive, name=f"pump of {self.name}")
        self._plugs.limits.start(nursery)
        self._plugs.checks.watch(self)
        self._plugs.progress.start()
        self.shutdown.join(self, self._stop)
        running_networks.pumps[self] = self.pump.parked
        for watcher in watchers.now:
            watcher.begins(self)
        if self.shutdown.is_cancellation_pending:
            self._stop()
        elif self.cancel_called:
            self.cancel()

    async def _drive(self) -> None:
        try:
            await self.pump.run(self._classify_idle, self._stall, self._plugs.doubt)
        except BaseException as raised:
            error = not_cancelled(raised) or raised
            if isinstance(error, Exception) and not isinstance(error, Stalled):
                self.fault(error, phase=self.pump.phase or self.name)  # from a filter, for example; not recorded twice
            if error is not raised:
                raise error from raised
            raise
        self._has_drained = True
        if self._has_left and len(self.nursery.child_tasks) > 1:  # to cancel costs as much as some networks
            self.nursery.cancel_scope.cancel()  # only timers that nothing waits for are left

    def end_shutdown_buffers(self) -> None:
        """Complete the shutdown buffers that are linked into this network, because no more faults can come."""
        for buffer in self.shutdown.buffers():
            if buffer.network is self.facade:
                buffer.complete()

    def _end_body(self) -> None:
        self._let_leave()
        self.body_done = True
        self.measures.body.end()
        left = [block for block in self.blocks if was_left_early(block, self.body_task)]
        for block in self.blocks:
            block.body_ended()
        for block in left:
            leave_early(block)
        self.pump.wake()

    def _close(self, error: BaseException | None) -> None:
        """Release the blocks, and check that every item is accounted for."""
        self.is_open = self.is_stopping = False
        self.has_ended = True
        self.measures.end()
        if log.isEnabledFor(logging.DEBUG):
            seconds = self.measures.seconds()
            found = fields("network_ended", network=self.name, seconds=seconds, error=error)
            log.debug("%s: ended after %s, error: %s", self, show(seconds), Shown(error), extra=found)
        self.outside.clear()
        self.shutdown.leave(self)
        self.pump.loop = None
        running_networks.pumps.pop(self, None)
        self._plugs.limits.end()
        self._watch_no_more()
        self.discard()
        for block in self.blocks:
            block.leave()
        self._plugs.recorder.finish()
        self._plugs.progress.end("cancelled" if self.cancel_called else "done" if error is None else "stopped")
        for gate in self.pump.gates:
            gate.network_ended("its network was stopped" if error is not None else "its network has ended")
        self._plugs.checks.watch_adrift(self)
        for watcher in watchers.now:
            watcher.ends(self, self.faults.outcome(error, self.cancel_called), error)
        self._prove(error)

    def discard(self) -> None:
        """Discard and count the items of all blocks that have not finished."""
        for block in self.blocks:
            try:
                if not block.finished:
                    block.abort("its network was stopped")
            except BaseException as raised:  # from a generator's clean-up, for example; the other blocks must end too
                self.fault(raised, phase=block.name)
                self.faults.late.append(raised)

    def _watch_no_more(self) -> None:
        self._plugs.checks.watch_no_more(self)
        try:
            self.pump.tell()
        except Exception as raised:  # warnings are errors
            self.fault(raised, phase=self.name)
            self.faults.late.append(raised)

    def _prove(self, error: BaseException | None) -> None:
        """Raise if an item is not accounted for, or if there are late errors."""
        if any(block.difference() for block in self.blocks) or any(
            accounts.difference for accounts in self.measures.departed_balance()
        ):
            message = f"the accounts do not add up; please report this as an error in Penstock:\n{self.balance()}"
            if error is None:
                raise AssertionError(message)
            if isinstance(error, Exception):  # not for Ctrl-C, which can come between any two steps
                annotate(error, message)
        self.faults.raise_late(error)

    # Stopping

    def cancel(self) -> None:
        """Stop at once: cancel the tasks, and discard and count the held items."""
        if self.has_ended:
            return
        if self.pump.loop is not None and not self.pump.loop.is_here:
            raise wrong_thread(f"cancel {self}")
        self.cancel_called = True
        if self.is_open:
            self.is_stopping = True
            self.nursery.cancel_scope.cancel()

    def take_no_more(self) -> None:
        """Take nothing more from outside, as after the end of the body; sources read no further."""
        self.body_done = True
        for block in self.blocks:
            try:
                block.stop_reading()
            except Exception as raised:  # from a generator's clean-up; the other sources must stop too
                self.fault(raised, phase=block.name)
                self.pump.tell_soon(outcome.Error(raised).unwrap)
            block.body_ended()
        self.pump.wake()

    async def pause(self) -> None:
        """Hold all blocks and agents that start work of their own, and wait until nothing is in work."""
        self.members.hold()
        for node in tuple(self.nodes):
            await node.until_at_rest()

    def resume(self) -> None:
        """Let all blocks and agents go on."""
        self.members.go_on()

    @property
    def is_paused(self) -> bool:
        """Whether a block or an agent is paused."""
        return any(node.paused is not None for node in self.nodes)

    def withdraw(self) -> None:
        """Let every send and receive of the blocks go through the accounts again."""
        for block in self.blocks:
            block.withdraw()

    def _stop(self) -> None:
        if not self.shutdown.is_shutdown_pending:
            self.cancel_called = True
        elif not self.faults:
            self.faults.by_others = True
        self.is_stopping = True
        self.nursery.cancel_scope.cancel()

    def fault(self, error: BaseException, *, phase: str, item: object = None, number: int | None = None) -> None:
        """Record a fault, once; the caller raises it."""
        self.faults.add(error, phase, item, number)

    def raise_at_end(self, error: BaseException) -> None:
        """Raise an error when the network ends, unless it comes out of it anyway."""
        self.faults.late.append(error)

    # Membership

    def adopt(self, *nodes: Part) -> None:
        """Make blocks and agents, and everything linked to them, part of the running network."""
        if self._has_drained:
            raise RuntimeError(f"{self} was terminated and has drained; it takes no more blocks and agents")
        self._let_leave()
        new = self.members.found(nodes)
        self.members.take_in(new)
        self.members.begin(new, is_late=True)
        announce_beginning()

    def _let_leave(self) -> None:
        ended, self.pump.ended_blocks = self.pump.ended_blocks, {}
        if not self.body_done:
            self.pump.ended_blocks.update(dict.fromkeys(self.members.let_leave(ended, self.measures.departs)))

    def entry_appeared(self, inbox: Inbox[Any]) -> None:
        """Close a target that has lost its last producer because a link was removed, if the body has ended."""
        if self.body_done and not core_at(inbox).stays_open:
            inbox.close()

    # Time

    @contextmanager
    def busy(self) -> Generator[None]:
        """A context in which an activity is under way that will continue without being woken."""
        self.busy_count += 1
        try:
            yield
        finally:
            self.busy_count -= 1
            self.pump.wake()

    def spawn(
        self,
        work: Callable[..., Awaitable[None]],
        *args: object,
        name: str,
        phase: str,
        is_awake: bool = False,
        context: Context | None = None,
    ) -> None:
        """Run a task that works for a block; until it has begun, it counts as busy.

        A task with `is_awake` also counts as busy after that, whenever it does not wait in this library. The task has
        the context variables of the network, or those of `context`.
        """

        async def begin() -> None:
            self.busy_count -= 1
            self.pump.wake()  # the pump may sleep only because this task counted as busy
            try:
                with self.measures.awake.member(is_awake):
                    await work(*args)
            except BaseException as raised:  # from the block's function (then it is known), or from a filter downstream
                error = not_cancelled(raised) or raised
                if isinstance(error, Exception):
                    self.fault(error, phase=phase)
                if error is not raised:
                    raise error from raised
                raise

        self.busy_count += 1
        if context is None:
            context = self.pump.context  # not the context of the task that happens to send
        context.run(partial(self.nursery.start_soon, begin, name=name))

    def after(self, seconds: float, callback: Callable[[], None]) -> trio.CancelScope:
        """Call a function after a time, unless the returned scope is cancelled; until then there is no standstill."""
        scope = trio.CancelScope()

        async def wait() -> None:
            with scope, self.busy():
                await trio.sleep(seconds)
                callback()

        self.spawn(wait, name=f"{self.name} timer", phase=self.name)
        return scope

    # State

    @property
    def is_being_stopped(self) -> bool:
        """Whether the network runs and is being stopped, by a fault or by `cancel`."""
        return self.is_open and self.nursery.cancel_scope.cancel_called

    def _look_if_stopping(self) -> None:
        self.is_stopping = self.is_being_stopped

    def balance(self) -> Balance:
        """Return the accounts: what happened to every item that each block accepted."""
        rows = (*(block.accounts() for block in self.blocks), *self.measures.departed_balance())
        return Balance(rows, self.has_ended)

    def statistics(self) -> Statistics:
        """The statistics of every block, agent and governor so far."""
        return self.measures.statistics()

    def current_actor(self, block: object) -> Actor | None:
        """Remember the task that uses one of our blocks; return its meter if it is an agent or the body, else None."""
        if not self.is_open:
            return None
        try:
            task = trio.lowlevel.current_task()
        except RuntimeError:  # a callback of a host loop, in trio's guest mode, or another thread
            self._check_thread(block)
            return None
        user = self.measures.uses_block(task)
        if user is None and task.parent_nursery is not self.nursery and task not in self.outside:
            self._check_thread(block)  # the task may belong to another loop
            self.outside.add(task)
            if len(self.outside) > self._outside_limit:
                self.outside = {task for task in self.outside if is_alive(task)}
                self._outside_limit = 2 * len(self.outside) + 64
        return user or self.measures.stranger

    def _check_thread(self, block: object) -> None:
        loop = self.pump.loop
        if loop is not None and not loop.is_here:
            raise wrong_thread(f"use {block} of {self}")

    # Termination and standstill

    def _settle_losses(self, is_certain: bool = False) -> bool:
        """Make blocks stop waiting for lost items that cannot come any more; return whether any block goes on."""
        return bool(self.hearers) and sum(block.settle_losses(is_certain) for block in tuple(self.hearers)) > 0

    def _classify_idle(self) -> IdleState:
        if self.pump.ended_blocks:
            self._let_leave()
        state = self._plugs.checks.classify_idle(self)
        if state is not IdleState.STALLED:
            return state
        return IdleState.WAITING if self._settle_losses(is_certain=True) or self._leave_unread() else state

    def _leave_unread(self) -> bool:
        """Discard messages of blocks that the body has read only in part; return whether there were such blocks."""
        unread = [block for block in self.blocks if was_left_unread(block)] if self.body_done else ()
        for block in unread:
            leave_early(block)
        return bool(unread)

    def _stall(self) -> Stalled:
        diagnosis = self._plugs.checks.diagnose(self)
        what = f"nothing in {self} can move any more, although items are held or a task waits"
        return Stalled(what, str(diagnosis), diagnosis)
