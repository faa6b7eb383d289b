"""How many bytes an item keeps alive, found out quickly.

The item and what can be reached from it are walked, each object once. The walk is bounded by the effort that an object
is worth: what is in it shares that equally, and with an effort of 1 nothing is looked into. Of a container with many
elements some are looked at, spread evenly, and the rest are taken to be like them.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from itertools import islice
from math import isqrt
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, cast

EFFORT = 1000
"""What an item is worth: so many objects in it, roughly, are looked at."""
MOST_WHOLE = 16
"""So many elements of a container are all looked at."""
LEAST_OF_MANY = 4
"""Of so many, at least, if there are more."""
FLAT = frozenset({bytes, bytearray, str, int, float, complex, bool, type(None)})
"""Whose own size is all there is."""
SHARED = (type, Enum, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""What is there anyway, with the item or without."""
CONTAINERS = (list, tuple, set, frozenset, deque)
ONE_BYTE_A_PIXEL = frozenset({"1", "L", "P"})


def size_of(item: object) -> int:
    """Estimate how many bytes of memory an item keeps alive, itself and all that can be reached from it.

    - NumPy arrays, memoryviews and whatever else has `nbytes`: the memory that they show, or, if they show a part of
      another one, that other one, for it lives as long.
    - Pillow images: their pixels as Pillow holds them, decoded or not yet.
    - Tuples, lists, sets, dictionaries, and objects with attributes (dataclasses, attrs, …): with what is in them. What
      is in them twice counts once. Classes, enums, functions and modules count nothing.
    - Everything else, texts and bytes among it: `__sizeof__()`. A class of yours that knows better defines that method.

    It takes 0.1 µs for a `bytes`, a few µs for a small record, never more than some milliseconds: of a container with
    more than 16 elements it looks at 31, or fewer further inside, and takes the others to be as heavy; deep inside big
    structures it looks no further. It cannot see what C code holds without telling, such as the elements of an array
    of objects.
    """
    if type(item) in FLAT:
        return sys.getsizeof(item)
    return _Walk().size(item, EFFORT)


class _Walk:
    """One walk, and what it has seen."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[int, object] = {}  # kept, so that no other object gets the same id meanwhile

    def size(self, item: object, effort: int) -> int:
        """The bytes of an object and all behind it, as far as they were not counted before."""
        if id(item) in self._seen or isinstance(item, SHARED):
            return 0
        self._seen[id(item)] = item
        kind: type = type(item)
        own = sys.getsizeof(item)
        if kind in FLAT or is_told(kind):
            return own
        nbytes = asked(item, "nbytes")
        if isinstance(nbytes, int):
            return self._size_of_buffer(item, own, nbytes, effort)
        if is_image(item):
            return own + pixel_bytes(item)
        if effort > 1:
            own += sum(self._size_of_some(group, effort) for group in elements(item))
            own += self._size_of_all(attributes(item), effort)
        return own

    def _size_of_buffer(self, item: object, own: int, nbytes: int, effort: int) -> int:
        owner = item.obj if isinstance(item, memoryview) else getattr(item, "base", None)
        if isinstance(owner, (bytes, bytearray)) or isinstance(getattr(owner, "nbytes", None), int):
            return own + self.size(owner, effort)
        return max(nbytes, own)

    def _size_of_some(self, group: Collection[object], effort: int) -> int:
        if len(group) <= MOST_WHOLE:
            return self._size_of_all(group, effort)
        some = evenly(group, max(LEAST_OF_MANY, isqrt(effort)))
        return self._size_of_all(some, effort) * len(group) // len(some)

    def _size_of_all(self, group: Collection[object], effort: int) -> int:
        share = effort // max(2, len(group))
        return sum(self.size(element, share) for element in group)


def elements(item: object) -> tuple[Collection[object], ...]:
    """What a container holds."""
    if isinstance(item, dict):
        entries = cast("dict[object, object]", item)
        return entries.keys(), entries.values()
    return (cast("Collection[object]", item),) if isinstance(item, CONTAINERS) else ()


def asked(item: object, name: str) -> object:
    """An attribute of an object; None if it has none, or if it fails when it is asked, as that of what is closed."""
    with suppress(Exception):
        return getattr(item, name, None)
    return None


def attributes(item: object) -> list[object]:
    """What the attributes of an object hold, with and without slots."""
    found = asked(item, "__dict__")
    # a generic alias hands on that of its class, which is no dict
    values: list[object] = list(cast("dict[str, object]", found).values()) if type(found) is dict else []
    kind: type = type(item)
    for get in slots_of(kind):
        with suppress(AttributeError):  # it is not set yet
            values.append(get(item))
    return values


def evenly(group: Collection[object], count: int) -> list[object]:
    """Some of many elements: spread evenly where one can get at them, the first ones elsewhere."""
    count = min(count, len(group))
    if isinstance(group, (list, tuple)):
        sequence = cast("Sequence[object]", group)
        return [sequence[place * len(sequence) // count] for place in range(count)]
    return list(islice(group, count))


@lru_cache(maxsize=1024)
def is_told(kind: type) -> bool:
    """Whether a class says by itself how big its objects are."""
    return isinstance(kind.__sizeof__, FunctionType)


@lru_cache(maxsize=1024)
def slots_of(kind: type) -> tuple[Callable[[object], object], ...]:
    """What gets the value of each slot of an object, whatever their names are."""
    members = [member for base in kind.__mro__ for member in vars(base).values()]
    return tuple(member.__get__ for member in members if isinstance(member, MemberDescriptorType))


def is_image(item: object) -> bool:
    """Whether it is an image of Pillow, which is not imported for that."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(item, module.Image)


def pixel_bytes(image: Any) -> int:
    """The bytes of the pixels of an image of Pillow, which holds three bands in four bytes."""
    width, height = image.size
    mode: str = image.mode
    return int(width * height * (1 if mode in ONE_BYTE_A_PIXEL else 2 if mode.startswith("I;16") else 4))
