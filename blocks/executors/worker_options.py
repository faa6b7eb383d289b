"""What the workers of a pool have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from .exit_errors import ExitErrors
from .seeds import Seeds


@attrs.define(eq=False)
class WorkerOptions:
    """What the workers of a pool have in common.

    Attributes:
        who: The pool, for messages.
        worker_init: Called in each worker before anything else.
        worker_exit: Called in each worker at its end.
        cpus: Each worker is pinned to one of these processors.
        seeds: Makes the seeds of the workers.
        max_items: A process is replaced after this number of items.
        max_memory: A process is replaced if it uses more bytes of memory.
        name: The name of the pool.
        exit_errors: Takes the exceptions of `worker_exit`.
        replaced: How many processes were replaced because of these limits.
    """

    who: str
    worker_init: Callable[[], Any] | None = None
    worker_exit: Callable[[], Any] | None = None
    cpus: Sequence[int] = ()
    seeds: Seeds = attrs.field(factory=Seeds)
    max_items: int | None = None
    max_memory: int | None = None
    name: str = ""
    exit_errors: ExitErrors = attrs.field(init=False)
    replaced: int = attrs.field(default=0, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _has_warned: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.exit_errors = ExitErrors(self.who, self.name)

    def count_replacement(self) -> None:
        """Count a process that was replaced."""
        with self._lock:
            self.replaced += 1

    def is_first_that_is_too_big(self) -> bool:
        """Whether this is called for the first time."""
        with self._lock:
            has_warned, self._has_warned = self._has_warned, True
        return not has_warned
