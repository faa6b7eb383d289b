"""Functions and messages for workers in other processes, which have to be able to import them."""

import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

HOME = os.getpid()


def double(item: int) -> int:
    return 2 * item


def where(item: object) -> int:
    """The number of the process."""
    del item
    return os.getpid()


def count(item: int) -> Iterator[int]:
    yield from range(item)


def fail_at_3(item: int) -> int:
    if item % 10 == 3:
        raise ValueError(f"bad {item}")
    return item


def die_at_3(item: int) -> int:
    if item == 3:
        os._exit(7)
    return item


def exit_at_3(item: int) -> int:
    if item == 3:
        raise SystemExit(3)
    return item


def same(item: Any) -> Any:
    return item


def give_a_lambda(item: int) -> Any:
    """A result that cannot be sent for odd numbers."""
    return item if item % 2 == 0 else lambda: item


class Refuses(Exception):
    """Cannot be made again from its pickle."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


class Speechless(Exception):
    """Cannot be told."""

    def __str__(self) -> str:
        raise ValueError("no words")


def refuse(item: int) -> NoReturn:
    raise Refuses("no", str(item))


def be_speechless(item: int) -> NoReturn:
    raise Speechless


def raise_lookup(why: str) -> NoReturn:
    raise LookupError(why)


class Poison:
    """Can be pickled, and not be made again from that."""

    def __reduce__(self) -> tuple[Callable[[str], NoReturn], tuple[str]]:
        return raise_lookup, ("poisoned",)


class Stubborn:
    """Cannot be pickled."""

    def __reduce__(self) -> NoReturn:
        raise LookupError("not to be moved")
