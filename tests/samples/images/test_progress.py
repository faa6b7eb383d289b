"""The progress display: counts what happens, names what failed, once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from penstock.samples.images.progress import ProgressDisplay, Reported
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.settings import Mode


def test_bar_and_counts_follow_the_run_and_failures_are_named_once(make_info: Callable[..., ImageInfo]) -> None:
    text = StringIO()
    console = Console(file=text, width=100)
    reported = Reported()
    failure = Failure(3, Path("holiday/[red]Ünï\n.jpg"), Phase.LOAD, "the file is empty")
    with ProgressDisplay(console, Mode.DATA_FLOW, 4, reported) as display:
        for sequence in (1, 2, 3):
            display.on_progress(Phase.LOAD, make_info(sequence=sequence))
        display.on_progress(Phase.SCALE, make_info(sequence=1))
        display.on_image(make_info(sequence=1))
        display.on_error(failure)
        display.on_error(failure)
    lines = text.getvalue().splitlines()
    assert lines[0] == r"failed  [red]Ünï\n.jpg: load: the file is empty"
    assert "the file is empty" not in lines[1]
    assert "3/4" in lines[-1]
    assert "1 in flight" in lines[-1]
    assert "2 failed" in lines[-1]
    assert reported.line_for(failure) is None


def test_of_many_failures_the_first_are_printed_and_the_rest_is_said_to_be_counted() -> None:
    text = StringIO()
    with ProgressDisplay(Console(file=text, width=100), Mode.DATA_FLOW, 9, Reported(most=2)) as display:
        for number in range(1, 6):
            display.on_error(Failure(number, Path(f"{number}.jpg"), Phase.LOAD, "the file is empty"))
    assert [line[:14] for line in text.getvalue().splitlines()[:-1]] == [
        "failed  1.jpg:",
        "failed  2.jpg:",
        "failed  and mo",
    ]
    assert "5 failed" in text.getvalue()


def test_what_is_told_never_waits_for_the_terminal() -> None:
    goes_on = threading.Event()

    class Halted(StringIO):
        def write(self, text: str) -> int:
            assert goes_on.wait(60)
            return super().write(text)

    terminal = Halted()
    with ProgressDisplay(Console(file=terminal, width=100), Mode.DATA_FLOW, 9, Reported()) as display:
        for number in range(1, 6):
            display.on_error(Failure(number, Path(f"{number}.jpg"), Phase.LOAD, "the file is empty"))
        assert terminal.getvalue() == ""
        goes_on.set()
    assert "5.jpg" in terminal.getvalue()


def test_a_terminal_that_is_gone_does_not_matter(
    make_info: Callable[..., ImageInfo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with open(tmp_path / "out", "w", encoding="utf-8") as own:  # rich has standard output go nowhere from then on
        monkeypatch.setattr(sys, "stdout", own)
        with ProgressDisplay(Console(file=Gone(), width=100), Mode.DATA_FLOW, 1, Reported()) as display:
            display.on_image(make_info())
