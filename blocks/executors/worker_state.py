"""What a worker has of its own: its number, its seed, and the result of `worker_init`, for the functions it calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..base.callables import NOT_ITERABLE, check_ran


class Local(threading.local):
    """What the worker that runs in this thread has of its own."""

    number: int | None = None
    seed: int = 0
    is_set = False
    value: Any = None


local: Local = Local()


def worker_state() -> Any:
    """Get the result of `worker_init` in the worker that calls this: a model, a connection, a scratch buffer.

    Raises:
        RuntimeError: Not called in a worker of `Threads`, `Processes` or a `Cluster` that has a `worker_init`.
    """
    if not local.is_set:
        raise RuntimeError(
            "worker_state() was called outside a worker that has a state: call it in the function of a block whose "
            "executor is Threads(..., worker_init=...), Processes(..., worker_init=...) or Cluster(client, "
            "worker_init=...)"
        )
    return local.value


def worker_number() -> int:
    """Get the number of the worker that calls this, to divide things among the workers: devices, ports, folders.

    The n workers of an executor have the numbers 0 to n - 1. A worker that replaces another one has its number. A
    worker that stands in for one that waits has n or more. `worker_init` and `worker_exit` may call this too. The names
    of threads and processes ("scale worker 1") count from 1.

    Raises:
        RuntimeError: Not called in a worker of `Threads` or `Processes`.
    """
    if local.number is None:
        raise outside("worker_number")
    return local.number


def worker_seed() -> int:
    """Get the seed of the worker that calls this: `worker_init` may seed random generators with it.

    It follows from the `seed` of the executor, the number of the worker, and how many workers had this number before.
    So the workers of an executor have different ones, and a program that runs again has the same ones.

    Returns:
        0 to 2**32 - 1, which suits `random.seed`, `numpy.random.seed`, `numpy.random.default_rng` and
        `torch.manual_seed`.

    Raises:
        RuntimeError: Not called in a worker of `Threads` or `Processes`.
    """
    if local.number is None:
        raise outside("worker_seed")
    return local.seed


def outside(name: str) -> RuntimeError:
    """The error for a call outside a worker."""
    return RuntimeError(
        f"{name}() was called outside a worker: call it in the function of a block whose executor is Threads or "
        "Processes, or in its worker_init"
    )


def tear_down(worker_exit: Callable[[], Any] | None) -> None:
    """Run `worker_exit`, which may still use the state of the worker."""
    if worker_exit is not None:
        check_ran("the executor", "worker_exit", worker_exit(), NOT_ITERABLE)


def set_up(worker_init: Callable[[], Any] | None, number: int, seed: int) -> None:
    """Run `worker_init`, and keep its result for this thread.

    Args:
        worker_init: The function, if there is one.
        number: The number of the worker, from 1.
        seed: The seed of the worker.
    """
    local.number, local.seed = number - 1, seed
    if worker_init is not None:
        state = worker_init()
        check_ran("the executor", "worker_init", state, NOT_ITERABLE)
        local.value = state
        local.is_set = True
