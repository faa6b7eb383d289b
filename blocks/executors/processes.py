"""The executor with long-lived processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .by_value import pickled
from .process_backend import ProcessBackend
from .worker import WorkerBackend
from .worker_pool import WorkerPool


class Processes(WorkerPool):
    """Runs block functions in long-lived processes: `Transformer(scale, concurrency=4, executor=Processes(4))`.

    Use it for functions in pure Python that compute. A function that takes less than about 20 µs per item is faster
    without it; functions in C that release the interpreter lock are as fast in `Threads`.

    Items and results are pickled one by one: an item or a result that cannot be pickled fails alone, by the block's
    `on_error`. The function is pickled once. It must be at the top level of a module; if cloudpickle is installed, it
    may also be a lambda, a function inside another one, or be defined in a notebook. Buffers of 64 KiB or more
    (arrays, `bytes`) go through shared memory. Arrays are not copied out of it: an array that a function gets, or that
    comes back, stays in this memory while it is used. Up to 64 arrays per process are used without a copy at a time;
    further ones are copied.

    Several blocks may share it. Each takes up to `concurrency` workers (default 1), and they are served in turn. The
    processes start when they are needed and end with the last network that uses them; in a `with` they stay until its
    end. The first one takes 0.1 s and more, because the program is imported again. On Linux, all of them are forked
    from a process that has imported the program, unless the program starts threads while it is imported, or has chosen
    the start method "spawn" of `multiprocessing`. A script must start its work below `if __name__ == "__main__":`. The
    processes ignore Ctrl-C, and always end when this process ends. Processes that they
    start end with them. It is also an ordinary `concurrent.futures.Executor`.

    What the functions log with `logging` is handled here, by the logger of the same name.

    If a process dies, the item that it works on fails with `WorkerDied`. Results of earlier items are not lost, and
    the next item starts another process.

    Args:
        workers: The number of processes, >= 1; by default the number of usable processors.
        worker_init: Called once in each process before its first item; `worker_state()` returns its result there. Must
            be picklable. An exception from it is a fault of the network.
        worker_exit: Called once in each process at its end, where `worker_state()` still works, but not in a process
            that is killed or dies. Must be picklable. It may take 30 s. Its exceptions are logged, and are faults of
            the network, or are raised by `with` and `shutdown`, at the end of the workers.
        cpus: Numbers of the processors to which the processes are pinned, in turn. No effect if the system cannot do
            it.
        seed: The number that the seeds of the workers follow from, see `worker_seed`; by default another one each time.
        max_items: A process is replaced by a new one after this number of items, for functions in libraries that leak
            memory or slow down; >= 1; by default never.
        max_memory: A process is replaced before its next job if it uses more memory than this: bytes, or a text such as
            "2 GiB". Shared memory and files do not count (on Linux).
        abandon_on_cancel: Whether a network that is stopped kills the processes that work for it. By default it waits
            for running calls.
        name: Its name in reports; by default its class and a number.

    Raises:
        ValueError: `workers`, `max_items` or `max_memory` is less than 1, or a processor may not be used.
        TypeError: `seed` is not an int, `max_memory` is neither a number nor a text, or `worker_init` or `worker_exit`
            cannot be called or cannot be pickled.
    """

    is_here = False
    _can_end = True
    _job_seconds = 0.005

    def __init__(
        self,
        workers: int | None = None,
        *,
        worker_init: Callable[[], Any] | None = None,
        worker_exit: Callable[[], Any] | None = None,
        cpus: Sequence[int] | None = None,
        seed: int | None = None,
        max_items: int | None = None,
        max_memory: int | str | None = None,
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
            max_items=max_items,
            max_memory=max_memory,
        )
        if worker_init is not None:
            pickled(worker_init, f"{self}: worker_init")
        if worker_exit is not None:
            pickled(worker_exit, f"{self}: worker_exit")

    def _backend(self, number: int) -> WorkerBackend:
        return ProcessBackend(self._options, number)

    def check_function(self, function: Callable[..., Any], who: str) -> None:
        """Raise a `TypeError` if a function cannot be sent to the workers.

        :meta private:
        """
        pickled(function, who)
