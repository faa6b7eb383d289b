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
    page.set_form("pictures", repeat=2000)
    page.click("start")
    page.wait_for_status("running")
    page.drop_files(paint(tmp_path / "elsewhere", 2))
    page.wait("the page says so", lambda: "stop the run" in page.text("drop-problem"))
    page.click("stop")
    page.wait_for_status("idle")


def test_a_file_that_is_no_picture_gets_a_message(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    page.drop_files([text])
    page.wait("there is a message", lambda: page.text("drop-problem") or page.text("folder-problem"))
    assert page.status == "idle"
