"""Resident workers, shared by the blocks that use them: the core of `Threads` and `Processes`.

States of a worker: hired (its thread starts) → idle or at work, in turn → gone. All of them share one lock, held for a
few operations at a time. Invariants:
- a worker is idle only while no lane has a job that may run;
- of each lane's jobs at most `at_once` run, whatever the number of workers;
- workers are there while somebody uses the crew: a block whose network runs, a future that is not done, the body of
  a `with`. The last one that lets go sends them home, so nothing is left behind and nothing has to be closed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, Protocol, Self, TypeVar

from ..base.checks import check_function
from ..core.block import given_name
from .cpus import check_cpus, usable_cpus
from .future_job import FutureJob, call
from .lane import Homecoming, Job
from .work import Outcome, Task

R = TypeVar("R")
SECONDS = 0.001
"""How long a job should take: some ten times what it costs to hand it over."""
Init = Callable[[], Any]


class Hand(Protocol):
    """What a worker works with."""

    def open(self) -> None:
        """Get ready, in the worker's thread, before its first job."""
        ...

    def perform(self, task: Task, items: Sequence[Any]) -> Outcome:
        """Do a job; raises only for what is no item's fault."""
        ...

    def kill(self) -> None:
        """End what runs now, if that can be done; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of everything, in the worker's thread."""
        ...


class Worker:
    """One resident thread."""

    __slots__ = ("bell", "crew", "hand", "is_open", "job", "lane", "named", "number", "thread")

    def __init__(self, crew: Crew, hand: Hand, number: int) -> None:
        self.crew = crew
        self.number = number
        self.hand = hand
        self.bell = threading.Lock()
        self.bell.acquire()
        self.lane: CrewLane | None = None
        self.job: Job | None = None
        self.is_open = False
        self.named: CrewLane | None = None
        self.thread = threading.Thread(target=self.run, name=f"{crew.name} worker {number}", daemon=True)

    def run(self) -> None:
        """Do jobs until the crew has no more use for the worker."""
        while self.lane is not None and self.job is not None:
            lane = self.lane
            self._do(self.job, lane)
            if self.crew._next(self, lane):
                self.bell.acquire()
        self.hand.close()

    def refuse(self, error: Exception) -> None:
        """The thread could not be started."""
        assert self.job is not None
        assert self.lane is not None
        self.job.error = error
        self.lane.bring(self.job)

    def _do(self, job: Job, lane: CrewLane) -> None:
        if self.named is not lane:
            self.thread.name = f"{lane.name} worker {self.number}"
            self.named = lane
        try:
            if job.begin():
                if not self.is_open:
                    self.hand.open()
                    self.is_open = True
                if lane.tell is not None:
                    lane.tell(job)
                job.started = perf_counter()
                job.outcome = self.hand.perform(job.task, job.items)
                job.seconds = perf_counter() - job.started
                job.let_go()
        except BaseException as error:
            job.error = error
        self.job = None  # from here on nobody can take it for busy
        lane.bring(job)


class CrewLane:
    """One user's jobs."""

    __slots__ = ("at_once", "bring", "crew", "depth", "jobs", "limit", "name", "running", "seconds", "tell")

    def __init__(self, crew: Crew, name: str, at_once: int, bring: Callable[[Job], None]) -> None:
        self.crew = crew
        self.name = name
        self.at_once = at_once
        self.depth = 2 * at_once  # so that a worker that is done need not wait for the loop
        self.seconds = SECONDS
        self.limit = 10 * SECONDS
        self.bring = bring
        self.tell: Callable[[Job], None] | None = None  # called by the worker, right before it begins a job
        self.jobs: deque[Job] = deque()
        self.running = 0

    def submit(self, job: Job) -> None:
        """Hand a job over."""
        self.crew._submit(self, job)

    def came_home(self, job: Job) -> float:
        """Give the seconds that a job has taken, the way of its items to another process and back included."""
        return job.seconds

    def is_broken_by(self, error: Exception) -> bool:
        """A hand raises only for what concerns every item."""
        del error
        return True

    def give(self, worker: Worker) -> None:
        """Let a worker begin the next job."""
        self.running += 1
        worker.lane, worker.job = self, self.jobs.popleft()

    def give_up(self, job: Job) -> bool:
        """End a job, if what its worker does can be ended."""
        return self.crew._end(job)

    def stop(self) -> bool:
        """Take back what has not begun, and say whether what runs has to be waited for."""
        for job in self.crew._take_back(self):
            self.bring(job)
        if self.crew.abandon_on_cancel:
            self.crew._abandon(self)
        return not self.crew.abandon_on_cancel

    def close(self) -> Callable[[], None] | None:
        """Let the crew go."""
        leaving = self.crew._release(self)
        return partial(join, leaving) if leaving else None


