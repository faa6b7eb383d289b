"""The `async with` block in which blocks and agents run together: start, finish, fail, balance, stalled.

States: new → running → ending (the body has ended) → ended. The network owns the pump, the nursery of all its tasks,
and the verdict on a standstill; the blocks own their items.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context, copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast

import trio

from .base.checks import check_kind
from .base.cpus import usable_cpus
from .base.error_info import ErrorInfo, Shown, annotate
from .base.errors import Stalled
from .base.in_trio import check_in_trio
from .base.log import log
from .base.names import BODY, given_name
from .base.statistics import LEFT, AgentStatistics, Statistics
from .base.threads import Loop, wrong_thread
from .base.trio_details import is_alive, sight
from .base.units import show
from .base.verdict import Verdict
from .core.balance import Balance
from .core.block import Block, Node
from .core.early_end import leave_early, was_left_early, was_left_unread
from .core.inbox import Inbox
from .core.threads import announce_beginning
from .core.unique_names import UniqueNames
from .core.waiting import overseers
from .engine.pump import Pump
from .limits.limits import Limits
from .limits.time_limit import TimeLimit
from .liveness.adrift import watch_adrift
from .liveness.diagnosis import diagnose
from .liveness.doubts import Doubts
from .liveness.graph_check import check_graph, refuse_what_must_stall
from .liveness.standstill import judge, somebody_moves
from .measuring.measures import Measures
from .measuring.meter import of_block, take_statistics
from .measuring.tally import Tally
from .recording.recording import Recording
from .reports.progress import Progress
from .reports.report import Report, make_report
from .reports.suggest import Suggestion, measured, suggest
from .shutdown import Shutdown

if TYPE_CHECKING:
    import rich.console


class Member(Node, Protocol):
    """An agent, as the network sees it."""

    @property
    def is_done(self) -> bool:
        """Whether it has ended, in whatever way."""
        ...

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """Where it runs, while it does."""
        ...

    def _statistics(self) -> AgentStatistics:
        """What it has done so far, in numbers."""
        ...


class Network:
    """Runs blocks and agents: entering starts them, leaving completes them and waits until they have drained.

    Entering starts what is given and everything that is linked to it; a block that is linked to a running one joins.
    When the body ends, targets without a producer complete, everything drains, and the accounts are checked. When the
    body raises, or a block or agent faults, all is cancelled, and the exceptions come out in an `ExceptionGroup`; each
    fault carries a note with the block, the item and its number.

    Args:
        nodes: Blocks and agents; one of each connected set is enough.
        shutdown: Shared by all that must stop together; by default the network has its own.
        name: What reports call the network.
        time_limit: What to do when the whole run takes too long: a `TimeLimit`, or the seconds after which the network
            fails; trio's clock.
        progress_limit: The same for a stretch in which no item has moved: into a block, out of one, or to its end
            there. It may be noticed a tenth late. To wait for input from outside is no progress, nor is one long call,
            wherever it runs.
        watchdog: Seconds of real time for which the event loop may be blocked before a thread beside it logs where; at
            most a quarter later. None, the default, for no such thread.
        recording: Where to write who does what with which item from when to when; None, the default, for nowhere.
        progress: Whether to show, while it runs, how far the stages are: on a terminal as lines that are drawn anew
            five times a second, else as a line of text every five seconds, both on the standard error output. A rich
            `Console` shows it there.

    Raises:
        ExceptionGroup: On leaving: the faults, in the order in which they happened.
        TimeLimitExceeded: On leaving, in a group: a limit was exceeded.
        ValueError: A limit is out of its range.
        Stalled: On leaving, in a group: nothing could move any more, and yet items were held or somebody waited.
        RuntimeError: On entering: the network, or a block in it, has already run, or trio does not run here.
        ValueError: On entering, before anything has started: the graph must stall, see `check`.
    """

    def __init__(
        self,
        *nodes: Node,
        shutdown: Shutdown | None = None,
        name: str | None = None,
        time_limit: TimeLimit | float | None = None,
        progress_limit: TimeLimit | float | None = None,
        watchdog: float | None = None,
        recording: Recording | None = None,
        progress: rich.console.Console | bool = False,
    ) -> None:
        self.name = given_name("Network", name)
        for node in nodes:
            if not hasattr(node, "_neighbors") or isinstance(node, type):
                raise TypeError(f"network {self.name!r}: needs blocks and agents, got {node!r}")
        check_kind(f"network {self.name!r}", "shutdown", shutdown, Shutdown)
        check_kind(f"network {self.name!r}", "recording", recording, Recording)
        self.shutdown = Shutdown(f"{self.name} shutdown") if shutdown is None else shutdown
        self.cancel_called = False
        self._limits = Limits(self, time_limit, progress_limit, watchdog)
        self.given = nodes
        self._nodes: dict[Node, None] = {}
        self._blocks: dict[Block, None] = {}
        self._late: dict[object, Block] = {}  # those that joined while it was running: they may leave, too
        self._names = UniqueNames((BODY, LEFT))
        self._agents: list[Member] = []
        self._pump = Pump()
        self._pump.somebody_moves = partial(somebody_moves, self)
        self._pump.when_idle = self._settle_losses
        self._nursery: trio.Nursery
        self._is_open = False
        self._has_ended = False
        self._hearers: dict[Block, None] = {}
        self._body_done = False
        self._body_task: trio.lowlevel.Task | None = None
        self._outer_deadline = math.inf
        self._busy_count = 0
        self._faults: list[BaseException] = []
        self._late_errors: list[BaseException] = []  # of clean-ups and of hooks; nobody else raises them
        self._stopped_by_others = False
        self._measures = Measures(self, recording)
        self._progress = Progress(self, progress)
        self._outside: set[trio.lowlevel.Task] = set()
        self._outside_limit = 64
        self._context: Any = None

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "running" if self._is_open else "new"
        return f"<Network {self.name!r} {state}, {len(self._nodes)} blocks and agents>"

    # Running

    async def __aenter__(self) -> Network:
        check_in_trio("enter", f"network {self.name!r}")
        if self._context is not None:
            raise RuntimeError(f"network {self.name!r} has already run; make a new one")
        self._context = self._run()
        await self._context.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        result: bool | None = await self._context.__aexit__(kind, value, trace)
        return result

    @asynccontextmanager
    async def _run(self) -> AsyncGenerator[None]:
        sight.look()
        self._body_task = trio.lowlevel.current_task()
        self._outer_deadline = trio.current_effective_deadline()
        refuse_what_must_stall(self)
        self._measures.prepare()
        self._adopt(*self.given)
        try:
            async with trio.open_nursery() as nursery:
                self._open(nursery)
                yield
                if not nursery.cancel_scope.cancel_called:
                    self._end_body()
        except BaseException as error:
            self._close(error)
            raise
        self._close(None)
        if self._stopped_by_others:
            first = self.shutdown.first_error
            assert first is not None
            reason = trio.BrokenResourceError(f"network {self.name!r} was stopped by a fault {first.where}")
            raise ExceptionGroup(f"network {self.name!r} was stopped", [reason])

    def _open(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._is_open = True
        self._pump.loop = Loop.running()
        self._pump.context = copy_context()
        announce_beginning()
        assert self._body_task is not None
        log.debug("network %r: starts with %d blocks and agents", self.name, len(self._nodes))
        self._measures.begin(self._body_task)
        for node in tuple(self._nodes):
            node._start()
        nursery.start_soon(self._drive, name=f"pump of {self.name}")
        self._limits.start(nursery)
        self._progress.start()
        self.shutdown.join(self, self._stop)
        overseers.pumps[self] = self._pump.parked
        if self.shutdown.is_cancellation_pending:
            self._stop()
        elif self.cancel_called:
            self.cancel()

    async def _drive(self) -> None:
        try:
            await self._pump.run(self._judge, self._stall, Doubts(self).speak_up)
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, Stalled):
                self._fault(error, phase=self._pump.phase or self.name)  # a filter, say, if it is not known already
            raise
        self._nursery.cancel_scope.cancel()  # only timers that nobody waits for are left

    def _end_shutdown_buffers(self) -> None:
        """Complete those of the shutdown buffers that are linked into this network: nobody is left who could fault."""
        for buffer in (self.shutdown.pending, self.shutdown.errors, self.shutdown.cancellation):
            if buffer._network is self:
                buffer.complete()

    def _end_body(self) -> None:
        self._let_leave()
        self._body_done = True
        self._measures.body.end()
        left = [block for block in self.blocks if was_left_early(block, self._body_task)]
        for block in self.blocks:
            block._body_ended()
        for block in left:
            leave_early(block)
        self._pump.wake()

    def _close(self, error: BaseException | None) -> None:
        """Let go of the blocks, and prove that every item is accounted for."""
        self._is_open = False
        self._has_ended = True
        self._measures.end()
        log.debug("network %r: ended after %s, error: %s", self.name, show(self._measures.life.seconds()), Shown(error))
        self._outside.clear()
        self.shutdown.leave(self)
        self._pump.loop = None
        overseers.pumps.pop(self, None)
        self._limits.end()
        for block in self.blocks:
            try:
                if not block._finished:
                    block._abort("its network was stopped")
            except BaseException as raised:  # the cleanup of a generator, say; the other blocks have to end too
                self._fault(raised, phase=block.name)
                self._late_errors.append(raised)
            block._leave()
        self._measures.finish_recording()
        self._progress.end("cancelled" if self.cancel_called else "done" if error is None else "stopped")
        for gate in self._pump.gates:
            gate.network_ended("its network was stopped" if error is not None else "its network has ended")
        watch_adrift(self)
        balance = self.balance()
        if not balance.ok:
            message = f"the accounts do not add up; please report this as an error in Penstock:\n{balance}"
            if error is None:
                raise AssertionError(message)
            if isinstance(error, Exception):  # Ctrl-C can come between any two steps, and is nobody's error
                annotate(error, message)
        if self._late_errors:
            known = [] if error is None else list(getattr(error, "exceptions", [error]))
            raise BaseExceptionGroup(f"network {self.name!r} was stopped", [*known, *self._late_errors]) from None

    # Stopping

    def cancel(self) -> None:
        """Stop this network at once: its tasks are cancelled, what it holds is discarded and counted.

        The `async with` block ends without an exception; `cancel_called` is True then. Networks that share the
        shutdown buffers go on; `shutdown.cancel()` stops them all.
        """
        if self._has_ended:
            return
        if self._pump.loop is not None and not self._pump.loop.is_here:
            raise wrong_thread(f"cancel network {self.name!r}")
        self.cancel_called = True
        if self._is_open:
            self._nursery.cancel_scope.cancel()

    def _stop(self) -> None:
        if not self.shutdown.is_shutdown_pending:
            self.cancel_called = True
        elif not self._faults:
            self._stopped_by_others = True
        self._nursery.cancel_scope.cancel()

    def _fault(self, error: BaseException, *, phase: str, item: object = None, number: int | None = None) -> None:
        """Record a fault, once; it is raised by whoever reports it."""
        if any(error is known for known in self._faults):
            return
        self._faults.append(error)
        info = ErrorInfo.of(error, phase=phase, item=item, number=number)
        annotate(error, info.where)
        log.info("network %r: fault %s: %s", self.name, info.where, Shown(error))
        if isinstance(error, Exception):
            self._late_errors.extend(self.shutdown.fault(info))

    # Membership

    def _adopt(self, *nodes: Node) -> None:
        """Let blocks and agents and everything linked to them become part of the network."""
        self._let_leave()
        new: dict[Node, None] = {}
        given = set(nodes)
        waiting = list(reversed(nodes))
        while waiting:
            node = waiting.pop()
            if node not in self._nodes and node not in new:
                if node not in given and getattr(node, "_is_left_over", False):
                    continue  # it hands on what an earlier network has left in it
                node._check_free(self)
                new[node] = None
                waiting.extend(reversed(list(node._neighbors())))
        for node in new:
            node._join(self)
            node.name = self._names.take(node.name)
            self._nodes[node] = None
            if isinstance(node, Block):
                self._blocks[node] = None
                if node.hears_losses:
                    self._hearers[node] = None
            else:
                self._agents.append(cast(Member, node))
        if self._is_open:
            self._late.update((node, node) for node in new if isinstance(node, Block))
            for node in new:
                node._start()
            announce_beginning()

    def _let_leave(self) -> None:
        """Let go of blocks that joined while the network was running, have ended, and have no links any more.

        Only their sum stays, so subscribers may come and go for ever.
        """
        ended, self._pump.ended_blocks = self._pump.ended_blocks, {}
        late = self._late
        for block in () if self._body_done else [late[block] for block in ended if block in late]:
            if block.is_at_work():
                self._pump.ended_blocks[block] = None  # a little later
            elif block.can_be_spared():
                self._measures.departed.add(block._balance(), of_block(block, self._measures.life.seconds()))
                block.part()
                self._names.release(block.name)
                del self._nodes[block], self._blocks[block], late[block]
                self._hearers.pop(block, None)

    def _entry_appeared(self, inbox: Inbox[Any]) -> None:
        """A target has lost its last producer by unlinking; after the body that is its end."""
        if self._body_done:
            inbox.close()

    # Time

    @contextmanager
    def _busy(self) -> Generator[None]:
        """While this lasts, somebody is at work who will go on by himself."""
        self._busy_count += 1
        try:
            yield
        finally:
            self._busy_count -= 1
            self._pump.wake()

    def _spawn(
        self,
        work: Callable[..., Awaitable[None]],
        *args: object,
        name: str,
        phase: str,
        is_awake: bool = False,
        context: Context | None = None,
    ) -> None:
        """Run a task that works for a block; until it has begun it counts as being at work.

        One that `is_awake` counts as being at work after that too, whenever it does not wait in this library. It sees
        the context variables of the network unless it is given others.
        """

        async def begin() -> None:
            self._busy_count -= 1
            self._pump.wake()  # it may have gone to sleep only because of this task
            try:
                with self._measures.awake.member(is_awake):
                    await work(*args)
            except Exception as error:  # of the block's function, which is known, or of a filter behind it
                self._fault(error, phase=phase)
                raise

        self._busy_count += 1
        if context is None:
            context = self._pump.context  # not that of the task which happens to send something
        context.run(partial(self._nursery.start_soon, begin, name=name))

    def _after(self, seconds: float, callback: Callable[[], None]) -> trio.CancelScope:
        """Call a function after a time, unless what is returned is cancelled; until then there is no standstill."""
        scope = trio.CancelScope()

        async def wait() -> None:
            with scope, self._busy():
                await trio.sleep(seconds)
                callback()

        self._spawn(wait, name=f"{self.name} timer", phase=self.name)
        return scope

    # Knowing

    @property
    def is_being_stopped(self) -> bool:
        """Whether it runs and is being stopped, by a fault or by `cancel`."""
        return self._is_open and self._nursery.cancel_scope.cancel_called

    def balance(self) -> Balance:
        """The accounts: what became of every item that each block accepted; anytime."""
        rows = (*(block._balance() for block in self._blocks), *self._measures.departed.balance())
        return Balance(rows, self._has_ended)

    def statistics(self) -> Statistics:
        """What every block, agent and governor has done so far, in numbers; cheap, and there at any time."""
        return take_statistics(self)

    def check(self) -> tuple[str, ...]:
        """Look for what will stall unless somebody does something about it; before the start or at any time.

        An input of a join that nothing feeds, a block from which nobody takes anything, a source whose links all have
        filters, a governor that is smaller than a batch inside it, ways that split and meet again with too little room
        on one of them: a sentence each, with what to do. The body may still be going to do that, so this is no proof,
        apart from what entering the network refuses with a `ValueError`.
        """
        return check_graph(self)

    def report(self) -> Report:
        """What the network looks like now, for people: print it."""
        return make_report(self)

    def suggest(self) -> Suggestion:
        """Say what would make a run like this one faster: the slowest stage, and which concurrency gives which time.

        Judged from what the blocks that call a function have measured so far, best when the run is over and was long
        enough to show what is usual. `str()` of it is for people.

        Raises:
            RuntimeError: Nothing was measured yet: no block has called its function.
        """
        stages = measured(self.statistics())
        if not stages:
            raise RuntimeError(f"network {self.name!r}: nothing was measured yet; run it with some items first")
        return suggest(stages, self._measures.life.seconds(), usable_cpus(), self._measures.idle.free())

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """The name of the block whose step a task runs, if it runs any."""
        return self._pump.step_of(task)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, in the order in which they joined; without those that have left while it was running."""
        return tuple(self._blocks)

    def _touch(self, block: object) -> Tally | None:
        """Remember the task that is using one of our blocks; give its measurements, if it is an agent or the body."""
        if not self._is_open:
            return None
        try:
            task = trio.lowlevel.current_task()
        except RuntimeError:  # a callback of a host loop, in trio's guest mode, or another thread
            self._check_thread(block)
            return None
        user = self._measures.uses_block(task)
        if user is None and task.parent_nursery is not self._nursery and task not in self._outside:
            self._check_thread(block)  # it may be a task of another loop
            self._outside.add(task)
            if len(self._outside) > self._outside_limit:
                self._outside = {task for task in self._outside if is_alive(task)}
                self._outside_limit = 2 * len(self._outside) + 64
        return user

    def _settle_losses(self, is_certain: bool = False) -> bool:
        """Let blocks that wait for what is lost go on, if nothing else can bring it; give whether one does."""
        return bool(self._hearers) and sum(block.settle_losses(is_certain) for block in tuple(self._hearers)) > 0

    def _check_thread(self, block: object) -> None:
        loop = self._pump.loop
        if loop is not None and not loop.is_here:
            raise wrong_thread(f"use {block} of network {self.name!r}")

    def _judge(self) -> Verdict:
        if self._pump.ended_blocks:
            self._let_leave()
        verdict = judge(self)
        if verdict is not Verdict.STALLED:
            return verdict
        return Verdict.WAITING if self._settle_losses(is_certain=True) or self._leave_unread() else verdict

    def _leave_unread(self) -> bool:
        """Discard what the body has left after it took some of it; give whether there was something."""
        unread = [block for block in self.blocks if was_left_unread(block)] if self._body_done else ()
        for block in unread:
            leave_early(block)
        return bool(unread)

    def _stall(self) -> Stalled:
        diagnosis = diagnose(self, is_stalled=True)
        what = f"network {self.name!r} can move no more, and yet items are held or somebody waits"
        return Stalled(what, str(diagnosis), diagnosis)
