"""The pools and the tasks of one runtime, from its beginning to its end."""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from penstock.agents.tasks.executors import is_executor
from penstock.blocks.base.error_info import annotate
from penstock.blocks.executors.forked import forkable

from .executor_pool import ExecutorPool
from .own_thread import own_thread
from .progress import Progress
from .progress_of import progress_of
from .runtime_task import FAILED
from .state_lock import lock
from .task_handle import TaskHandle
from .tasks_core import TasksCore
from .thread_pool import ThreadPool
from .waiting import check_timeout, here, sleep_until

if TYPE_CHECKING:
    from penstock.blocks.reports.progress_view import StageView

PROCESSES = "processes"
NAMED = 10
"""How many names of failed tasks a message has."""
PATIENCE_AT_END = 5.0
"""Seconds to wait for the end of threads that have nothing to do."""


class RuntimeCore:
    """A runtime.

    States: open → closed. It is closed when no task is left, or when those that are left have been cancelled.

    Args:
        who: The runtime, for messages.
        sizes: The names and sizes of the pools with threads.
        init: Called once in each thread.
        processes: How many processes the pool of processes has; None: the default.

    Attributes:
        tasks: All tasks.
        pools: All pools that were used, by name.
    """

    def __init__(
        self, who: str, sizes: dict[str, int], init: Callable[[], object] | None, processes: int | None
    ) -> None:
        self.tasks: TasksCore = TasksCore(who)
        self.pools: dict[str, ThreadPool | ExecutorPool] = {
            name: ThreadPool(name, size, self.tasks, init) for name, size in sizes.items()
        }
        self._processes = processes
        self._own: Executor | None = None
        self._making = threading.Lock()
        forkable.add(self)
        open_ones.add(self)

    def add(self, name: str, executor: Executor) -> None:
        """Add an executor of the user.

        Raises:
            ValueError: There is a pool of this name.
            TypeError: It is no executor.
        """
        if name in self.pools or name == PROCESSES:
            raise ValueError(f"{self.tasks.name}: there is a pool {name!r} already; give the executor another name")
        if not is_executor(executor):
            raise TypeError(f"{self.tasks.name}: executor {name!r} must be an executor, got {executor!r}")
        self.pools[name] = ExecutorPool(name, executor, self.tasks)

    def pool(self, name: str) -> ThreadPool | ExecutorPool:
        """Return a pool by its name.

        Raises:
            ValueError: There is none.
        """
        pool = self.pools.get(name)
        if pool is not None:
            return pool
        if name == PROCESSES:
            return self._begin_processes()
        raise ValueError(
            f"{self.tasks.name}: there is no pool {name!r}; there are {', '.join([*self.pools, PROCESSES])}"
        )

    def _begin_processes(self) -> ThreadPool | ExecutorPool:
        from penstock.blocks import Processes  # late: many programs need none

        with self._making:
            if PROCESSES not in self.pools:
                self._own = Processes(self._processes, name=f"{self.tasks.name}, processes").__enter__()
                self.pools[PROCESSES] = ExecutorPool(PROCESSES, self._own, self.tasks)
            return self.pools[PROCESSES]

    # Waiting

    def wait(self, handles: Iterable[TaskHandle[Any]], timeout: float | None) -> bool:
        """Wait for some tasks; return whether all have ended.

        Raises:
            TypeError: One of them is no handle of a task.
            ValueError: The time is not a number.
        """
        check_timeout(timeout)
        handles = [*handles] if isinstance(handles, Iterable) else [handles]
        for each in handles:
            if not isinstance(each, TaskHandle):
                raise TypeError(f"{self.tasks.name}: wait needs handles, which submit() returns, got {each!r}")
        until = None if timeout is None else monotonic() + timeout
        ended = [handle.wait(None if until is None else max(0.0, until - monotonic())) for handle in handles]
        return all(ended)

    def wait_all(self, timeout: float | None) -> bool:
        """Wait for all tasks; return whether they have ended.

        Raises:
            RuntimeError: The caller is one of these tasks.
        """
        if here.worker is not None and here.worker.works_for(self.tasks):
            raise RuntimeError(
                f"{self.tasks.name}: a task cannot wait for all tasks, because it is one of them; wait for handles"
            )
        return sleep_until(self.tasks.on_drained, self.tasks.not_on_drained, timeout)

    # The end

    def leave(self, value: BaseException | None) -> None:
        """End a `with`: wait for all tasks, or, after an exception, cancel those that have not begun."""
        open_ones.discard(self)  # whatever comes, the end of the program does not wait again
        try:
            if value is None:
                self.wait_all(None)
        finally:  # Ctrl-C may have come: those that run are waited for, unless it comes again
            self._close(is_patient=True)

    def shutdown(self, wait: bool, timeout: float | None) -> None:
        """Wait, if that is wanted, cancel what is left and has not begun, and end the workers."""
        is_over = wait and self.wait_all(timeout)
        self._close(is_patient=is_over)

    def _close(self, is_patient: bool) -> None:
        with lock:
            self.tasks.is_closed = True
            left = self.tasks.not_begun([pool.waiting() for pool in self.pools.values()])
        for task in left:
            task.cancel()
        is_drained = False
        try:
            is_drained = self.wait_all(None if is_patient else 0.0)
        finally:
            self._end_workers(is_drained)

    def _end_workers(self, is_drained: bool) -> None:
        open_ones.discard(self)
        self.tasks.alarms.end()
        with lock:
            pools = [pool for pool in self.pools.values() if isinstance(pool, ThreadPool)]
            threads = [worker.thread for pool in pools for worker in pool.workers.values()]
            wakers = [waker for pool in pools for waker in pool.close()]
        for waker in wakers:
            waker()
        if is_drained:
            until = monotonic() + PATIENCE_AT_END
            for thread in threads:
                with suppress(RuntimeError):  # it has not begun, or it is this one
                    thread.join(max(0.0, until - monotonic()))
        if self._own is not None:
            self._own.shutdown(wait=is_drained)

    def abandon(self) -> None:
        """End the runtime when its tasks have ended, because the program has no reference to it any more."""
        if self.tasks.is_closed:
            return
        with suppress(RuntimeError):  # the interpreter ends
            own_thread(self.finish, "abandoned").start()

    def finish(self) -> None:
        """Wait for all tasks, end the workers, and raise failures at which the program has not looked."""
        self.shutdown(wait=True, timeout=None)
        self.raise_failures(only_new=True)

    # Failures

    def failed_ones(self) -> list[TaskHandle[Any]]:
        """The failed tasks that are kept; the program has looked at them now."""
        with lock:
            kept = list(self.tasks.kept)
        for task in kept:
            self.tasks.look_at(task)
        return [*kept]

    def failures(self, only_new: bool) -> BaseExceptionGroup[BaseException] | None:
        """The failures as a group; None if there are none.

        Args:
            only_new: Leave out those at which the program has looked.
        """
        new, others = self.tasks.not_seen()
        with lock:
            kept = new if only_new else list(self.tasks.kept)
        if not kept and not others:
            return None
        count, shown = len(kept) + others, kept[:NAMED]
        message = f"{count} {'task has' if count == 1 else 'tasks have'} failed"
        if shown:
            more = f" and {count - len(shown)} more" if count > len(shown) else ""
            message += f": {', '.join(repr(task.name) for task in shown)}{more}"
        errors = [task.value for task in kept if task.now is FAILED]
        if not errors:
            errors = [RuntimeError("the exceptions of these tasks were not kept")]
        self.tasks.told(kept)
        return BaseExceptionGroup(message, errors)

    def raise_failures(self, only_new: bool) -> None:
        """Raise the failures, if there are any."""
        group = self.failures(only_new)
        if group is not None:
            raise group

    def note_failures(self, error: BaseException) -> None:
        """Note failures at which the program has not looked in the exception that comes out."""
        group = self.failures(only_new=True)
        if group is not None and not any(each is error for each in group.exceptions):
            annotate(error, f"{self.tasks.name}: {group.message}")

    def progress(self) -> Progress:
        """How far all tasks are."""
        with lock:
            return progress_of(self.tasks, self.pools.values())

    def stages(self) -> list[StageView]:
        """How many tasks of each pool that was used are where."""
        from penstock.blocks.reports.progress_view import StageView  # late: most programs show no progress

        with lock:
            used = [pool for pool in self.pools.values() if pool.total]
            return [StageView(pool.name, pool.done, pool.total, len(pool.running()), pool.queued) for pool in used]

    def begin_anew(self) -> None:
        """Forget tasks and workers, which a forked child does not have."""
        pools = self.pools.values()
        running = [task for pool in pools for task in pool.running()]
        self.tasks.begin_anew([*running, *self.tasks.not_begun([pool.waiting() for pool in pools])])
        for pool in self.pools.values():
            pool.begin_anew()


open_ones: weakref.WeakSet[RuntimeCore] = weakref.WeakSet()
"""The runtimes that have not ended."""


@atexit.register
def finish_all() -> None:
    """Finish the runtimes that are left when the program ends; their threads would not wait for their tasks."""
    for core in tuple(open_ones):
        try:
            core.finish()
        except BaseExceptionGroup as group:
            sys.excepthook(type(group), group, group.__traceback__)