class Crew(Executor):
    """The base of `Threads` and `Processes`."""

    _can_end: ClassVar[bool] = False
    """Whether what a worker does can be ended."""

    def __init__(
        self,
        workers: int | None,
        *,
        worker_init: Init | None,
        cpus: Sequence[int] | None,
        abandon_on_cancel: bool,
        name: str | None,
    ) -> None:
        kind = type(self).__name__
        self.name = given_name(kind, name)
        if workers is None:
            workers = usable_cpus()
        if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
            raise ValueError(f"{kind} {self.name!r}: workers must be an int >= 1, got {workers!r}")
        check_function(f"{kind} {self.name!r}", "worker_init", worker_init)
        self.workers = workers
        self.worker_init = worker_init
        self.abandon_on_cancel = abandon_on_cancel
        self.cpus = check_cpus(f"{kind} {self.name!r}", cpus)
        self._lock = threading.RLock()  # a job that is refused comes home while it is held
        self._lanes: deque[CrewLane] = deque()
        self._idle: list[Worker] = []
        self._hired: dict[Worker, int] = {}
        self._users = 0
        self._is_shut = False
        self._is_entered = False
        self._own: CrewLane | None = None
        self._pending = 0

    def __repr__(self) -> str:
        state = "shut down" if self._is_shut else f"{len(self._hired)} of {self.workers} workers"
        return f"<{type(self).__name__} {self.name!r}, {state}>"

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def _hand(self, number: int) -> Hand:
        """Make what worker `number` works with."""
        raise NotImplementedError

    def _check(self, function: Callable[..., Any], who: str) -> None:
        """Raise a `TypeError` if the workers cannot call the function of a block."""

    # Lanes

    def _open_lane(self, name: str, at_once: int, home: Homecoming) -> CrewLane:
        """Become the executor of a block."""
        return self._add(CrewLane(self, name, at_once, home.bring))

    def _add(self, lane: CrewLane) -> CrewLane:
        with self._lock:
            self._lanes.append(lane)
            self._users += 1
        return lane

    def _release(self, lane: CrewLane) -> list[threading.Thread]:
        """A user lets go; the last one sends the workers home. Gives the threads of those who go."""
        with self._lock:
            self._lanes.remove(lane)
            self._users -= 1
            return self._send_home() if not self._users else []

    def _send_home(self) -> list[threading.Thread]:
        """Let all workers go, those at work when they are done; give their threads."""
        hired, self._hired = self._hired, {}
        self._ring_the_idle()
        return [worker.thread for worker in hired]

    def _ring_the_idle(self) -> None:
        idle, self._idle = self._idle, []
        for worker in idle:
            self._hired.pop(worker, None)
            worker.bell.release()

    # Jobs

    def _submit(self, lane: CrewLane, job: Job) -> None:
        with self._lock:
            if self._is_shut:
                raise RuntimeError(f"{self} was shut down and takes no more work")
            lane.jobs.append(job)
            self._staff()

    def _staff(self) -> None:
        """Give jobs that may run to workers that are free or can be hired, one a lane in turn: none starves another."""
        passed = 0
        while passed < len(self._lanes):
            lane = self._lanes[0]
            if not lane.jobs or lane.running >= lane.at_once:
                passed += 1
            elif self._idle:
                worker = self._idle.pop()  # the one that was busy last: its caches are warm
                lane.give(worker)
                worker.bell.release()
                passed = 0
            elif len(self._hired) < self.workers:
                self._hire(lane)
                passed = 0
            else:
                return
            self._lanes.rotate(-1)

    def _hire(self, lane: CrewLane) -> None:
        taken = set(self._hired.values())
        number = next(number for number in range(1, self.workers + 1) if number not in taken)
        worker = Worker(self, self._hand(number), number)
        lane.give(worker)
        try:
            worker.thread.start()
        except RuntimeError as error:  # the system has no thread to give; the job is the error's, whose else
            lane.running -= 1
            worker.refuse(error)
        else:
            self._hired[worker] = number

    def _next(self, worker: Worker, lane: CrewLane) -> bool:
        """A worker is done: let it wait for its next job, which it may have already, or go (False)."""
        with self._lock:
            lane.running -= 1
            if worker in self._hired:
                self._idle.append(worker)
            self._staff()
            if worker in self._idle and self._is_shut:
                self._idle.remove(worker)
                del self._hired[worker]
            return worker in self._hired

    def _take_back(self, lane: CrewLane) -> list[Job]:
        """Get the jobs of a lane that have not begun; they are the caller's now."""
        with self._lock:
            jobs = list(lane.jobs)
            lane.jobs.clear()
        for job in jobs:
            job.error = CancelledError()
        return jobs

    def _abandon(self, lane: CrewLane) -> None:
        """Leave workers that are at work for a lane to themselves; others are hired in their place."""
        with self._lock:
            busy = [worker for worker in self._hired if worker.lane is lane and worker.job is not None]
            for worker in busy:
                del self._hired[worker]
            self._staff()
        for worker in busy:
            worker.hand.kill()

    def _end(self, job: Job) -> bool:
        """End what a worker does, if that is possible; another one is hired in its place. Whether it has ended."""
        with self._lock:
            worker = next((worker for worker in self._hired if worker.job is job), None)
            if worker is None:
                return True
            if not self._can_end:
                return False
            del self._hired[worker]
            self._staff()
        worker.hand.kill()
        return True

    # The standard interface

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Have a worker call `fn(*args, **kwargs)`.

        Raises:
            RuntimeError: It was shut down.
        """
        job = FutureJob(Task(call, name=str(self)), [(fn, args, kwargs)], None, (0,))
        with self._lock:
            if self._own is None:
                self._own = CrewLane(self, self.name, self.workers, self._resolve)
                self._lanes.append(self._own)
                self._users += 1
            self._pending += 1
            lane = self._own
        try:
            self._submit(lane, job)
        except BaseException:
            self._settle()
            raise
        return job.future

    def _resolve(self, job: Job) -> None:
        assert isinstance(job, FutureJob)
        job.resolve()
        self._settle()

    def _settle(self) -> None:
        """A future is done; the last one closes the lane of futures."""
        with self._lock:
            self._pending -= 1
            if self._pending or self._own is None:
                return
            lane, self._own = self._own, None
        self._release(lane)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; the workers go when all that was handed over is done.

        Args:
            wait: Return only then; must not be used on the loop while a network still has work here.
            cancel_futures: Take back what has not begun.
        """
        with self._lock:
            self._is_shut = True
            self._users -= self._is_entered
            self._is_entered = False
            threads = [worker.thread for worker in self._hired]
            lanes = list(self._lanes)
            self._ring_the_idle()
        if cancel_futures:
            for lane in lanes:
                for job in self._take_back(lane):
                    lane.bring(job)
        if wait:
            join(threads)

    def __enter__(self) -> Self:
        with self._lock:
            self._users += not self._is_entered
            self._is_entered = True
        return self


def join(threads: list[threading.Thread]) -> None:
    """Wait until workers have gone."""
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()
