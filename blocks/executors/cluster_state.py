"""The state of the workers of a Dask cluster: the result of `worker_init`, once in each worker.

A plugin brings `worker_init` to each worker, also to those that join later. The first task that needs the state makes
it, in the thread of the task: the loop of the worker, on which plugins run, must not be held up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import attrs

from ..base.callables import NOT_ITERABLE, check_ran
from .cluster_task import Sealed
from .worker_state import local


class ClusterStates:
    """The states in this process, each for one `Cluster` of some program."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inits: dict[str, Sealed] = {}
        self._states: dict[str, Any] = {}

    def begin(self, key: str, worker_init: Sealed) -> None:
        """Keep a `worker_init`."""
        self._inits[key] = worker_init

    def end(self, key: str) -> None:
        """Drop a `worker_init` and its result."""
        self._inits.pop(key, None)
        self._states.pop(key, None)

    def get(self, key: str) -> Any:
        """Return the state; the first call makes it, and others wait for that."""
        with self._lock:
            if key not in self._states:
                if key not in self._inits:
                    raise RuntimeError(
                        "this worker does not have the worker_init of the Cluster, which was shut down, or whose "
                        "client could not bring it here"
                    )
                state = self._inits[key].open()()
                check_ran("the Cluster", "worker_init", state, NOT_ITERABLE)
                self._states[key] = state
            return self._states[key]


states: ClusterStates = ClusterStates()


@attrs.frozen
class WithState:
    """A function that finds the state of its worker with `worker_state()`.

    Attributes:
        function: The function to call.
        key: Says which state it is.
    """

    function: Callable[..., Any]
    key: str

    def prepare(self) -> None:
        """Make the state, if it is not there yet."""
        states.get(self.key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        local.value = states.get(self.key)
        local.is_set = True
        try:
            return self.function(*args, **kwargs)
        finally:
            local.is_set = False
            local.value = None
