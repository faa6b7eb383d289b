"""The default runtime, and its methods as functions."""

from collections.abc import Iterator
from typing import Any

import pytest

from penstock.agents import Runtime, runtime
from tests.agents.runtime.gates import LONGEST


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    before = runtime.set_default_runtime(None)
    yield
    runtime.shutdown()
    runtime.set_default_runtime(before)


def test_it_is_made_when_it_is_used() -> None:
    assert runtime.set_default_runtime(None) is None
    assert runtime.submit(sum, [1, 2], name="sum").get(LONGEST) == 3
    assert runtime.get_default_runtime() is runtime.get_default_runtime()
    assert repr(runtime.get_default_runtime()) == "<Runtime 'default', 1 of 1 tasks have ended>"


def test_the_functions_are_its_methods() -> None:
    told: list[Any] = []
    runtime.set_error_callback(lambda handle, error: told.append(handle))
    handle = runtime.submit(int, "x", on="io")
    assert runtime.wait(handle, LONGEST)
    assert runtime.wait_all()
    assert runtime.get_failed() == [handle]
    assert told == [handle]
    runtime.clear_failed()
    assert runtime.get_failed() == []
    assert runtime.get_progress().failed == 1
    runtime.shutdown()
    runtime.shutdown()
    assert runtime.get_progress().total == 0


def test_it_can_be_another_one() -> None:
    with Runtime(threads=1, name="mine") as mine:
        assert runtime.set_default_runtime(mine) is None
        runtime.submit(int).get()
        assert mine.get_progress().total == 1
        assert runtime.set_default_runtime(None) is mine
    with pytest.raises(TypeError, match="needs a Runtime or None, got 3"):
        runtime.set_default_runtime(3)  # type: ignore[arg-type]
