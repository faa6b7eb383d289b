"""Calls of functions that wait, in threads, for tasks of trio: with `trio.from_thread.run`, or in a loop of their own.

Trio gives such tasks the context variables of the thread. So the call for which they run is found in their contexts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol

import trio

from penstock.blocks.base.trio_details import ENTRY_TASK
from penstock.blocks.core.waiting import idle_tasks


class Caller(Protocol):
    """What calls functions in a thread."""

    def node(self) -> object:
        """The task whose function it calls now."""
        ...


class Elsewhere(ABC):
    """A task that does not run in trio."""

    __slots__ = ()

    @abstractmethod
    def needs(self) -> Iterable[Any]:
        """The tasks without which it does not end, as far as that is known."""

    @abstractmethod
    def goes_on(self) -> bool:
        """Whether it may go on, although the tasks that it needs cannot."""


caller_here: ContextVar[Caller | None] = ContextVar("penstock_caller", default=None)
"""What calls the function in which the code runs."""


class CalledFor:
    """A function that is called, in a thread, for a task.

    Args:
        caller: The task.
        name: The name of the function.
        function: The function.
    """

    def __init__(self, caller: Caller, name: str, function: Callable[..., Any]) -> None:
        self._caller = caller
        self._function = function
        self.__qualname__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = caller_here.set(self._caller)
        try:
            return self._function(*args, **kwargs)
        finally:
            caller_here.reset(token)


def is_called(task: trio.lowlevel.Task) -> bool:
    """Whether a task runs for a call that waits for it in a thread."""
    while task.parent_nursery is not None and task.parent_nursery.parent_task.parent_nursery is not None:
        task = task.parent_nursery.parent_task
    return task.context.get(caller_here) is not None


def called_by(node: object) -> Iterator[trio.lowlevel.Task]:
    """The tasks of this loop for which the call of a task waits."""
    root = trio.lowlevel.current_root_task()
    for nursery in () if root is None else root.child_nurseries:
        for task in nursery.child_tasks:
            caller = task.context.get(caller_here)
            if caller is not None and caller.node() is node and task not in idle_tasks and task.name != ENTRY_TASK:
                yield task
