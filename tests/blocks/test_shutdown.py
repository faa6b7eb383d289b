"""The shutdown buffers by themselves."""

import pytest

from penstock.blocks import ErrorInfo, Shutdown
from tests.blocks.tools import contents


def info(number: int) -> ErrorInfo:
    return ErrorInfo.of(ValueError(number), phase="p", item=number, number=number)


def test_it_shows_its_state() -> None:
    shutdown = Shutdown("s")
    assert repr(shutdown) == "<Shutdown 's' quiet, 0 errors>"
    shutdown.cancel()
    assert repr(shutdown) == "<Shutdown 's' cancelled, 0 errors>"
    shutdown.fault(info(1))
    assert repr(shutdown) == "<Shutdown 's' fault, 1 errors>"
    assert Shutdown().name == "shutdown"


def test_a_fault_sets_pending_and_every_fault_is_kept() -> None:
    shutdown = Shutdown()
    assert not shutdown.is_shutdown_pending
    assert not shutdown.is_cancellation_pending
    shutdown.fault(info(1))
    shutdown.fault(info(2))
    assert shutdown.is_shutdown_pending
    assert shutdown.is_cancellation_pending
    assert shutdown.pending.value is True
    assert not shutdown.cancellation.has_value
    assert [error.number for error in contents(shutdown.errors)] == [1, 2]
    assert shutdown.first_error is not None
    assert shutdown.first_error.number == 1


def test_a_request_to_stop_is_no_fault_and_twice_is_fine() -> None:
    shutdown = Shutdown()
    shutdown.cancel()
    shutdown.cancel()
    assert shutdown.is_cancellation_pending
    assert not shutdown.is_shutdown_pending
    assert shutdown.cancellation.value is True
    assert not shutdown.pending.has_value


def test_hooks_are_called_once_at_the_first_reason_or_at_once() -> None:
    shutdown = Shutdown()
    called: list[str] = []
    shutdown.on_shutdown(lambda: called.append("first"))
    shutdown.on_shutdown(lambda: called.append("second"))
    shutdown.cancel()
    shutdown.fault(info(1))
    assert called == ["first", "second"]
    shutdown.on_shutdown(lambda: called.append("late"))
    assert called == ["first", "second", "late"]


def test_all_hooks_are_called_though_one_raises() -> None:
    shutdown = Shutdown("s")
    called: list[str] = []

    def broken() -> None:
        raise KeyError("hook")

    shutdown.on_shutdown(broken)
    shutdown.on_shutdown(lambda: called.append("second"))
    with pytest.RaisesGroup(KeyError, match="s: on_shutdown"):
        shutdown.cancel()
    assert called == ["second"]
    assert shutdown.is_cancellation_pending


def test_what_hooks_raise_at_a_fault_is_handed_back() -> None:
    shutdown = Shutdown()

    def broken() -> None:
        raise KeyError("hook")

    shutdown.on_shutdown(broken)
    assert [type(error) for error in shutdown.fault(info(1))] == [KeyError]
    assert list(shutdown.fault(info(2))) == []
