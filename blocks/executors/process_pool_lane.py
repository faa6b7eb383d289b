"""The lane to a `ProcessPoolExecutor` of the standard library, which pickles by reference only."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import attrs

from .by_value import sealed
from .lane import CompletionQueue, FutureLane, Job
from .parcel import Answer, PackedAnswer, Parcel, perform_parcel


class ProcessPoolLane(FutureLane):
    """Hands jobs to a process pool; a function that its processes cannot import is sent by value."""

    __slots__ = ("_function", "_sent")

    def __init__(self, executor: Executor, concurrency: int, completions: CompletionQueue) -> None:
        super().__init__(executor, concurrency, completions)
        self._function: Callable[[Any], Any] | None = None
        self._sent: Callable[[Any], Any]

    def _hand_over(self, job: Job) -> Future[Answer | PackedAnswer]:
        task = job.task
        if self._function is not task.function:
            self._sent, self._function = sealed(task.function, task.name), task.function
        if self._sent is not task.function:
            task = attrs.evolve(task, function=self._sent)
        return self._executor.submit(perform_parcel, task, Parcel(job.items, task.name))
