"""Measures how evenly pictures reach the page, and what being watched costs the pipeline.

    python -m tests.samples.images.gui_page.measure [--seconds S] [--rounds N] [--size WxH]

No test: it needs a machine that has nothing else to do. Runs of the same pictures are compared, in turns: one whose
page is hidden, which the program is told; one that a client watches which takes all that a page takes, and draws
nothing; and one in Chromium, which without a graphics processor takes its share of the pipeline's processors.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import trio

from tests.chromium import chromium, why_not
from tests.samples.images.gui.browser_stand_in import Page as StandIn
from tests.samples.images.gui.browser_stand_in import Site, open_page
from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import Program, paint, program

_RECORD_TIMES = """
window.times = [];
const figure = document.getElementById("slideshow");
new MutationObserver(() => window.times.push(performance.now())).observe(figure, {attributes: true});
"""
_REPEAT = 40
_FRAME = 1 / 60  # seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="How evenly pictures come, and what being watched costs.")
    parser.add_argument("--seconds", type=float, default=20, help="of the run that is watched for gaps")
    parser.add_argument("--rounds", type=int, default=5, help="of runs that are compared")
    parser.add_argument("--size", default="320x240", help="of the thumbnails")
    given = parser.parse_args(arguments)
    problem = why_not()
    if problem:
        raise SystemExit(problem)
    with tempfile.TemporaryDirectory() as folder:
        paint(Path(folder) / "pictures", 30)
        with (
            program(Path(folder), "--size", given.size, "--layers", "1") as running,
            chromium(Path(folder) / "profile") as driver,
        ):
            page = Page(driver)
            page.look_like(1280, 800)
            page.open(running.address)
            measure_gaps(page, given.seconds)
            measure_loss(page, running, given.rounds)


def measure_gaps(page: Page, seconds: float) -> None:
    """Print the gaps between pictures on the page while the pipeline runs flat out."""
    page.set_form("pictures", endless=True)
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


def measure_loss(page: Page, running: Program, rounds: int) -> None:
    """Print how much longer a run takes that is watched, and how much more processor time the program needs."""
    contenders: dict[str, Callable[[], float]] = {
        "hidden": lambda: trio.run(run_by_stand_in, running, False),
        "watched, not drawn": lambda: trio.run(run_by_stand_in, running, True),
        "watched in Chromium": lambda: run_by_browser(page, running),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    processor: dict[str, list[float]] = {name: [] for name in contenders}
    page.driver.get("about:blank")
    for _ in range(rounds):
        for name, run in contenders.items():
            before = processor_seconds(running)
            seconds[name].append(run())
            processor[name].append(processor_seconds(running) - before)
    for name in contenders:
        (took, loss), (needed, more) = compared(seconds, name), compared(processor, name)
        shown = " ".join(f"{one:.2f}" for one in seconds[name])
        print(f"{name:20} {took:.2f} s {loss:+5.1f} %, processor {needed:.2f} s {more:+5.1f} %   ({shown})")


def compared(figures: dict[str, list[float]], name: str) -> tuple[float, float]:
    """The median of a contender, and by how many percent it is above that of the first."""
    first = statistics.median(next(iter(figures.values())))
    median = statistics.median(figures[name])
    return median, 100 * (median / first - 1)


def processor_seconds(running: Program) -> float:
    """How much processor time the program has needed so far (Linux)."""
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def run_by_stand_in(running: Program, watches: bool) -> float:
    """Run once, with a page that draws nothing; return how long the run has taken."""
    port, token = running.address.removeprefix("http://127.0.0.1:").split("/")[:2]
    async with open_page(Site(int(port), token)) as page, trio.open_nursery() as nursery:
        hello = await page.wait("hello")
        if hello["role"] != "controller":  # the page before has not quite gone
            await page.wait("role", role="controller")
        form = hello["form"] | {"folder": "pictures", "repeat": _REPEAT, "layers": 1}
        await page.say("visible", yes=watches)
        await page.say("start", form=form)
        if watches:
            nursery.start_soon(take_pictures, page)
        state = await page.wait("state", status="running")
        while state["status"] != "idle":
            state = await page.wait("state", after=page.found)
        nursery.cancel_scope.cancel()
    return float(state["seconds"])


async def take_pictures(page: StandIn) -> None:
    """Take a picture a frame, as a screen does."""
    await page.say("more", pictures=4)
    shown = 0
    while True:
        await page.picture(shown + 1)
        shown += 1
        await trio.sleep(_FRAME - trio.current_time() % _FRAME)
        await page.say("more", pictures=1)


def run_by_browser(page: Page, running: Program) -> float:
    """Run once in the browser; return how long the run has taken."""
    page.open(running.address)
    page.set_form("pictures", repeat=_REPEAT)
    page.run()
    seconds = page.number("figure-seconds")
    page.driver.get("about:blank")
    return seconds


if __name__ == "__main__":
    main()
