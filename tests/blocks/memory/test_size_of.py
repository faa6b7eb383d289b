"""How many bytes items keep alive."""

import sys
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any, NamedTuple

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from penstock.blocks import size_of

MIB = 1 << 20
SLACK = 1000  # bytes of headers, names and the like


@attrs.frozen
class Record:
    name: str
    pixels: Any


@attrs.define(slots=False)
class Loose:
    pixels: Any


@dataclass(slots=True)
class Row:
    pixels: Any


class Pair(NamedTuple):
    pixels: Any
    other: Any = None


class Plain:
    def __init__(self, pixels: Any) -> None:
        self.pixels = pixels


class Slotted:
    __slots__ = ("__hidden", "unset")

    def __init__(self, pixels: Any) -> None:
        self.__hidden = pixels


class Told:
    """Knows better."""

    def __init__(self) -> None:
        self.cache = bytes(MIB)

    def __sizeof__(self) -> int:
        return 7


class Colour(Enum):
    RED = bytes(MIB)


@pytest.mark.parametrize(
    "item", [b"", b"abc", bytearray(1000), "text", "ü" * 100, "☃" * 50, 1, 10**100, 1.5, None, True]
)
def test_plain_things_have_their_own_size(item: object) -> None:
    assert size_of(item) == sys.getsizeof(item)
    assert size_of(item) > 0  # so a budget bounds the number of empty ones too


def test_arrays_have_the_size_of_their_elements() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    assert 30_000 <= size_of(image) < 30_000 + SLACK
    assert 8000 <= size_of(array("d", [0.0] * 1000)) < 8000 + SLACK
    assert 1000 <= size_of(memoryview(bytes(1000))) < 1000 + SLACK


def test_a_part_of_an_array_keeps_all_of_it_alive() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    assert 30_000 <= size_of(image[5:6]) < 30_000 + SLACK
    assert 30_000 <= size_of(image.data[5:6]) < 30_000 + SLACK
    assert 1000 <= size_of(np.frombuffer(bytes(1000), np.uint8)[:3]) < 1000 + SLACK
    assert 1000 <= size_of(memoryview(bytearray(1000))[:3]) < 1000 + SLACK
    assert size_of(np.broadcast_to(np.float64(1), (1000, 1000))) < SLACK


def test_memory_of_unknown_owners_is_what_is_shown_of_it() -> None:
    assert size_of(memoryview(array("d", [0.0] * 1000))) >= 8000


@pytest.mark.parametrize(("mode", "bytes_a_pixel"), [("L", 1), ("P", 1), ("1", 1), ("I;16", 2), ("RGB", 4), ("F", 4)])
def test_images_have_the_size_of_their_pixels(mode: str, bytes_a_pixel: int) -> None:
    image = Image.new(mode, (200, 100))
    assert 20_000 * bytes_a_pixel <= size_of(image) < 20_000 * bytes_a_pixel + SLACK


def test_images_can_be_told_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "PIL.Image")
    assert size_of(Plain(b"")) < SLACK


WRAPPED: list[Callable[[Any], object]] = [
    lambda data: [data],
    lambda data: (1, data),
    lambda data: {data},
    lambda data: frozenset([data]),
    lambda data: deque([data]),
    lambda data: {"key": data},
    lambda data: {data: "value"},
    lambda data: OrderedDict[str, Any](key=data),
    lambda data: Pair(data),
    lambda data: Record("name", data),
    lambda data: Loose(data),
    lambda data: Row(data),
    lambda data: Plain(data),
    lambda data: Slotted(data),
    lambda data: [Record("name", {"rows": [Row((data,))]})],
]


@pytest.mark.parametrize("wrap", WRAPPED)
def test_things_have_the_size_of_what_is_in_them(wrap: Any) -> None:
    assert MIB <= size_of(wrap(bytes(MIB))) < MIB + 3 * SLACK


def test_what_is_in_it_twice_counts_once() -> None:
    data, image = bytes(MIB), np.zeros(MIB, np.uint8)
    assert size_of([data, data, Pair(data, data)]) < MIB + SLACK
    assert size_of((image, image[10:], image[:10])) < MIB + SLACK
    cycle: list[object] = [data]
    cycle.append(cycle)
    assert size_of(cycle) < MIB + SLACK


def test_what_is_there_anyway_counts_nothing() -> None:
    anyway: list[object] = [Told, Colour.RED, ModuleType("m"), size_of, len, "".join]
    assert size_of(anyway) < SLACK


def test_a_class_that_knows_better_is_believed() -> None:
    assert size_of(Told()) == sys.getsizeof(Told()) < 100


@pytest.mark.parametrize("kind", [list, tuple, set, deque, dict.fromkeys])
def test_of_many_elements_some_stand_for_the_rest(kind: Any) -> None:
    many = kind([bytes(1000) + str(n).encode() for n in range(5000)])
    assert 5_000_000 <= size_of(many) < 6_000_000


def test_lists_of_lists_of_records_are_estimated() -> None:
    rows = [[Record("name", bytes(100)) for _ in range(50)] for _ in range(100)]
    exact = 5000 * (bytes(100).__sizeof__() + Record("", b"").__sizeof__())
    assert exact <= size_of(rows) < 2 * exact


def test_it_does_not_lose_itself_in_deep_structures() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert size_of(deep) < SLACK


nested = st.recursive(
    st.one_of(st.integers(), st.binary(), st.text(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner), st.builds(Record, st.text(), inner)
    ),
    max_leaves=50,
)


@given(nested)
def test_it_is_never_less_than_the_thing_itself(item: object) -> None:
    assert size_of(item) >= sys.getsizeof(item)
    assert size_of(item) == size_of(item)


def test_what_fails_when_it_is_asked_has_the_size_of_its_own() -> None:
    class Closed:
        @property
        def nbytes(self) -> int:
            raise ValueError("closed")

    released = memoryview(b"text")
    released.release()
    assert 0 < size_of(Closed()) < SLACK
    assert 0 < size_of(released) < SLACK
