"""The call after the last input of a block (`at_end`), which returns the rest that its function still holds.

The end travels like an item to the place where the function runs, and the call is made there, in its turn: in the
pump, in a task, in a thread or in another process. States of a block: no such call → finished; or due → (its input is
complete and it holds nothing) → made → finished. A block that is ended early is never in "made": it behaves as if there
were no such call. The state of the function is in one place, so options that would split it are refused.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from enum import Enum
from functools import wraps
from typing import Any, Final

import attrs

from ..base.callables import is_async, is_async_generator
from ..executors.keeper import Keeper as Keeper

Function = Callable[[Any], Any]
AtEnd = Callable[[], Any]


class End(Enum):
    """The mark after the last input; it is the same object in every process."""

    END = "end"

    def __repr__(self) -> str:
        return "<the end of the input>"


END: Final = End.END


class LastCall(Enum):
    """Whether there is a call after the last input, and its progress.

    Attributes:
        NONE: There is no call, or its outputs are not needed.
        DUE: The call comes when the input is complete and nothing is held.
        MADE: The call was begun.
    """

    NONE = "none"
    DUE = "due"
    MADE = "made"


@attrs.frozen
class Ending:
    """A plain function that also takes the end; its two parts are sent together, so that they share their state.

    Attributes:
        function: Called with each item.
        at_end: Called at the end.
    """

    function: Function
    at_end: AtEnd

    @property
    def __wrapped__(self) -> Function:
        return self.function

    def __call__(self, item: Any) -> Any:
        return self.at_end() if item is END else self.function(item)


class InOneThread:
    """A function that keeps its state in its worker and refuses to run in a second one.

    Args:
        name: The block, for the error message.
        function: The function to call.
    """

    __slots__ = ("_name", "_thread", "function")

    def __init__(self, name: str, function: Function) -> None:
        self._name = name
        self._thread: int | None = None
        self.function: Function = function

    def __call__(self, item: Any) -> Any:
        here = threading.get_ident()
        if self._thread is None:
            self._thread = here
        elif self._thread != here:
            raise RuntimeError(
                f"{self._name}: the worker with the state that at_end= needs was busy with another block, and a second "
                "one has no part of it; give the block a Threads(1) of its own"
            )
        return self.function(item)


def awaited_to_the_end(function: Function, at_end: AtEnd) -> Function:
    """Wrap an async function, so that it also takes the end."""

    @wraps(function)
    async def call(item: Any) -> Any:
        return await last_outputs(at_end) if item is END else await function(item)

    return call


async def last_outputs(at_end: AtEnd) -> Any:
    """Call `at_end` and return its outputs, whatever kind of function it is."""
    if is_async_generator(at_end):
        return [output async for output in at_end()]
    return await at_end() if is_async(at_end) else at_end()


def generated_to_the_end(function: Function, at_end: AtEnd) -> Function:
    """Wrap an asynchronous generator function, so that it also takes the end."""

    @wraps(function)
    async def generate(item: Any) -> AsyncGenerator[Any, None]:
        if item is END and not is_async_generator(at_end):
            for output in await last_outputs(at_end):
                yield output
            return
        outputs = at_end() if item is END else function(item)
        try:
            async for output in outputs:
                yield output
        finally:
            await outputs.aclose()

    return generate


def with_end(name: str, function: Function, at_end: AtEnd, executor: Executor | None) -> Function:
    """Wrap a function, so that it also takes the end and then calls `at_end`."""
    if is_async_generator(function):
        return generated_to_the_end(function, at_end)
    if is_async(function):
        return awaited_to_the_end(function, at_end)
    ending = Ending(function, at_end)
    return InOneThread(name, ending) if executor is not None and has_thread_state(executor) else ending


def has_thread_state(executor: Executor) -> bool:
    """Whether the threads of an executor have a state of their own."""
    from ..executors.threads import Threads  # late: most programs need no executor

    return isinstance(executor, Threads) and executor.worker_init is not None


def check_at_end(name: str, at_end: AtEnd, *, runs_async: bool, concurrency: int, executor: Executor | None) -> None:
    """Check that `at_end` can be called in the one place where the state of the function is.

    Raises:
        TypeError: `at_end` cannot be called, or not in that place.
        ValueError: The state of the function would be split.
    """
    if not callable(at_end):
        raise TypeError(f"{name}: at_end must be a function without arguments, got {at_end!r}")
    if not runs_async and (is_async(at_end) or is_async_generator(at_end)):
        raise TypeError(
            f"{name}: at_end is async and the function is not; make both async, or give a plain at_end, which runs "
            "where the function does"
        )
    check_single(name, concurrency)
    if executor is not None:
        check_executor(name, at_end, executor)


def check_single(name: str, concurrency: int) -> None:
    """Raise a `ValueError` if several calls at once would share the state of the function."""
    if concurrency > 1:
        raise ValueError(
            f"{name}: at_end= needs concurrency=1, got {concurrency}: it is called once, and several calls at once do "
            "not share what the function holds in a known order; put what can be done at once into a block before it"
        )


def check_executor(name: str, at_end: AtEnd, executor: Executor) -> None:
    """Check that an executor has one place for the state of the function."""
    from ..executors.by_value import pickled  # late: most programs need no executor
    from ..executors.processes import Processes
    from ..executors.threads import Threads

    if isinstance(executor, Processes):
        check_workers(name, "Processes", executor.workers)
        if executor.max_items is not None or executor.max_memory is not None:
            raise ValueError(
                f"{name}: at_end= needs an executor that keeps its process, because what the function holds is there; "
                f"give the block a Processes(1) without max_items and max_memory, got {executor!r}"
            )
        pickled(at_end, name)
    elif isinstance(executor, Threads):
        if executor.worker_init is not None:
            check_workers(name, "Threads", executor.workers)
    elif not isinstance(executor, ThreadPoolExecutor):
        raise TypeError(
            f"{name}: at_end= needs one place for what the function holds: the loop, Threads, a ThreadPoolExecutor, or "
            f"Processes(1); got {executor!r}, which may call the function anywhere"
        )


def check_workers(name: str, kind: str, workers: int) -> None:
    """Raise a `ValueError` if each of several workers would hold a part of the state."""
    if workers > 1:
        raise ValueError(
            f"{name}: at_end= needs an executor with one worker, because each worker would hold a part; give the block "
            f"a {kind}(1) of its own, got {workers} workers"
        )
