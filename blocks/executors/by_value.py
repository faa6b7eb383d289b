"""Pickles functions for other processes: by reference, or, if they cannot be imported there, by value.

A worker process imports the modules of the program, and also the main module if that is a file. It cannot import what
was defined in a notebook or in an interactive session, nor lambdas and functions inside other functions. cloudpickle
pickles these by value: the code, and what the function uses from around it. This takes longer, but functions are sent
once per worker.

Instances of classes that were defined in a notebook are still pickled by reference. So the classes go along with the
function, and the worker puts them where Python looks them up.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, Protocol, cast

import attrs

MAIN = "__main__"
REMEDY = (
    "define it at the top level of a module (not in a notebook, not a lambda, and not inside another function), "
    "install cloudpickle (pip install cloudpickle), or use Threads"
)


class Pickler(Protocol):
    """The part of a pickler that is needed here."""

    def dump(self, obj: object, /) -> None:
        """Write the pickle of an object."""
        ...


def pickled(function: object, who: str) -> bytes:
    """Pickle a function for another process.

    Raises:
        TypeError: It cannot be pickled; the message says what to do.
    """
    by_reference = pickled_by_reference(function)
    if isinstance(by_reference, bytes):
        return by_reference
    make = by_value_pickler()
    if make is None:
        raise TypeError(
            f"{who}: {function!r} cannot be pickled, which is needed to send it to a process: {REMEDY}"
        ) from by_reference
    try:
        classes = {} if main_is_file() else session_classes()
        return dumped(make, Definitions(function, classes) if classes else function)
    except Exception as error:
        raise TypeError(
            f"{who}: {function!r} cannot be pickled, not even by cloudpickle, which is needed to send it to a process: "
            "let it make the locks, files and connections that it uses itself, for example in worker_init, or use "
            "Threads"
        ) from error


def pickled_by_reference(function: object) -> bytes | Exception | None:
    """Pickle a function by reference; return the exception, or None, if it cannot be found in another process."""
    finder = Finder(file := io.BytesIO(), not main_is_file())
    try:
        finder.dump(function)
    except Exception as error:
        return error
    return None if finder.is_lost else file.getvalue()


class Finder(pickle.Pickler):
    """Pickles as usual, and notices functions and classes that another process cannot import.

    Attributes:
        is_lost: Whether there was one.
    """

    def __init__(self, file: io.BytesIO, in_session: bool) -> None:
        super().__init__(file, 5)
        self._in_session = in_session
        self.is_lost: bool = False

    def reducer_override(self, obj: Any) -> Any:
        """Look at a function or a class, and pickle it as usual."""
        if is_of_main(obj) and (self._in_session or is_typed(obj)):
            self.is_lost = True
        return NotImplemented


def is_of_main(thing: object) -> bool:
    """Whether it is a function or class that the main module has defined."""
    return isinstance(thing, (FunctionType, type)) and thing.__module__ == MAIN


def is_typed(thing: object) -> bool:
    """Whether it is a function that was typed at a prompt, after the main module was run."""
    return isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith("<")


def main_module() -> ModuleType | None:
    """Return the main module."""
    return sys.modules.get(MAIN)


def main_is_file() -> bool:
    """Whether a worker process can import the main module: it is a file or has a name, and is no session."""
    main = main_module()
    return getattr(main, "__spec__", None) is not None or getattr(main, "__file__", None) is not None


# By value


@attrs.frozen
class Definitions:
    """A function of a session, together with the classes of the session.

    Attributes:
        function: The function.
        classes: The pickles of the classes, by name.
    """

    function: Any
    classes: dict[str, bytes]

    def __reduce__(self) -> tuple[Any, ...]:
        return define, (self.function, self.classes)


def define(function: Any, classes: dict[str, bytes]) -> Any:
    """In a worker process, define the classes of a session, and return the function."""
    main = main_module()
    for name, data in classes.items():
        with suppress(Exception):  # an item of this class will fail, and say so
            setattr(main, name, pickle.loads(data))
    return function


def session_classes() -> dict[str, bytes]:
    """Pickle the classes that the session has defined, without those that cannot be pickled."""
    make = by_value_pickler()
    assert make is not None
    found: dict[str, bytes] = {}
    for name, thing in list(vars(main_module()).items()):
        if isinstance(thing, type) and is_of_main(thing) and thing.__qualname__ == name:
            with suppress(Exception):
                found[name] = dumped(make, thing)
    return found


def dumped(make: Callable[[io.BytesIO, int], Pickler], thing: object) -> bytes:
    """Pickle something by value."""
    file = io.BytesIO()
    make(file, 5).dump(thing)
    return file.getvalue()


def by_value_pickler() -> Callable[[io.BytesIO, int], Pickler] | None:
    """Return a pickler that pickles functions by value; None if cloudpickle is not installed."""
    try:
        cloudpickle = import_module("cloudpickle")
    except ImportError:
        return None
    return made_from(cloudpickle)


@cache
def made_from(cloudpickle: Any) -> Callable[[io.BytesIO, int], Pickler]:
    """Make a pickler from that of cloudpickle.

    If the main module is a file, its classes are pickled by reference: a copy of a class would be another class, of
    which no instance could be sent back.
    """
    base = cloudpickle.Pickler

    def reducer_override(self: Any, obj: Any) -> Any:
        if isinstance(obj, type) and is_of_main(obj) and main_is_file() and is_found(obj):
            return obj.__qualname__
        return base.reducer_override(self, obj)

    return cast(
        "Callable[[io.BytesIO, int], Pickler]", type("ByValuePickler", (base,), {"reducer_override": reducer_override})
    )


def is_found(kind: type) -> bool:
    """Whether the main module has a class under its name."""
    return getattr(main_module(), kind.__qualname__, None) is kind


# Executors of others


@attrs.frozen
class Sealed:
    """A function as bytes, which unpickles to the function."""

    data: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (self.data,)


def sealed(function: Callable[[Any], Any], who: str) -> Callable[[Any], Any]:
    """Return what an executor can pickle in place of a function; the function itself if it can be found there."""
    if isinstance(pickled_by_reference(function), bytes):
        return function
    return cast("Callable[[Any], Any]", Sealed(pickled(function, who)))
