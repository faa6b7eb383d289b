"""One task of a runtime: its function until it runs, its result after that."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextvars import Context, copy_context
from time import perf_counter
from typing import Any, Protocol, TypeVar

from penstock.agents.tasks.calls import called_by
from penstock.agents.tasks.not_run import NotRun
from penstock.agents.tasks.one_error import reraise
from penstock.agents.tasks.task_state import TaskState
from penstock.blocks.base.error_info import annotate

from .alarms import Alarm
from .state_lock import lock
from .task_handle import TaskHandle
from .task_options import TaskOptions
from .waiting import Waitable, wait_async, wait_until_ended

T = TypeVar("T", covariant=True)
WAITING, QUEUED, RUNNING = TaskState.WAITING, TaskState.QUEUED, TaskState.RUNNING
COMPLETED, FAILED = TaskState.COMPLETED, TaskState.FAILED
Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function and its arguments."""
ELSEWHERE = "ends in the process from which this one was forked"
NESTING: frozenset[type[Any]] = frozenset({list, tuple, dict})
"""Types of arguments in which tasks are looked for."""


class Place(Protocol):
    """Where tasks run."""

    name: str
    total: int
    done: int

    def put(self, task: RuntimeTask[Any]) -> Callable[[], object] | None:
        """Take a task that can run; return what wakes a worker. The lock must be held."""
        ...

    def forget(self, task: RuntimeTask[Any]) -> None:
        """Forget a task that it was given and that has not begun. The lock must be held."""
        ...


class Core(Protocol):
    """The owner of all tasks of a runtime."""

    def look_at(self, task: RuntimeTask[Any]) -> None:
        """Note that the program has seen how a task has ended."""
        ...

    def cancel(self, task: RuntimeTask[Any]) -> bool:
        """Cancel a task that has not begun."""
        ...

    def queue(self, task: RuntimeTask[Any]) -> Callable[[], object] | None:
        """Let a task wait for a worker; return what wakes one. The lock must be held."""
        ...

    def account(self, task: RuntimeTask[Any], state: TaskState, value: Any) -> list[Callable[[], object]]:
        """Count the end of a task; return what is to be called. The lock must be held."""
        ...


