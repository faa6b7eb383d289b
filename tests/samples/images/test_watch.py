"""A run is recorded, reported and limited: in every mode, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from penstock.blocks import Activity, Recording
from penstock.samples.images.__main__ import main
from penstock.samples.images.contact_sheet import SheetPage
from penstock.samples.images.record import Phase, Stamp
from penstock.samples.images.recorded import recorded_by_hand
from penstock.samples.images.settings import CHAPTER_MODES

MODES = [mode.value for mode in CHAPTER_MODES]
WITH_NETWORK = MODES[1:]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def run(*arguments: object) -> int:
    return main([*map(str, arguments), "--output", "out"])


def test_every_mode_is_recorded_in_a_file_of_its_own(photo_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(photo_folder, "--compare", "--record", "run.json", "--record", "run.svg") == 0
    files = sorted(path.name for path in Path().iterdir() if path.is_file())
    assert files == sorted(f"run-{mode}.{form}" for mode in MODES for form in ("json", "svg"))
    out = capsys.readouterr().out
    for mode in MODES:
        assert f"  recorded in run-{mode}.json\n  recorded in run-{mode}.svg\n" in out
        recording = Recording.load(f"run-{mode}.json")
        work = [span for span in recording.spans if span.activity is Activity.WORK]
        for phase in Phase:
            names = {phase.value, f"{phase.value} 1", f"{phase.value} 2"}
            assert {span.item for span in work if span.stage in names} == set(range(1, 7)), (mode, phase)
        assert any(span.activity is Activity.WAIT_FOR_INPUT for span in recording.spans) is (mode != "sequential")
        assert Path(f"run-{mode}.svg").read_text("utf-8").startswith("<svg")


def test_a_chart_can_be_a_png(photo_folder: Path) -> None:
    assert run(photo_folder, "--limit", 2, "--record", "run.png") == 0
    with Image.open("run.png") as image:
        image.load()
        assert image.width >= 1000


def test_a_run_without_a_network_is_recorded_from_its_stamps() -> None:
    stamps = [Stamp(phase, 100.0 + n, 100.5 + n) for n, phase in enumerate(Phase)]
    later = [Stamp(phase, 104.0 + n, 104.5 + n) for n, phase in enumerate(Phase)]
    images = [(1, "a.jpg", stamps), (2, "b.jpg", later)]
    recording = recorded_by_hand("by hand", images, [], started=100.0, seconds=9.0)
    assert recording.network == "by hand"
    assert recording.seconds == 9.0
    assert recording.stages == ("load", "scale", "noise", "output")
    assert recording.links == (("load", "scale"), ("scale", "noise"), ("noise", "output"))
    assert [(span.stage, span.item, span.start, span.label) for span in recording.spans[3:5]] == [
        ("output", 1, 3.0, "a.jpg"),
        ("load", 2, 4.0, "b.jpg"),
    ]


def test_the_contact_sheet_of_a_run_without_a_network_has_a_row_below_the_phases() -> None:
    stamps = [Stamp(phase, 100.0 + n, 100.5 + n) for n, phase in enumerate(Phase)]
    page = SheetPage(1, Path("contact-sheet.jpg"), (), 104.0, 105.0)
    recording = recorded_by_hand("by hand", [(1, "a.jpg", stamps)], [page], started=100.0, seconds=9.0)
    assert recording.stages == ("load", "scale", "noise", "output", "contact sheet")
    last = recording.spans[-1]
    assert (last.stage, last.item, last.start, last.end, last.label) == ("contact sheet", 1, 4.0, 5.0, "page 1")


def test_the_network_of_each_mode_that_has_one_is_reported_and_drawn(
    photo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--limit", 2, "--compare", "--report", "--diagram", "net.mmd", "--diagram", "net.dot") == 0
    out = capsys.readouterr().out
    for mode in MODES:
        network = f"network 'images, {mode.replace('-', ' ')}', ended, "
        assert (network in out) is (mode in WITH_NETWORK)
        assert (f"  drawn in net-{mode}.mmd\n  drawn in net-{mode}.dot\n" in out) is (mode in WITH_NETWORK)
        assert Path(f"net-{mode}.mmd").exists() is (mode in WITH_NETWORK)
    assert "flowchart" in Path("net-data-flow.mmd").read_text("utf-8")
    assert "digraph" in Path("net-data-flow.dot").read_text("utf-8")


def test_a_report_has_its_colours_on_a_terminal(
    photo_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run(photo_folder, "--limit", 2, "--report") == 0
    assert "\x1b[1mnetwork 'images, data flow', ended" in capsys.readouterr().out


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_takes_too_long_ends_and_is_recorded_up_to_there(
    mode: str, photo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photo_folder, "--repeat", 10_000, "--mode", mode, "--time-limit", 0.05, "--record", "run.json") == 124
    out = capsys.readouterr().out
    assert f"{mode}: ended by the time limit; " in out
    assert "0.05 s" in out
    for path in Path("out").glob("0*.jpg"):
        with Image.open(path) as image:
            image.load()
    assert not [path for path in Path("out").iterdir() if path.name.startswith(".")]
    assert Recording.load("run.json").seconds >= 0.05


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--record", "run.pdf"], "argument --record: expected a file called *.json, *.svg or *.png, got 'run.pdf'"),
        (["--record", "gone/run.svg"], "argument --record: cannot write 'gone/run.svg': there is no such folder"),
        (["--record", "run.svg", "--compare"], "cannot write run-data-flow.svg: it is not a plain file"),
        (["--diagram", "net.svg"], "argument --diagram: expected a file called *.mmd or *.dot, got 'net.svg'"),
        (
            ["--report", "--mode", "sequential"],
            "--report is for a network, and the mode sequential has none",
        ),
        (["--time-limit", "0"], "argument --time-limit: expected a number of seconds > 0, got '0'"),
    ],
)
def test_what_cannot_be_is_said_before_the_run_begins(
    arguments: list[str], complaint: str, photo_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("run-data-flow.svg").mkdir()
    assert run(photo_folder, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].removesuffix(" (try --help)") == f"penstock-images: {complaint}"
    assert not Path("out").exists()


def test_a_recording_that_cannot_be_written_does_not_cost_the_thumbnails(
    photo_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(recording: Recording, path: Path) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recording, "save", refuse)
    assert run(photo_folder, "--record", "run.svg") == 2
    out = capsys.readouterr().out
    assert "6 of 6 images came out" in out
    assert "  cannot write run.svg: No space left on device\n" in out
