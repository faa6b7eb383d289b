"""One task of a scope."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import nullcontext
from typing import Any, TypeVar

import trio

from penstock.agents.tasks.executors import as_sent
from penstock.agents.tasks.handle import Handle
from penstock.agents.tasks.not_run import NotRun
from penstock.agents.tasks.one_error import reraise
from penstock.agents.tasks.task_state import TaskState
from penstock.blocks.base.error_info import annotate, is_cancellation

from .in_executor import call_in
from .places import Holding, holding_here

T = TypeVar("T", covariant=True)
QUEUED, RUNNING, COMPLETED = TaskState.QUEUED, TaskState.RUNNING, TaskState.COMPLETED
FAILED, CANCELLED = TaskState.FAILED, TaskState.CANCELLED
NOTHING = nullcontext()


class ScopeTask(Handle[T]):
    """A task.

    States: queued → running → completed, failed or cancelled; a queued one may be cancelled too. If that happens, its
    place may have been given to it in the same moment; it gives it back.

    Args:
        scope: The name of the scope.
        name: The name of the task.
        held: Gets the task if it fails: then its exception waits in the handle. None: it stops the scope.
        cancel_scope: What cancels this task alone. None: nothing does, because a cancel scope costs half as much as the
            task.

    Attributes:
        is_looked_at: Whether the program has seen how it has ended.
    """

    __slots__ = ("_cancel_scope", "_ended", "_held", "_now", "_scope", "_value", "is_looked_at")

    def __init__(
        self,
        scope: str,
        name: str,
        number: int,
        held: list[ScopeTask[Any]] | None,
        cancel_scope: trio.CancelScope | None,
    ) -> None:
        self.name = name
        self.task_id = number
        self._held = held
        self.is_looked_at: bool = False
        self._scope = scope
        self._now = QUEUED
        self._value: Any = None
        self._ended: trio.Event | None = None
        self._cancel_scope = cancel_scope

    @property
    def state(self) -> TaskState:
        return self._now

    def done(self) -> bool:
        return self._now is not RUNNING and self._now is not QUEUED

    @property
    def exception(self) -> BaseException | None:
        self.is_looked_at = self.is_looked_at or self.done()
        if self._now is FAILED:
            error: BaseException = self._value
            return error
        return NotRun(f"task {self.name!r} was cancelled") if self._now is CANCELLED else None

    def cancel(self) -> bool:
        if self.done():
            return False
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
            reraise(self.exception)
        result: T = self._value
        return result

    async def _wait(self) -> None:
        """Wait for the end; the place of the caller is free meanwhile."""
        if self._ended is None:
            self._ended = trio.Event()
        holding = holding_here.get()
        if holding is None:
            await self._ended.wait()
            return
        holding.begin_wait()
        try:
            await self._ended.wait()
        except BaseException:
            holding.break_off_wait()
            raise
        await holding.end_wait()

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
        if self._now is CANCELLED:
            return
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
                        sent = as_sent(executor, function, f"task {self.name!r}")
                        self._value = await call_in(executor, sent, args, kwargs)
                    self._now = COMPLETED
        except BaseException as error:
            self._fail(error)
            if self._held is None or not isinstance(error, Exception):
                raise
            self._held.append(self)
        finally:
            if not self.done():
                self._now = CANCELLED
            if holding is not None:
                holding.end()
            self._tell_end()

    def _tell_end(self) -> None:
        """Wake the tasks that wait for the end."""
        if self._ended is not None:
            self._ended.set()

    def _fail(self, error: BaseException) -> None:
        if is_cancellation(error):
            return  # of the scope
        annotate(error, f"in task {self.name!r} of scope {self._scope!r}")
        self._now = FAILED
        self._value = error
        trace = error.__traceback__
        error.__traceback__ = None if trace is None else trace.tb_next  # this frame would keep the task alive
