"""Processes that stay, as the executor of blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .crew import Crew
from .parcel import check_picklable
from .process_hand import ProcessHand
from .worker import Hand


class Processes(Crew):
    """Runs the functions of blocks in processes that stay: `Transformer(scale, concurrency=4, executor=Processes(4))`.

    For functions in pure Python that compute. What takes less than about 20 µs an item is faster without; functions in
    C that leave the interpreter lock do as well in `Threads`.

    What goes to the processes and comes back is pickled, each item by itself: an item or a result that cannot be
    pickled fails alone, by the block's `on_error`. The function is pickled once and has to be at the top level of a
    module. Big buffers, of 64 KiB or more (arrays, `bytes`), go through shared memory, and arrays are not copied out of
    it: the one that a function gets, or that comes back, is in that memory for as long as somebody uses it. Up to 64
    of them a process are without a copy at a time; more of them cost a copy each.

    Blocks may share it; each takes at most as many workers as its `concurrency`, which is 1 unless the block says
    otherwise, and they are served in turn. The processes start when they are needed (0.1 s and more, as each imports
    the program again) and end with the last network that uses them; in a `with` they stay until its end. A script must
    start its work below `if __name__ == "__main__":`. The processes ignore Ctrl-C, end when this process ends, however
    it does, and cannot have processes of `multiprocessing` of their own. It is an ordinary
    `concurrent.futures.Executor` too.

    A process that dies takes the item with it that it works on, which fails with `WorkerDied`; results of items before
    that are not lost, and the next item starts another process.

    Args:
        workers: How many processes, >= 1; by default as many as there are processors to use.
        worker_init: Called once in each process before its first item; what it returns is what `worker_state()` gives
            there. Has to be picklable. If it raises, that is a fault of the network.
        cpus: Numbers of the processors on which the processes are kept, in turn. Without effect where the system
            cannot.
        abandon_on_cancel: Whether processes that work for a network which is stopped are killed. By default it waits
            for the calls that run.
        name: What reports call it; by default its class and a number.

    Raises:
        ValueError: `workers` is less than 1, or a processor may not be used.
        TypeError: `worker_init` cannot be called or cannot be pickled.
    """

    is_here = False
    _can_end = True

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
        if worker_init is not None:
            check_picklable(worker_init, f"{self}: worker_init")

    def _hand(self, number: int) -> Hand:
        return ProcessHand(str(self), self.worker_init, self.cpus, number)

    def _check(self, function: Callable[..., Any], who: str) -> None:
        check_picklable(function, who)
