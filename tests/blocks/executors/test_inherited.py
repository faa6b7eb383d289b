"""What a new process would get, and that each change of it is seen."""

import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from penstock.blocks.executors import inherited as module
from penstock.blocks.executors.inherited import file_of, inherited, umask

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks what Linux knows")

Change = Callable[[pytest.MonkeyPatch, Path], None]


@contextmanager
def restored() -> Generator[None]:
    """Undo what some changes do to this process."""
    handler, mask, bits = signal.getsignal(signal.SIGUSR1), signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.umask(0o22)
    os.umask(bits)
    output = os.dup(1)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.umask(bits)
        os.dup2(output, 1)
        os.close(output)


def redirect(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    with (folder / "output").open("w") as file:
        os.dup2(file.fileno(), 1)


CHANGES: dict[str, Change] = {
    "environment": lambda monkeypatch, folder: monkeypatch.setenv("PENSTOCK_OF_A_TEST", "1"),
    "path": lambda monkeypatch, folder: monkeypatch.setattr(sys, "path", [str(folder), *sys.path]),
    "arguments": lambda monkeypatch, folder: monkeypatch.setattr(sys, "argv", ["else"]),
    "folder": lambda monkeypatch, folder: monkeypatch.chdir(folder),
    "output": redirect,
    "umask": lambda monkeypatch, folder: (os.umask(0o77), None)[1],
    "ignored": lambda monkeypatch, folder: (signal.signal(signal.SIGUSR1, signal.SIG_IGN), None)[1],
    "blocked": lambda monkeypatch, folder: (signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}), None)[1],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with restored():
        before = inherited()
        assert inherited() == before
        CHANGES[name](monkeypatch, tmp_path)
        assert inherited() != before
        monkeypatch.undo()
    assert inherited() == before


def test_a_stream_may_be_closed() -> None:
    ours, theirs = os.pipe()
    os.close(theirs)
    assert file_of(ours) is not None
    os.close(ours)
    assert file_of(ours) is None


def test_a_system_need_not_tell_the_umask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status: Any = tmp_path / "status"
    monkeypatch.setattr(module, "STATUS", status)
    assert umask() is None
    status.write_text("Name:\tpython\n")
    assert umask() is None
    status.write_text("Name:\tpython\nUmask:\t0027\n")
    assert umask() == "0027"
