"""Tracebacks and stacks as text, also where Python cannot look for the lines of the source."""

import inspect
import traceback
from types import FrameType

import pytest

from penstock.blocks import Call, ErrorInfo
from penstock.blocks.base.traceback_text import message_of, stack_text, traceback_text
from tests.blocks.tools import faults, run


class Silent(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def no_lines(*_: object, **__: object) -> object:
    """Fail as the standard library does if warnings are errors and a module has no `__spec__`."""
    raise DeprecationWarning("__loader__")


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library cannot look for the lines of the source."""
    monkeypatch.setattr(traceback, "TracebackException", no_lines)
    monkeypatch.setattr(traceback, "format_stack", no_lines)


def caught() -> ValueError:
    try:
        raise ValueError("bad")
    except ValueError as error:
        error.add_note("near here")
        return error


def here() -> FrameType:
    frame = inspect.currentframe()
    assert frame is not None
    return frame


def test_it_is_what_python_prints() -> None:
    error = caught()
    whole = "".join(traceback.format_exception(error))
    assert traceback_text(error, error.__traceback__) == whole
    assert traceback_text(error, error.__traceback__, notes=False) == whole.removesuffix("near here\n")
    assert "stack_text(here())" in stack_text(here())


@pytest.mark.usefixtures("blind")
def test_without_lines_it_has_the_places_the_message_and_the_notes() -> None:
    error = caught()
    text = traceback_text(error, error.__traceback__)
    assert text.startswith(f'Traceback (most recent call last):\n  File "{__file__}", line ')
    assert text.endswith(", in caught\nValueError: bad\nnear here\n")
    assert traceback_text(error, None, notes=False) == "ValueError: bad\n"
    assert stack_text(here()).endswith(", in here\n")


def test_a_message_that_cannot_be_made_is_said() -> None:
    assert message_of(ValueError("bad")) == "ValueError: bad"
    assert message_of(Silent()) == "Silent, whose str raised RuntimeError"


@pytest.mark.usefixtures("blind")
async def test_a_fault_is_told_although_its_traceback_cannot_be_made() -> None:
    def fail(_: int) -> None:
        raise ValueError("bad")

    with faults(ValueError):
        await run(Call(fail), [1])
    assert ErrorInfo.of(ValueError("bad"), phase="x").traceback == "ValueError: bad\n"
