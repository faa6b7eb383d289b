"""A worker of a crew: a resident thread that does the jobs of its users, one at a time."""

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
    """No worker could be had: the system has no thread, process, handle or memory for it, or has killed it at once.

    Attributes:
        reason: What happened.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Hand(Protocol):
    """What a worker works with."""

    def open(self) -> None:
        """Get ready, in the worker's thread, before its first job; raises `NotStarted` if the system is to blame."""
        ...

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        """Do a job, whose outputs may leave along a stream before its end.

        Raises only for what is no item's fault, `NotStarted` before any item was begun.
        """
        ...

    def start_no_more(self) -> bool:
        """Start nothing any more for the job that it has, as a process; called from another thread.

        If it has not begun because it is still getting ready, end that if it can be done, and say so: it is of no use
        any more then.
        """
        ...

    def kill(self) -> None:
        """End what runs now, if that can be done; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of everything, in the worker's thread."""
        ...


class JobQueue:
    """The jobs of one user of a crew.

    Attributes:
        name: The user's; a worker is called after the one for which it works.
        at_once: At most so many of the jobs run at the same time.
        bring: Takes a job that has come to its end, in any thread.
        line: The workers in whose calls the user runs.
        host: The innermost of these calls that is one of the same crew, if there is one.
        tell: Called by the worker, right before it begins a job.
        waits: Told when the call of a job begins and ends to wait for a block.
        waiting: The jobs that no worker has yet.
        running: How many jobs workers have.
    """

    __slots__ = ("at_once", "bring", "host", "level", "line", "name", "running", "tell", "waiting", "waits")

    def __init__(self, name: str, at_once: int, bring: Callable[[Job], None], line: Line, host: Host | None) -> None:
        self.name: str = name
        self.at_once: int = at_once
        self.bring: Callable[[Job], None] = bring
        self.line: Line = line
        self.host: Host | None = host
        self.level: int = 0 if host is None else host.level + 1
        self.tell: Callable[[Job], None] | None = None
        self.waits: Callable[[bool], None] = lambda begins: None
        self.waiting: deque[Job] = deque()
        self.running: int = 0

    def give(self, worker: Worker) -> Job:
        """Let a worker begin the next job."""
        self.running += 1
        worker.queue, worker.job = self, self.waiting.popleft()
        at_work[worker.thread] = worker
        return worker.job


class Worker:
    """One resident thread.

    Args:
        name: The crew's.
        number: Which of its workers this is, from 1.
        hand: What it works with.
        go_on: Called with it when it has done a job: whether it is still wanted. If so, it waits for its bell.
        give_back: Called with it when it could not be got ready: whether others will do its job.
        pauses: Called with it when it begins and ends to wait in the middle of a job.
    """

    __slots__ = (
        "_give_back",
        "_go_on",
        "_named",
        "_pauses",
        "bell",
        "hand",
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
        hand: Hand,
        go_on: Callable[[Worker], bool],
        give_back: Callable[[Worker, Job, Exception], bool],
        pauses: Callable[[Worker, bool], None],
    ) -> None:
        self.number: int = number
        self.hand: Hand = hand
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
        """Do jobs until the crew has no more use for the worker."""
        while self.queue is not None and self.job is not None:
            self._do(self.job, self.queue)
            if self._go_on(self):
                self.bell.acquire()
        self.hand.close()

    def waits(self, begins: bool) -> None:
        """Its call begins, or ends, to wait for a block: it is not at work, and others may be in its place."""
        assert self.queue is not None
        self.queue.waits(begins)
        self.stand_aside(begins)

    def stand_aside(self, begins: bool) -> None:
        """Its call begins, or ends, to wait for another call: others may work in its place."""
        self._pauses(self, begins)

    def _do(self, job: Job, queue: JobQueue) -> None:
        if self._named is not queue:
            self.thread.name = f"{queue.name} worker {self.number}"
            self._named = queue
            enter((*queue.line, self))
        try:
            if not self.is_open:
                self.hand.open()
                self.is_open = True
            if job.begin():
                if queue.tell is not None:
                    queue.tell(job)
                stream = job.stream
                if stream is not None:
                    stream.pauses = partial(self._pauses, self)
                job.started = perf_counter()
                job.outcome = self.hand.perform(job.task, job.items, stream)
                job.seconds = perf_counter() - job.started - (0.0 if stream is None else stream.waited)
                job.let_go()
        except NotStarted as error:
            if self._give_back(self, job, error.reason):
                self.job = None
                return
            job.error = error.reason
        except BaseException as error:
            job.error = error
        self.job = None  # from here on nobody can take it for busy
        queue.bring(job)
