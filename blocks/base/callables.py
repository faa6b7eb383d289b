"""Finds out what kind of result a callable gives, before the call (if possible) or from the result.

A function that returns a coroutine or a generator has not run yet. If nothing awaits or reads the result, it never
runs, and as the answer of a filter the result would count as true.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from types import AsyncGeneratorType, BuiltinFunctionType, CoroutineType, FunctionType, GeneratorType, MethodType
from typing import Any, Final, cast

NOT_RUN: Final[frozenset[type]] = frozenset({CoroutineType, GeneratorType, AsyncGeneratorType})
"""Types of results of functions that have not run: coroutines and generators, which would never be awaited or read."""
NOT_ITERABLE: Final[frozenset[type]] = frozenset({CoroutineType, AsyncGeneratorType})
"""The same types if the result is read as an iterable."""
NAMES: Final[dict[type, str]] = {
    CoroutineType: "a coroutine",
    GeneratorType: "a generator",
    AsyncGeneratorType: "an asynchronous generator",
}
NOT_PLAIN = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
DEEPEST = 16
"""The most layers of wrappers that are unwrapped; a callable may lead back to itself."""


def layers(function: Any) -> Iterator[Any]:
    """Yield a callable and what it wraps: through partial functions, methods, and objects with a `__call__`."""
    for _ in range(DEEPEST):
        yield function
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, (MethodType, staticmethod, classmethod)):
            function = cast("MethodType", function).__func__
        elif isinstance(function, (FunctionType, BuiltinFunctionType, type)):
            return
        else:
            function = getattr(function, "__call__", None)  # noqa: B004  # what it is matters, not whether it is there
            if not isinstance(function, (MethodType, FunctionType, functools.partial)):
                return


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling the function gives an awaitable."""
    if type(function) is FunctionType:  # nearly always; it is its only layer
        return inspect.iscoroutinefunction(function)
    return any(map(inspect.iscoroutinefunction, layers(function)))


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether calling the function gives a generator."""
    return any(map(inspect.isgeneratorfunction, layers(function)))


def is_async_generator(function: Callable[..., Any]) -> bool:
    """Whether calling the function gives an asynchronous generator."""
    return any(map(inspect.isasyncgenfunction, layers(function)))


def is_plain(function: Callable[..., Any]) -> bool:
    """Whether calling the function runs it, as far as this can be seen."""
    if type(function) is FunctionType:
        return not function.__code__.co_flags & NOT_PLAIN
    return not (is_async(function) or is_generator(function) or is_async_generator(function))


def check_runs(who: object, function: Callable[..., Any]) -> None:
    """Raise a `TypeError` if a function that is called with each item is a generator function."""
    if type(function) is FunctionType and not function.__code__.co_flags & NOT_PLAIN:
        return  # the quick way for nearly all functions
    if is_generator(function) or is_async_generator(function):
        raise TypeError(
            f"{who}: the function is a generator function, and calling it runs nothing; use a TransformMany, which "
            "hands on what it yields, or take the `yield` out"
        )


def let_go(result: object) -> str:
    """Close a result that has not run, so that Python does not warn about it; return what it is, in words."""
    close = getattr(result, "close", None)
    if close is not None and not hasattr(result, "set_result"):  # only the owner of a future may close it
        close()
    return NAMES.get(type(result), f"something to await ({type(result).__name__})")


def not_run(name: object, result: object, *, is_read: bool = False) -> TypeError:
    """Explain that a plain function has returned an object that has not run instead of a result, and close the object.

    Args:
        name: The block.
        result: The object that the function has returned.
        is_read: Whether the block reads iterables.
    """
    kind = let_go(result)
    if type(result) is CoroutineType:
        remedy = "pass the `async def` function itself, not a lambda around it"
    elif is_read:
        remedy = "pass the asynchronous generator function itself, not a lambda around it"
    else:
        remedy = "and nothing in it has run; use a TransformMany, which hands on what it yields, or return a list"
        return TypeError(f"the function of {name} returned {kind}, {remedy}")
    return TypeError(f"the function of {name} returned {kind}; {remedy}")


def not_awaited(name: object, result: object) -> TypeError:
    """Explain that a function has returned a result that is never awaited or read, and close the result."""
    kind = let_go(result)
    if type(result) is CoroutineType:
        return TypeError(f"the function of {name} returned {kind}; write `return await …` in it")
    return TypeError(
        f"the function of {name} returned {kind}, and nothing in it has run; give the generator function itself to a "
        "TransformMany, or return a list"
    )


def check_ran(who: object, what: str, answer: object, refused: frozenset[type] = NOT_RUN) -> None:
    """Raise a `TypeError` if calling a user's callable has not run it.

    Args:
        who: The object that the callable was given to.
        what: The name of the callable in the message, for example "filter".
        answer: The result of the call.
        refused: The types that the result must not have.
    """
    if type(answer) in refused:
        raise refusal(who, what, answer)


def check_answer(who: object, what: str, answer: Any) -> None:
    """Raise a `TypeError` if a callable that should return a plain value has returned an awaitable or a generator."""
    if type(answer) in NOT_RUN or isinstance(cast("object", answer), Awaitable):
        raise refusal(who, what, answer)


def refusal(who: object, what: str, answer: object) -> TypeError:
    """Explain that a callable has not returned a value, and close what it returned."""
    return TypeError(f"{who}: {what} returned {let_go(answer)}; it must be a plain function that returns a value")


def truth(who: object, answer: object) -> bool:
    """Return the answer of a filter as a bool."""
    check_answer(who, "filter", answer)
    return bool(answer)


def callable_name(function: object) -> str:
    """The name of a function, or of the class of a callable object."""
    return getattr(function, "__name__", None) or type(function).__name__
