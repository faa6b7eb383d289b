"""The exceptions of `worker_exit`, which a wait for the workers raises."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..base.error_info import annotate
from ..base.log import fields, log


class ExitErrors:
    """Logs the exceptions of `worker_exit`, and keeps them for the next wait for the workers.

    Args:
        who: The pool, for messages.
        name: The name of the pool.
    """

    __slots__ = ("_errors", "_lock", "_name", "_who")

    def __init__(self, who: str, name: str) -> None:
        self._who = who
        self._name = name
        self._errors: list[BaseException] = []
        self._lock = threading.Lock()

    def add(self, error: BaseException) -> None:
        """Log and keep an exception."""
        annotate(error, f"in worker_exit of {self._who}")
        what = fields("worker_exit_failed", executor=self._name, error=error)
        log.error("%s: worker_exit failed", self._who, exc_info=error, extra=what)
        with self._lock:
            self._errors.append(error)

    def wait(self, threads: Sequence[threading.Thread]) -> None:
        """Wait until workers have ended, and raise the exceptions of all workers that have ended so far."""
        for thread in threads:
            thread.join()
        with self._lock:
            errors, self._errors = self._errors, []
        if len(errors) > 1:
            raise BaseExceptionGroup(f"worker_exit of {self._who}", errors)
        if errors:
            raise errors[0]
