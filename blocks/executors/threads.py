"""Threads that stay, as the executor of blocks."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..base.cpus import pin
from .crew import Crew
from .forked import forkable
from .stream import Stream, perform_stream
from .work import Outcome, Task, perform
from .worker import Hand
from .worker_state import set_up


class SwitchInterval:
    """Has the interpreter change threads sooner while there are worker threads.

    A thread that computes in pure Python gives the interpreter lock away when it is asked to, and only after the
    interpreter's switch interval: 5 ms unless the program says otherwise, and that for each thread in front. The loop
    would be late by so much each time it has slept.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._workers = 0
        self._before = 0.0
        forkable.add(self)

    def begin_anew(self) -> None:
        """Be as before the first worker, in a forked child."""
        self._lock = threading.Lock()
        if self._workers:
            self._workers = 0
            sys.setswitchinterval(self._before)

    def begin(self) -> None:
        """A worker comes."""
        with self._lock:
            self._workers += 1
            if self._workers == 1:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, self.seconds))

    def end(self) -> None:
        """A worker goes; after the last one everything is as it was."""
        with self._lock:
            self._workers -= 1
            if not self._workers:
                sys.setswitchinterval(self._before)


switch_interval: SwitchInterval = SwitchInterval(0.0005)


class ThreadHand:
    """Calls functions in the worker's own thread."""

    __slots__ = ("_cpus", "_is_open", "_number", "_worker_init")

    def __init__(self, worker_init: Callable[[], Any] | None, cpus: Sequence[int], number: int) -> None:
        self._worker_init = worker_init
        self._cpus = cpus
        self._number = number
        self._is_open = False

    def open(self) -> None:
        """Pin the thread, and run `worker_init`."""
        pin(self._cpus, self._number)
        set_up(self._worker_init)
        switch_interval.begin()
        self._is_open = True

    def perform(self, task: Task, items: Sequence[Any], stream: Stream | None = None) -> Outcome:
        """Do a job."""
        return perform(task, items) if stream is None else perform_stream(task, items, stream)

    def start_no_more(self) -> bool:
        """Nothing can end `worker_init` in a thread."""
        return False

    def kill(self) -> None:
        """Nothing can end a thread: it is left to itself."""

    def close(self) -> None:
        """The thread ends."""
        if self._is_open:
            switch_interval.end()


class Threads(Crew):
    """Runs the functions of blocks in threads that stay: `Transformer(scale, concurrency=2, executor=Threads(2))`.

    For functions that wait, or that leave the interpreter lock while they work, as Pillow, NumPy and most of what is
    written in C do. Functions in pure Python take turns with each other; give these `Processes`.

    Blocks may share it; each takes at most as many workers as its `concurrency`, which is 1 unless the block says
    otherwise, and they are served in turn. The workers start when they are needed and end with the last network that
    uses them; in a `with` they stay until its end, which spares a costly `worker_init`. It is an ordinary
    `concurrent.futures.Executor` too.

    While there are workers, the interpreter's switch interval is at most 0.5 ms, so that functions in pure Python do
    not make the loop late.

    Args:
        workers: How many threads, >= 1; by default as many as there are processors to use.
        worker_init: Called once in each worker before its first item; what it returns is what `worker_state()` gives
            there. If it raises, that is a fault of the network.
        cpus: Numbers of the processors on which the workers are kept, in turn. Without effect where the system cannot.
        abandon_on_cancel: Whether a network that is stopped leaves running calls to themselves. By default it waits
            for them, since nothing can end a thread.
        name: What reports call it; by default its class and a number.

    Raises:
        ValueError: `workers` is less than 1, or a processor may not be used.
        TypeError: `worker_init` cannot be called.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        worker_init: Callable[[], Any] | None = None,
        cpus: Sequence[int] | None = None,
        abandon_on_cancel: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(workers, worker_init=worker_init, cpus=cpus, abandon_on_cancel=abandon_on_cancel, name=name)

    def _hand(self, number: int) -> Hand:
        return ThreadHand(self.worker_init, self.cpus, number)
