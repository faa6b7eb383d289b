"""The default runtime of a program, and its methods as functions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .progress import Progress
from .runtime import COMPUTE, Runtime
from .task_handle import TaskHandle
from .tasks_core import ErrorCallback

R = TypeVar("R")


class Default:
    """Holds the default runtime; it is made when it is first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runtime: Runtime | None = None

    def get(self) -> Runtime:
        """Return the runtime."""
        with self._lock:
            if self._runtime is None:
                self._runtime = Runtime(name="default")
            return self._runtime

    def set(self, runtime: Runtime | None) -> Runtime | None:
        """Exchange the runtime; return the one before."""
        with self._lock:
            before, self._runtime = self._runtime, runtime
            return before


default: Default = Default()


def get_default_runtime() -> Runtime:
    """Return the default runtime. It is made at the first call, and ends with the program, after its tasks."""
    return default.get()


def set_default_runtime(runtime: Runtime | None) -> Runtime | None:
    """Set the default runtime, and return the one before; None lets the next call make a new one.

    Raises:
        TypeError: It is no runtime.
    """
    if runtime is not None and not isinstance(runtime, Runtime):
        raise TypeError(f"set_default_runtime: needs a Runtime or None, got {runtime!r}")
    return default.set(runtime)


def submit(
    function: Callable[..., R], /, *args: Any, name: str | None = None, on: str = COMPUTE, **kwargs: Any
) -> TaskHandle[R]:
    """Run a function in the background; see `Runtime.submit`."""
    return default.get().submit(function, *args, name=name, on=on, **kwargs)


def wait(handles: TaskHandle[Any] | Iterable[TaskHandle[Any]], timeout: float | None = None) -> bool:
    """Wait for some tasks; see `Runtime.wait`."""
    return default.get().wait(handles, timeout)


def wait_all(raise_on_error: bool = False, timeout: float | None = None) -> bool:
    """Wait for all tasks; see `Runtime.wait_all`."""
    return default.get().wait_all(raise_on_error, timeout)


def get_failed() -> list[TaskHandle[Any]]:
    """Return the tasks that have failed; see `Runtime.get_failed`."""
    return default.get().get_failed()


def clear_failed() -> None:
    """Forget the tasks that have failed; see `Runtime.clear_failed`."""
    default.get().clear_failed()


def set_error_callback(callback: ErrorCallback | None) -> None:
    """Have a function called for each task that fails; see `Runtime.set_error_callback`."""
    default.get().set_error_callback(callback)


def get_progress() -> Progress:
    """Return how far all tasks are; see `Runtime.get_progress`."""
    return default.get().get_progress()


def shutdown(wait: bool = True, timeout: float | None = None) -> None:
    """End the default runtime, if there is one; see `Runtime.shutdown`. The next call makes a new one."""
    before = default.set(None)
    if before is not None:
        before.shutdown(wait, timeout)
