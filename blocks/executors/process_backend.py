"""The backend of a worker of `Processes`: a child process that does the jobs, and is replaced when it dies."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from ..base.errors import WorkerDied
from .by_value import pickled
from .fork_servers import fork_servers
from .forked_process import CannotFork
from .log_records import Levels
from .process_age import ProcessAge
from .process_child import Child, start
from .process_request import Request
from .setup import Setup
from .stream import Chunks, Stream
from .wire import Lost
from .work import Outcome, Task
from .worker import NotStarted
from .worker_options import WorkerOptions

MOST_DEATHS = 2
"""The number of children that die in a row without an item before this is an error."""
MOST_WANTED = 64
"""The largest number of slots for results that are lent with a request."""


class ProcessBackend:
    """Does jobs in a child process.

    Args:
        options: What all workers of the pool have in common.
        number: The number of the worker, from 1.
    """

    __slots__ = (
        "_age",
        "_child",
        "_is_killed",
        "_is_ready",
        "_lock",
        "_may_start",
        "_number",
        "_options",
        "_uses_servers",
        "_wanted",
        "_who",
        "_worker_exit",
        "_worker_init",
    )

    def __init__(self, options: WorkerOptions, number: int = 1) -> None:
        self._options = options
        self._who = options.who
        self._worker_init = pickled(options.worker_init, self._who)
        self._worker_exit = pickled(options.worker_exit, self._who)
        self._number = number
        self._age = ProcessAge(options, number)
        self._lock = threading.Lock()
        self._is_killed = False
        self._is_ready = False
        self._may_start = True
        self._uses_servers = False
        self._child: Child | None = None
        self._wanted: list[int] = []

    def open(self) -> None:
        """Start the child, and wait until it is ready."""
        self._ready()

    def _ready(self) -> Child:
        """Get the child. A child that is killed while it starts is replaced, up to `MOST_DEATHS` starts in all."""
        if self._child is not None:
            return self._child
        if not self._uses_servers:
            self._uses_servers = True
            fork_servers.enter()
        try:
            for _ in range(MOST_DEATHS - 1):
                try:
                    return self._start()
                except NotStarted as error:
                    if self._is_killed or not isinstance(error.reason, WorkerDied):
                        raise
            return self._start()
        except BaseException:
            self._leave_servers()
            raise

    def _leave_servers(self) -> None:
        if self._uses_servers:
            self._uses_servers = False
            fork_servers.leave()
        else:  # it may have left while a child was starting
            fork_servers.end_unused()

    def _start(self) -> Child:
        try:
            seed = self._options.seeds.next(self._number)
            setup = Setup(self._worker_init, self._worker_exit, self._options.cpus, self._number, Levels.here(), seed)
            child = start(self._who, setup)
        except OSError as error:
            raise NotStarted(error) from None
        with self._lock:
            self._child = child
            is_killed = self._is_killed
        if is_killed:
            child.kill()
        try:
            child.greet()
        except BaseException as error:
            self._forget()
            child.reap()
            if not isinstance(error, CannotFork):
                raise
            fork_servers.is_refused = True
            return self._start()
        self._is_ready = True
        self._age.begin(child.pid)
        return child

    def _forget(self) -> Child | None:
        """Drop the child; return it."""
        self._is_ready = False
        child, self._child = self._child, None
        return child

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        """Do a job; when a child dies, only the item that it works on is lost."""
        outcome = Outcome([], [])
        deaths = 0
        chunks = None if stream is None else Chunks(stream, outcome)
        self._may_start = True
        until = perf_counter() + task.limit
        while outcome.done < len(items) and not self._is_killed and (self._may_start or self._child is not None):
            if self._child is not None and (why := self._age.why_over()):
                if outcome.done and perf_counter() >= until:
                    break  # the next job begins with another child
                self._age.tell_replacement(why)
                self._end_child(self._child)
                continue
            try:
                child = self._ready()
            except BaseException:
                if outcome.done:
                    break  # results must not be lost; the next job will raise the error again
                raise
            child.records.block = task.block
            done = outcome.done
            request = Request(child, task, outcome, self._wanted, chunks)
            try:
                left = self._age.left
                goes_on = request.run(items if left is None else items[: done + left])
                self._age.did(outcome.done - done)
                self._wanted = request.used[:MOST_WANTED]
            except Lost:
                self._forget()
                goes_on = request.reap()
                deaths = 0 if outcome.done > done else deaths + 1
                if deaths == MOST_DEATHS and not outcome.done:
                    raise WorkerDied(f"{self._who}: {deaths} worker processes in a row died without an item") from None
            except BaseException:
                child.reap()  # its state is unknown
                self.close()
                raise
            if task.keeper is not None and outcome.done > done:
                task.keeper.began()
            if not goes_on or deaths == MOST_DEATHS:
                break
        return outcome

    def start_no_more(self) -> bool:
        """Start no more children for the current job; if no child is ready, kill the backend and return True."""
        self._may_start = False
        if self._is_ready:
            return False
        self.kill()
        return True

    def kill(self) -> None:
        """End the child at once, and start no new one; called from another thread."""
        with self._lock:
            self._is_killed = True
            child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Let the child end."""
        if self._child is not None:
            self._end_child(self._child)
        self._leave_servers()

    def _end_child(self, child: Child) -> None:
        """Let a child end in an orderly way; it can still be killed."""
        error = child.leave(self._options.worker_exit is not None and not self._is_killed)
        self._forget()
        if error is not None and not self._is_killed:
            self._options.exit_errors.add(error)
