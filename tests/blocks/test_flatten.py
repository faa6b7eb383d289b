"""The block that hands on the elements of iterables."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from penstock.blocks import Batch, BoundedBuffer, DeadLetter, ErrorInfo, Flatten, Network, Recording, UnboundedBuffer
from tests.blocks.tools import contents, faults, linked, notes, run


async def test_the_elements_go_on_in_order() -> None:
    flatten = Flatten[Any]()
    collector = linked(flatten)
    network = await run(flatten, [[1, 2], (), (3,), {4: "four"}, {5}, range(6, 8), iter([8]), {9: 0}.keys()])
    assert contents(collector) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    balance = network.balance()[flatten.name]
    assert (balance.consumed, balance.produced) == (8, 9)


class Old:
    """Can be iterated by its indices only."""

    def __getitem__(self, index: int) -> int:
        return [1, 2, 3][index]


async def test_what_python_iterates_by_its_indices_is_an_iterable_too() -> None:
    flatten = Flatten[Any]()
    collector = linked(flatten)
    items: list[Any] = [Old()]
    await run(flatten, items)
    assert contents(collector) == [1, 2, 3]


async def test_it_takes_apart_what_a_batch_has_put_together() -> None:
    batch, flatten = Batch[int](7), Flatten[int]()
    batch.link_target(flatten)
    collector = linked(flatten)
    await run(batch, range(1000))
    assert contents(collector) == list(range(1000))


async def test_a_generator_is_read_as_its_elements_are_taken_and_closed_if_nothing_takes_them() -> None:
    read: list[int] = []
    closed: list[bool] = []

    def numbers() -> Iterator[int]:
        try:
            for number in range(1000):
                read.append(number)
                yield number
        finally:
            closed.append(True)

    flatten, full = Flatten[int](), BoundedBuffer[int](2)
    flatten.link_target(full)
    async with Network(flatten) as network:
        await flatten.send(numbers())
        assert [await full.receive() for _ in range(3)] == [0, 1, 2]
        assert len(read) < 10
        assert not closed
        network.cancel()
    assert closed == [True]


async def some() -> AsyncIterator[int]:
    yield 1


async def none() -> None: ...


REFUSED: dict[str, tuple[Any, str]] = {
    "a number": (3, "got int 3; send lists or other iterables to it"),
    "nothing": (None, "got NoneType None; send lists"),
    "text": ("abc", r"got str 'abc'; most programs mean the text as a whole; .* TransformMany\(list\)"),
    "bytes": (b"abc", "got bytes b'abc'; most programs"),
    "a bytearray": (bytearray(b"abc"), "got bytearray .*; most programs"),
    "asynchronous": (some(), "it is asynchronous; read it in the asynchronous generator function of a TransformMany"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_has_no_elements_is_a_fault_that_says_what_to_do(what: str) -> None:
    item, message = REFUSED[what]
    flatten = Flatten[Any](name="parts")
    linked(flatten)
    with faults(TypeError) as found:
        await run(flatten, [[1], item])
    assert "flatten 'parts': each message must be an iterable of messages, got " in str(found[0])
    with pytest.raises(TypeError, match=message):
        raise found[0]
    assert notes(found[0])[0].startswith("in parts, item 2: ")


async def test_what_has_no_elements_can_be_skipped_or_become_a_dead_letter() -> None:
    flatten = Flatten[Any](on_error="skip", name="parts")
    collector = linked(flatten)
    items: list[Any] = [[1, 2], 3, "four", [5]]
    network = await run(flatten, items)
    assert contents(collector) == [1, 2, 5]
    assert network.balance()["parts"].dropped == {"skipped": 2}
    letters: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    flatten = Flatten[Any](on_error=DeadLetter(letters))
    linked(flatten)
    await run(flatten, items[1:2])
    assert [letter.item for letter in contents(letters)] == [3]


def broken() -> Iterator[int]:
    yield 1
    raise ValueError("broken")


async def test_an_iterator_that_raises_gives_nothing_if_it_is_skipped() -> None:
    flatten = Flatten[int](on_error="skip")
    collector = linked(flatten)
    await run(flatten, [[0], broken(), [2]])
    assert contents(collector) == [0, 2]


async def test_a_recording_shows_each_element_as_a_new_item() -> None:
    recording = Recording()
    flatten = Flatten[int](name="parts")
    linked(flatten)
    await run(flatten, [[1, 2], [3]], recording=recording)
    assert len([span for span in recording.spans if span.stage == "parts" and span.item]) == 2


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="flatten 'parts': capacity must be an int >= 1"):
        Flatten[int](capacity=0, name="parts")


def test_its_name_is_its_class_and_a_number() -> None:
    assert Flatten[int]().name.startswith("Flatten-")
    assert str(Flatten[int](name="parts")) == "flatten 'parts'"
