"""Runs, by clicks: what is seen is checked."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import Program, colour_of, paint

pytestmark = pytest.mark.browser
SLOW: dict[str, Any] = {"layers": 50, "width": 640, "height": 480, "noise": 16}
"""Settings that keep a pipeline full."""


def about(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 12 for a, b in zip(colour, other, strict=True))


@pytest.mark.parametrize("mode", ["sequential", "control-flow", "data-flow", "load-balanced"])
def test_pictures_come_in_order_and_bars_and_numbers_appear(page: Page, start: Path, mode: str) -> None:
    paint(start / "pictures", 12)
    page.record_pictures()
    page.set_form("pictures", mode)
    page.run()
    page.wait("the last picture is there", lambda: page.sequence == 12)
    number, colour = page.picture
    assert about(colour, colour_of(number - 1))
    shown = page.shown
    assert shown == sorted(set(shown))
    page.wait("it is named", lambda: page.text("picture-name") == "011.png")
    assert page.number("figure-images") == 12
    assert page.number("figure-per-image") > 0
    assert page.number("figure-seconds") >= 0
    page.wait("there are bars", lambda: len(page.bars(12)) >= 3)
    assert len(page.js("return [...document.querySelectorAll('#phases tbody tr')].map(r => r.textContent)")) == 4
    queues = page.js("return document.querySelectorAll('#queues tbody tr').length")
    assert queues == (0 if mode == "sequential" else 4)  # one is the governor's
    assert page.js("return document.querySelectorAll('#graph .node').length") >= 4
    assert "slowest" in page.text("graph")


def test_each_picture_is_what_its_name_says(page: Page, start: Path) -> None:
    paint(start / "pictures", 40)
    page.set_form("pictures", repeat=5)
    page.click("start")
    seen = set[int]()
    while page.status != "idle" or not seen:
        number, colour = page.picture if page.sequence else (0, ())
        if number:
            assert about(colour, colour_of((number - 1) % 40)), number
            seen.add(number)
    assert seen


def test_numbers_move_while_it_runs(page: Page) -> None:
    page.set_form(endless=True, **SLOW)
    page.click("start")
    page.wait_for_status("running")
    first = page.wait(
        "the first images are there", lambda: page.number("figure-images") > 0 and page.text("figure-images")
    )
    page.wait("there are more", lambda: page.text("figure-images") != first)
    assert not page.enabled("start")
    assert not page.enabled("compare")
    assert not page.enabled("noise")
    page.wait("the slowest is marked", lambda: "Filter slowest" in page.text("phases"))
    page.click("stop")
    page.wait_for_status("idle")
    assert page.enabled("start")
    assert not page.enabled("stop")


def test_it_can_be_stopped_while_full_and_started_again(page: Page) -> None:
    page.set_form(governor=7, endless=True, **SLOW)
    for _ in range(3):
        page.click("start")
        page.wait("the pipeline is full", lambda: page.number("figure-governor") == 7)
        page.click("stop")
        page.wait_for_status("idle")
        assert page.number("figure-governor") == 0
    assert "stop" in page.text("status-text").lower()


def test_errors_in_the_middle_stand_in_the_error_box(page: Page, start: Path) -> None:
    paint(start / "pictures", 20, bad=(5, 11))
    page.set_form("pictures")
    page.run()
    page.wait("both errors are there", lambda: "2 errors" in page.text("errors-title"))
    assert page.element("errors").is_displayed()
    rows = page.js(
        "return [...document.querySelectorAll('#error-rows tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert sorted(row[1] for row in rows) == ["005.png", "011.png"]
    assert {row[0] for row in rows} == {"Load"}
    assert all("not a picture" in row[2] for row in rows)
    assert page.number("figure-failed") == 2
    assert page.number("figure-images") == 18
    page.click("close-errors")
    assert not page.element("errors").is_displayed()
    page.click("show-errors")
    assert page.element("errors").is_displayed()


def test_more_errors_than_can_be_listed_are_counted(page: Page) -> None:
    title = page.module(
        "errors.js",
        """(() => {
            const errors = new m.Errors();
            errors.setRun(9);
            const add = (n, exception, fatal) =>
                errors.add({run: 9, phase: "", file: "", exception, sequence: n, fatal});
            for (let n = 1; n <= 250; n += 1) add(n, "it broke", false);
            add(0, "the disk is full", true);
            errors.setFailed(4421);
            return document.getElementById("errors-title").textContent;
        })()""",
    )
    assert title == "⚠ 4,422 errors, the newest 200 listed"
    assert page.text("error-rows").startswith("the disk is full – this ended the run.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
def test_a_file_name_is_text_whatever_is_in_it(page: Page, start: Path) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    paint(start / "<b>", 2)
    (start / "<b>" / name).write_text("no picture")
    page.set_form("<b>")
    page.run()
    page.wait("the error is there", lambda: name in page.text("error-rows"))
    assert page.js("return document.querySelectorAll('img').length") == 0


def test_a_new_run_begins_without_errors(page: Page, start: Path) -> None:
    paint(start / "bad", 3, bad=(1,))
    paint(start / "good", 3)
    page.set_form("bad")
    page.run()
    page.wait("the error is there", lambda: page.element("errors").is_displayed())
    page.click("close-errors")
    page.set_form("good")
    page.run()
    assert not page.element("errors").is_displayed()
    assert page.number("figure-failed") == 0


def test_a_reload_in_the_middle_goes_on_with_the_same_run(page: Page, penstock: Program) -> None:
    page.set_form(endless=True, **SLOW)
    page.click("start")
    page.wait("images came out", lambda: page.number("figure-images") >= 2)
    page.driver.refresh()
    page.wait_for_status("running")
    assert page.number("figure-images") >= 2
    page.record_pictures()
    page.wait("pictures are shown again", lambda: len(page.shown) >= 2)
    page.wait("there are bars again", lambda: page.bars(500))
    assert {run for run, _ in page.shown} == {1}
    assert page.enabled("stop")
    page.click("stop")
    page.wait_for_status("idle")
    assert penstock.process.poll() is None


def test_the_diagram_can_be_held_and_pushed_back(page: Page) -> None:
    page.set_form(endless=True, **SLOW)
    page.choose("window", "0.5")
    page.click("start")
    page.wait("the run is under way", lambda: page.number("figure-seconds") > 2)
    page.click("hold")
    end = page.wait("it stands still", lambda: page.right_edge)
    seconds = page.number("figure-seconds")
    page.wait("the run goes on", lambda: page.number("figure-seconds") > seconds)
    held = page.right_edge
    page.wait("more has happened", lambda: page.number("figure-seconds") > seconds + 0.5)
    assert page.right_edge == held >= end > 0
    page.js("const p = document.getElementById('past'); p.value = 1; p.dispatchEvent(new Event('input'))")
    page.wait("the past is shown", lambda: page.right_edge == 1)
    page.click("hold")
    page.wait("it is live", lambda: float(page.right_edge) > float(held))
    page.wait("words say the same", lambda: "works" in page.text("diagram-text"))


def test_the_model_shows_what_the_chapter_predicts_beside_what_was_measured(page: Page) -> None:
    page.choose("preset", "model")
    assert not page.element("workers").is_displayed()
    for phase in ("load", "scale", "output"):
        page.fill(f"time-{phase}", 200)
    page.fill("time-noise", 400)
    page.run()
    assert page.text("figure-seconds-sub") == "predicted: 3.00 s = 15 T"
    assert page.number("figure-seconds") == pytest.approx(3, rel=0.05)
    assert page.number("figure-prediction") == 400
    assert page.number("figure-steady") == pytest.approx(400, rel=0.05)
    page.fill("time-noise", 0)
    page.wait("there is a message", lambda: "from 1 to 60000" in page.text("times-problem"))


def test_a_plan_is_shown_as_stages_with_their_phases_and_what_it_promises(page: Page, start: Path) -> None:
    paint(start / "pictures", 6)
    page.record_texts("getting-ready-text")
    page.set_form("pictures", "planned")
    page.run()
    assert "Measuring the phases …" in page.said
    assert page.number("figure-images") == 6
    assert page.text("figures").count("Plan predicts") == 1
    assert page.number("figure-prediction") > 0
    parts = "return [...document.querySelectorAll('#graph .part-name')].map((one) => one.textContent)"
    assert page.js(parts) == ["Load", "Scale", "Filter", "Display"]
    assert "Stage A" in page.text("graph")
    assert page.text("graph-note").startswith("The plan for ")
    assert page.element("graph-part").is_displayed()
    page.driver.find_element("css selector", "#graph .node[data-id^=load]").click()
    assert page.text("code-said").endswith(": loader, *others = stages.planned(settings.plan or phase_by_phase())")


def test_a_plan_cannot_be_chosen_in_the_model(page: Page) -> None:
    page.choose_radio("mode", "planned")
    page.click("model")
    planned = page.driver.find_element("css selector", "input[name=mode][value=planned]")
    assert not planned.is_enabled()
    assert page.js("return document.querySelector('input[name=mode]:checked').value") == "data-flow"
    page.click("model")
    assert planned.is_enabled()


def test_comparing_fills_the_chart(page: Page, start: Path) -> None:
    paint(start / "pictures", 6)
    page.set_form("pictures")
    page.click("compare")
    done = "return [...document.querySelectorAll('#comparison tr[data-status=done]')].map(r => r.dataset.mode)"
    page.wait("all are done", lambda: len(page.js(done)) == 5)
    page.wait_for_status("idle")
    gains = page.js("return [...document.querySelectorAll('#comparison .gain')].map(c => c.textContent)")
    assert gains[0] == "1.00 ×"
    assert all(gain.endswith("×") for gain in gains)
    widths = page.js(
        "return [...document.querySelectorAll('#comparison .bar-time')].map(b => b.getBoundingClientRect().width)"
    )
    assert all(width > 0 for width in widths)


def test_the_line_of_a_chosen_box_is_marked_in_the_code(page: Page, start: Path) -> None:
    paint(start / "pictures", 2)
    page.set_form("pictures", "load-balanced")
    page.run()
    assert page.text("code-file") == "load_balanced.py"
    chosen = "return [...document.querySelectorAll('#code .chosen')].map((line) => line.textContent.trim())"
    assert page.js(chosen) == []
    page.driver.find_element("css selector", '.node[data-id="in order"]').click()
    (line,) = page.js(chosen)
    assert line.startswith("in_order = SequenceMultiplexer")
    page.js("document.querySelector('.node[data-id=scale]').focus()")
    page.keys("\ue007")
    assert page.js(chosen) == ["scaler = stages.scale()"]
    assert page.text("code-said").endswith(": scaler = stages.scale()")
    page.set_form("pictures", "control-flow")
    page.run()
    page.wait("its code is there", lambda: page.text("code-file") == "control_flow.py")
    assert page.js(chosen) == ["PhaseAgent(Phase.SCALE, loaded, scaled, line),"]
    page.driver.find_element("css selector", ".node[data-id=scale]").click()
    assert page.js(chosen) == []


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_the_comparison_is_on_the_screen_and_the_page_says_whose_figures_it_shows(
    page: Page, start: Path, size: tuple[int, int]
) -> None:
    paint(start / "pictures", 6)
    page.look_like(*size)
    page.set_form("pictures")
    page.run()
    assert page.text("figures-title") == "Figures: Data flow"
    page.js("window.scrollTo(0, 10000)")
    page.click("compare")
    page.wait("it has begun", lambda: page.js("return 'compared' in document.body.dataset"))
    page.wait_for_status("idle")
    assert page.text("figures-title") == "Figures: Planned, the last of the compared modes"
    shown = "return [...document.querySelectorAll('#comparison tr[data-shown]')].map(r => r.dataset.mode)"
    assert page.js(shown) == ["planned"]
    box = page.js(
        """const box = document.querySelector(".comparison").getBoundingClientRect();
        return [box.top, box.bottom, window.innerHeight];"""
    )
    assert 0 <= box[0] < box[1] <= box[2]
    page.run()
    page.wait("they are of the run", lambda: page.text("figures-title") == "Figures: Data flow")
    assert page.js(shown) == []


def test_the_first_start_shows_its_progress_in_place_of_the_picture(page: Page) -> None:
    page.record_texts("getting-ready-text")
    page.set_form(limit=8)
    page.run()
    assert any(text.startswith("Painting sample pictures: ") for text in page.said)
    assert not page.element("getting-ready").is_displayed()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_fifty_starts_and_stops_leave_nothing_behind(page: Page, penstock: Program, start: Path) -> None:
    paint(start / "pictures", 4)
    page.set_form("pictures", endless=True)
    counts: list[list[int]] = []
    for _ in range(50):
        before = page.run_shown()
        page.click("start")
        page.wait("a picture of this run is there", partial(page.shows_run_after, before))
        page.click("stop")
        page.wait_for_status("idle")
        counts.append([penstock.threads, penstock.handles, *penstock.look_into(), penstock.resident])
    may_grow = {"threads": 0, "handles": 0, "tasks": 0, "blocks of memory": 0, "bytes in memory": 0.05}
    for place, (what, share) in enumerate(may_grow.items()):
        early, late = [one[place] for one in counts[5:15]], [one[place] for one in counts[-10:]]
        assert min(late) <= (1 + share) * max(early), (what, counts)  # pages that are half free stay with a process
