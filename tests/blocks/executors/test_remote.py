"""Exceptions that come from another process, beside a library that has exceptions pickled in its own way."""

import copyreg
from typing import Any

import pytest

from penstock.blocks.executors.remote import ErrorRecord


class Odd(Exception):
    """Holds something beside its arguments."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@pytest.mark.parametrize("kind", [Odd, SystemExit])
def test_what_dask_does_to_the_pickles_of_exceptions_does_not_touch_ours(
    kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(error: BaseException) -> tuple[Any, ...]:
        return RuntimeError, ("forgotten",)

    forgetful.__module__ = "tblib.pickling_support"
    monkeypatch.setitem(copyreg.dispatch_table, kind, forgetful)
    revived = ErrorRecord.of(kind("lost")).revive()
    assert type(revived) is kind
    assert vars(revived).get("text") == getattr(kind("lost"), "text", None)
    assert getattr(revived, "code", "lost") == "lost"


def test_what_users_register_for_their_exceptions_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def shout(error: Odd) -> tuple[Any, ...]:
        return Odd, (error.text.upper(),)

    monkeypatch.setitem(copyreg.dispatch_table, Odd, shout)
    revived = ErrorRecord.of(Odd("found")).revive()
    assert str(revived) == "FOUND"
