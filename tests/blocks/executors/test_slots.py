"""Slots of shared memory: who has them, when they come back, and what happens when there are too many or none."""

import gc
import mmap
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from penstock.blocks.base import shared_memory
from penstock.blocks.base.shared_memory import Handle
from penstock.blocks.executors import slots
from penstock.blocks.executors.slots import BIG, MOST_LENT, Pool, Shared, slot_size


class Sides:
    """A pool, and the other side, which maps every arena too."""

    def __init__(self) -> None:
        self.other = Shared()
        self.sizes: list[int] = []
        self.pool = Pool(Shared(), self.announce)

    def announce(self, handle: Handle, size: int) -> None:
        self.other.add(handle, size)
        self.sizes.append(size)

    def send(self, data: bytes | bytearray) -> memoryview:
        """Write something on this side, and get it on the other."""
        place = self.pool.take(len(data))
        assert place is not None
        return self.other.lend(*self.pool.shared.write(place, memoryview(data)))

    def give_back(self) -> int:
        """Put the slots that the other side has used back; gives how many these were."""
        places = self.other.take_back()
        for place in places:
            self.pool.give(place)
        return len(places)


@pytest.mark.parametrize(
    ("count", "size"), [(1, BIG), (BIG, BIG), (BIG + 1, 2 * BIG), (6_000_000, 1 << 23), (1 << 23, 1 << 23)]
)
def test_slots_have_sizes_that_are_powers_of_two(count: int, size: int) -> None:
    assert slot_size(count) == size


def test_an_arena_for_which_there_is_no_memory_is_mapped_when_it_is_used_and_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sides = Sides()
    attach = shared_memory.attach

    def fail(handle: Handle, size: int) -> mmap.mmap:
        raise OSError(12, "Cannot allocate memory")

    def announce(handle: Handle, size: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(slots, "attach", fail)
            sides.other.expect(os.dup(handle), size)  # type: ignore[arg-type]  # a file here

    monkeypatch.setattr(sides.pool, "_announce", announce)
    data = os.urandom(BIG)
    place = sides.pool.take(BIG)
    assert place is not None
    span = sides.pool.shared.write(place, memoryview(data))
    with monkeypatch.context() as patch:
        patch.setattr(slots, "attach", fail)
        with pytest.raises(MemoryError, match="131072 bytes of shared memory could not be mapped"):
            sides.other.lend(*span)
        with pytest.raises(MemoryError):
            sides.other.write(place, memoryview(data))
    assert vars(slots)["attach"] is attach
    assert sides.other.lend(*span) == data
    assert sides.other.lend(*span) == data


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_what_is_written_on_one_side_is_read_on_the_other(kind: Callable[[bytes], Any]) -> None:
    sides = Sides()
    data = os.urandom(BIG + 5)
    view = sides.send(kind(data))
    assert view == data
    assert view.format == "B"
    assert not view.readonly


def test_a_slot_comes_back_when_the_last_object_in_it_dies() -> None:
    sides = Sides()
    array = np.frombuffer(sides.send(bytes(BIG)), np.uint8)
    part = array[5:10]
    del array
    assert sides.give_back() == 0
    del part
    assert sides.give_back() == 1


def test_slots_are_used_again() -> None:
    sides = Sides()
    for number in range(100):
        assert sides.send(bytes([number]) * BIG)[0] == number
        sides.give_back()
    assert sides.sizes == [2 * BIG]


def test_the_pool_takes_back_what_its_own_side_has_used_when_it_needs_it() -> None:
    sides = Sides()
    for _ in range(10):
        place = sides.pool.take(BIG)
        assert place is not None
        sides.pool.shared.lend(place, BIG)
    assert sides.sizes == [2 * BIG]


def test_arenas_grow_with_what_is_needed_but_not_for_ever() -> None:
    sides = Sides()
    places = [sides.pool.take(BIG) for _ in range(2 + 2 + 4 + 8 + 16 + 16)]
    assert len(set(places)) == len(places)
    assert [size // BIG for size in sides.sizes] == [2, 2, 4, 8, 16, 16]
    sides.pool.take(slots.LARGEST_ARENA + 1)
    assert sides.sizes[-1] == 2 * slots.LARGEST_ARENA


def test_what_is_in_use_never_changes() -> None:
    sides = Sides()
    kept = [sides.send(bytes([number]) * BIG) for number in range(50)]
    assert [view[-1] for view in kept] == list(range(50))


def test_if_too_many_are_in_use_what_comes_is_a_copy() -> None:
    sides = Sides()
    kept = [sides.send(bytes([number]) * BIG) for number in range(MOST_LENT)]
    assert sides.give_back() == 0
    copy = sides.send(b"x" * BIG)
    assert sides.give_back() == 1
    assert sides.send(b"y" * BIG)[0] == ord("y")
    assert (copy[0], copy[-1], copy.readonly) == (ord("x"), ord("x"), False)
    kept.pop()
    assert sides.give_back() == 2
    kept.append(sides.send(b"z" * BIG))
    assert sides.give_back() == 0


def test_objects_outlive_both_sides() -> None:
    sides = Sides()
    view = sides.send(b"x" * BIG)
    del sides
    gc.collect()
    assert view == b"x" * BIG


def test_without_memory_there_is_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(size: int) -> Handle:
        raise OSError

    sides = Sides()
    monkeypatch.setattr(slots, "create", fail)
    assert sides.pool.take(BIG) is None


@pytest.mark.skipif(not hasattr(mmap, "MADV_REMOVE"), reason="the system cannot do it")
def test_memory_of_too_many_free_slots_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_IDLE", BIG)
    sides = Sides()
    for letter in (b"x", b"y"):
        views = [sides.send(letter * BIG), sides.send(letter * 2 * BIG)]
        views.pop()
        views.pop()  # the small one comes back last
        assert sides.give_back() == 2
    places = [sides.pool.take(size) for size in (BIG, 2 * BIG)]
    assert len(sides.sizes) == 2
    there = [bytes(sides.other.lend(place, place[2])) for place in places if place is not None]
    assert there == [b"y" * BIG, bytes(2 * BIG)]


def test_or_stays_where_it_is_if_the_system_cannot_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_IDLE", BIG - 1)
    monkeypatch.delattr(mmap, "MADV_REMOVE", raising=False)
    sides = Sides()
    for letter in (b"x", b"y"):
        assert sides.send(letter * BIG) == letter * BIG
        assert sides.give_back() == 1
    assert len(sides.sizes) == 1


@pytest.mark.skipif(os.name != "posix", reason="there memory has names")
@pytest.mark.parametrize("has_shm", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_where_there_is_no_nameless_memory_a_file_without_a_name_does(
    monkeypatch: pytest.MonkeyPatch, has_shm: bool, fails: bool
) -> None:
    def fail(*_: Any) -> int:
        raise OSError

    if fails:
        monkeypatch.setattr(os, "memfd_create", fail, raising=False)
    else:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    if not has_shm:
        monkeypatch.setattr(os.path, "isdir", lambda path: False)  # pyright: ignore
    folder = "/dev/shm" if has_shm and os.path.isdir("/dev/shm") else tempfile.gettempdir()
    before = set(os.listdir(folder))
    sides = Sides()
    assert sides.send(b"x" * BIG) == b"x" * BIG
    assert set(os.listdir(folder)) <= before
