"""Asynchronous tasks with handles, a limit, and an executor for plain functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from heapq import nsmallest
from inspect import CO_COROUTINE
from types import FunctionType, TracebackType
from typing import Any, TypeVar, overload

import trio

from penstock.agents.tasks.executors import check_executor
from penstock.agents.tasks.handle import Handle
from penstock.agents.tasks.names import task_name
from penstock.blocks.base.callables import is_async
from penstock.blocks.base.checks import check_count
from penstock.blocks.base.error_info import annotate
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.names import given_name
from penstock.blocks.base.threads import Loop, wrong_thread

from .places import Holding, Places, holding_here
from .scope_task import ScopeTask

R = TypeVar("R")
NAMED = 10
"""How many names of failed tasks a message has."""


class Scope:
    """Runs tasks in trio, and ends when all of them have ended: a nursery whose tasks have names, results and a limit.

    Use it as `async with Scope() as scope`. The first exception of a task cancels the others and comes out, in an
    `ExceptionGroup`, with a note that names the task. If the body raises, all tasks are cancelled. For a time limit,
    put it into one of trio's cancel scopes.

    Args:
        limit: Up to this many tasks of this scope, and of those that `child` makes in it, run at once, >= 1. A task
            that waits, for a handle of these scopes or for the end of its child scope, does not count meanwhile, so
            files and their parts can share a limit. Tasks of inner scopes go first. None (default) for no limit.
        executor: Where plain functions run, such as `Threads(4)`.
        name: Its name in messages; by default its class and a number.

    Raises:
        ValueError: `limit` is less than 1.
        TypeError: `executor` is not an executor.

    Examples:
        >>> async def main() -> None:
        ...     async with Scope(limit=8) as scope:
        ...         handle = scope.spawn(download, "a.txt")
        ...         print(await handle)
    """

    def __init__(self, limit: int | None = None, executor: Executor | None = None, *, name: str | None = None) -> None:
        self.name: str = given_name("Scope", name)
        who = f"Scope {self.name!r}"
        if limit is not None:
            check_count(who, "limit", limit)
        check_executor(who, executor)
        self._places = None if limit is None else Places(limit, self.name)
        self._executor = executor
        self._depth = 0
        self._count = 0
        self._held: dict[ScopeTask[Any], None] = {}  # those that have failed, and at which nothing has looked
        self._manager: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._nursery: trio.Nursery | None = None
        self._loop: Loop | None = None

    def child(self, name: str | None = None) -> Scope:
        """Return a scope within this one, with its limit and its executor; use it in a task of this scope.

        Args:
            name: Its name in messages.
        """
        scope = Scope(None, self._executor, name=name)
        scope._places = self._places
        scope._depth = self._depth + 1
        return scope

    @overload
    def spawn(
        self,
        function: Callable[..., Awaitable[R]],
        /,
        *args: Any,
        name: str | None = None,
        hold: bool = False,
        cancellable: bool = False,
        **kwargs: Any,
    ) -> Handle[R]: ...
    @overload
    def spawn(
        self,
        function: Callable[..., R],
        /,
        *args: Any,
        name: str | None = None,
        hold: bool = False,
        cancellable: bool = False,
        **kwargs: Any,
    ) -> Handle[R]: ...
    def spawn(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        name: str | None = None,
        hold: bool = False,
        cancellable: bool = False,
        **kwargs: Any,
    ) -> Handle[Any]:
        """Start a task.

        Args:
            function: An asynchronous function; or a plain one, which runs in the executor.
            args: Its arguments.
            name: The name of the task; by default that of the function.
            hold: Whether an exception waits in the handle for the task that awaits it, instead of stopping the scope.
                An exception that nothing has looked at is raised at the end of the scope.
            kwargs: Its keyword arguments.

        Raises:
            TypeError: It cannot be called; or it is a plain function, and the scope has no executor.
            RuntimeError: The scope is not entered, or has ended; or the caller is in another thread.
        """
        if self._nursery is None or self._loop is None:
            raise RuntimeError(f"Scope {self.name!r}: spawn() works inside of its `async with` block only")
        if not self._loop.is_here:
            raise wrong_thread(f"Scope {self.name!r}: spawn {function!r}")
        label = name or task_name("Scope.spawn", function)
        executor = None if runs_later(function) else self._executor_for(label)
        self._count += 1
        cancel_scope = None if executor is None and not cancellable else trio.CancelScope()
        task: ScopeTask[Any] = ScopeTask(
            self.name, self._loop, self._nursery, label, self._count, self._held if hold else None, cancel_scope
        )
        holding = None if self._places is None else Holding(self._places, self._depth)
        self._nursery.start_soon(task.run, executor, holding, function, kwargs, *args, name=label)
        return task

    def _executor_for(self, label: str) -> Executor:
        if self._executor is None:
            raise TypeError(
                f"Scope {self.name!r}: {label!r} is a plain function, which would hold the loop; give the scope an "
                "executor, such as executor=Threads(4)"
            )
        return self._executor

    def cancel(self) -> None:
        """Cancel all tasks and the body of the scope.

        Raises:
            RuntimeError: The caller is in another thread.
        """
        if self._nursery is not None and self._loop is not None:
            if not self._loop.is_here:
                raise wrong_thread(f"cancel Scope {self.name!r}")
            self._nursery.cancel_scope.cancel()

    async def __aenter__(self) -> Scope:
        check_in_trio("enter", f"Scope {self.name!r}")
        if self._manager is not None:
            raise RuntimeError(f"Scope {self.name!r} was entered already; make another one")
        self._loop = Loop.running()
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._manager is not None
        holding = holding_here.get()
        if holding is not None and holding.places is not self._places:
            holding = None
        if holding is not None:
            holding.begin_wait()
        try:
            is_over = await self._manager.__aexit__(kind, value, trace)
        except BaseException as error:
            if holding is not None:
                holding.break_off_wait()
            if self._held:
                annotate(error, self._told())
            raise
        finally:
            self._nursery = None
        if holding is not None:
            await holding.end_wait()
        if self._held:
            told, tasks = self._told(), sorted(self._held, key=lambda task: task.task_id)
            raise BaseExceptionGroup(told, [task.exception for task in tasks if task.exception])
        return is_over

    def _told(self) -> str:
        """Name the tasks whose exceptions wait in handles at which nothing has looked."""
        tasks = nsmallest(NAMED, self._held, key=lambda task: task.task_id)
        names = ", ".join(repr(task.name) for task in tasks)
        others = len(self._held) - len(tasks)
        more = f" and {others} others" if others else ""
        return f"tasks of scope {self.name!r} have failed, and nothing has looked at them: {names}{more}"

    def __repr__(self) -> str:
        return f"<Scope {self.name!r}, {self._count} tasks started>"


def runs_later(function: Any) -> bool:
    """Whether a function is asynchronous."""
    if type(function) is FunctionType and function.__code__.co_flags & CO_COROUTINE:
        return True  # the same, sooner
    return callable(function) and is_async(function)
