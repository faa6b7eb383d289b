"""Runs a network so that Hypothesis decides what happens when, and looks after each step whether the laws hold.

Two things make a run depend on the machine: the order in which trio runs the tasks that are ready, and the clock by
which the library sizes its batches. Both are read from a `Schedule` here: a list of choices, which Hypothesis shrinks
towards "nothing is shuffled, everything takes no time", and a seed for what comes after the list. The same schedule
always gives the same run.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Generator, Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from typing import Any, cast

import attrs
import trio
import trio._core._run as trio_run
import trio.testing
from hypothesis import strategies as st

from penstock.agents import PipelineGovernor
from penstock.blocks import Network
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core.block_core import BlockCore
from penstock.blocks.core.inputs import InputsCore
from penstock.blocks.core.storing import StoringCore
from penstock.blocks.core.waiting import parked
from penstock.blocks.executors import lane, work
from penstock.blocks.functions.async_runner import AsyncRunner
from penstock.blocks.functions.executor_runner import ExecutorRunner
from penstock.blocks.functions.function_block import FunctionCore

TICKS = (1e-6, 2e-5, 3e-4, 2e-3)
"""By how many seconds the library's clock may advance from one look at it to the next."""
LONGEST = 1_000_000.0
"""Virtual seconds after which a run is taken to hang."""
MOST_STEPS = 50_000
"""Task steps, and looks at the clock, after which a run is taken to go round in circles."""


@attrs.frozen
class Schedule:
    """Every choice that a run leaves to the machine.

    Attributes:
        order: Which of the tasks that are ready runs next; 0 leaves them as they are.
        order_seed: Gives the further choices; 0 shuffles no more.
        ticks: How long things take: indices into `TICKS`.
        ticks_seed: Gives the further ones; 0 for the shortest.
    """

    order: tuple[int, ...] = ()
    order_seed: int = 0
    ticks: tuple[int, ...] = ()
    ticks_seed: int = 0


SCHEDULES = st.builds(
    Schedule,
    order=st.lists(st.integers(0, 5), max_size=20).map(tuple),
    order_seed=st.integers(0, 1000),
    ticks=st.lists(st.integers(0, len(TICKS) - 1), max_size=20).map(tuple),
    ticks_seed=st.integers(0, 1000),
)


class Tape:
    """Gives the choices of a list one by one, and then those that come of a seed."""

    def __init__(self, choices: Sequence[int], seed: int) -> None:
        self._choices = iter(choices)
        self._random = random.Random(seed) if seed else None

    def choose(self, count: int) -> int:
        """Choose one of `count`, from 0 on."""
        choice = next(self._choices, None)
        if choice is None:
            return self._random.randrange(count) if self._random is not None else 0
        return choice % count


class Shuffler:
    """Stands in for the random generator with which trio shuffles the tasks that are ready."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def shuffle(self, batch: MutableSequence[Any]) -> None:
        """Order the tasks as the tape says."""
        for last in range(len(batch) - 1, 0, -1):
            other = last - self._tape.choose(last + 1)
            batch[last], batch[other] = batch[other], batch[last]


class SteppedClock:
    """Stands in for the clock of the library: each look at it finds it advanced as the tape says."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._now = 0.0
        self._looks = 0

    def __call__(self) -> float:
        self._looks += 1
        assert self._looks < MOST_STEPS, "the run goes round in circles"
        self._now += TICKS[self._tape.choose(len(TICKS))]
        return self._now


@contextmanager
def scheduled(schedule: Schedule) -> Generator[None]:
    """Let a schedule decide what trio and the library leave to chance."""
    runner = cast(Any, trio_run)
    timed: list[Any] = [work, lane]  # executors size their hand-overs by what they take
    saved = runner._ALLOW_DETERMINISTIC_SCHEDULING, runner._r, time_slice.clock, time_slice.until
    clocks = [module.perf_counter for module in timed]
    numbers = random.getstate()
    random.seed(schedule.order_seed)  # for the jitter of further tries
    runner._ALLOW_DETERMINISTIC_SCHEDULING = True
    runner._r = Shuffler(Tape(schedule.order, schedule.order_seed))
    time_slice.clock = SteppedClock(Tape(schedule.ticks, schedule.ticks_seed))
    time_slice.until = 0.0
    for module in timed:
        module.perf_counter = time_slice.clock
    try:
        yield
    finally:
        random.setstate(numbers)
        for module, clock in zip(timed, clocks, strict=True):
            module.perf_counter = clock
        runner._ALLOW_DETERMINISTIC_SCHEDULING, runner._r, time_slice.clock, time_slice.until = saved


