"""Objects on their way to another process: what stays in the stream, what goes into slots, and what cannot go."""

import array
import pickle
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from penstock.blocks.executors.packing import Packed, Packer, spans_of, unpack
from penstock.blocks.executors.slots import BIG, Place, Span


class Slots:
    """Plays the slots: a list of what was put into each."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.content: list[bytearray] = []
        self.packer = Packer(self.put)

    def put(self, buffers: Sequence[memoryview]) -> Sequence[Span] | None:
        if len(buffers) > self.room:
            return None
        spans: list[Span] = []
        for raw in buffers:
            spans.append(((0, len(self.content), 0), raw.nbytes))
            self.content.append(bytearray(raw))
        return spans

    def lend(self, place: Place, count: int) -> memoryview:
        return memoryview(self.content[place[1]])[:count]

    def there(self, value: Any) -> Any:
        """Send a value."""
        return unpack(self.packer.pack(value), self.lend)


def big(kind: Any = np.float32) -> Any:
    return np.arange(BIG, dtype=kind)


@pytest.mark.parametrize(
    "value",
    [1, 2.5, 1j, True, None, "text", b"bytes", bytearray(b"array"), (1, [2], {3: {4}}), "x" * BIG, range(3)],
    ids=lambda value: type(value).__name__,
)
def test_what_is_sent_arrives(value: Any) -> None:
    there = Slots().there(value)
    assert there == value
    assert type(there) is type(value)


def test_what_is_small_is_a_stream() -> None:
    slots = Slots()
    for value in (1, "text", np.arange(10), b"x" * (BIG - 100), bytearray(100)):
        assert isinstance(slots.packer.pack(value), bytes)
    assert not slots.content


def test_big_arrays_go_into_slots_and_small_ones_do_not() -> None:
    slots = Slots()
    first, small, last = slots.there([big(), np.arange(3), big(np.int64)])
    assert [len(content) for content in slots.content] == [4 * BIG, 8 * BIG]
    assert np.array_equal(first, big())
    assert np.array_equal(last, big(np.int64))
    assert list(small) == [0, 1, 2]
    assert np.shares_memory(first, np.frombuffer(slots.content[0], np.uint8))


@pytest.mark.parametrize("writeable", [True, False])
def test_arrays_may_be_written_to_if_they_could_before(writeable: bool) -> None:
    before = big().reshape(2, -1).T
    before.flags.writeable = writeable
    there = Slots().there(before)
    assert there.flags.writeable is writeable
    assert there.flags.f_contiguous
    assert np.array_equal(there, before)


def test_arrays_with_gaps_arrive_too() -> None:
    assert np.array_equal(Slots().there(big()[::2]), big()[::2])


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_big_bytes_go_into_slots(kind: Any) -> None:
    slots = Slots()
    value = kind(range(256)) * 1000
    assert slots.there(value) == value
    assert slots.content == [value]
    assert type(slots.there(value)) is kind


@pytest.mark.parametrize("value", ["x" * BIG, ("file", b"x" * BIG), array.array("d", bytes(BIG))])
def test_a_big_stream_goes_into_a_slot_itself(value: Any) -> None:
    slots = Slots()
    assert slots.there(value) == value
    assert len(slots.content) == 1


def test_a_big_stream_and_its_buffers_do_not_get_mixed_up() -> None:
    slots = Slots()
    text, numbers = slots.there(("x" * BIG, big()))
    assert (len(text), numbers[-1]) == (BIG, BIG - 1)
    assert len(slots.content) == 2


@pytest.mark.parametrize("value", [b"x" * BIG, [big().tolist(), "x" * BIG]])
def test_without_room_everything_stays_in_the_stream(value: Any) -> None:
    slots = Slots(room=0)
    assert isinstance(slots.packer.pack(value), bytes)
    assert slots.there(value) == value
    assert np.array_equal(slots.there(big()), big())


def test_after_a_failure_nothing_is_left() -> None:
    slots = Slots()
    with pytest.raises(TypeError, match="cannot pickle"):
        slots.packer.pack([big(), threading.Lock()])
    assert not slots.content
    assert slots.there([1]) == [1]


def test_a_buffer_with_gaps_is_an_error() -> None:
    with pytest.raises(pickle.PicklingError, match="non-contiguous"):
        Slots().packer.pack(pickle.PickleBuffer(memoryview(bytes(2 * BIG))[::2]))


@pytest.mark.parametrize(("value", "count"), [(1, 0), (b"x" * BIG, 1), ("x" * BIG, 1), ([big(), "x" * BIG], 2)])
def test_it_is_known_which_slots_are_used(value: Any, count: int) -> None:
    packed: Packed = Slots().packer.pack(value)
    assert [place[1] for place, _ in spans_of(packed)] == list(range(count))
