"""Waiting for the end of a task: in a thread of the program, in a worker, or in a loop of trio or asyncio."""

from __future__ import annotations

import math
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

import trio

from penstock.agents.scopes.waits import wait_for_elsewhere
from penstock.agents.tasks.calls import Elsewhere
from penstock.blocks.base.in_trio import in_asyncio

from .state_lock import lock

PATIENCE = 0.1 if sys.platform == "win32" else -1.0
"""Seconds of one wait for a lock; on Windows, Ctrl-C does not interrupt it."""


class Waitable(Elsewhere):
    """A task, as far as others wait for it."""

    __slots__ = ()

    @abstractmethod
    def on_end(self, waker: Callable[[], object]) -> bool:
        """Have something called at the end; False if the task has ended already. The lock must be held."""

    @abstractmethod
    def not_on_end(self, waker: Callable[[], object]) -> None:
        """Forget something that was to be called at the end."""


class Helper(Protocol):
    """The worker in whose task some code runs."""

    def wait_for(self, task: Waitable) -> None:
        """Wait for a task without a time limit, and help it where that is needed."""
        ...

    def stand_aside(self, begins: bool) -> None:
        """Note that the task starts or stops waiting, so that another worker may run instead."""
        ...

    def report(self, percent: float) -> None:
        """Note how far the task is."""
        ...

    def works_for(self, ends: object) -> bool:
        """Whether it belongs to the runtime with these tasks."""
        ...


class Here(threading.local):
    """The worker of this thread."""

    worker: Helper | None = None


here: Here = Here()


def wait_until_ended(task: Waitable, timeout: float | None) -> bool:
    """Wait in a thread; return whether the task has ended.

    Raises:
        RuntimeError: The thread runs a loop of trio.
    """
    worker = here.worker
    if worker is not None and timeout is None:
        worker.wait_for(task)
        return True
    if trio.lowlevel.in_trio_run():
        raise RuntimeError(f"{task}: get() and wait() would hold this loop of trio; use `await handle`")
    return sleep_until(task.on_end, task.not_on_end, timeout)


def sleep_until(
    on_end: Callable[[Callable[[], object]], bool],
    not_on_end: Callable[[Callable[[], object]], None],
    timeout: float | None,
) -> bool:
    """Let the thread sleep until something has ended; meanwhile another worker may run instead.

    Args:
        on_end: Has a function called at the end; false if the end has come already. It is called with the lock.
        not_on_end: Takes that back.
        timeout: Wait up to this many seconds; None for no limit.

    Returns:
        Whether it has ended.
    """
    check_timeout(timeout)
    sleep = threading.Lock()
    sleep.acquire()
    with lock:
        if not on_end(sleep.release):
            return True
    worker = here.worker
    if worker is not None:
        worker.stand_aside(True)
    has_ended = False
    try:
        has_ended = acquired(sleep, timeout)
    finally:
        if worker is not None:
            worker.stand_aside(False)
        if not has_ended:
            not_on_end(sleep.release)
    return has_ended


def check_timeout(timeout: float | None) -> None:
    """Raise a `ValueError` if a value is neither a number of seconds nor None."""
    if timeout is not None and (not isinstance(timeout, (int, float)) or math.isnan(timeout)):
        raise ValueError(f"timeout must be a number of seconds, or None for no limit, got {timeout!r}")


def acquired(sleep: threading.Lock, timeout: float | None) -> bool:
    """Wait for a lock that another thread releases; Ctrl-C interrupts it."""
    if timeout is None and PATIENCE < 0:
        return sleep.acquire()
    until = None if timeout is None else monotonic() + max(timeout, 0.0)
    while True:
        rest = threading.TIMEOUT_MAX if until is None else min(until - monotonic(), threading.TIMEOUT_MAX)
        if sleep.acquire(timeout=max(0.0, rest if PATIENCE < 0 else min(rest, PATIENCE))):
            return True
        if until is not None and monotonic() >= until:
            return False


async def wait_async(task: Waitable) -> None:
    """Wait in a loop of trio or asyncio; a cancellation ends the wait and not the task.

    Raises:
        RuntimeError: There is no loop.
    """
    if trio.lowlevel.in_trio_run():
        await wait_in_trio(task)
    elif in_asyncio():
        await wait_in_asyncio(task)
    else:
        raise RuntimeError(f"{task}: it can be awaited in trio and asyncio; elsewhere, use handle.get()")


async def wait_in_trio(task: Waitable) -> None:
    """Wait in a loop of trio."""
    token = trio.lowlevel.current_trio_token()
    ended = trio.Event()

    def wake() -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(ended.set)

    await wait_until_woken(task, wake, lambda: wait_for_elsewhere(task, ended))


async def wait_in_asyncio(task: Waitable) -> None:
    """Wait in a loop of asyncio."""
    import asyncio  # late: many programs do not need it

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(ended.set)

    await wait_until_woken(task, wake, ended.wait)


async def wait_until_woken(
    task: Waitable, wake: Callable[[], None], wait: Callable[[], Coroutine[Any, Any, object]]
) -> None:
    """Wait for what is woken when a task ends."""
    with lock:
        if not task.on_end(wake):
            return
    try:
        await wait()
    finally:
        task.not_on_end(wake)
