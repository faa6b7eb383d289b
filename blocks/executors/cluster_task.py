"""The tasks that are sent to a Dask cluster, and the code that runs them there.

Functions and items are sent as opaque bytes. A scheduler unpacks and repacks the messages that pass it; with bytes, it
needs none of the program's modules and does no work on the payload. For an item that is already on the cluster, Dask
replaces its future by its value.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from time import perf_counter
from typing import Any

import attrs

from ..base.error_info import annotate
from .parcel import Answer, PackedAnswer, Parcel, perform_parcel
from .remote import ErrorRecord
from .work import Task, perform

QUICK = 0.001


@attrs.frozen
class Container:
    """The plan of a tuple or list: how it is made of parts."""

    make: Callable[[list[Any]], Any]
    plans: list[Plan]


Plan = int | Container
"""How an item is made of its parts: it is one part (by index), or a container of parts."""


@attrs.frozen(repr=False)
class Sealed:
    """A value as bytes."""

    data: bytes

    @classmethod
    def of(cls, value: object) -> Sealed:
        """Pickle a value, even if it was defined in the running program."""
        return cls(import_module("cloudpickle").dumps(value))

    def open(self) -> Any:
        """Get the value."""
        return pickle.loads(self.data)


class Recorded(Exception):
    """An exception that a task raises on a worker: it carries the record of another one, which can always be sent."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record)
        self.record = record

    def __repr__(self) -> str:  # for the worker's log
        return self.record.text

    __str__ = __repr__


class Failed(Recorded):
    """Raised when the function of a task has raised."""


class Unusable(Recorded):
    """Raised when the function of a task could not be unpickled on the worker."""


def work(sealed: Sealed, plan: Plan, *parts: Any) -> Any:
    """Call the function of a task with an item, on a worker.

    Args:
        sealed: The task.
        plan: How the item is made of its parts.
        parts: The parts; each is sealed, or a value from the cluster.
    """
    task = open_task(sealed)
    get_ready(task)

    def assemble_and_call(parts: Sequence[Any]) -> Any:
        result = task.function(assemble(plan, parts))
        check_movable(result)
        return result

    outcome = perform(attrs.evolve(task, function=assemble_and_call), [parts])
    for _, error in outcome.failures:
        annotate(error, f"it was raised on {here()}")
        raise Failed(ErrorRecord.of(error)) from None
    return outcome.results[0]


def work_through(sealed: Sealed, parcel: Parcel) -> Answer | PackedAnswer:
    """Call the function of a task with several items, on a worker, and return the answer to send back."""
    return perform_parcel(open_task(sealed), parcel)


def open_task(sealed: Sealed) -> Task:
    """Unpickle a task, or raise `Unusable` if that fails here."""
    try:
        return opened(sealed)
    except Exception as error:
        annotate(error, f"the function could not be made on {here()}; are its modules installed there?")
        raise Unusable(ErrorRecord.of(error)) from None


def get_ready(task: Task) -> None:
    """Make the state that the function needs, or raise `Unusable` if that fails here."""
    prepare: Callable[[], object] | None = getattr(task.function, "prepare", None)
    if prepare is not None:
        try:
            prepare()
        except Exception as error:
            annotate(error, f"in worker_init of a Cluster, on {here()}")
            raise Unusable(ErrorRecord.of(error)) from None


@lru_cache(maxsize=16)
def opened(sealed: Sealed) -> Task:
    """Unpickle a task; the worker keeps it, with any state of the function, for later items."""
    task: Task = sealed.open()
    return task


def assemble(plan: Plan, parts: Sequence[Any]) -> Any:
    """Unpickle the parts of an item and put them together."""
    try:
        values = [part.open() if isinstance(part, Sealed) else part for part in parts]
    except Exception as error:
        annotate(error, f"the item could not be unpickled on {here()}")
        raise
    return follow(plan, values)


def follow(plan: Plan, values: Sequence[Any]) -> Any:
    """Put values together as a plan says."""
    if isinstance(plan, int):
        return values[plan]
    return plan.make([follow(inner, values) for inner in plan.plans])


trusted: set[type] = set()
"""Types of results that can be pickled, but not quickly."""


def check_movable(result: object) -> None:
    """Raise if a result cannot be pickled: Dask would try forever to send it to another worker that needs it.

    The pickle is discarded, and buffers that can stay outside it, such as the data of arrays, are not touched. If the
    check is slow, it is done for one result of each type only.
    """
    if type(result) in trusted:
        return
    started = perf_counter()
    try:
        pickle_to_nowhere("pickle", result)
    except Exception:
        try:
            pickle_to_nowhere("cloudpickle", result)
        except Exception as error:
            annotate(error, f"the result cannot be pickled, so it could never leave {here()}")
            raise
    if perf_counter() - started > QUICK:
        trusted.add(type(result))


def pickle_to_nowhere(module: str, value: object) -> None:
    """Raise if a value cannot be pickled."""
    import_module(module).Pickler(Nowhere, 5, buffer_callback=Nowhere.write).dump(value)


class Nowhere:
    """A file that discards all data."""

    @staticmethod
    def write(data: object) -> None:
        """Discard the data."""


def here() -> str:
    """Say which worker this is."""
    with suppress(Exception):
        return f"the worker {import_module('distributed').get_worker().address}"
    return "the worker"
