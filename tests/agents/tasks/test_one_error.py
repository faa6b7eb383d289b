"""The exceptions with which a run ends."""

from __future__ import annotations

from traceback import walk_tb
from typing import cast

import pytest

from penstock.agents import Runtime, Scope
from penstock.agents.tasks.one_error import raise_interrupt
from tests.agents.runtime.gates import LONGEST


def test_what_comes_beside_ctrl_c_is_its_cause() -> None:
    pressed, other = KeyboardInterrupt("pressed"), ValueError("other")
    group = BaseExceptionGroup("all", [other, BaseExceptionGroup("some", [pressed])])
    with pytest.raises(KeyboardInterrupt, match="pressed") as raised:
        raise_interrupt(group)
    causes = cast("ExceptionGroup[Exception]", raised.value.__cause__)
    assert causes.exceptions == (other,)


def test_without_ctrl_c_nothing_is_raised() -> None:
    raise_interrupt(BaseExceptionGroup("all", [ValueError(), SystemExit(3)]))


def length(error: BaseException) -> int:
    """The number of frames in the traceback of an exception."""
    return len([*walk_tb(error.__traceback__)])


def fail() -> None:
    raise ValueError("bad")


def test_the_traceback_of_a_failed_task_of_a_runtime_does_not_grow() -> None:
    with Runtime(threads=1) as runtime:
        handle = runtime.submit(fail)
        lengths: set[int] = set()
        for _ in range(3):
            with pytest.raises(ValueError, match="bad") as raised:
                handle.get(LONGEST)
            lengths.add(length(raised.value))
    assert len(lengths) == 1


async def test_the_traceback_of_a_failed_task_of_a_scope_does_not_grow() -> None:
    async def fail_later() -> None:
        fail()

    async with Scope() as scope:
        handle = scope.spawn(fail_later, hold=True)
        lengths: set[int] = set()
        for _ in range(3):
            with pytest.raises(ValueError, match="bad") as raised:
                await handle
            lengths.add(length(raised.value))
            assert [frame.f_code.co_name for frame, _ in walk_tb(raised.value.__traceback__)][-2:] == [
                "fail_later",
                "fail",
            ]
    assert len(lengths) == 1
