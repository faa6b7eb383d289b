"""The workers of a pool and its users; decides which job is begun next.

States of a worker: started → idle or at work, in turn → gone. All workers share one lock, held for a
few operations at a time. Invariants:
- a worker is idle only while no user has a job that may be begun;
- up to `concurrency` jobs of each user run, with any number of workers;
- up to `most` workers are at work. Two kinds of workers do not count: workers whose calls wait for other calls here
  (see `nesting`), and workers that wait in the middle of a job, for room or for a future of a pool. Others run instead
  of them, and after the wait all of them may work;
- if the system cannot start another worker, the existing ones go on; it is an error only if none can finish anything;
- workers exist while the pool has a user: a block whose network runs, a future that is not done, the body of a `with`.
  When the last user leaves, the workers end, so nothing is left behind and nothing has to be closed.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import CancelledError
from itertools import count

from ..base.log import fields, log
from ..base.threads import at_work
from .future_job import FutureJob, resolve
from .lane import Job
from .nesting import Host, Line, current_line
from .worker import JobQueue, Worker, WorkerBackend


class JobScheduler:
    """The workers of a pool and its users.

    Args:
        who: The pool, for messages.
        name: The name of the pool.
        most: How many workers may be at work.
        make_backend: Makes the backend of worker `number`.
        can_end: Whether the running call of a worker can be ended.
    """

    def __init__(
        self, who: str, name: str, most: int, make_backend: Callable[[int], WorkerBackend], can_end: bool
    ) -> None:
        self.who = who
        self.name = name
        self.most = most
        self.lock: threading.RLock = threading.RLock()  # a refused job is returned while the lock is held
        self.is_shut: bool = False
        self._make_backend = make_backend
        self._can_end = can_end
        self._queues: deque[JobQueue] = deque()
        self._calls: dict[tuple[Line, Host | None], JobQueue] = {}
        self._idle: list[Worker] = []
        self._workers: dict[Worker, int] = {}
        self._hosts: dict[Worker, Host] = {}
        self._paused: set[Worker] = set()
        self._on_level: Counter[int] = Counter()
        self._waiting = 0
        self._users = 0
        self._is_entered = False
        self._is_short = False
        self._was_retried = False

    def begin_anew(self) -> None:
        """Drop all workers, and all users but the body of a `with`; called in a forked child."""
        self.lock = threading.RLock()
        self._queues.clear()
        self._calls.clear()
        self._idle.clear()
        self._workers.clear()
        self._hosts.clear()
        self._paused.clear()
        self._on_level.clear()
        self._waiting = 0
        self._users = int(self._is_entered)

    @property
    def size(self) -> int:
        """The number of workers."""
        return len(self._workers)

    # Users

    def host(self) -> Host | None:
        """The call of this pool in which this thread runs, if there is one; called with the lock held."""
        for worker in reversed(current_line()):
            if isinstance(worker, Worker) and worker in self._workers and worker.queue is not None:
                if not worker.is_open:
                    raise RuntimeError(
                        f"{self.who}: its worker_init uses the executor itself, which would need a worker that is "
                        "ready; use another executor there, or call the function directly"
                    )
                return self._hosts.setdefault(worker, Host(worker.queue.level))
        return None

    def open(self, name: str, concurrency: int, on_finished: Callable[[Job], None]) -> JobQueue:
        """Add a user; return the queue for its jobs."""
        with self.lock:
            host = self.host()
            queue = JobQueue(name, concurrency, on_finished, current_line(), host)
            self._queues.append(queue)
            self._users += 1
            if host is not None:
                host.uses += 1
            self._is_short = self._was_retried = False  # the system may have more to give by now
        return queue

    def resize(self, queue: JobQueue, concurrency: int) -> None:
        """Let up to `concurrency` jobs of a user run at a time from now on."""
        with self.lock:
            queue.concurrency = concurrency
            self._assign()

    def release(self, queue: JobQueue) -> list[threading.Thread]:
        """Remove a user; with the last one, the workers end. Return the threads of the workers that end."""
        with self.lock:
            self._queues.remove(queue)
            self._waiting -= len(queue.waiting)
            self._users -= 1
            if queue.host is not None:
                queue.host.uses -= 1
            return self._send_home() if not self._users else []

    def enter(self) -> None:
        """Count the body of a `with` as a user."""
        with self.lock:
            self._users += not self._is_entered
            self._is_entered = True

    def shut(self) -> list[threading.Thread]:
        """Take no more work. Return the threads of the workers, but none if a call of these workers does this."""
        with self.lock:
            self.is_shut = True
            self._users -= self._is_entered
            self._is_entered = False
            is_inside = any(worker in self._workers for worker in current_line())
            threads = [] if is_inside else [worker.thread for worker in self._workers]
            self._ring_the_idle()
            for queue in tuple(self._calls.values()):
                self._close_without_calls(queue)
        return threads

    def _send_home(self) -> list[threading.Thread]:
        """Let all workers end, busy ones after their job; return their threads."""
        ended, self._workers = self._workers, {}
        self._on_level.clear()
        self._paused.clear()
        self._ring_the_idle()
        return [worker.thread for worker in ended]

    def _ring_the_idle(self) -> None:
        idle, self._idle = self._idle, []
        for worker in idle:
            self._workers.pop(worker, None)
            worker.bell.release()

    # Futures

    def submit_call(self, job: FutureJob) -> None:
        """Submit a call. The calls that come from the same place, a call of a worker or outside, are one user."""
        with self.lock:
            self._check_takes()
            line = current_line()
            host = self.host() if line else None
            queue = self._calls.get((line, host))
            if queue is None:
                queue = self._calls[line, host] = self.open(self.name, sys.maxsize, resolve)
                queue.is_for_calls = True
            elif not queue.running:
                self._is_short = self._was_retried = False
            job.future.line = line
            queue.waiting.append(job)
            self._waiting += 1
            self._assign()

    def _close_without_calls(self, queue: JobQueue) -> None:
        """Remove a user whose futures are all done. In the body of a `with`, the one of calls from outside stays."""
        if not queue.is_for_calls or queue.running or queue.waiting or (self._is_entered and not queue.line):
            return
        del self._calls[queue.line, queue.host]
        self.release(queue)

    # Jobs

    def _check_takes(self) -> None:
        if self.is_shut:
            raise RuntimeError(f"{self.who} was shut down and takes no more work")

    def submit(self, queue: JobQueue, job: Job) -> None:
        """Submit a job."""
        with self.lock:
            self._check_takes()
            queue.waiting.append(job)
            self._waiting += 1
            self._assign()

    def take_back(self, *queues: JobQueue) -> None:
        """Cancel and return the jobs that have not begun: those of the given queues, or else of all users."""
        with self.lock:
            jobs = [(queue, job) for queue in queues or tuple(self._queues) for job in queue.waiting]
            self._waiting -= len(jobs)
            for queue, _ in jobs:
                queue.waiting.clear()
        for queue, job in jobs:
            job.error = CancelledError()
            queue.on_finished(job)
        with self.lock:
            for queue in dict.fromkeys(queue for queue, _ in jobs):
                self._close_without_calls(queue)

    def _assign(self) -> None:
        """Give jobs to idle or new workers, one job per user in turn, so that no user starves another."""
        passed = 0
        while self._waiting and passed < len(self._queues):
            busy = len(self._workers) - len(self._idle)
            if (busy >= self.most or self._is_short) and not self._has_place():
                return
            queue = self._queues[0]
            if queue.waiting and queue.running < queue.concurrency and self._on_level[queue.level] < self.most:
                self._give_next(queue)
                passed = 0
            else:
                passed += 1
            self._queues.rotate(-1)

    def _has_place(self) -> bool:
        """Whether one more worker may be at work, and one is idle or may be started."""
        working = self._working()
        return working < self.most and (not self._is_short or bool(self._idle) or not working)

    def _working(self) -> int:
        """How many workers are at work and do not wait for others."""
        working = len(self._workers) - len(self._idle) - len(self._paused)
        if self._hosts:
            working -= sum(1 for worker, host in self._hosts.items() if host.uses and worker not in self._paused)
        return working

    def _give_next(self, queue: JobQueue) -> None:
        if self._idle:
            worker = self._idle.pop()  # the worker that was busy last: its caches are warm
            self._waiting -= 1
            queue.give(worker)
            self._on_level[queue.level] += 1
            worker.bell.release()
        else:
            self._start_worker(queue)

    def _start_worker(self, queue: JobQueue) -> None:
        taken = set(self._workers.values())
        number = next(number for number in count(1) if number not in taken)
        worker = Worker(self.name, number, self._make_backend(number), self.next, self._give_back, self.pause)
        self._waiting -= 1
        job = queue.give(worker)
        self._workers[worker] = number  # before it starts: its call may look at the pool at once
        try:
            worker.thread.start()
        except (RuntimeError, MemoryError) as error:  # the system has no thread to give
            del self._workers[worker], at_work[worker.thread]
            queue.running -= 1
            if not self._is_left_to_others(queue, job, error):
                job.error = error
                queue.on_finished(job)
                self._close_without_calls(queue)
        else:
            self._on_level[queue.level] += 1

    def _give_back(self, worker: Worker, job: Job, error: Exception) -> bool:
        """Remove a worker that could not get ready; return whether others will do its job."""
        with self.lock:
            if worker not in self._workers:
                return False  # it was ended
            assert worker.queue is not None
            self._remove(worker)
            return self._is_left_to_others(worker.queue, job, error)

    def _is_left_to_others(self, queue: JobQueue, job: Job, error: Exception) -> bool:
        """Leave a job for which no worker could be started to the others, if one of them can go on; return whether."""
        if not self._idle and not self._working():
            if not self._is_short or self._was_retried:
                return False
            self._was_retried = True  # workers that failed to start at the same time have released what they held
        elif not self._is_short:
            self._is_short = True
            log.warning(
                "%s goes on with %d of %d workers: no more can be started: %r",
                self.who,
                self.size,
                self.most,
                error,
                extra=fields("too_few_workers", executor=self.name, error=error),
            )
        queue.waiting.appendleft(job)
        self._waiting += 1
        return True

    def pause(self, worker: Worker, begins: bool) -> None:
        """Record that a worker starts or stops waiting in the middle of its job; others may run during the wait."""
        with self.lock:
            assert worker.queue is not None
            if begins and worker in self._workers:
                self._paused.add(worker)
                self._on_level[worker.queue.level] -= 1
                self._assign()
            elif not begins and worker in self._paused:
                self._paused.remove(worker)
                self._on_level[worker.queue.level] += 1

    def next(self, worker: Worker) -> bool:
        """Give a worker that is done its next job, or let it wait for one (both True), or let it end (False)."""
        with self.lock:
            queue = worker.queue
            assert queue is not None
            if (
                queue.waiting
                and len(self._queues) == 1
                and queue.running <= queue.concurrency
                and worker in self._workers
                and self._is_plain()
            ):
                self._waiting -= 1
                worker.job = queue.waiting.popleft()
                worker.bell.release()
                return True
            queue.running -= 1
            self._hosts.pop(worker, None)
            self._close_without_calls(queue)
            if worker in self._workers:
                self._on_level[queue.level] -= 1
                self._idle.append(worker)
            self._assign()
            if worker.job is None:
                at_work.pop(worker.thread, None)
            if worker in self._idle and self.is_shut:
                self._idle.remove(worker)
                del self._workers[worker]
            return worker in self._workers

    def _is_plain(self) -> bool:
        """Whether no worker waits for others, so that one that is done may do the next job of its only user."""
        return not self._hosts and not self._paused and len(self._workers) <= self.most

    # Ends

    def stop_starting(self, queue: JobQueue) -> None:
        """End, if possible, the workers that are still getting ready for a job of a user."""
        with self.lock:
            self._give_up(*[worker for worker in self._busy_for(queue) if worker.backend.start_no_more()])

    def abandon(self, queue: JobQueue) -> bool:
        """Give up the workers that are at work for a user; others are started in their place.

        Their calls are ended if that is possible; return whether it is.
        """
        with self.lock:
            busy = self._busy_for(queue)
            self._give_up(*busy)
        for worker in busy:
            worker.backend.kill()
        return self._can_end

    def _busy_for(self, queue: JobQueue) -> list[Worker]:
        return [worker for worker in self._workers if worker.queue is queue and worker.job is not None]

    def end(self, job: Job) -> bool:
        """End a running job if that is possible, and replace its worker; return whether the job has ended."""
        with self.lock:
            worker = next((worker for worker in self._workers if worker.job is job), None)
            if worker is None:
                return True
            if not self._can_end:
                return False
            self._give_up(worker)
        worker.backend.kill()
        return True

    def _give_up(self, *workers: Worker) -> None:
        for worker in workers:
            self._remove(worker)
        self._assign()

    def _remove(self, worker: Worker) -> None:
        assert worker.queue is not None
        del self._workers[worker]
        if worker in self._paused:
            self._paused.remove(worker)
        else:
            self._on_level[worker.queue.level] -= 1
        self._hosts.pop(worker, None)
