"""The command as a stranger would use it: what it writes, prints and returns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from penstock.blocks import WorkerDied
from penstock.samples.images import application, pictures
from penstock.samples.images.__main__ import main


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "thumbs"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_folder_becomes_thumbnails_and_a_contact_sheet(
    photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--output", output, "--size", "80x60", "--limit", 4, "--repeat", 2) == 0
    names = [f"{n:04d}-photo {(n - 1) % 4 + 1}.jpg" for n in range(1, 9)]
    assert sorted(path.name for path in output.iterdir()) == [*names, "contact-sheet.jpg"]
    with Image.open(output / names[0]) as thumbnail:
        assert thumbnail.size == (80, 60)
    out, err = capsys.readouterr()
    assert "data-flow: 8 of 8 images came out\n" in out
    assert f"thumbnails in {output}\n" in out
    assert "ratio to sequential" in out
    assert "8/8" in err


def test_without_a_folder_it_paints_its_own_pictures(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "_LONG", 180)
    monkeypatch.setattr(pictures, "_SHORT", 120)
    assert run("--output", output, "--mode", "sequential", "--limit", 2) == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "0001-01 mountains.jpg",
        "0002-02 sea.jpg",
        "contact-sheet.jpg",
    ]
    assert run("--output", output) == 0
    assert "data-flow: 15 of 15 images came out" in capsys.readouterr().out


def test_all_modes_can_be_compared(photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo_folder, "--output", output, "--compare") == 0
    assert sorted(path.name for path in output.iterdir()) == [
        "control-flow",
        "data-flow",
        "load-balanced",
        "sequential",
    ]
    written = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in output.iterdir()]
    assert len(written[0]) == 7
    assert all(files == written[0] for files in written), "the contact sheets are the same, too"
    assert "The modes wrote the same thumbnails" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["sequential", "control-flow", "data-flow", "load-balanced"])
def test_bad_files_are_named_and_skipped(
    mode: str, dirty_folder: Path, bad_files: dict[str, str], output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(dirty_folder, "--output", output, "--mode", mode, "--repeat", 2) == 1
    out, err = capsys.readouterr()
    named = sorted(line.removeprefix("failed  ") for line in err.splitlines() if line.startswith("failed"))
    assert [line.split(":")[0] for line in named] == list(bad_files), "each once, whatever the repetitions"
    assert "03 empty.jpg: load: the file is empty" in named
    assert f"{2 * len(bad_files)} skipped" in out
    assert (output / "0023-23 Ünïcødé 写真 📷.jpg").exists()


def test_the_table_names_the_workers(photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--executor", "processes", "--workers", 1, "--concurrency", "load=2", "--limit", 2]
    assert run(photo_folder, "--output", output, *arguments) == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert ["executor", "processes"] in rows
    assert ["workers", "1"] in rows


def test_workers_that_cannot_be_had_are_wrong_use(
    photo_folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(photo_folder, "--output", output, "--executor", "dask") == 2
    assert last_line(capsys) == "penstock-images: error: Dask is not installed; try: pip install distributed"


def test_a_bad_file_can_end_the_run(photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photo_folder / "photo 1.jpg").write_bytes(b"")
    assert run(photo_folder, "--output", output, "--on-error", "stop") == 1
    out, err = capsys.readouterr()
    assert out == "data-flow: ended by an error; 0 of 6 images came out before it\n"
    assert "failed  photo 1.jpg: load: the file is empty" in err


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


def test_wrong_use_is_said_in_one_line(
    photo_folder: Path, tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--size", "huge") == 2
    assert last_line(capsys).startswith("penstock-images: error: argument --size: expected WIDTHxHEIGHT")
    assert run(tmp_path / "gone\n") == 2
    assert last_line(capsys) == rf"penstock-images: error: no such folder: {tmp_path}/gone\n"
    (tmp_path / "file").touch()
    assert run(photo_folder, "--output", tmp_path / "file") == 2
    assert last_line(capsys).startswith("penstock-images: error: cannot write to the output folder")
    assert run(photo_folder, "--output", photo_folder) == 2
    assert "must not be the folder of the pictures" in last_line(capsys)
    assert run(tmp_path / "photographs" / "..", "--output", output) == 2
    assert "no pictures in" in last_line(capsys)
    assert not output.exists()


def test_help_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["rich", "PIL", "something of ours"])
def test_a_missing_library_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Finder:
        def find_spec(self, wanted: str, path: object, target: object = None) -> None:
            if wanted == application.__name__:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, application.__name__)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    if name == "something of ours":
        with pytest.raises(ModuleNotFoundError, match=name):
            main([])
    else:
        assert main([]) == 2
        assert f"{name} is not installed; try: pip install 'penstock[samples]'" in capsys.readouterr().err


def test_a_contact_sheet_that_cannot_be_written_does_not_cost_the_thumbnails(
    photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (output / "contact-sheet.jpg").mkdir(parents=True)
    assert run(photo_folder, "--output", output) == 1
    out = capsys.readouterr().out
    assert "6 of 6 images came out" in out
    assert "contact sheet not written: " in out
    assert len(list(output.iterdir())) == 7


@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_before_the_run_begins_is_no_traceback(
    group: bool, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> NoReturn:
        raise BaseExceptionGroup("nursery", [KeyboardInterrupt()]) if group else KeyboardInterrupt

    monkeypatch.setattr(application, "make_pictures", interrupt)
    assert run("--output", output) == 130
    assert last_line(capsys) == "penstock-images: interrupted"


def test_workers_that_do_not_live_are_said_to_be_dead(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def die(*arguments: object) -> NoReturn:
        raise BaseExceptionGroup("network", [BaseExceptionGroup("nursery", [WorkerDied("Processes: nobody lives")])])

    monkeypatch.setattr(application, "make_pictures", die)
    assert run("--output", output) == 1
    assert last_line(capsys) == "penstock-images: error: Processes: nobody lives"


def test_an_error_of_ours_is_not_hidden(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*arguments: object) -> NoReturn:
        raise BaseExceptionGroup("nursery", [KeyboardInterrupt(), ZeroDivisionError()])

    monkeypatch.setattr(application, "make_pictures", stumble)
    with pytest.raises(BaseExceptionGroup):
        run("--output", output)


def wait_for_the_end_of_group(leader: int) -> None:
    """Fail unless all its processes end soon; one that has ended and that nobody asks for its status will do."""
    command = ["ps", "-A", "-o", "pgid=", "-o", "stat="]
    for _ in range(100):
        processes = [line.split() for line in subprocess.check_output(command, text=True).splitlines()]
        if not any(int(group) == leader and not state.startswith("Z") for group, state in processes):
            return
        time.sleep(0.1)
    pytest.fail("the command has left processes behind")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot be sent to one process there")
@pytest.mark.parametrize(
    ("mode", "executor"),
    [
        ("sequential", "threads"),
        ("control-flow", "threads"),
        ("data-flow", "threads"),
        ("data-flow", "processes"),
        ("load-balanced", "threads"),
        ("load-balanced", "processes"),
    ],
)
def test_ctrl_c_ends_the_run_in_order_with_whole_files(
    mode: str, executor: str, photo_folder: Path, output: Path
) -> None:
    (photo_folder / "photo 4.jpg").write_bytes(b"")  # when this is reported, the run is under way
    arguments = [photo_folder, "--output", output, "--mode", mode, "--repeat", "100000", "--size", "64x48"]
    command = [sys.executable, "-m", "penstock.samples.images", *map(str, arguments), "--executor", executor]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "failed  photo 4.jpg: load: the file is empty\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers hear of it too
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    wait_for_the_end_of_group(process.pid)
    assert f"{mode}: interrupted; " in out
    came_out = int(out.split("interrupted; ")[1].split(" of ")[0])
    written = sorted(output.glob("0*.jpg"))
    assert len(written) == came_out
    good = [number for number in range(1, 2 * came_out + 10) if number % 6 != 4]
    assert [int(path.name[:6]) for path in written] == good[:came_out]
    for path in output.iterdir():
        assert path.suffix == ".jpg"
        with Image.open(path) as image:
            image.load()
