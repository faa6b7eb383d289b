"""A queue of tasks, and the threads that run them.

Invariant, under the lock: `queued` tasks in the queue are to run; other entries are stale, because their tasks were
cancelled, or taken by a task that needs them. Up to `size` workers run and do not wait. If a task is queued, either all
of these run, or one was woken, or is started.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from .runtime_task import QUEUED, RUNNING, RuntimeTask
from .state_lock import lock
from .worker import Ends, Worker

SPARE = 64
"""Up to this many stale entries are left in the queue, besides as many as there are others."""


class ThreadPool:
    """A pool.

    Args:
        name: The name by which tasks choose it.
        size: Up to this many tasks run at once, those that wait for others not counted.
        ends: Told how tasks end.
        init: Called once in each thread before its first task.

    Attributes:
        name: As above.
        size: As above.
        total: How many tasks were submitted to it.
        done: How many of these have ended.
        queued: How many wait for a worker.
        workers: All workers, by number.
    """

    def __init__(self, name: str, size: int, ends: Ends, init: Callable[[], object] | None = None) -> None:
        self.name: str = name
        self.size: int = size
        self.total: int = 0
        self.done: int = 0
        self.queued: int = 0
        self.workers: dict[int, Worker] = {}
        self._ends = ends
        self._init = init
        self._queue: deque[RuntimeTask[Any]] = deque()
        self._idle: list[Worker] = []
        self._aside = 0
        self._is_closed = False

    # With the lock

    def waiting(self) -> list[RuntimeTask[Any]]:
        """The tasks that wait for a worker."""
        return [task for task in self._queue if task.now is QUEUED]

    def running(self) -> list[RuntimeTask[Any]]:
        """The tasks that run."""
        return [task for worker in self.workers.values() for task in tuple(worker.tasks)]

    def put(self, task: RuntimeTask[Any]) -> Callable[[], object] | None:
        """Take a task that can run; return what wakes or starts a worker."""
        self._queue.append(task)
        self.queued += 1
        if self._idle:
            return self._idle.pop().sleep.release
        return self._hire()

    def forget(self, task: RuntimeTask[Any]) -> None:
        """Forget a task that does not run any more."""
        self.queued -= 1
        queue = self._queue
        if queue and queue[-1] is task:
            queue.pop()
        elif len(queue) > 2 * self.queued + SPARE:
            self._queue = deque(each for each in queue if each.now is QUEUED)

    def take(self, task: RuntimeTask[Any]) -> None:
        """Take a task out of the queue, which runs from now on."""
        task.now = RUNNING
        task.tries += 1
        self.forget(task)

    def next(self, worker: Worker) -> RuntimeTask[Any] | None:
        """Give a worker its next task, which runs from now on; None if it has to sleep, or to end."""
        if len(self.workers) - self._aside > self.size:
            self._dismiss(worker)
            if self.queued and self._idle:  # it may have been woken for a task, which another one has to run now
                self._idle.pop().sleep.release()
            return None
        queue = self._queue
        while queue:
            task = queue.popleft()
            if task.now is QUEUED:
                task.now = RUNNING
                task.tries += 1
                self.queued -= 1
                return task
        if self._is_closed:
            self._dismiss(worker)
        else:
            self._idle.append(worker)
        return None

    def stand_aside(self, begins: bool) -> Callable[[], object] | None:
        """Count a worker that starts or stops waiting in its task; return what starts another one instead."""
        self._aside += 1 if begins else -1
        if not begins or not self.queued:
            return None
        return self._idle.pop().sleep.release if self._idle else self._hire()

    def close(self) -> list[Callable[[], object]]:
        """Let the workers end when nothing is queued; return what wakes those that sleep."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        return [worker.sleep.release for worker in idle]

    def begin_anew(self) -> None:
        """Forget all tasks and workers, which a forked child does not have."""
        self.queued = 0
        self._queue.clear()
        self._idle.clear()
        self.workers.clear()
        self._aside = 0

    def _dismiss(self, worker: Worker) -> None:
        worker.is_over = True
        del self.workers[worker.number]

    def _hire(self) -> Callable[[], object] | None:
        """Return what starts a new worker, if there may be one."""
        if len(self.workers) - self._aside >= self.size:
            return None
        number = next(number for number in range(len(self.workers) + 1) if number not in self.workers)
        worker = self.workers[number] = Worker(self, self._ends, number, self._init)
        return lambda: self._start(worker)

    # Without the lock

    def _start(self, worker: Worker) -> None:
        try:
            worker.thread.start()
        except RuntimeError:  # the system has no more threads
            with lock:
                del self.workers[worker.number]
                is_alone = not self.workers
            if is_alone:
                raise
