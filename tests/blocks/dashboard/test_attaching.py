"""How a command finds the page of a program that runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from penstock.blocks.dashboard import attaching
from penstock.blocks.dashboard.__main__ import main
from penstock.blocks.dashboard.attaching import CannotAttachError, Notice, attach, check_owner, folder_of_user

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system sends no signals to other programs")
NUMBER = getattr(signal, "SIGUSR2", 0)
PAGE = "http://127.0.0.1:4711/token/"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return folder_of_user()


@pytest.fixture
def notice() -> Iterator[Notice]:
    notice = Notice(NUMBER)
    yield notice
    notice.remove()


@pytest.fixture
def answers(notice: Notice, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program of the notice answers to signals, one after the other."""
    lines = list[str]()

    def kill(process: int, number: int) -> None:
        assert (process, number) == (os.getpid(), NUMBER)
        if not lines:
            raise ProcessLookupError
        notice.add(lines.pop(0))

    monkeypatch.setattr(os, "kill", kill)
    return lines


def test_the_page_is_opened_once(answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers += [PAGE]
    assert attach(os.getpid()) == PAGE
    with pytest.raises(SystemExit) as raised:
        main(["--attach", str(os.getpid())])
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"the page of process {os.getpid()} is at {PAGE}\n"


def test_a_program_that_cannot_open_its_page_says_why_and_may_be_asked_again(answers: list[str]) -> None:
    answers += ["the port is taken", PAGE]
    with pytest.raises(CannotAttachError, match="the port is taken"):
        attach(os.getpid())
    assert attach(os.getpid()) == PAGE


def test_a_program_that_does_not_answer_is_named(
    answers: list[str], notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "PATIENCE", 0.0)
    with pytest.raises(CannotAttachError, match=f"process {os.getpid()} does not answer"):
        attach(os.getpid())
    notice.remove()
    notice.add("too late")


def test_no_signal_is_sent_to_a_program_that_was_not_prepared(
    answers: list[str], notice: Notice, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers += ["it was sent"]
    notice.remove()
    with pytest.raises(SystemExit) as raised:
        main(["--attach", str(os.getpid())])
    assert raised.value.code == 2
    assert "call penstock.blocks.dashboard.show_on_signal() at its start" in capsys.readouterr().err
    (folder / str(os.getpid())).write_text(f"{NUMBER}\n")  # as if an earlier program had been killed
    with pytest.raises(CannotAttachError, match="is not prepared"):
        attach(os.getpid())
    assert answers
    folder.rename(folder.with_name("other"))
    with pytest.raises(CannotAttachError, match="is not prepared"):
        attach(os.getpid())


def test_the_notice_of_an_earlier_program_is_replaced(notice: Notice, answers: list[str], folder: Path) -> None:
    notice.remove()
    (folder / str(os.getpid())).write_text("what an earlier program has left\n")
    later = Notice(NUMBER)
    later.add(PAGE)
    assert attach(os.getpid()) == PAGE
    later.remove()
    assert not [*folder.iterdir()]


def test_a_fork_leaves_the_notice_of_its_parent(notice: Notice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = os.getpid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: process + 1)
        notice.remove()
    assert [path.name for path in folder.iterdir()] == [str(process)]


def test_a_folder_that_others_can_use_is_not_trusted(notice: Notice, folder: Path, tmp_path: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(CannotAttachError, match="must be a folder that belongs to this user alone"):
        attach(os.getpid())
    with pytest.raises(PermissionError):
        Notice(NUMBER)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(PermissionError):
        check_owner(tmp_path / "link")


def test_a_system_without_signals_between_programs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(CannotAttachError, match="press Ctrl-Break"):
        attach(os.getpid())


@pytest.mark.slow
def test_a_program_that_runs_gives_its_page(tmp_path: Path) -> None:
    program = """
        import trio
        from penstock.blocks import Call, Network
        from penstock.blocks.dashboard import show_on_signal

        async def main():
            show_on_signal()
            async with Network(Call(print), name="net"):
                print("ready", flush=True)
                await trio.sleep_forever()

        trio.run(main)
    """
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-c", dedent(program)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    command = [sys.executable, "-m", "penstock.blocks.dashboard", "--attach", str(running.pid)]
    with running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            texts = [subprocess.check_output(command, env=environment, text=True, timeout=60) for _ in range(2)]
        finally:
            running.terminate()
    assert texts[0].startswith(f"the page of process {running.pid} is at http://127.0.0.1:")
    assert texts[0] == texts[1]
