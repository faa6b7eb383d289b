"""Pictures that are dropped on the page, or chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import paint

pytestmark = pytest.mark.browser


def test_dropped_pictures_become_the_source(page: Page, tmp_path: Path) -> None:
    page.drop_files(paint(tmp_path / "elsewhere", 5))
    page.wait("they have arrived", lambda: "(5)" in page.text("dropped-count"))
    page.wait("they are chosen", lambda: page.element("drop-part").is_displayed())
    page.run()
    assert page.number("figure-images") == 5
    page.wait("the last one is shown", lambda: page.sequence == 5)


def test_pictures_can_be_chosen_with_a_dialog(page: Page, tmp_path: Path) -> None:
    page.choose_radio("source", "dropped")
    page.element("files").send_keys("\n".join(str(path) for path in paint(tmp_path / "elsewhere", 3)))
    page.wait("they have arrived", lambda: "(3)" in page.text("dropped-count"))
    page.run()
    assert page.number("figure-images") == 3


def test_nothing_can_be_dropped_while_it_runs(page: Page, start: Path, tmp_path: Path) -> None:
    paint(start / "pictures", 4)
    page.set_form("pictures", endless=True)
    page.click("start")
    page.wait_for_status("running")
    page.drop_files(paint(tmp_path / "elsewhere", 2))
    page.wait("the page says so", lambda: "Stop the run" in page.text("drop-problem"))
    page.click("stop")
    page.wait_for_status("idle")


def test_files_that_are_no_pictures_are_left_out(page: Page, tmp_path: Path) -> None:
    texts = [tmp_path / f"notes {number}.txt" for number in range(20)]
    for text in texts:
        text.write_text("no picture")
    page.drop_files([*texts, *paint(tmp_path / "elsewhere", 2)])
    page.wait("the pictures have arrived", lambda: "(2)" in page.text("dropped-count"))
    page.wait("the others are counted", lambda: "20 files left out: not a type of" in page.text("drop-problem"))
    page.drop_files(texts)
    page.wait("there is a message", lambda: page.text("drop-problem") == "There is no picture among 20 files.")
    assert "(2)" in page.text("dropped-count")
    page.run()
    assert page.number("figure-images") == 2
