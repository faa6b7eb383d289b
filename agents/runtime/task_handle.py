"""What a program has of a task in a runtime."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

from penstock.agents.tasks.handle import Handle

T = TypeVar("T", covariant=True)


class TaskHandle(Handle[T]):
    """A task of a `Runtime`: its state, and its result when it has ended. Made by `Runtime.submit`.

    As an argument of another task, also in a list, tuple or dict that is an argument, it stands for its result: the
    other task waits for it, without a worker. It can be awaited, in trio and in asyncio. Every thread may use it.
    """

    __slots__ = ()

    @abstractmethod
    def get(self, timeout: float | None = None) -> T:
        """Wait for the result, and return it.

        In another task of the runtime this never hangs, whatever the number of threads: a task that has not begun is
        run at once by the caller, and while the caller waits for one that runs elsewhere, another worker may start.

        Args:
            timeout: Wait up to this many seconds. None (default) for no limit.

        Raises:
            TimeoutError: The task has not ended in time; it goes on.
            NotRun: The task was cancelled, or not run because an input of it has no result; or this process was forked
                before the task had ended, which it does in the other process.
            ValueError: `timeout` is not a number.
            Stalled: The task waits for the caller, directly or through others.
            RuntimeError: The caller is in trio, whose loop this would hold; use `await`.
            BaseException: Whatever the function has raised.
        """

    @abstractmethod
    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; a failure is not raised. See `get`.

        Returns:
            Whether the task has ended. It is false only after `timeout` seconds.
        """

    @abstractmethod
    def cancel(self) -> bool:
        """Cancel the task if its function does not run yet; tasks that need its result are not run.

        Returns:
            Whether the task is cancelled. A function that runs cannot be stopped.
        """

    def __repr__(self) -> str:
        return f"<TaskHandle {self.name!r}, {self.state.value}>"
