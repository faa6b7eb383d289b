"""The work of one job: the items, the function to call with each, and the outcome.

`perform` runs where the executor works: in a thread, or in a process on this machine or another one. It never raises
for an item. So an exception of the job itself is a failure of the executor, not of the function.
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

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function and its arguments."""
SLICE = 16
"""The number of items that are begun without a check of the clock."""


@attrs.frozen(slots=True)
class Task:
    """What to do with each item of a job.

    Attributes:
        function: Called with each item.
        expands: Whether it returns an iterable of outputs per item, which is read to its end where the function runs.
        is_strict: Whether the first failure ends the job: no later item is begun.
        name: The block.
        is_call: Whether each job is one call by itself, with arguments of its own.
        limit: Seconds after which a job that takes longer than expected begins no further items.
        context: The context variables that the function sees; only in threads.
        keeper: Told where the function is called, if the function holds state between calls.
        block: The name of the block alone; "" if there is none.
    """

    function: Callable[[Any], Any]
    expands: bool = False
    is_strict: bool = True
    name: str = ""
    is_call: bool = False
    limit: float = math.inf
    context: Context | None = attrs.field(default=None, eq=False, hash=False)
    keeper: Keeper | None = attrs.field(default=None, eq=False, hash=False)
    block: str = ""


@attrs.define(slots=True)
class Outcome:
    """The results and failures of a job, for its first `done` items; later items were not begun.

    Attributes:
        results: The results of the items that succeeded, in order; lists of outputs if the task expands.
        failures: The place in the job, and the exception, of each item that failed, in order.
        seconds: Wall-clock seconds.
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
    """Call the function of a task with each item, in order; context variables that it sets end with the job."""
    return call_each(task, items) if task.context is None else task.context.copy().run(call_each, task, items)


def call_once(item: Call) -> Outcome:
    """Call a function with its arguments; the result is a tuple of one, whatever the function returns."""
    function, args, kwargs = item
    started = perf_counter()
    outcome = Outcome([], [])
    try:
        outcome.results.append((function(*args, **kwargs),))
    except BaseException as error:
        forget_frames(error)
        outcome.failures.append((0, error))
    outcome.seconds = perf_counter() - started
    return outcome


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
        if error is None and done < before + len(some):  # map takes StopIteration for the end of the items
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
        del outcome, results, failures, items, error  # exceptions refer to this frame


def listed(name: str, function: Callable[[Any], Iterable[Any]]) -> Callable[[Any], list[Any]]:
    """Wrap a function that returns an iterable, so that it returns a list."""

    def call(item: Any) -> list[Any]:
        outputs: Any = function(item)
        if type(outputs) in NOT_ITERABLE:
            raise not_run(name, outputs, is_read=True)
        return list(outputs)

    return call


def refuse_what_has_not_run(name: str, outcome: Outcome) -> None:
    """Turn coroutines and generators among the results into failures: nothing would await or read them."""
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
    """The error for a function that raised `StopIteration`, which would silently end a loop over items."""
    return RuntimeError(f"the function of {name} raised StopIteration")
