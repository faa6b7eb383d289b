"""The figures of a run, worked out by hand beside."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from penstock.samples.images.contact_sheet import SheetPage
from penstock.samples.images.record import Failure, Phase, Stamp
from penstock.samples.images.report import RunReport, print_report
from penstock.samples.images.run import Finished, Outcome, RunResult
from penstock.samples.images.settings import CHAPTER_MODES, Mode
from penstock.samples.images.summary import deepest_overlap, same_pictures, summarise


def finished(sequence: int, *times: float, digest: str = "d") -> Finished:
    """An image with start and end of each phase, in seconds."""
    stamps = [Stamp(phase, times[2 * n], times[2 * n + 1]) for n, phase in enumerate(Phase)]
    return Finished(sequence, sequence, Path(f"{sequence}.jpg"), Path(f"out/{sequence}.jpg"), digest, tuple(stamps))


def result_of(*images: Finished, mode: Mode = Mode.DATA_FLOW, seconds: float = 10.0) -> RunResult:
    return RunResult(mode, Outcome.DONE, seconds, len(images), images, ())


FAILURE = Failure(3, Path("3.jpg"), Phase.LOAD, "the file is empty")
# Two images; the second waits for the scaler from 2 to 4, the first one does not wait for it at all.
RESULT = result_of(
    finished(1, 0.0, 1.0, 1.0, 4.0, 4.5, 5.0, 5.0, 6.0),
    finished(2, 1.0, 2.0, 4.0, 6.0, 6.5, 7.0, 7.0, 9.0),
)


def test_times_and_queues_are_those_of_the_stamps() -> None:
    summary = summarise(RESULT)
    scale, noise = summary.phases[Phase.SCALE], summary.phases[Phase.NOISE]
    assert summary.phases[Phase.LOAD].work_ms == 1000
    assert (scale.work_ms, scale.wait_ms, scale.queue_mean, scale.queue_max) == (2500, 1000, 0.2, 1)
    assert (noise.work_ms, noise.wait_ms, noise.queue_mean, noise.queue_max) == (500, 500, 0.1, 1)
    assert summary.phases[Phase.OUTPUT].wait_ms == 0
    assert summary.ms_per_image == 5000
    assert summary.work_ms == 1000 + 2500 + 500 + 1500


def test_a_run_without_images_has_no_figures() -> None:
    summary = summarise(RunResult(Mode.SEQUENTIAL, Outcome.DONE, 0.0, 1, (), (FAILURE,)))
    assert (summary.phases, summary.ms_per_image, summary.images, summary.skipped) == ({}, None, 0, 1)


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [([], 0), ([(1, 1)], 0), ([(1, 2), (2, 3)], 1), ([(1, 4), (2, 3), (2.5, 5)], 3)],
)
def test_the_deepest_overlap(intervals: list[tuple[float, float]], expected: int) -> None:
    assert deepest_overlap(intervals) == expected


def test_pictures_are_the_same_if_numbers_and_bytes_are() -> None:
    other = result_of(*(attrs.evolve(image, digest="e") for image in RESULT.finished))
    assert same_pictures([RESULT, RESULT])
    assert not same_pictures([RESULT, other])
    assert not same_pictures([RESULT, result_of(RESULT.finished[0])])


def printed(*reports: RunReport) -> str:
    text = StringIO()
    print_report(Console(file=text, width=80), reports)
    return text.getvalue()


def cells(text: str, label: str) -> list[str]:
    line = next(line for line in text.splitlines() if f" {label} " in line)
    return [cell.strip() for cell in line.split("│")[2:-1]]


def test_the_report_of_several_modes_compares_them() -> None:
    page = SheetPage(1, Path("out/contact-sheet.jpg"), (), 1.0, 1.5)
    slow = attrs.evolve(RESULT, mode=Mode.SEQUENTIAL, seconds=20.0, pages=(page,))
    text = printed(RunReport(slow, Path("out/a")), RunReport(RESULT, Path("out/b")))
    assert "sequential: 2 of 2 images came out\n" in text
    assert "contact sheet out/contact-sheet.jpg (1 page)" in text
    assert "The modes wrote the same thumbnails" in text
    assert cells(text, "ms per image") == ["10000.0", "5000.0"]
    assert cells(text, "ratio to sequential") == ["1.00 x", "2.00 x"]
    assert cells(text, " ms per page (pages)") == ["500.0 (1)", "–"]
    assert cells(text, "images (skipped)") == ["2 (0)", "2 (0)"]
    assert text.count("1000.0") >= 2
    assert max(len(line) for line in text.splitlines()) <= 80


def test_all_four_modes_fit_a_terminal_without_broken_lines() -> None:
    text = printed(*(RunReport(attrs.evolve(RESULT, mode=mode), Path("out")) for mode in CHAPTER_MODES))
    table = [line for line in text.splitlines() if line.startswith("│")]
    assert all(line.split("│")[1].strip() for line in table)
    assert cells(text, "queue, mean (max)") == ["", "", "", ""]


def test_a_mode_by_itself_is_measured_by_its_work() -> None:
    text = printed(RunReport(RESULT, Path("out")))
    assert cells(text, "ratio to sequential") == ["1.10 x"]
    assert "--compare measures it" in text


def test_different_pictures_are_called_so() -> None:
    other = result_of(*(attrs.evolve(image, digest="e") for image in RESULT.finished))
    assert "DIFFERENT" in printed(RunReport(RESULT, Path("a")), RunReport(other, Path("b")))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.DONE, "1 of 4 images came out, 1 skipped"),
        (Outcome.FAILED, "ended by an error; 1 of 4 images came out before it"),
        (Outcome.STOPPED, "stopped; 1 of 4 images came out before that, whole, 1 skipped"),
    ],
)
def test_how_a_run_ended_is_said(outcome: Outcome, expected: str) -> None:
    pages = [SheetPage(n, Path(name), (), 0.0, 1.0) for n, name in enumerate(("a.jpg", "b.jpg", "c.jpg"), start=1)]
    pages[2] = attrs.evolve(pages[2], problem="disk\nfull")
    result = RunResult(Mode.DATA_FLOW, outcome, 1.0, 4, RESULT.finished[:1], (FAILURE,), tuple(pages))
    text = printed(RunReport(result, Path("out")))
    assert f"data-flow: {expected}\n" in text
    assert "contact sheet a.jpg (2 pages)" in text
    assert r"contact sheet not written: disk\nfull" in text


def test_what_was_assumed_to_read_files_is_said_once() -> None:
    note = "white is 4095, by the largest value, which is 4000"
    images = [attrs.evolve(finished(n, *range(8)), note=note if n > 1 else "") for n in (1, 2, 3)]
    assert f"  {note}: 2.jpg and 1 more\n" in printed(RunReport(result_of(*images), Path("out")))


def test_without_any_image_there_is_no_table() -> None:
    text = printed(RunReport(RunResult(Mode.DATA_FLOW, Outcome.DONE, 1.0, 1, (), (FAILURE,)), Path("out")))
    assert text == "data-flow: 0 of 1 images came out, 1 skipped\n  1 failed: load: the file is empty (3.jpg)\n"
