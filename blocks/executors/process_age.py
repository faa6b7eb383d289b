"""Decides when a worker process has done its share and is replaced by a new one."""

from __future__ import annotations

from ..base.byte_count import show_bytes
from ..base.log import fields, log
from .process_memory import memory_of
from .worker_options import WorkerOptions


class ProcessAge:
    """The items and the memory of a worker process.

    Args:
        options: What all workers of the pool have in common: with the limits.
        number: The number of the worker, from 1.

    Attributes:
        left: How many more items the process may do; None: any number.
    """

    __slots__ = ("_done", "_number", "_options", "_pid", "left")

    def __init__(self, options: WorkerOptions, number: int) -> None:
        self._options = options
        self._number = number
        self._pid = 0
        self._done = 0
        self.left: int | None = options.max_items

    def begin(self, pid: int) -> None:
        """Start over for a new process, which is ready."""
        self._pid = pid
        self._done = 0
        self.left = self._options.max_items
        most = self._options.max_memory
        if most is not None and (used := memory_of(pid)) > most and self._options.is_first_that_is_too_big():
            log.warning(
                "%s: a worker process uses %s before its first item, and max_memory is %s: it does only one job; give "
                "max_memory a larger number",
                self._options.who,
                show_bytes(used),
                show_bytes(most),
                extra=fields("worker_too_big", executor=self._options.name, worker=self._number - 1),
            )

    def did(self, items: int) -> None:
        """Count items that the process has done."""
        self._done += items
        if self.left is not None:
            self.left -= items

    def why_over(self) -> str:
        """Return why the process is to be replaced before its next item; "" if it is not."""
        if not self._done:
            return ""
        if self.left is not None and self.left <= 0:
            return "max_items"
        most = self._options.max_memory
        if most is not None and (used := memory_of(self._pid)) > most:
            return f"max_memory: it uses {show_bytes(used)}"
        return ""

    def tell_replacement(self, why: str) -> None:
        """Count and log that the process is replaced."""
        self._options.count_replacement()
        log.info(
            "%s: worker %d is replaced after %d items (%s)",
            self._options.who,
            self._number,
            self._done,
            why,
            extra=fields("worker_replaced", executor=self._options.name, worker=self._number - 1),
        )
