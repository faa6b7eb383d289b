"""The command `python -m penstock.blocks.recording`."""

import subprocess
import sys
from pathlib import Path

import pytest

from penstock.blocks import Recording
from penstock.blocks.recording import __main__ as command
from penstock.blocks.recording.player import HELP
from tests.blocks.recording.recordings import many, small


@pytest.fixture
def run_json(tmp_path: Path) -> str:
    path = tmp_path / "run.json"
    small().save(path)
    return str(path)


def test_without_a_terminal_all_steps_are_printed(run_json: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([run_json]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 11


def sit_at_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: list[str | type[BaseException]]) -> None:
    def ask(prompt: str) -> str:
        answer = typed.pop(0)
        if isinstance(answer, str):
            return answer
        raise answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", ask)


def test_on_a_terminal_it_asks(
    run_json: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_at_a_terminal(monkeypatch, ["", EOFError])
    assert command.main([run_json]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(HELP)
    assert "load begins" in shown


def test_control_c_ends_it(run_json: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sit_at_a_terminal(monkeypatch, [KeyboardInterrupt])
    assert command.main([run_json]) == 130


def test_with_a_delay_it_plays_by_itself_even_on_a_terminal(run_json: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sit_at_a_terminal(monkeypatch, [])
    monkeypatch.setattr("time.sleep", slept.append)
    assert command.main([run_json, "--delay", "0.25"]) == 0
    assert slept == [0.25] * 10


def test_it_draws(run_json: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    svg, png = tmp_path / "run.svg", tmp_path / "run.png"
    options = ["--width", "640", "--from", "0.1", "--to", "0.4"]
    assert command.main([run_json, "--svg", str(svg), "--png", str(png), *options]) == 0
    assert svg.read_text(encoding="utf-8") == small().to_svg(width=640, start=0.1, end=0.4)
    assert png.read_bytes() == small().to_png(width=640, start=0.1, end=0.4)
    assert command.main([run_json, "--png", str(png)]) == 0
    assert png.read_bytes() == small().to_png()
    assert command.main([run_json, "--svg", str(svg)]) == 0
    assert svg.read_text(encoding="utf-8") == small().to_svg()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [None, "[]"])
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert command.main([str(path)]) == 2
    assert "other.json" in capsys.readouterr().err


@pytest.mark.parametrize("delay", ["-1", "nan", "inf", "soon"])
def test_a_delay_is_a_number_of_seconds(run_json: str, delay: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main([run_json, f"--delay={delay}"])
    assert "--delay" in capsys.readouterr().err


def test_an_output_that_cannot_be_set_up_is_used_as_it_is(run_json: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            pass

        def isatty(self) -> bool:
            return False

    plain = Plain()
    monkeypatch.setattr(sys, "stdout", plain)
    assert command.main([run_json]) == 0
    assert "load begins item 1" in plain.text


def test_it_ends_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    many(5000).save(path)
    line = [sys.executable, "-m", "penstock.blocks.recording", str(path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1


def test_letters_that_the_terminal_has_not_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    Recording.of(small().spans, network="größer").save(path)
    line = [sys.executable, "-m", "penstock.blocks.recording", str(path)]
    done = subprocess.run(line, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, check=True)
    assert done.stdout.startswith(b"gr??er")
