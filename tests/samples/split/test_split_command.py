"""The command `penstock-split`, in the process of the test."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from penstock.samples.split import program, steps
from penstock.samples.split.__main__ import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three files of 1, 2 and 3 lines, and a hidden one."""
    logs = tmp_path / "logs"
    (logs / "folder").mkdir(parents=True)
    for number in (1, 2, 3):
        (logs / f"{number}.log").write_text("".join(f"{number}.{line}\n" for line in range(number))[:-1])
    (logs / ".hidden").write_text("hidden\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shards(out: Path) -> list[str]:
    return [path.read_text() for path in sorted(out.glob("*.txt"))]


@pytest.mark.parametrize("checkpoint", [[], ["--checkpoint", "work"]])
def test_shards_have_the_lines_of_all_files_in_order(
    checkpoint: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "out", "--shards", "2", *checkpoint]) == 0
    assert shards(folder / "out") == ["1.0\n2.0\n2.1\n", "3.0\n3.1\n3.2\n"]
    summary = json.loads((folder / "out/summary.json").read_text())
    assert summary["files"] == {os.path.join("logs", f"{number}.log"): number for number in (1, 2, 3)}
    assert (summary["lines"], summary["longest line"]) == (6, 3)
    assert [(shard["name"], shard["lines"], shard["bytes"]) for shard in summary["shards"]] == [
        ("000.txt", 3, 12),
        ("001.txt", 3, 12),
    ]
    assert len({shard["sha256"] for shard in summary["shards"]}) == 2
    there = "; 0 of 7 tasks were done before" if checkpoint else ""
    assert capsys.readouterr().out == f"6 lines of 3 files in 2 shards{there}\n"
    assert sorted(os.listdir(folder)) == ["logs", "out", *["work"][: len(checkpoint)]]


def test_there_may_be_more_shards_than_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "out", "--files", "1.*", "--shards", "3", "--quiet"]) == 0
    assert shards(folder / "out") == ["", "", "1.0\n"]
    assert capsys.readouterr().out == ""


def test_it_goes_on_where_it_was(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device", "001.tmp")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "_lines", full)
        assert main(["logs", "out", "--checkpoint", "work"]) == 2
    assert capsys.readouterr().err == "penstock-split: 001.tmp: No space left on device\n" * 4
    assert sorted(os.listdir(folder)) == ["logs", "work"]
    assert main(["logs", "out", "--checkpoint", "work"]) == 0
    assert capsys.readouterr().out == "6 lines of 3 files in 4 shards; 5 of 9 tasks were done before\n"
    (folder / "logs/1.log").write_text("other\nlines\n")
    assert main(["logs", "new", "--checkpoint", "work"]) == 0
    assert capsys.readouterr().out == "7 lines of 3 files in 4 shards; 2 of 9 tasks were done before\n"
    assert "".join(shards(folder / "new")).startswith("other\nlines\n2.0\n")
    assert "".join(shards(folder / "out")).startswith("1.0\n2.0\n")


def test_a_shard_of_the_checkpoint_that_is_gone_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "out", "--checkpoint", "work", "--quiet"]) == 0
    (path,) = (folder / "work/shards").glob("001-*.txt")
    path.unlink()
    assert main(["logs", "new", "--checkpoint", "work"]) == 2
    assert capsys.readouterr().err == (
        f"penstock-split: {path}: this shard is not as it was written; remove the folder of the checkpoint\n"
    )
    assert not (folder / "new").exists()


def test_a_file_that_changes_meanwhile_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = steps.make_plan

    def change(counted: steps.Counted, shards: int, where: str) -> steps.Plan:
        (folder / "logs/2.log").write_text("other")
        return plan(counted, shards, where)

    monkeypatch.setattr(program, "make_plan", change)
    assert main(["logs", "out", "--shards", "1"]) == 2
    path = os.path.join("logs", "2.log")
    changed = f"penstock-split: {path}: it has changed since its lines were counted; run it again\n"
    assert capsys.readouterr().err == changed
    assert sorted(os.listdir(folder)) == ["logs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["logs", "logs"], "logs: it is there already; give another folder, or remove it"),
        (["none", "out"], "none: No such file or directory"),
        (["logs", "out", "--files", "*.x"], "logs: there is no file like '*.x'"),
        (["logs", "none/out"], f"{Path('none/out')}: it cannot be made: No such file or directory"),
    ],
)
def test_what_a_user_can_mend_is_said_in_one_line(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"penstock-split: {message}\n"
    assert os.listdir(folder) == ["logs"]


@pytest.mark.parametrize("files", ["", "a/b"])
def test_a_pattern_is_that_of_a_name(files: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["logs", "out", "--files", files])
    assert ended.value.code == 2
    assert "--files: expected the pattern of a name" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])])
def test_ctrl_c_leaves_nothing(error: BaseException, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(program, "split", stop)
    assert main(["logs", "out"]) == 130
    assert os.listdir(folder) == ["logs"]


@pytest.mark.parametrize("error", [ZeroDivisionError(), BaseExceptionGroup("", [SystemExit()])])
def test_a_fault_of_the_program_is_not_hidden(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(program, "split", fail)
    with pytest.raises(type(error)):
        main(["logs", "out"])


def test_an_output_that_cannot_be_written_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        return "No space left on device"

    monkeypatch.setattr(program, "show", full)
    assert main(["logs", "out"]) == 2
    assert capsys.readouterr().err == "penstock-split: cannot write to standard output: No space left on device\n"
