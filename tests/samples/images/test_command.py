"""The command as a stranger would use it: what it writes, prints and returns."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from penstock.blocks import WorkerDied
from penstock.samples.images import application, inputs, pictures
from penstock.samples.images.__main__ import main
from penstock.samples.images.files import find_pictures
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.load import load
from penstock.samples.images.phases import FUNCTIONS
from penstock.samples.images.record import ImageInfo, Job, Phase
from penstock.samples.images.settings import Settings

LEFT = ["contact-sheet.jpg", "manifest.csv", "manifest.json"]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "thumbs"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_folder_becomes_thumbnails_and_a_contact_sheet(
    photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--output", output, "--size", "80x60", "--limit", 4, "--repeat", 2) == 0
    names = [job.name for job in list_jobs(find_pictures(photo_folder), 4, 2)]
    assert sorted(path.name for path in output.iterdir()) == sorted([*names, *LEFT])
    with Image.open(output / names[0]) as thumbnail:
        assert thumbnail.size == (80, 60)
    out, err = capsys.readouterr()
    assert "data-flow: 8 of 8 images came out\n" in out
    assert f"thumbnails in {output}\n" in out
    assert "ratio to sequential" in out
    assert "8/8" in err


def test_a_plan_is_shown_and_followed(photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo_folder, "--output", output, "--size", "80x60", "--plan", "--workers", 2) == 0
    out, err = capsys.readouterr()
    assert "planned: 6 of 6 images came out\n" in out
    assert "It cannot be faster: " in err
    assert "load" in err
    assert run(photo_folder, "--output", output, "--size", "80x60", "--plan", "--resume") == 0
    assert "It cannot be faster" not in capsys.readouterr().err  # there is nothing to do


def test_the_model_shows_its_prediction_beside_and_makes_the_same_thumbnails(
    photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = "load=1,scale=1,noise=2,output=1"
    assert run(photo_folder, "--output", output, "--compare", "--model", "--times", times, "--size", "80x60") == 0
    out = capsys.readouterr().out
    (row,) = [line for line in out.splitlines() if "seconds, predicted" in line]
    assert row.replace("│", " ").split()[2:] == ["0.03", "0.01", "0.01", "0.01"]
    assert "The modes wrote the same thumbnails" in out
    names = [job.name for job in list_jobs(find_pictures(photo_folder))]
    assert sorted(path.name for path in (output / "data-flow").iterdir()) == sorted([*names, *LEFT[1:]])


def test_without_a_folder_it_paints_its_own_pictures(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "_LONG", 180)
    monkeypatch.setattr(pictures, "_SHORT", 120)
    assert run("--output", output, "--mode", "sequential", "--limit", 2) == 0
    assert sorted(path.name for path in output.iterdir()) == ["01 mountains-9cb067ed.jpg", "02 sea-90861fe0.jpg", *LEFT]
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
    written = [{path.name: path.read_bytes() for path in folder.glob("*.jpg")} for folder in output.iterdir()]
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
    assert list(output.glob("23 Ünïcødé 写真 📷-*.jpg"))


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
    assert last_line(capsys) == "penstock-images: Dask is not installed; try: pip install distributed"


def test_a_bad_file_can_end_the_run(photo_folder: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photo_folder / "photo 1.jpg").write_bytes(b"")
    assert run(photo_folder, "--output", output, "--on-error", "fail") == 1
    out, err = capsys.readouterr()
    assert out.startswith("data-flow: ended by an error; 0 of 6 images came out before it\n")
    assert "failed  photo 1.jpg: load: the file is empty" in err


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


def test_wrong_use_is_said_in_one_line(
    photo_folder: Path, tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--size", "huge") == 2
    assert last_line(capsys).startswith("penstock-images: argument --size: expected WIDTHxHEIGHT")
    assert run(tmp_path / "gone\n") == 2
    assert last_line(capsys) == rf"penstock-images: no such file or folder: {tmp_path}/gone\n"
    (tmp_path / "file").touch()
    assert run(photo_folder, "--output", tmp_path / "file") == 2
    assert last_line(capsys).startswith("penstock-images: cannot write to the output folder")
    assert run(photo_folder, "--output", photo_folder) == 2
    assert "must not be the folder of the pictures" in last_line(capsys)
    assert run(tmp_path / "photographs" / "..", "--output", output) == 2
    assert "no pictures in" in last_line(capsys)
    assert not output.exists()


def test_several_sources_and_a_list_on_standard_input(
    photo_folder: Path,
    tmp_path: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "sub" / "below").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(tmp_path / "sub" / "below" / "a.ppm")
    (tmp_path / "sub" / "a.txt").touch()
    listed = f"{photo_folder / 'photo 1.jpg'}\n{tmp_path / 'gone.png'}\n"
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(listed.encode())))
    assert run(tmp_path / "sub", photo_folder / "photo [23].jpg", "-", "--recursive", "--output", output) == 1
    out, err = capsys.readouterr()
    assert out.startswith("left out: 1 .txt\ndata-flow: 4 of 5 images came out, 1 skipped\n")
    assert "failed  gone.png: load: no such file" in err
    assert {path.name.rpartition("-")[0] for path in output.glob("*-????????.jpg")} == {
        "a",
        "photo 1",
        "photo 2",
        "photo 3",
    }


def test_thumbnails_are_not_taken_for_pictures_of_the_next_run(
    photo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = photo_folder / "thumbs"
    for _ in range(2):
        assert run(photo_folder, "--recursive", "--output", output) == 0
        assert "6 of 6 images came out" in capsys.readouterr().out


def test_all_failures_are_in_the_file_for_them_and_counted_by_reason(
    dirty_folder: Path, bad_files: dict[str, str], tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        (dirty_folder / f"empty {number}.jpg").touch()
    assert run(dirty_folder, "--output", output, "--errors", tmp_path / "errors.txt") == 1
    out, err = capsys.readouterr()
    assert "  31 failed: load: the file is empty (such as " in out
    assert err.count("failed  ") == 21
    assert "failed  and more, which are counted at the end; --errors FILE writes all of them" in err
    lines = (tmp_path / "errors.txt").read_text().splitlines()
    assert len(lines) == 30 + len(bad_files)
    assert f"{dirty_folder / 'empty 29.jpg'}\tload\tthe file is empty" in lines
    assert run(dirty_folder, "--output", output, "--errors", tmp_path / "gone" / "errors.txt") == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
@pytest.mark.parametrize("stream", ["full", "closed", "unread"])
def test_a_standard_output_that_takes_nothing_does_not_cost_the_thumbnails(
    stream: str, photo_folder: Path, output: Path
) -> None:
    command = [sys.executable, "-m", "penstock.samples.images", str(photo_folder), "--output", str(output)]
    if stream == "closed":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    reading, writing = os.pipe()
    os.close(reading)
    with open("/dev/full", "wb") as full, open(writing, "wb") as unread:
        stdout = {"full": full, "unread": unread}.get(stream)
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert len(list(output.glob("photo*.jpg"))) == 6
    assert "Traceback" not in done.stderr
    if stream == "full":
        assert "penstock-images: cannot write the report to standard output: No space left on device\n" in done.stderr
        assert done.returncode == 2
    else:
        assert "standard output" not in done.stderr
        assert done.returncode == 0


def test_what_libtiff_says_does_not_run_between_our_lines(
    photo_folder: Path, output: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def talkative(job: Job, settings: Settings) -> ImageInfo:
        os.write(2, b"TIFFReadDirectory: Warning, Unknown field with tag 59932\n")
        return load(job, settings)

    monkeypatch.setitem(FUNCTIONS, Phase.LOAD, talkative)
    assert run(photo_folder, "--output", output) == 0
    err = capfd.readouterr().err
    assert err.count("TIFFReadDirectory") == 1
    assert "penstock-images: libraries wrote 6 lines, such as: TIFFReadDirectory: Warning" in err


def test_a_full_disk_has_the_exit_status_of_what_cannot_be_written(
    photo_folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(info: ImageInfo, settings: Settings) -> ImageInfo:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setitem(FUNCTIONS, Phase.OUTPUT, full)
    assert run(photo_folder, "--output", output) == 2


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
    assert run(photo_folder, "--output", output) == 2
    out = capsys.readouterr().out
    assert "6 of 6 images came out" in out
    assert "contact sheet not written: " in out
    assert len(list(output.glob("photo*.jpg"))) == 6


@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_before_the_run_begins_is_no_traceback(
    group: bool, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **options: object) -> NoReturn:
        raise BaseExceptionGroup("nursery", [KeyboardInterrupt()]) if group else KeyboardInterrupt

    monkeypatch.setattr(inputs, "make_pictures", interrupt)
    assert run("--output", output) == 130
    assert last_line(capsys) == "penstock-images: stopped"


def test_workers_that_do_not_live_are_said_to_be_dead(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def die(*arguments: object, **options: object) -> NoReturn:
        raise BaseExceptionGroup("network", [BaseExceptionGroup("nursery", [WorkerDied("Processes: nobody lives")])])

    monkeypatch.setattr(inputs, "make_pictures", die)
    assert run("--output", output) == 1
    assert last_line(capsys) == "penstock-images: Processes: nobody lives"


def test_an_error_of_ours_is_not_hidden(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*arguments: object, **options: object) -> NoReturn:
        raise BaseExceptionGroup("nursery", [KeyboardInterrupt(), ZeroDivisionError()])

    monkeypatch.setattr(inputs, "make_pictures", stumble)
    with pytest.raises(BaseExceptionGroup):
        run("--output", output)


def wait_for_the_end_of_group(leader: int) -> None:
    """Fail unless all its processes end soon; a zombie counts as ended."""
    command = ["ps", "-A", "-o", "pgid=", "-o", "stat="]
    for _ in range(100):
        processes = [line.split() for line in subprocess.check_output(command, text=True).splitlines()]
        if not any(int(group) == leader and not state.startswith("Z") for group, state in processes):
            return
        time.sleep(0.1)
    pytest.fail("the command has left processes behind")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot be sent to one process there")
@pytest.mark.parametrize(
    ("mode", "executor", "number"),
    [
        ("sequential", None, "SIGINT"),
        ("control-flow", None, "SIGHUP"),
        ("data-flow", "threads", "SIGTERM"),
        ("data-flow", "processes", "SIGINT"),
        ("load-balanced", "threads", "SIGINT"),
        ("load-balanced", "processes", "SIGTERM"),
    ],
)
def test_ctrl_c_and_its_kind_end_the_run_in_order_with_whole_files(
    mode: str, executor: str | None, number: str, photo_folder: Path, output: Path
) -> None:
    sent = getattr(signal, number)
    (photo_folder / "photo 4.jpg").write_bytes(b"")  # when this is reported, the run is under way
    arguments = [photo_folder, "--output", output, "--mode", mode, "--repeat", "100000", "--size", "64x48"]
    command = [sys.executable, "-m", "penstock.samples.images", *map(str, arguments)]
    command += [] if executor is None else ["--executor", executor]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "failed  photo 4.jpg: load: the file is empty\n"
        os.killpg(process.pid, sent)  # as a terminal does: the workers hear of it too
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    assert "Traceback" not in err
    wait_for_the_end_of_group(process.pid)
    assert f"{mode}: stopped; " in out
    came_out = int(out.split("stopped; ")[1].split(" of ")[0])
    good = (job.name for job in list_jobs(find_pictures(photo_folder), None, 100000) if job.number % 6 != 4)
    assert {path.name for path in output.glob("photo*.jpg")} == set(islice(good, came_out))
    for path in output.iterdir():
        assert path.suffix == ".jpg" or path.name in LEFT
        if path.suffix == ".jpg":
            with Image.open(path) as image:
                image.load()
