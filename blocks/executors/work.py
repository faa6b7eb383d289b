"""A hand-over to a worker: some items, the function to call with each, and what came of it.

`perform` runs wherever the executor takes it: in a thread, in a process of this machine or of another one. It never
raises for an item, so whatever a hand-over raises by itself is the executor's own failure, not the function's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from time import perf_counter, thread_time
from typing import Any

import attrs

from ..base.callables import NOT_ITERABLE, NOT_RUN, not_run
from ..base.error_info import forget_frames
from .keeper import Keeper

SLICE = 16
"""So many items are begun without a look at the clock."""


@attrs.frozen(slots=True)
class Task:
    """What to do with each item of a hand-over.

    Attributes:
        function: Called with each item.
        expands: Whether it gives an iterable of outputs an item, which is read to its end where the function runs.
        is_strict: Whether the first failure ends the hand-over: no later item is begun.
        name: The block.
        limit: Seconds after which a hand-over that takes longer than expected begins no further items.
        context: The context variables that the function sees, where that can be said: in threads.
        keeper: Told where the function is called, if it holds something from one call to the next.
    """

    function: Callable[[Any], Any]
    expands: bool = False
    is_strict: bool = True
    name: str = ""
    limit: float = math.inf
    context: Context | None = attrs.field(default=None, eq=False, hash=False)
    keeper: Keeper | None = attrs.field(default=None, eq=False, hash=False)


@attrs.define(slots=True)
class Outcome:
    """What came of the items of a hand-over, from the first on; what is behind `done` was not begun.

    Attributes:
        results: Of the items that went well, in order; lists of outputs if the task expands.
        failures: The place in the hand-over, and the exception, of each of the others, in order.
        seconds: By the clock on the wall.
        cpu: Seconds of processor time.
    """

    results: list[Any]
    failures: list[tuple[int, BaseException]]
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def done(self) -> int:
        """How many items were begun."""
        return len(self.results) + len(self.failures)


def perform(task: Task, items: Sequence[Any]) -> Outcome:
    """Call the function of a task with each item, in order; what it sets in its context ends with the hand-over."""
    return call_each(task, items) if task.context is None else task.context.copy().run(call_each, task, items)


def call_each(task: Task, items: Sequence[Any]) -> Outcome:
    """Call the function of a task with each item, in order."""
    started, cpu_started = perf_counter(), thread_time()
    call = listed(task.name, task.function) if task.expands else task.function
    outcome = Outcome([], [])
    results, failures = outcome.results, outcome.failures
    until = started + task.limit
    done = 0
    error: BaseException | None = None
    while done < len(items) and (done == 0 or perf_counter() < until):
        some = items[done : done + SLICE]
        error = None
        try:
            results.extend(map(call, some))
        except BaseException as raised:
            error = raised
            forget_frames(error)
        before, done = done, len(results) + len(failures)
        if error is None and done < before + len(some):  # map takes it for the end of the items
            error = stop_iteration(task.name)
        if error is None:
            continue
        if done == before + len(some):  # Ctrl-C, right after the last call
            results.pop()
            done -= 1
        failures.append((done, error))
        done += 1
        if task.is_strict or not isinstance(error, Exception):
            break
    refuse_what_has_not_run(task.name, outcome)
    outcome.seconds, outcome.cpu = perf_counter() - started, thread_time() - cpu_started
    try:
        return outcome
    finally:
        del outcome, results, failures, items, error  # exceptions know this frame


def listed(name: str, function: Callable[[Any], Iterable[Any]]) -> Callable[[Any], list[Any]]:
    """Read to the end what a function gives."""

    def call(item: Any) -> list[Any]:
        outputs: Any = function(item)
        if type(outputs) in NOT_ITERABLE:
            raise not_run(name, outputs, is_read=True)
        return list(outputs)

    return call


def refuse_what_has_not_run(name: str, outcome: Outcome) -> None:
    """Make failures of coroutines and generators, which nobody would await or read."""
    results = outcome.results
    if not results or (type(results[0]) not in NOT_RUN and type(results[-1]) not in NOT_RUN):
        return
    failed = dict(outcome.failures)
    kept: list[Any] = []
    waiting = iter(results)
    for place in range(outcome.done):
        if place in failed:
            continue
        result = next(waiting)
        if type(result) in NOT_RUN:
            failed[place] = not_run(name, result)
        else:
            kept.append(result)
    outcome.results, outcome.failures = kept, sorted(failed.items())


def stop_iteration(name: str) -> RuntimeError:
    """Explain that a function has raised what would end a loop over items in silence."""
    return RuntimeError(f"the function of {name} raised StopIteration")
