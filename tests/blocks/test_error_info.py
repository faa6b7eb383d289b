"""What is known of a fault."""

import pickle
import reprlib
import traceback
import weakref
from collections.abc import Iterator

import attrs
import pytest
import trio

from penstock.blocks import ErrorInfo, Stalled
from penstock.blocks.base.error_info import Shown, is_cancellation, shorten


def test_it_tells_the_place_the_item_and_the_traceback() -> None:
    try:
        raise ValueError("bad")
    except ValueError as error:
        info = ErrorInfo.of(error, phase="scale", item={"a": 1}, number=7)
    assert info.where == "in scale, item 7: {'a': 1}"
    assert info.traceback.startswith("Traceback")
    assert info.traceback.endswith("ValueError: bad\n")
    assert "traceback" not in repr(info)


def test_the_text_of_a_traceback_is_made_when_it_is_read_or_sent_and_once() -> None:
    try:
        raise ValueError("bad")
    except ValueError as error:
        info, sent = ErrorInfo("scale", 1, 7, error), ErrorInfo("scale", 1, 7, error)
    assert info == sent
    text = info.traceback
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: bad\n")
    info.exception.__traceback__ = None
    assert info.traceback is text
    info.exception.with_traceback(None)
    received: ErrorInfo = pickle.loads(pickle.dumps(info))
    assert (received.phase, received.item, received.number, received.traceback) == ("scale", 1, 7, text)
    assert received.exception.args == ("bad",)
    assert attrs.evolve(info, phase="other").traceback == text


def test_a_dead_letter_keeps_no_more_than_its_exception() -> None:
    class Item:
        """An item that is failed."""

    def fail() -> ErrorInfo:
        kept = Item()
        found.append(weakref.ref(kept))
        try:
            raise ValueError("bad")
        except ValueError as error:
            return ErrorInfo("scale", None, 7, error)

    found: list[weakref.ref[Item]] = []
    info = fail()
    assert found[0]() is not None
    traceback.clear_frames(info.exception.__traceback__)
    assert found[0]() is None
    assert 'raise ValueError("bad")' in info.traceback


def test_without_a_number_it_tells_the_place_only() -> None:
    assert ErrorInfo.of(ValueError(), phase="reader").where == "in reader"


def test_items_are_shortened() -> None:
    assert shorten(3) == "3"
    assert len(shorten("x" * 10_000)) <= 100
    assert len(shorten(list(range(10_000)))) <= 100
    assert len(shorten({n: n for n in range(1_000)})) <= 100


class Odd(int):
    """An int with a `repr` of its own."""

    def __repr__(self) -> str:
        return "odd"


NUMBERS = [None, True, 0, -7, 10**39, 10**40, 10**5000, 1.5, -1e300, float("nan"), Odd(3)]
TEXTS = ["", "it's", "x" * 38, "x" * 39, "x" * 80, "x" * 81, "\n" * 30, "é" * 60]


@pytest.mark.parametrize(
    "item",
    [*NUMBERS, *TEXTS],
    ids=lambda item: type(item).__name__,  # pytest cannot print all of them
)
def test_what_is_shortened_soonest_is_shortened_as_reprlib_does(item: object) -> None:
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    try:
        repr(item)
    except ValueError:  # an int with too many digits, for which reprlib has other words since Python 3.12
        expected = "<int whose repr raised ValueError>"
    else:
        expected = short.repr(item)
    assert shorten(item) == expected


class Broken:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


class BrokenList(list[int]):
    """Cannot be shown, and is treated as a list."""

    def __iter__(self) -> Iterator[int]:
        raise ZeroDivisionError


BrokenList.__name__, BrokenList.__module__ = "list", "builtins"


def test_a_broken_repr_hides_nothing() -> None:
    assert "Broken" in shorten(Broken())
    assert shorten(BrokenList([1])) == "<list whose repr raised ZeroDivisionError>"


async def test_only_cancellations_are_cancellations() -> None:
    caught: list[BaseException] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep(1)
        except trio.Cancelled as error:
            caught.append(error)
            raise
    cancelled = caught[0]
    assert is_cancellation(cancelled)
    assert is_cancellation(BaseExceptionGroup("", [cancelled, BaseExceptionGroup("", [cancelled])]))
    assert not is_cancellation(ValueError())
    assert not is_cancellation(KeyboardInterrupt())
    assert not is_cancellation(BaseExceptionGroup("", [cancelled, ValueError()]))
    assert not is_cancellation(BaseExceptionGroup("", [cancelled, BaseExceptionGroup("", [ValueError(), cancelled])]))


def test_stalled_shows_its_report() -> None:
    assert str(Stalled("stands still", "a waits for b")) == "stands still\na waits for b"


def test_for_the_log_things_are_shown_in_full_and_a_broken_repr_hides_nothing() -> None:
    assert str(Shown("x" * 1000)) == repr("x" * 1000)
    assert str(Shown(Broken())) == "<Broken whose repr raised ZeroDivisionError>"
