"""One task of a scope."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from contextlib import nullcontext
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, TypeVar

import trio

from penstock.agents.tasks.calls import CalledFor
from penstock.agents.tasks.executors import as_sent, runs_here
from penstock.agents.tasks.handle import Handle
from penstock.agents.tasks.not_run import NotRun
from penstock.agents.tasks.one_error import depth_of, reraise
from penstock.agents.tasks.task_state import TaskState
from penstock.blocks.base.error_info import annotate, is_cancellation
from penstock.blocks.base.threads import Loop, wrong_thread
from penstock.blocks.core.waiting import Waiter, WaitList

from .in_executor import call_in
from .places import Holding, holding_here
from .waits import Parking, awaited, calling, wait_at

T = TypeVar("T", covariant=True)
QUEUED, RUNNING, COMPLETED = TaskState.QUEUED, TaskState.RUNNING, TaskState.COMPLETED
FAILED, CANCELLED = TaskState.FAILED, TaskState.CANCELLED
NOTHING = nullcontext()


class ScopeTask(Handle[T], Parking):
    """A task.

    States: queued → running → completed, failed or cancelled; a queued one may be cancelled too. If that happens, its
    place may have been given to it in the same moment; it gives it back.

    Args:
        scope: The name of the scope.
        loop: The loop in which the scope runs.
        nursery: The nursery in which it will begin.
        name: The name of the task.
        held: Has the task from its failure until the program looks at it: its exception waits in the handle. None: an
            exception stops the scope.
        cancel_scope: What cancels this task alone. None: nothing does, because a cancel scope costs half as much as the
            task.

    Attributes:
        waits: The tasks that wait for its end; None if none has waited yet.
    """

    __slots__ = (
        "_cancel_scope",
        "_depth",
        "_held",
        "_loop",
        "_now",
        "_nursery",
        "_scope",
        "_task",
        "_value",
        "waits",
    )
    waits: Any  # a `WaitList`; made by the first task that waits
    _depth: int  # of the traceback of its exception

    def __init__(
        self,
        scope: str,
        loop: Loop,
        nursery: trio.Nursery,
        name: str,
        number: int,
        held: dict[ScopeTask[Any], None] | None,
        cancel_scope: trio.CancelScope | None,
    ) -> None:
        self.name = name
        self.task_id = number
        self._held = held
        self._scope = scope
        self._now = QUEUED
        self._value: Any = None
        self.waits = None
        self._loop = loop
        self._nursery: trio.Nursery | None = nursery  # until it begins
        self._task: trio.lowlevel.Task | None = None  # while it runs
        self._cancel_scope = cancel_scope

    @property
    def state(self) -> TaskState:
        return self._now

    def done(self) -> bool:
        return self._now is not RUNNING and self._now is not QUEUED

    @property
    def exception(self) -> BaseException | None:
        if self._now is FAILED:
            if self._held is not None:
                self._held.pop(self, None)  # the program has seen it
            error: BaseException = self._value
            return error
        return NotRun(f"task {self.name!r} was cancelled") if self._now is CANCELLED else None

    def cancel(self) -> bool:
        if self.done():
            return False
        if not self._loop.is_here:
            raise wrong_thread(f"cancel {self}")
        if self._cancel_scope is None:
            raise RuntimeError(
                f"task {self.name!r} of scope {self._scope!r} cannot be cancelled alone; start it with spawn(…, "
                "cancellable=True), or cancel its scope"
            )
        if self._now is QUEUED:
            self._now = CANCELLED
            self._tell_end()
        self._cancel_scope.cancel()
        return True

    def __await__(self) -> Generator[Any, Any, T]:
        return self._result().__await__()

    async def _result(self) -> T:
        if self.done():
            await trio.lowlevel.checkpoint()
        else:
            await self._wait()
        if self._now is not COMPLETED:
            reraise(self.exception, self._depth if self._now is FAILED else 0)
        result: T = self._value
        return result

    async def _wait(self) -> None:
        """Wait for the end; the place of the caller is free meanwhile."""
        if not self._loop.is_here:
            raise wrong_thread(f"await {self}")
        if self.waits is None:
            self.waits = WaitList[None]()
            if self._task is not None:
                awaited[self._task] = self
        holding = holding_here.get()
        if holding is None:
            await wait_at(self, "get the result")
            return
        holding.begin_wait()
        try:
            await wait_at(self, "get the result")
        except BaseException:
            holding.break_off_wait()
            raise
        await holding.end_wait()

    # As a place where tasks wait

    def has_begun(self) -> bool:
        return self._task is not None

    def outside_tasks(self) -> Iterable[trio.lowlevel.Task]:
        if self._task is not None:
            return (self._task,)
        if self._nursery is None:
            return ()  # it has ended
        return (task for task in self._nursery.child_tasks if getcoroutinestate(task.coro) == CORO_CREATED)

    def comes_from(self, task: trio.lowlevel.Task) -> bool:
        return task is self._task

    def tell_wait(self, who: str, whom: str) -> str:
        return f"{who} waits for {whom}"

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        return f"waits for {self}"

    def __str__(self) -> str:
        return f"task {self.name!r} of scope {self._scope!r}"

    async def run(
        self,
        executor: Executor | None,
        holding: Holding | None,
        function: Callable[..., Any],
        kwargs: dict[str, Any],
        *args: Any,
    ) -> None:
        """Run the function, when there is a place.

        Args:
            executor: Where it runs, if it is a plain function.
            holding: Takes the place; None if there is no limit.
            function: The function.
            kwargs: Its keyword arguments.
            args: Its arguments.
        """
        self._nursery = None
        if self._now is CANCELLED:
            return
        task = self._task = trio.lowlevel.current_task()
        if self.waits is not None:
            awaited[task] = self
        try:
            with self._cancel_scope or NOTHING:
                if holding_here.get() is not holding:  # that of the task that has spawned this one
                    holding_here.set(holding)
                if holding is not None:
                    await holding.take()
                if self._now is QUEUED:
                    self._now = RUNNING
                    if executor is None:
                        self._value = await function(*args, **kwargs)
                    else:
                        self._value = await self._call(executor, function, args, kwargs)
                    self._now = COMPLETED
        except BaseException as error:
            self._fail(error)
            if self._held is None or not isinstance(error, Exception):
                raise
            self._held[self] = None
        finally:
            if not self.done():
                self._now = CANCELLED
            if holding is not None:
                holding.end()
            self._task = None
            if self.waits is not None:
                awaited.pop(task, None)
                self._tell_end()

    async def _call(
        self, executor: Executor, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a plain function in the executor."""
        sent = as_sent(executor, function, f"task {self.name!r}")
        if not runs_here(executor):
            return await call_in(executor, sent, args, kwargs)
        assert self._task is not None
        calling[self._task] = None
        try:
            return await call_in(executor, CalledFor(self, self.name, sent), args, kwargs)
        finally:
            del calling[self._task]

    def node(self) -> trio.lowlevel.Task | None:
        """The task in trio."""
        return self._task

    def _tell_end(self) -> None:
        """Wake the tasks that wait for the end."""
        for waiter in self.waits or ():
            self.waits.wake(waiter)

    def _fail(self, error: BaseException) -> None:
        if is_cancellation(error):
            return  # of the scope
        annotate(error, f"in task {self.name!r} of scope {self._scope!r}")
        self._now = FAILED
        self._value = error
        trace = error.__traceback__
        error.__traceback__ = None if trace is None else trace.tb_next  # this frame would keep the task alive
        self._depth = depth_of(error)
