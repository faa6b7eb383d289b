"""The executor with long-lived threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from ..base.cpus import pin
from .forked import forkable
from .stream import Stream, perform_stream
from .work import Outcome, Task, call_once, perform
from .worker import WorkerBackend
from .worker_options import WorkerOptions
from .worker_pool import WorkerPool
from .worker_state import set_up, tear_down

LINGER = 1.0
"""Seconds after a long computation for which a worker is expected to compute for long again."""


class SwitchInterval:
    """Makes the interpreter switch threads sooner while there are worker threads that compute for long.

    A thread that computes in pure Python keeps the interpreter lock for the switch interval after another thread asks
    for it: 5 ms by default, for each thread before the loop. Without this class, the loop would be late by this time
    after each sleep. Calls that take less time than the shorter interval do not need it, and with the shorter interval
    each wait for the lock costs more: 15 µs on a virtual machine, because its timer is due before the next tick.

    Args:
        seconds: The shorter interval.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._workers = 0
        self._before = 0.0
        forkable.add(self)

    def begin_anew(self) -> None:
        """Restore the state before the first worker; called in a forked child."""
        self._lock = threading.Lock()
        if self._workers:
            self._workers = 0
            sys.setswitchinterval(self._before)

    def begin(self) -> None:
        """Count a worker that computes for long; the first such worker shortens the interval."""
        with self._lock:
            self._workers += 1
            if self._workers == 1:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, self.seconds))

    def end(self) -> None:
        """Count such a worker no longer; the last one restores the interval."""
        with self._lock:
            self._workers -= 1
            if not self._workers:
                sys.setswitchinterval(self._before)


switch_interval: SwitchInterval = SwitchInterval(0.0005)


class ThreadBackend:
    """Calls functions in the worker's own thread."""

    __slots__ = ("_is_long", "_is_ready", "_long_until", "_number", "_options")

    def __init__(self, options: WorkerOptions, number: int) -> None:
        self._options = options
        self._number = number
        self._is_ready = False
        self._is_long = False
        self._long_until = 0.0

    def open(self) -> None:
        """Pin the thread, and run `worker_init`."""
        options = self._options
        pin(options.cpus, self._number)
        set_up(options.worker_init, self._number, options.seeds.next(self._number))
        self._is_ready = True
        self._begin_long()  # until its calls are known

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        """Do a job."""
        if task.is_call:
            outcome = call_once(items[0])
        else:
            outcome = perform(task, items) if stream is None else perform_stream(task, items, stream)
        if (outcome.cpu or outcome.seconds) > switch_interval.seconds:
            self._begin_long()
            self._long_until = perf_counter() + LINGER
        elif self._is_long and perf_counter() >= self._long_until:
            self._end_long()
        return outcome

    def _begin_long(self) -> None:
        if not self._is_long:
            self._is_long = True
            switch_interval.begin()

    def _end_long(self) -> None:
        if self._is_long:
            self._is_long = False
            switch_interval.end()

    def start_no_more(self) -> bool:
        """Return False: nothing can end `worker_init` in a thread."""
        return False

    def kill(self) -> None:
        """Do nothing: nothing can end a thread."""

    def close(self) -> None:
        """Run `worker_exit`, and count off the worker, whose thread ends."""
        if self._is_ready:
            try:
                tear_down(self._options.worker_exit)
            except BaseException as error:
                self._options.exit_errors.add(error)
        self._end_long()


class Threads(WorkerPool):
    """Runs the functions of blocks in long-lived threads: `Transformer(scale, concurrency=2, executor=Threads(2))`.

    Use it for functions that wait, or that release the interpreter lock while they work, as Pillow, NumPy and most
    libraries in C do. Functions in pure Python run one at a time; give these `Processes`.

    Several blocks may share it. Each takes up to `concurrency` workers (default 1), and they are served in turn. The
    workers start when they are needed and end with the last network that uses them. In a `with` they stay until its
    end, so a costly `worker_init` runs once per worker. It is also an ordinary `concurrent.futures.Executor`.

    While there are workers that compute for long, the interpreter's switch interval is at most 0.5 ms, so that
    functions in pure Python do not make the loop late.

    Args:
        workers: The number of threads, >= 1; by default the number of usable processors.
        worker_init: Called once in each worker before its first item; `worker_state()` returns its result there. An
            exception from it is a fault of the network.
        worker_exit: Called once in each worker at its end, where `worker_state()` still works. Its exceptions are
            logged, and are faults of the network, or are raised by `with` and `shutdown`, at the end of the workers.
        cpus: Numbers of the processors to which the workers are pinned, in turn. No effect if the system cannot do it.
        seed: The number that the seeds of the workers follow from, see `worker_seed`; by default another one each time.
        abandon_on_cancel: Whether a network that is stopped abandons running calls. By default it waits for them,
            because nothing can end a thread.
        name: Its name in reports; by default its class and a number.

    Raises:
        ValueError: `workers` is less than 1, or a processor may not be used.
        TypeError: `seed` is not an int, or `worker_init` or `worker_exit` cannot be called.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        worker_init: Callable[[], Any] | None = None,
        worker_exit: Callable[[], Any] | None = None,
        cpus: Sequence[int] | None = None,
        seed: int | None = None,
        abandon_on_cancel: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(
            workers,
            worker_init=worker_init,
            worker_exit=worker_exit,
            cpus=cpus,
            seed=seed,
            abandon_on_cancel=abandon_on_cancel,
            name=name,
        )

    def _backend(self, number: int) -> WorkerBackend:
        return ThreadBackend(self._options, number)
