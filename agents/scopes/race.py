"""Starting several attempts at the same thing, and taking the first result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import attrs
import trio

from penstock.agents.tasks.names import task_name
from penstock.blocks.base.callables import is_async
from penstock.blocks.base.checks import check_number
from penstock.blocks.base.error_info import annotate

T = TypeVar("T")


@attrs.frozen
class Winner(Generic[T]):
    """The first result of a race.

    Attributes:
        index: The place of its function among the arguments, from 0.
        value: The result.
    """

    index: int
    value: T


async def race(*functions: Callable[[], Awaitable[T]]) -> Winner[T]:
    """Run asynchronous functions at once, and return the first result; the others are cancelled and waited for.

    A function that raises has lost. Runs in trio.

    Args:
        functions: Asynchronous functions without arguments.

    Raises:
        ExceptionGroup: All have failed.
        TypeError: One is not an asynchronous function.
        ValueError: There is none.
    """
    check_attempts("race", functions)
    return await Attempts(functions).run(0.0)


async def first_success(*functions: Callable[[], Awaitable[T]], hedge: float | None = None) -> T:
    """Call asynchronous functions in turn until one of them returns, and return its result.

    Runs in trio.

    Args:
        functions: Asynchronous functions without arguments, the best one first.
        hedge: After this many seconds without a result, > 0, the next function starts as well; the first result counts,
            and the others are cancelled and waited for. None (default): a function starts when the one before has
            failed. See Dean and Barroso, "The Tail at Scale" (2013), for what this is good for.

    Raises:
        ExceptionGroup: All have failed.
        TypeError: One is not an asynchronous function.
        ValueError: There is none, or `hedge` is out of its range.
    """
    check_attempts("first_success", functions)
    if hedge is not None:
        check_number("first_success", "hedge", hedge, above=True)
    return (await Attempts(functions).run(hedge)).value


def check_attempts(who: str, functions: tuple[Any, ...]) -> None:
    """Raise an error if there are no functions, or if one is not asynchronous."""
    if not functions:
        raise ValueError(f"{who}: needs at least one function")
    for function in functions:
        if not callable(function) or not is_async(function):
            raise TypeError(
                f"{who}: needs asynchronous functions without arguments, got {function!r}; give the function, or "
                "functools.partial(function, argument), and do not call it"
            )


class Attempts(Generic[T]):
    """Attempts at the same thing.

    Args:
        functions: The functions, in the order in which they start.
    """

    def __init__(self, functions: tuple[Callable[[], Awaitable[T]], ...]) -> None:
        self._functions = functions
        self._begun = 0
        self._errors: list[tuple[int, Exception]] = []
        self._winner: Winner[T] | None = None

    async def run(self, pause: float | None) -> Winner[T]:
        """Start one function after the other, and wait for the first result.

        Args:
            pause: Seconds between two starts; None to wait until the one before has failed.
        """
        async with trio.open_nursery() as nursery:  # it waits for tasks only, so that a circle of waits is seen
            self._begin(nursery, pause)
        if self._winner is None:
            errors = [error for _, error in sorted(self._errors, key=lambda each: each[0])]
            raise ExceptionGroup("all attempts have failed", errors)
        return self._winner

    def _begin(self, nursery: trio.Nursery, pause: float | None) -> None:
        """Start the next function, or all of them without a pause."""
        while self._begun < len(self._functions):
            index, self._begun = self._begun, self._begun + 1
            function = self._functions[index]
            nursery.start_soon(self._attempt, index, function, nursery, pause, name=f"attempt {index}")
            if pause != 0:
                break
        if pause and self._begun < len(self._functions):
            nursery.start_soon(self._begin_later, self._begun, nursery, pause)

    async def _begin_later(self, index: int, nursery: trio.Nursery, pause: float) -> None:
        await trio.sleep(pause)
        if self._begun == index:
            self._begin(nursery, pause)

    async def _attempt(
        self, index: int, function: Callable[[], Awaitable[T]], nursery: trio.Nursery, pause: float | None
    ) -> None:
        try:
            value = await function()
        except Exception as error:
            annotate(error, f"in attempt {index}, {task_name('race', function)!r}")
            self._errors.append((index, error))
            if index + 1 == self._begun:
                self._begin(nursery, pause)
        else:
            if self._winner is None:
                self._winner = Winner(index, value)
            nursery.cancel_scope.cancel()