class Watch(trio.abc.Instrument):
    """Looks at a network after every step of every task, and acts at the step that it is told to.

    Attributes:
        network: What is watched; set it as soon as there is one.
        checks_each_step: Whether to look at the laws after each step; that takes half of the time.
        governors: Those in the network whose bound can be checked, as all items are let in one by one.
        steps: How many task steps there were.
        trace: The names of the tasks, in the order in which they were stepped.
    """

    checks_each_step = True

    def __init__(self) -> None:
        self.network: Network | None = None
        self.governors: list[PipelineGovernor] = []
        self.steps = 0
        self.trace: list[str] = []
        self._broken: str | None = None
        self._at: tuple[int, Callable[[], object]] | None = None
        self._tasks: set[trio.lowlevel.Task] = set()
        self._parked_before = set(parked)
        self._scope = trio.CancelScope()

    def at_step(self, number: int, act: Callable[[], object]) -> None:
        """Have something done before the task step with that number."""
        self._at = (number, act)

    def run(
        self, schedule: Schedule, main: Callable[[], Awaitable[None]], *, in_real_time: bool = False
    ) -> BaseException | None:
        """Run to the end, check the laws that hold for every run, and give what came out of it.

        In real time, which is for threads, a virtual second takes a millisecond, and no run is like another.
        """
        clock = trio.testing.MockClock(rate=1000.0) if in_real_time else trio.testing.MockClock(autojump_threshold=0)

        async def guarded() -> None:
            with self._scope, trio.fail_after(LONGEST):
                await main()

        raised: BaseException | None = None
        with scheduled(schedule):
            try:
                trio.run(guarded, clock=clock, instruments=[self])
            except BaseException as error:
                raised = error
        self._check_over(raised)
        return raised

    # What trio tells

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self._tasks.add(task)

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        self._tasks.remove(task)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        del task
        if self._at is not None and self.steps >= self._at[0]:
            act, self._at = self._at[1], None
            act()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
        self.trace.append(task.name)
        if self._broken is not None:
            return
        if self.steps > MOST_STEPS:
            self._broken = "the run goes round in circles"
            self._scope.cancel()
            return
        if not self.checks_each_step:
            return
        try:  # what an instrument raises, trio only logs
            self.check_now()
        except Exception as error:
            self._broken = f"after step {self.steps}, of {task.name!r}: {type(error).__name__}: {error}"

    # Laws

    def check_now(self) -> None:
        """What must be true between any two steps."""
        if self.network is not None:
            for block in self.network.blocks:
                check_block(block._core)
        for governor in self.governors:
            check_governor(governor)

    def _check_over(self, raised: BaseException | None) -> None:
        """What must be true when everything is over."""
        assert self._broken is None, self._broken
        for error in leaves(raised):
            if isinstance(error, trio.TooSlowError | trio.TrioInternalError | AssertionError | TypeError):
                raise error
        assert not self._tasks
        assert not set(parked) - self._parked_before, "somebody is still waiting"
        for governor in self.governors:
            for core in governor._core._blocks:
                take_what_is_kept(core)
            assert governor.in_flight == 0, f"slots are left over: {governor!r}"
        if self.network is not None:
            assert not self.network._run.is_open
            for block in self.network.blocks:
                check_block(block._core)
                assert block.is_finished or block._core.broken is not None, f"{block!r} is neither finished nor stopped"


def check_block(block: BlockCore) -> None:
    """No item unaccounted for, no bound exceeded."""
    balance = block.accounts()
    assert balance.difference == 0, f"{balance.difference} items of {block!r} are not accounted for: {balance}"
    assert block.difference() == 0, f"{block!r} computes another difference than that of its accounts, 0"
    assert balance.held >= 0
    for inbox in block.inboxes():
        assert len(inbox.queue) <= inbox.capacity, f"{block!r} holds more than {inbox.capacity}"
        assert inbox.credit >= 0
        assert len(inbox.queue) + inbox.credit <= inbox.capacity, f"{block!r} has given too much credit"
    for outbox in block.outboxes():
        assert 0 <= outbox.credit <= max(0, len(outbox.queue) - 1), f"{block!r} has given too large a lease"
        if outbox.credit:
            others = [*outbox.links, *outbox.receivers, *filter(None, [outbox.holder])]
            waiting = [one for inbox in block.inboxes() for one in (*inbox.senders, *inbox.postponed)]
            assert not others + waiting, f"{block!r} may not give a lease"
    if isinstance(block, InputsCore) and not getattr(cast("Any", block), "is_greedy", False):
        kept = block.outbox.kept()  # type: ignore[attr-defined]
        assert block.held() == kept <= 1, f"{block!r} has taken more than what was reserved"
    if isinstance(block, FunctionCore) and isinstance(block.runner, AsyncRunner) and block.broken is None:
        runner = block.runner
        tasks: Any = runner.tasks()
        working = len(list(tasks))
        assert working <= runner.concurrency, f"{working} calls at once in {block!r}"
        # before its last output, one item of a generator that streams may have given any number of them
        if not getattr(runner, "streams", False) and type(runner) is AsyncRunner:
            window = runner.order.started - runner.order.handed_on + len(block.outbox.queue)
            assert window <= runner.window, f"{window} items in the window of {block!r}, which is {runner.window}"
    if isinstance(block, FunctionCore) and isinstance(block.runner, ExecutorRunner) and block.broken is None:
        check_executor_runner(block.runner)


def check_executor_runner(runner: ExecutorRunner) -> None:
    """No more in the executor's hands than allowed."""
    block = runner.block
    if block.host is None:
        return
    assert runner.in_flight <= runner.lane.depth, f"{runner.in_flight} hand-overs at once in {block!r}"
    assert runner.busy + runner.waiting <= runner.order.started - runner.order.handed_on
    if runner.window is not None and not runner.task.expands:
        window = runner.order.started - runner.order.handed_on + len(block.outbox.queue)
        assert window <= runner.window, f"{window} items in the window of {block!r}, which is {runner.window}"


def take_what_is_kept(block: BlockCore) -> None:
    """Empty a buffer that has finished and keeps its messages to be read after the run."""
    if isinstance(block, StoringCore) and block.finished:
        for _ in range(len(block.outbox)):
            block.facade.receive_nowait()


def check_governor(governor: PipelineGovernor) -> None:
    """No more in flight than allowed; one item that is heavier than the limit may be there alone."""
    if governor.in_flight > governor.limit:
        assert governor._core._weight is not None, f"{governor!r}: too many in flight"
        assert governor._core._population() + governor._core._taken <= 1, f"{governor!r}: too much in flight"


def leaves(error: BaseException | None) -> Iterator[BaseException]:
    """The exceptions in a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        for part in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from leaves(part)
    elif error is not None:
        yield error
