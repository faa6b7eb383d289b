"""What a program has of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, Generic, TypeVar

from .task_state import TaskState

T = TypeVar("T", covariant=True)


class Handle(ABC, Generic[T]):
    """A task: its state, and its result when it has ended. Made by `Scope.spawn`; a `TaskHandle` is one, too.

    `await handle` waits for the result. A task of the same scopes that waits gives back its place in their limit
    meanwhile. Only the loop of trio in which the scope runs may use its handles.

    Attributes:
        name: The name of the task in messages, by default that of its function.
        task_id: The number of the task in its scope or runtime, from 1.
    """

    __slots__ = ("name", "task_id")
    name: str
    task_id: int

    @property
    @abstractmethod
    def state(self) -> TaskState:
        """The state of the task at this moment."""

    @abstractmethod
    def done(self) -> bool:
        """Whether the task has ended, with or without a result."""

    @property
    @abstractmethod
    def exception(self) -> BaseException | None:
        """What the function has raised, or a `NotRun`; None before the end, and if there is a result."""

    @abstractmethod
    def __await__(self) -> Generator[Any, Any, T]:
        """Wait for the result; raise the exception of the task. If the wait is cancelled, the task goes on.

        If the task waits for the caller in turn, so that nothing can end the wait, it raises `Stalled`.
        """

    @abstractmethod
    def cancel(self) -> bool:
        """Cancel this task, and no other one; a task that awaits its result gets a `NotRun`.

        A task that has not begun is not run. An asynchronous function that runs is cancelled where it waits, as in
        trio, and the scope ends when it has ended. A plain function that runs cannot be stopped: the scope waits for
        it, and drops its result; an exception of it counts.

        Returns:
            Whether the task is cancelled; False if it had ended.

        Raises:
            RuntimeError: It is an asynchronous function, and was not spawned with `cancellable=True`.
        """

    def __repr__(self) -> str:
        return f"<Handle {self.name!r}, {self.state.value}>"
