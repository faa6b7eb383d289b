"""The progress display: counts what happens, names what failed, once."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

from rich.console import Console

from penstock.samples.images.progress import ProgressDisplay
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.settings import Mode


def test_bar_and_counts_follow_the_run_and_failures_are_named_once(make_info: Callable[..., ImageInfo]) -> None:
    text = StringIO()
    console = Console(file=text, width=100)
    reported: set[str] = set()
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
    assert len(reported) == 1
