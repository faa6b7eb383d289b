"""The pump: the task of a network that runs the steps of its blocks.

The pump runs steps while any block is ready, and lets other tasks run after every time slice. When no block is ready,
it asks the network whether this is the end, a standstill, or only a pause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING

import outcome
import trio

from ..base.idle_state import IdleState
from ..base.loop_held import LOOP_HELD, loop_held
from ..base.threads import Loop
from ..base.timing import SLICE, time_slice
from ..core.gate import Gate
from ..core.scheduler import Source, Steppable
from ..core.waiting import going_on, idle_tasks
from .declined_heads import DeclinedHeads

if TYPE_CHECKING:
    pass


LOOK_AGAIN = 1.0
"""Seconds after which a network checks again whether the outside task it waits for is still alive."""
LOOK_EVERY = 8
"""Rounds of steps after which the governors check again, if blocks are still ready."""
TURN = 2
"""Checkpoints after which every task that could run has run: trio does not keep to an order."""
SETTLING = 3
"""Number of checkpoints that a standstill must last; every runnable task has run by then."""


class Pump:
    """Runs the ready blocks, one step each, in the order in which they became ready.

    Attributes:
        ended_blocks: The blocks that ended, or lost a link after their end, since the last check of the network.
        heads: The heads that every target has declined.
        loop: The loop in which the network runs; None before its start and after its end.
        context: The context variables of the task that entered the network, at that moment.
        gates: The governors that have to check again when items have left.
        unmoved: After how many sleeps with a time limit the pump has looked in vain, since it went on last.
        own_task_moves: Whether a task of the network can certainly go on.
        on_slice: Called before the steps of a time slice.
        when_idle: Called when no block is ready; returns whether the call has made a block ready.
    """

    __slots__ = (
        "_current",
        "_has_warned",
        "_is_asleep",
        "_later",
        "_looks_again",
        "_ready",
        "_task",
        "_to_tell",
        "context",
        "ended_blocks",
        "gates",
        "heads",
        "loop",
        "on_slice",
        "own_task_moves",
        "unmoved",
        "when_idle",
    )

    def __init__(self) -> None:
        self._ready: deque[Steppable] = deque()
        self._later: list[Steppable] = []
        self._task: trio.lowlevel.Task | None = None
        self._is_asleep = False
        self._looks_again = False
        self._current: Steppable | None = None
        self._has_warned: set[str] = set()
        self._to_tell: list[Callable[[], None]] = []
        self.unmoved: int = 0
        self.ended_blocks: dict[Steppable, None] = {}
        self.loop: Loop | None = None
        self.context: Context = Context()
        self.gates: list[Gate] = []
        self.heads: DeclinedHeads = DeclinedHeads()
        self.own_task_moves: Callable[[], bool] = lambda: False
        self.when_idle: Callable[[], bool] = lambda: False
        self.on_slice: Callable[[], None] = lambda: None

    def add(self, block: Steppable) -> None:
        """Run the block's step soon."""
        self._ready.append(block)
        if self._is_asleep:
            self.wake()

    def add_later(self, block: Steppable) -> None:
        """Run the block's step after the tasks that can run now have run; only called in a step."""
        assert not self._is_asleep
        self._later.append(block)

    def declined(self, source: Source) -> None:
        """Note that every target has declined the head of a source."""
        if self.heads.note(source):
            self.wake()  # so that its next sleep has a time limit

    @property
    def phase(self) -> str | None:
        """The name of the block whose step runs or ran last."""
        return self._current.name if self._current is not None else None

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """The name of the block whose step a task runs, if it is the task of this pump."""
        return self.phase if self._task is task else None

    @property
    def is_busy(self) -> bool:
        """Whether a block is ready."""
        return bool(self._ready or self._later)

    @property
    def rests(self) -> bool:
        """Whether the pump sleeps: no block is ready, and it is not between two steps."""
        return self._is_asleep

    def wake(self) -> None:
        """Make the pump check whether there is work."""
        if self._is_asleep:
            self._is_asleep = False
            assert self._task is not None
            trio.lowlevel.reschedule(self._task, outcome.Value(None))

    def tell_soon(self, tell: Callable[[], None]) -> None:
        """Call a function soon, in the pump's task; an error of it is a fault of the network."""
        self._to_tell.append(tell)
        self.wake()

    def tell(self) -> None:
        """Call the functions that were given to `tell_soon`."""
        while self._to_tell:
            self._to_tell.pop(0)()

    def ended(self, block: Steppable) -> None:
        """Note that a block has ended, or that an ended block has lost a link, and check for the end of the run."""
        self.ended_blocks[block] = None
        self.wake()

    def parked(self) -> None:
        """Check for a standstill, because a task has begun to wait at a block and may have been the last to move."""
        if self._is_asleep and not (self._looks_again and going_on) and not self.own_task_moves():
            self.wake()

    async def run(
        self, classify_idle: Callable[[], IdleState], stalled: Callable[[], Exception], doubt: Callable[[], None]
    ) -> None:
        """Run until everything is done.

        Args:
            classify_idle: Classifies the state when no block is ready.
            stalled: Makes the exception for a standstill.
            doubt: Called when the network has been watched for some time and nothing has moved.
        """
        self._task = trio.lowlevel.current_task()
        while True:
            if self.heads.since:
                self.heads.look()
            if self._to_tell:
                self.tell()
            if self._ready:
                self.unmoved = 0
                self._run_slice()
                if self._ready:
                    await trio.lowlevel.checkpoint()
                    continue
            if self._later:
                for _ in range(TURN):
                    await trio.lowlevel.checkpoint()
                self._ready.extend(self._later)
                self._later.clear()
                continue
            self._look()
            if not self._ready and self.when_idle():
                continue
            state = classify_idle()
            if state is IdleState.FINISHED:
                return
            if state is IdleState.STALLED:
                state = await self._settle(classify_idle)
                if state is IdleState.STALLED:
                    raise stalled()
            if state in (IdleState.WAITING, IdleState.WATCHING) and not self._ready:
                if state is IdleState.WATCHING and self.unmoved > 1:  # another network may have to look first
                    doubt()
                if state is IdleState.WAITING and not self.heads.since:
                    await self._sleep()  # without a scope, which costs as much as some steps
                    continue
                with trio.move_on_after(LOOK_AGAIN) as scope:
                    self._looks_again = True  # so a task that goes on may say later that it waits
                    await self._sleep()
                self._looks_again = False
                self.unmoved = self.unmoved + 1 if scope.cancelled_caught else 0

    def _run_slice(self) -> None:
        """Run steps until no block is ready or the time slice has ended."""
        self.on_slice()
        ready = self._ready
        clock = time_slice.clock
        time_slice.begin()
        now = clock()
        until = time_slice.until + SLICE
        rounds = 0
        while ready:
            for _ in range(len(ready)):
                block = ready.popleft()
                block.queued = False
                self._current = block
                block.step()
                before, now = now, clock()
                if now >= until:
                    if now - before > LOOP_HELD:
                        self._report_held(block, now - before)
                    self._look()
                    return
            rounds += 1
            if not ready or not rounds % LOOK_EVERY:  # a look costs as much as a step
                self._look()

    def _report_held(self, block: Steppable, seconds: float) -> None:
        """Warn, once per block, about slow calls in its step; time that the block reports itself does not count."""
        seconds = loop_held.rest_of(seconds)
        if seconds > LOOP_HELD and block.name not in self._has_warned:
            self._has_warned.add(block.name)
            remedy = (
                "a filter, a key or a weight that it calls is slow; do slow work in the function of a block with "
                "executor=Threads(n)"
            )
            loop_held.report(block, seconds, remedy, part="a step of ")

    def _look(self) -> None:
        for gate in self.gates:
            gate.look()

    async def _settle(self, classify_idle: Callable[[], IdleState]) -> IdleState:
        for _ in range(SETTLING):
            await trio.lowlevel.checkpoint()
            state = classify_idle()
            if self._ready:
                return IdleState.WAITING
            if state is not IdleState.STALLED:
                return state
        return IdleState.STALLED

    async def _sleep(self) -> None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self._is_asleep = False
            return trio.lowlevel.Abort.SUCCEEDED

        assert self._task is not None
        self._is_asleep = True
        idle_tasks.add(self._task)
        try:
            await trio.lowlevel.wait_task_rescheduled(abort)
        finally:
            idle_tasks.discard(self._task)
