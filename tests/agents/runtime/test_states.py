"""Generated programs: submissions, ends, failures, cancellations and waits, against a table of the states."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from time import monotonic
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from penstock.agents import NotRun, Runtime, TaskHandle, TaskState
from penstock.blocks import Stalled
from tests.agents.runtime.gates import LONGEST

WAITING, QUEUED, RUNNING = TaskState.WAITING, TaskState.QUEUED, TaskState.RUNNING
COMPLETED, FAILED = TaskState.COMPLETED, TaskState.FAILED
CANCELLED, NOT_RUN = TaskState.CANCELLED, TaskState.NOT_RUN
MAY_FOLLOW = {
    WAITING: {QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED, NOT_RUN},
    QUEUED: {RUNNING, COMPLETED, FAILED, CANCELLED},
    RUNNING: {COMPLETED, FAILED},
    **{state: set[TaskState]() for state in (COMPLETED, FAILED, CANCELLED, NOT_RUN)},
}


class Boom(Exception):
    """What a task raises when it is told to."""


class Controlled:
    """A task that does what it is told.

    Attributes:
        begun: How often its function was called.
        awaits: The task that it waits for.
        errors: What its waits have raised.
        seen: The state in which it was seen last.
    """

    def __init__(self, number: int, inputs: list[Controlled], changed: threading.Condition) -> None:
        self.number = number
        self.inputs = inputs
        self.handle: TaskHandle[int]
        self.begun = 0
        self.awaits: Controlled | None = None
        self.errors: list[BaseException] = []
        self.seen = QUEUED
        self._changed = changed
        self._orders: SimpleQueue[Any] = SimpleQueue()
        self.is_told = False

    def work(self, *values: int) -> int:
        with self._changed:
            assert values == tuple(task.number for task in self.inputs)
            self.begun += 1
            self._changed.notify_all()
        while (order := self._orders.get(timeout=LONGEST)) is not None:
            if order is Boom:
                raise Boom(self.number)
            self._wait_for(order)
        return self.number

    def _wait_for(self, other: Controlled) -> None:
        error: BaseException | None = None
        try:
            assert other.handle.get() == other.number
        except Exception as raised:
            error = raised
        with self._changed:
            self.awaits = None
            if error is not None:
                self.errors.append(error)
            self._changed.notify_all()

    def tell(self, order: Any) -> None:
        if order is None or order is Boom:
            self.is_told = True
        else:
            self.awaits = order
        self._orders.put(order)

    @property
    def is_active(self) -> bool:
        """Whether its function runs, and waits for an order."""
        return self.begun > 0 and self.awaits is None and not self.is_told


class Machine(RuleBasedStateMachine):
    """A runtime, and what must be true of it."""

    @initialize(threads=st.sampled_from([1, 2, 8]))
    def start(self, threads: int) -> None:
        self.threads = threads
        self.runtime = Runtime(threads=threads)
        self.changed = threading.Condition()
        self.tasks: list[Controlled] = []

    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        few = st.lists(st.sampled_from(self.tasks), max_size=3) if self.tasks else st.just([])
        inputs = data.draw(few)
        task = Controlled(len(self.tasks), inputs, self.changed)
        task.handle = self.runtime.submit(task.work, *(each.handle for each in inputs))
        task.seen = task.handle.state
        self.tasks.append(task)
        self._settle()

    def active(self) -> list[Controlled]:
        return [task for task in self.tasks if task.is_active]

    @precondition(lambda self: self.active())
    @rule(data=st.data(), fails=st.booleans())
    def end(self, data: st.DataObject, fails: bool) -> None:
        task = data.draw(st.sampled_from(self.active()))
        task.tell(Boom if fails else None)
        assert task.handle.wait(LONGEST)
        assert task.handle.state is (FAILED if fails else COMPLETED)
        self._settle()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(self.tasks))
        before = task.handle.state
        assert task.handle.cancel() == (before in (WAITING, QUEUED, CANCELLED))
        self._settle()

    @precondition(lambda self: self.active())
    @rule(data=st.data())
    def wait(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(self.active()))
        task.tell(data.draw(st.sampled_from(self.tasks)))
        self._settle()

    def _settle(self) -> None:
        """Wait until nothing moves by itself any more: a task that can run runs, and a wait that can end has ended."""
        until = monotonic() + LONGEST
        with self.changed:
            while not self._is_settled():
                assert monotonic() < until, [
                    (task.number, task.handle.state, task.begun, task.awaits and task.awaits.number)
                    for task in self.tasks
                ]
                self.changed.wait(0.001)  # not all that changes tells so

    def _is_settled(self) -> bool:
        states = [task.handle.state for task in self.tasks]
        if any((state is RUNNING) != (task.begun > 0 and not task.handle.done()) for state, task in self._with(states)):
            return False
        for task in self.tasks:
            if task.awaits is not None:
                really = self._awaits(task)
                if really is None or really.handle.done() or self._needs(really, task, set()):
                    return False
        busy = len(self.active())
        return QUEUED not in states or busy >= self.threads

    def _with(self, states: list[TaskState]) -> list[tuple[TaskState, Controlled]]:
        return list(zip(states, self.tasks, strict=True))

    def _needs(self, task: Controlled, other: Controlled, seen: set[int]) -> bool:
        """Whether a task cannot end before another one."""
        if task is other:
            return True
        if task.number in seen or task.handle.done():
            return False
        seen.add(task.number)
        really = self._awaits(task)
        needs = [really] if really else task.inputs if not task.begun else []
        return any(self._needs(each, other, seen) for each in needs)

    def _awaits(self, task: Controlled) -> Controlled | None:
        """The task for which a task waits, or that runs on its stack."""
        found: TaskHandle[Any] | None = getattr(task.handle, "awaits", None)
        return None if found is None else self.tasks[found.task_id - 1]

    @invariant()
    def states_follow_the_table(self) -> None:
        for task in getattr(self, "tasks", ()):
            now = task.handle.state
            assert now is task.seen or now in MAY_FOLLOW[task.seen]
            task.seen = now
            assert task.begun == (now in (RUNNING, COMPLETED, FAILED))
            if task.begun:
                assert all(each.seen is COMPLETED or each.handle.state is COMPLETED for each in task.inputs)
            if now is NOT_RUN:
                assert any(each.handle.state in (FAILED, CANCELLED, NOT_RUN) for each in task.inputs)
            for error in task.errors:
                assert isinstance(error, Boom | NotRun | Stalled)

    @invariant()
    def accounts_are_exact(self) -> None:
        if not hasattr(self, "tasks"):
            return
        found = self.runtime.get_progress()
        states = [task.handle.state for task in self.tasks]
        assert found.total == len(states)
        for state, count in (
            (WAITING, found.waiting),
            (QUEUED, found.queued),
            (RUNNING, found.running),
            (COMPLETED, found.completed),
            (FAILED, found.failed),
            (CANCELLED, found.cancelled),
            (NOT_RUN, found.not_run),
        ):
            assert states.count(state) == count

    def teardown(self) -> None:
        if not hasattr(self, "tasks"):
            return
        while active := self.active():
            active[0].tell(None)
            assert active[0].handle.wait(LONGEST)
            self._settle()
        assert all(task.handle.done() for task in self.tasks)
        for task in self.tasks:
            del task.handle  # with its exception
        self.runtime.clear_failed()
        pool: Any = self.runtime._core.pools["compute"]
        workers = [*pool.workers.values()]
        self.runtime.shutdown()
        assert not self.runtime._core.pools["compute"].running()
        assert not any(worker.thread.is_alive() for worker in workers)


TestStates = Machine.TestCase
TestStates.settings = settings(deadline=None, stateful_step_count=40)
