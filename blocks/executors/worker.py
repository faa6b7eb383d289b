"""A worker of a pool: a resident thread that does the jobs of its users, one at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from ..base.threads import at_work, resident
from .lane import Job
from .nesting import Host, Line, enter
from .stream import Stream
from .work import Outcome, Task


class NotStarted(Exception):
    """No worker could be started: the system has no thread, process, handle or memory for it, or has killed it.

    Attributes:
        reason: The original error.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class WorkerBackend(Protocol):
    """Does the jobs of a worker, in its thread or in a process."""

    def open(self) -> None:
        """Get ready, in the worker's thread, before its first job; raises `NotStarted` if the system is the cause."""
        ...

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        """Do a job; with a stream, outputs may leave it before its end.

        Raises only errors that no item has caused; `NotStarted` only before any item was begun.
        """
        ...

    def start_no_more(self) -> bool:
        """Start nothing more for the current job, such as a process; called from another thread.

        If the backend is still getting ready, end that if possible and return True: the backend is of no use any more.
        """
        ...

    def kill(self) -> None:
        """End the running call, if that is possible; called from another thread."""
        ...

    def close(self) -> None:
        """Release everything, in the worker's thread."""
        ...


class JobQueue:
    """The jobs of one user of a pool.

    Attributes:
        name: The user's name; a worker's thread is named after its current user.
        concurrency: The largest number of jobs that run at the same time.
        on_finished: Takes a finished job, in any thread.
        line: The workers in whose calls the user runs.
        host: The innermost of these calls that belongs to the same pool, if there is one.
        tell: Called by the worker, right before it begins a job.
        waits: Called when the call of a job begins and ends to wait for a block.
        waiting: The jobs that no worker has yet.
        running: How many jobs the workers have.
        is_for_calls: Whether its jobs are futures, so that it is a user of the pool only as long as there are any.
    """

    __slots__ = (
        "concurrency",
        "host",
        "is_for_calls",
        "level",
        "line",
        "name",
        "on_finished",
        "running",
        "tell",
        "waiting",
        "waits",
    )

    def __init__(
        self, name: str, concurrency: int, on_finished: Callable[[Job], None], line: Line, host: Host | None
    ) -> None:
        self.name: str = name
        self.concurrency: int = concurrency
        self.on_finished: Callable[[Job], None] = on_finished
        self.line: Line = line
        self.host: Host | None = host
        self.level: int = 0 if host is None else host.level + 1
        self.tell: Callable[[Job], None] | None = None
        self.waits: Callable[[bool], None] = lambda begins: None
        self.waiting: deque[Job] = deque()
        self.running: int = 0
        self.is_for_calls: bool = False

    def give(self, worker: Worker) -> Job:
        """Let a worker begin the next job."""
        self.running += 1
        worker.queue, worker.job = self, self.waiting.popleft()
        at_work[worker.thread] = worker
        return worker.job


class Worker:
    """One resident thread.

    Args:
        name: The name of the pool.
        number: The number of the worker in the pool, from 1.
        backend: Does the jobs.
        go_on: Called with the worker after each job; returns whether it is still wanted. If so, it waits for its bell.
        give_back: Called with the worker when it could not get ready; returns whether others will do its job.
        pauses: Called with the worker when it begins and ends to wait in the middle of a job.
    """

    __slots__ = (
        "_give_back",
        "_go_on",
        "_named",
        "_pauses",
        "backend",
        "bell",
        "is_open",
        "job",
        "number",
        "queue",
        "thread",
    )

    def __init__(
        self,
        name: str,
        number: int,
        backend: WorkerBackend,
        go_on: Callable[[Worker], bool],
        give_back: Callable[[Worker, Job, Exception], bool],
        pauses: Callable[[Worker, bool], None],
    ) -> None:
        self.number: int = number
        self.backend: WorkerBackend = backend
        self.bell: threading.Lock = threading.Lock()
        self.bell.acquire()
        self.queue: JobQueue | None = None
        self.job: Job | None = None
        self.is_open: bool = False
        self._go_on = go_on
        self._give_back = give_back
        self._pauses = pauses
        self._named: JobQueue | None = None
        self.thread: threading.Thread = threading.Thread(target=self.run, name=f"{name} worker {number}", daemon=True)
        resident.add(self.thread)

    def run(self) -> None:
        """Do jobs until the pool does not need the worker any more."""
        while self.queue is not None and self.job is not None:
            self._do(self.job, self.queue)
            if self._go_on(self):
                self.bell.acquire()
        self.backend.close()

    def waits(self, begins: bool) -> None:
        """Record that its call starts or stops waiting for a block; other workers may run during the wait."""
        assert self.queue is not None
        self.queue.waits(begins)
        self.stand_aside(begins)

    def stand_aside(self, begins: bool) -> None:
        """Record that its call starts or stops waiting for another call; other workers may run during the wait."""
        self._pauses(self, begins)

    def _do(self, job: Job, queue: JobQueue) -> None:
        if self._named is not queue:
            self.thread.name = f"{queue.name} worker {self.number}"
            self._named = queue
            enter((*queue.line, self))
        try:
            if not self.is_open:
                self.backend.open()
                self.is_open = True
            if job.begin():
                if queue.is_for_calls:
                    job.outcome = self.backend.perform(job.task, job.items)
                    job.items = ()
                else:
                    self._measure(job, queue)
        except NotStarted as error:
            if self._give_back(self, job, error.reason):
                self.job = None
                return
            job.error = error.reason
        except BaseException as error:
            job.error = error
        self.job = None  # from here on it does not count as busy
        queue.on_finished(job)

    def _measure(self, job: Job, queue: JobQueue) -> None:
        """Do the job of a block."""
        if queue.tell is not None:
            queue.tell(job)
        stream = job.stream
        if stream is not None:
            stream.pauses = partial(self._pauses, self)
        job.started = perf_counter()
        job.outcome = self.backend.perform(job.task, job.items, stream)
        job.seconds = perf_counter() - job.started - (0.0 if stream is None else stream.waited)
        job.let_go()
