"""The state of a worker: the result of `worker_init`, for the functions that the worker calls."""

from __future__ import annotations

import threading
from typing import Any

from ..base.callables import NOT_ITERABLE, check_ran


class Local(threading.local):
    """The state of the worker that runs in this thread."""

    is_set = False
    value: Any = None


local: Local = Local()


def worker_state() -> Any:
    """Get the result of `worker_init` in the worker that calls this: a model, a connection, a scratch buffer.

    Raises:
        RuntimeError: Not called in a worker of `Threads` or `Processes` that has a `worker_init`.
    """
    if not local.is_set:
        raise RuntimeError(
            "worker_state() was called outside a worker that has a state: call it in the function of a block whose "
            "executor is Threads(..., worker_init=...) or Processes(..., worker_init=...)"
        )
    return local.value


def set_up(worker_init: Any) -> None:
    """Run `worker_init` and keep its result for this thread."""
    if worker_init is not None:
        state = worker_init()
        check_ran("the executor", "worker_init", state, NOT_ITERABLE)
        local.value = state
        local.is_set = True