class RuntimeTask(TaskHandle[T], Waitable):
    """A task.

    The lock of `state_lock` guards all that may change, but for `began_at` and `percent`, which its worker writes.
    What it needs to run is dropped when it ends.

    Attributes:
        core: The owner of all tasks of the runtime.
        pool: Where it runs.
        call: The function and its arguments; None after the end.
        context: The context variables that the function sees; None after the end.
        options: Its policy and its time limit.
        inputs: The tasks whose results it needs.
        missing: How many of these have not ended.
        now: Its state.
        is_over: Whether the state is final.
        value: The result, or the exception; for a task that was not run, the first task without a result.
        depth: The number of frames in the traceback of its exception.
        users: The tasks that need its result.
        wakers: Called at the end.
        awaits: The task for which its function waits, without a time limit, or that runs on its stack meanwhile.
        tries: How often it has begun.
        attempt: Its further try, if there was one.
        alarm: Tells that its time is over, or that its next try is due.
        queued_at: When it was submitted.
        began_at: When its function began.
        percent: How far its function is.
        is_looked_at: Whether the program has seen how it has ended.
        is_kept: Whether the runtime keeps it, because it has failed.
        is_elsewhere: Whether it ends in the process from which this one was forked.
    """

    inputs: tuple[RuntimeTask[Any], ...] = ()  # the defaults are those of most tasks; to set them all would be slow
    missing: int = 0
    now: TaskState = QUEUED
    is_over: bool = False
    value: Any = None
    depth: int = 0
    users: list[RuntimeTask[Any]] | None = None
    wakers: list[Callable[[], object]] | None = None
    awaits: RuntimeTask[Any] | None = None
    tries: int = 0
    attempt: Any = None
    alarm: Alarm | None = None
    began_at: float = 0.0
    percent: float = 0.0
    is_looked_at: bool = False
    is_kept: bool = False
    is_elsewhere: bool = False

    def __init__(
        self,
        core: Core,
        pool: Place,
        name: str,
        call: Call,
        options: TaskOptions,
    ) -> None:
        self.core: Core = core
        self.pool: Place = pool
        self.name = name
        self.call: Call | None = call
        self.context: Context | None = copy_context()
        self.options: TaskOptions = options
        self.queued_at: float = perf_counter()

    @property
    def state(self) -> TaskState:
        return self.now

    def done(self) -> bool:
        return self.is_over

    def get(self, timeout: float | None = None) -> T:
        if not self.is_over and not wait_until_ended(self, timeout):
            raise TimeoutError(f"{self} has not ended after {timeout:g} s; it goes on")
        return self.result()

    def result(self) -> T:
        """Return the result of a task that has ended, or raise its exception."""
        if self.now is not COMPLETED:
            reraise(self.exception, self.depth)
        result: T = self.value
        return result

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_over or wait_until_ended(self, timeout)

    @property
    def exception(self) -> BaseException | None:
        if not self.is_over or self.now is COMPLETED:
            return None
        self.core.look_at(self)
        if self.now is FAILED:
            error: BaseException = self.value
            return error
        return self.not_run()

    def not_run(self) -> NotRun:
        """Say why it was not run."""
        first: RuntimeTask[Any] = self.value
        if first is self and self.is_elsewhere:
            return NotRun(f"task {self.name!r} {ELSEWHERE}; submit it again here")
        if first is self:
            return NotRun(f"task {self.name!r} was cancelled before it ran")
        error = NotRun(f"task {self.name!r} was not run, because task {first.name!r}, which it needs, {ended(first)}")
        error.__cause__ = first.value if first.now is FAILED else None
        return error

    def cancel(self) -> bool:
        return self.core.cancel(self)

    def __await__(self) -> Generator[Any, Any, T]:
        return self._result_later().__await__()

    async def _result_later(self) -> T:
        if not self.is_over:
            await wait_async(self)
        return self.result()

    # For the library

    def on_end(self, waker: Callable[[], object]) -> bool:
        """Have something called at the end; False if the task has ended already. The lock must be held."""
        if self.is_over:
            return False
        if self.wakers is None:
            self.wakers = []
        self.wakers.append(waker)
        return True

    def not_on_end(self, waker: Callable[[], object]) -> None:
        """Forget something that was to be called at the end."""
        with lock:
            if self.wakers is not None and waker in self.wakers:
                self.wakers.remove(waker)

    def needs(self) -> tuple[Any, ...]:
        """The tasks for which it waits now, also those of trio."""
        with lock:
            if self.now is WAITING:
                return tuple(each for each in self.inputs if not each.is_over)
            if self.now is RUNNING and self.awaits is not None:
                return (self.awaits,)
        return tuple(called_by(self)) if self.now is RUNNING else ()

    def goes_on(self) -> bool:
        """Whether it does not wait, as far as that is known; a queued one waits for a worker, which may come."""
        return not self.needs()

    def be_elsewhere(self) -> None:
        """End without a result in a forked child: the thread that runs it, or would run it, is in the parent."""
        self.now, self.value, self.is_over = TaskState.NOT_RUN, self, True
        self.is_elsewhere = True
        self.call = self.context = self.wakers = self.users = None
        self.inputs = ()

    def filled_call(self) -> Call:
        """The function, and its arguments with the results of the inputs."""
        assert self.call is not None
        function, args, kwargs = self.call
        return function, tuple(map(filled, args)), {key: filled(value) for key, value in kwargs.items()}

    def note(self, error: BaseException) -> None:
        """Write the name of the task into an exception of it."""
        annotate(error, f"in task {self.name!r}, number {self.task_id}")

    def __str__(self) -> str:
        return f"task {self.name!r}"


def ended(task: RuntimeTask[Any]) -> str:
    """How a task without a result has ended, in words."""
    if task.is_elsewhere:
        return ELSEWHERE
    return "has failed" if task.now is FAILED else "was cancelled"


def inputs_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[RuntimeTask[Any], ...]:
    """The tasks among some arguments, and in lists, tuples and dicts among them."""
    found: list[RuntimeTask[Any]] = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        kind = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind is RuntimeTask:
            found.append(value)
        elif kind in NESTING:
            found.extend(each for each in parts_of(value) if type(each) is RuntimeTask)  # pyright: ignore[reportUnknownArgumentType]
    return tuple(dict.fromkeys(found)) if found else ()


def parts_of(value: Any) -> Iterable[Any]:
    """What is in a list, tuple or dict."""
    return value.values() if type(value) is dict else value  # pyright: ignore[reportUnknownVariableType]


def filled(value: Any) -> Any:
    """An argument with results instead of tasks."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is RuntimeTask:
        return value.value
    if kind not in NESTING or not any(type(each) is RuntimeTask for each in parts_of(value)):
        return value
    if kind is dict:
        return {key: each.value if type(each) is RuntimeTask else each for key, each in value.items()}
    return kind(each.value if type(each) is RuntimeTask else each for each in value)
