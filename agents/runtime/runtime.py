"""Plain functions in the background, for programs without asynchronous code."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.agents.tasks.names import task_name
from penstock.blocks.base.checks import check_count, check_function
from penstock.blocks.base.cpus import usable_cpus
from penstock.blocks.base.names import given_name

from .as_executor import TaskExecutor
from .progress import Progress
from .runtime_core import RuntimeCore
from .submitter import Submitter, taken_by
from .task_handle import TaskHandle
from .task_options import PLAIN, options_of
from .tasks_core import ErrorCallback

if TYPE_CHECKING:
    from .display import Display

R = TypeVar("R")
COMPUTE, IO = "compute", "io"


class Runtime:
    """Runs plain functions in the background: `submit` a function, and `get` its result from the handle.

    Use it in a `with`: its end waits for all tasks. There, failures that the program has not looked at are raised, in
    an `ExceptionGroup`. A program looks at a failure with `get` or `exception` of the handle, or with `get_failed`. If
    the body raises, tasks that have not begun are cancelled. Every thread may use a runtime, and so may its tasks:
    `get` in a task never hangs.

    Handles are not kept, so results are freed with the last handle. The first 1,000 tasks that fail are kept until
    `clear_failed`; the others are counted.

    Ctrl-C in a `get` or `wait` leaves it at once. In the `with`, the tasks that run are then waited for; a second
    Ctrl-C leaves them alone.

    Args:
        threads: Up to this many tasks run at once on pool "compute", >= 1; by default the number of usable processors.
            A task that waits for others does not count.
        io_threads: The same for pool "io", whose tasks mostly wait; by default 4 more than the processors, up to 32.
        processes: The number of worker processes of pool "processes", >= 1, for functions in pure Python; by default
            the number of usable processors. They start with the first task for this pool. See `Processes`.
        executors: Other executors by the names of their pools. The runtime does not end them.
        worker_init: Called once in each thread before its first task.
        progress: Whether to show the progress on the terminal. Default: False.
        name: Its name in messages; by default its class and a number.

    Raises:
        ValueError: A number is less than 1, or an executor has the name of another pool.
        TypeError: `worker_init` cannot be called, or one of `executors` is not an executor.

    Examples:
        >>> with Runtime(threads=2) as runtime:
        ...     total = runtime.submit(sum, [1, 2, 3])
        ...     total.get()
        6
    """

    def __init__(
        self,
        threads: int | None = None,
        io_threads: int | None = None,
        *,
        processes: int | None = None,
        executors: Mapping[str, Executor] | None = None,
        worker_init: Callable[[], object] | None = None,
        progress: bool = False,
        name: str | None = None,
    ) -> None:
        self.name: str = given_name("Runtime", name)
        who = f"Runtime {self.name!r}"
        for what, number in (("threads", threads), ("io_threads", io_threads), ("processes", processes)):
            if number is not None:
                check_count(who, what, number)
        check_function(who, "worker_init", worker_init)
        sizes = {COMPUTE: threads or usable_cpus(), IO: io_threads or min(32, usable_cpus() + 4)}
        self._core = RuntimeCore(who, sizes, worker_init, processes)
        for pool, executor in (executors or {}).items():
            self._core.add(pool, executor)
        self._display = display_of(self.name, self._core) if progress else None
        weakref.finalize(self, self._core.abandon).atexit = False

    def submit(
        self, function: Callable[..., R], /, *args: Any, name: str | None = None, on: str = COMPUTE, **kwargs: Any
    ) -> TaskHandle[R]:
        """Run a function in the background.

        A handle among the arguments, also in a list, tuple or dict, stands for its result: the function runs when all
        of them have ended. If one of them has no result, the function is not run. It sees the context variables of the
        caller.

        Args:
            function: A plain function; an asynchronous one fails. For a pool of processes it must be importable there.
            args: Its arguments.
            name: The name of the task; by default that of the function, such as "Pipeline.run" or "<lambda>".
            on: The name of the pool: "compute", "io", "processes", or that of an executor.
            kwargs: Its keyword arguments. If it has one that is called `name` or `on`, use `options`.

        Raises:
            TypeError: It cannot be called, or `name` or `on` may be meant for a parameter of its own.
            ValueError: There is no such pool.
            RuntimeError: The runtime has ended.
        """
        if (name is not None or on is not COMPUTE) and (
            both := taken_by(function, len(args), name=name, on=on if on is not COMPUTE else None)
        ):
            raise TypeError(
                f"Runtime.submit: {function!r} has a parameter {both!r} itself; write "
                f"runtime.options({both}=…).submit(function, …), where all keyword arguments are the function's"
            )
        core = self._core
        return core.tasks.submit(core.pool(on), name or task_name("submit", function), (function, args, kwargs), PLAIN)

    def options(
        self,
        *,
        name: str | None = None,
        on: str = COMPUTE,
        on_error: object = None,
        time_limit: float | None = None,
    ) -> Submitter:
        """Return an object whose `submit` gives tasks these options.

        Args:
            name: As for `submit`.
            on: As for `submit`.
            on_error: A `Retry`, whose policy after the last try is to fail; by default a task that fails is not tried
                again. Between two tries it needs no worker.
            time_limit: Seconds that a try may take, > 0; then it has failed, with `TimeLimitExceeded`. A thread that
                runs the function cannot be stopped: it goes on, and its result is discarded.

        Raises:
            TypeError: The policy is one for items, such as `Skip`.
            ValueError: There is no such pool, or a number is out of its range.
        """
        core = self._core
        options = options_of("Runtime.options", on_error, time_limit)
        return Submitter(core.tasks, core.pool(on), name, options)

    def wait(self, handles: TaskHandle[Any] | Iterable[TaskHandle[Any]], timeout: float | None = None) -> bool:
        """Wait until some tasks have ended; failures are not raised.

        Args:
            handles: A handle, or several.
            timeout: Wait up to this many seconds; None (default) for no limit.

        Returns:
            Whether they have ended.

        Raises:
            TypeError: One of them is no handle of a task.
            ValueError: `timeout` is not a number.
        """
        return self._core.wait([handles] if isinstance(handles, TaskHandle) else handles, timeout)

    def wait_all(self, raise_on_error: bool = False, timeout: float | None = None) -> bool:
        """Wait until all tasks have ended, also those that are submitted meanwhile.

        Args:
            raise_on_error: Whether to raise failures; if not (default), see `get_failed`.
            timeout: Wait up to this many seconds; None (default) for no limit.

        Returns:
            Whether they have ended.

        Raises:
            ExceptionGroup: Tasks have failed, since the last `clear_failed`, and `raise_on_error` is set.
            RuntimeError: The caller is a task, which would wait for itself.
        """
        is_over = self._core.wait_all(timeout)
        if raise_on_error:
            self._core.raise_failures(only_new=False)
        return is_over

    def get_failed(self) -> list[TaskHandle[Any]]:
        """Return the tasks that have failed since the last `clear_failed`: the first 1,000, in the order of failure."""
        return self._core.failed_ones()

    def clear_failed(self) -> None:
        """Forget the tasks that have failed."""
        self._core.tasks.clear()

    def set_error_callback(self, callback: ErrorCallback | None) -> None:
        """Set a function that is called with the handle and the exception of each task that fails, in its thread.

        Its own exceptions are logged.

        Args:
            callback: The function; None for none.

        Raises:
            TypeError: It cannot be called.
        """
        check_function("Runtime", "callback", callback)
        self._core.tasks.on_error = callback

    def get_progress(self) -> Progress:
        """Return how far all tasks are."""
        return self._core.progress()

    def as_executor(self, on: str = COMPUTE) -> Executor:
        """Return a pool as an executor of the standard library, for example for `Transformer(…, executor=…)`.

        Its `shutdown` does nothing. Only its futures report failures.

        Args:
            on: The name of the pool.
        """
        return TaskExecutor(self._core.tasks, self._core.pool(on))

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """End the runtime: no more tasks are accepted.

        Args:
            wait: Whether to wait until all tasks have ended. If not, those that have not begun are cancelled.
            timeout: Wait up to this many seconds, and then cancel those that have not begun.

        Raises:
            ExceptionGroup: Tasks have failed, and the program has not looked at them.
        """
        self._core.shutdown(wait, timeout)
        self._core.raise_failures(only_new=True)

    def __enter__(self) -> Runtime:
        if self._display is not None:
            self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._core.leave(value)
        finally:
            if self._display is not None:
                self._display.end()
        if value is None:
            self._core.raise_failures(only_new=True)
        else:
            self._core.note_failures(value)

    def __repr__(self) -> str:
        tasks = self._core.tasks
        return f"<Runtime {self.name!r}, {tasks.total - tasks.unfinished} of {tasks.total} tasks have ended>"


def display_of(name: str, core: RuntimeCore) -> Display:
    """Make the display of a runtime."""
    from .display import Display  # late: most programs show no progress

    return Display(name, core)
