"""Measures how evenly pictures reach the page, and what being watched costs the pipeline.

    python -m tests.samples.images.gui_page.measure [--seconds S] [--rounds N]

No test: it needs a machine that has nothing else to do. Two runs of the same pictures are compared, in turns: one that
a page shows, and one whose page is hidden and draws nothing (which the program is told, as by any hidden page).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tests.samples.images.gui_page.chromium import chromium, why_not
from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import paint, program

_RECORD_TIMES = """
window.times = [];
const figure = document.getElementById("slideshow");
new MutationObserver(() => window.times.push(performance.now())).observe(figure, {attributes: true});
"""
_HIDE = """
Object.defineProperty(document, "hidden", {get: () => arguments[0], configurable: true});
document.dispatchEvent(new Event("visibilitychange"));
document.querySelector("main").hidden = arguments[0];
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How evenly pictures come, and what being watched costs.")
    parser.add_argument("--seconds", type=float, default=20, help="of the run that is watched for gaps")
    parser.add_argument("--rounds", type=int, default=5, help="of runs that are compared")
    given = parser.parse_args(arguments)
    problem = why_not()
    if problem:
        raise SystemExit(problem)
    with tempfile.TemporaryDirectory() as folder:
        paint(Path(folder) / "pictures", 30)
        with program(Path(folder), "--size", "320x240") as running, chromium(Path(folder) / "profile") as driver:
            page = Page(driver)
            page.look_like(1280, 800)
            page.open(running.address)
            measure_gaps(page, given.seconds)
            measure_loss(page, given.rounds)


def measure_gaps(page: Page, seconds: float) -> None:
    """Print the gaps between pictures on the page while the pipeline runs flat out."""
    page.set_form("pictures", repeat=10_000)
    page.click("start")
    page.wait("it runs", lambda: page.number("figure-seconds") > 2)
    page.js(_RECORD_TIMES)
    images, before = page.number("figure-images"), page.number("figure-seconds")
    page.wait("enough was seen", lambda: page.number("figure-seconds") > before + seconds)
    rate = (page.number("figure-images") - images) / (page.number("figure-seconds") - before)
    times: list[float] = page.js("return window.times")
    page.click("stop")
    page.wait_for_status("idle")
    gaps = sorted(late - early for early, late in pairwise(times))
    shown = 1000 * len(gaps) / (times[-1] - times[0])
    percentile = gaps[int(0.99 * len(gaps))]
    print(f"pipeline {rate:.0f} images/s, page {shown:.1f} pictures/s;", end=" ")
    print(f"gaps: median {statistics.median(gaps):.1f} ms, 99 % below {percentile:.1f} ms, longest {gaps[-1]:.1f} ms")


def measure_loss(page: Page, rounds: int) -> None:
    """Print how much longer a run takes that is watched."""
    page.set_form("pictures", repeat=40)
    watched: list[float] = []
    alone: list[float] = []
    for _ in range(rounds):
        for seconds, hidden in ((alone, True), (watched, False)):
            page.js(_HIDE, hidden)
            page.js("document.getElementById('start').click()")
            page.wait("it runs", lambda: page.status == "running")
            page.wait_for_status("idle")
            seconds.append(page.number("figure-seconds"))
    page.js(_HIDE, False)
    loss = statistics.median(watched) / statistics.median(alone) - 1
    print(f"alone {statistics.median(alone):.2f} s, watched {statistics.median(watched):.2f} s: {100 * loss:+.1f} %")
    print(f"  alone   {' '.join(f'{one:.2f}' for one in alone)}\n  watched {' '.join(f'{one:.2f}' for one in watched)}")


if __name__ == "__main__":
    main()
