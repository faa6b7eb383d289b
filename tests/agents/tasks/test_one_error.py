"""The exceptions with which a run ends."""

from __future__ import annotations

from typing import cast

import pytest

from penstock.agents.tasks.one_error import raise_interrupt


def test_what_comes_beside_ctrl_c_is_its_cause() -> None:
    pressed, other = KeyboardInterrupt("pressed"), ValueError("other")
    group = BaseExceptionGroup("all", [other, BaseExceptionGroup("some", [pressed])])
    with pytest.raises(KeyboardInterrupt, match="pressed") as raised:
        raise_interrupt(group)
    causes = cast("ExceptionGroup[Exception]", raised.value.__cause__)
    assert causes.exceptions == (other,)


def test_without_ctrl_c_nothing_is_raised() -> None:
    raise_interrupt(BaseExceptionGroup("all", [ValueError(), SystemExit(3)]))
