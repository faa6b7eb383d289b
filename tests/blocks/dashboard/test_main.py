"""The command that runs a program with a page."""

from __future__ import annotations

import runpy
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.blocks import Recording, Span
from penstock.blocks.dashboard.__main__ import main

Run = Callable[..., int]
PROGRAM = """
import sys
import trio
from penstock.blocks import Call, Network
from beside import name

async def main():
    async with Network(Call(print, name="show"), name=name):
        pass

if __name__ == "__main__":
    trio.run(main)
    print(sys.argv[1:])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a program; what the command changes is restored."""
    monkeypatch.setattr(sys, "argv", ["python"])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (tmp_path / "beside.py").write_text('name = "net"')
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def test_a_program_runs_as_if_python_had_been_called_with_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    assert main([str(folder / "program.py"), "--port", "x"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "['--port', 'x']\n"
    assert printed.err.startswith("the page of the networks is at http://127.0.0.1:")


def test_an_error_of_the_program_is_printed_as_python_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.py").write_text("1 / 0")
    assert main([str(folder / "bad.py")]) == 1
    assert capsys.readouterr().err.endswith("ZeroDivisionError: division by zero\n")


def test_the_page_can_stay_when_the_program_has_ended(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(event: threading.Event) -> None:
        raise KeyboardInterrupt

    (folder / "bad.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr("penstock.blocks.dashboard.__main__.wait", interrupt)
    with pytest.raises(SystemExit) as raised:
        main(["--stay", str(folder / "bad.py")])
    assert raised.value.code == 3
    assert capsys.readouterr().err.endswith("the program has ended; Ctrl-C closes the page\n")


def test_a_module_can_be_run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "with_a_network.py").write_text("import sys\nprint(sys.argv[1:])")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    assert main(["--chart", "-m", "with_a_network", "-m", "x"]) == 0
    assert capsys.readouterr().out == "['-m', 'x']\n"


def test_a_recording_is_shown_until_ctrl_c(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(event: threading.Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("penstock.blocks.dashboard.__main__.wait", interrupt)
    Recording.of([Span("read", "read", 1, 0.0, 1.0)], network="net").save(folder / "run.json")
    assert main([str(folder / "run.json")]) == 0
    assert capsys.readouterr().err.endswith("the page shows a recording; Ctrl-C closes the page\n")


def test_a_file_that_is_no_recording_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.json").write_text("{}")
    for name in ("bad.json", "missing.json"):
        with pytest.raises(SystemExit) as raised:
            main([str(folder / name)])
        assert raised.value.code == 2
        assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nothing.py"], "no such file: nothing.py"),
        (["--port", "70000", __file__], "port must be an int <= 65535"),
        ([], "the following arguments are required: program"),
        (["--attach"], "expected one argument"),
        (["--attach", "net"], "invalid int value: 'net'"),
    ],
)
def test_wrong_use_is_explained(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert problem in capsys.readouterr().err


def test_it_is_a_module_to_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["dashboard", "--help"])
    monkeypatch.delitem(sys.modules, "penstock.blocks.dashboard.__main__")
    with pytest.raises(SystemExit):
        runpy.run_module("penstock.blocks.dashboard", run_name="__main__")
    assert "python -m penstock.blocks.dashboard" in capsys.readouterr().out
