"""A browser for all tests, and for each test the program and a page of it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import chromium_or_skip
from tests.samples.images.gui_page.page import Page
from tests.samples.images.gui_page.program import Program, program

WIDTH, HEIGHT = 1280, 800


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with chromium_or_skip(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """The start folder."""
    folder = tmp_path / "start"
    folder.mkdir()
    return folder


@pytest.fixture
def penstock(browser: Any, start: Path) -> Generator[Program]:
    """The program; small thumbnails without noise, so that what is seen can be checked."""
    del browser  # without one nothing is started
    with program(start, "--size", "64x48", "--noise", "0", "--layers", "1", "--repeat", "1") as running:
        yield running


@pytest.fixture
def page(browser: Any, penstock: Program) -> Generator[Page]:
    """A page of the program; the browser must have nothing to complain of at the end."""
    page = Page(browser)
    page.look_like(WIDTH, HEIGHT)
    page.open(penstock.address)
    page.complaints()
    yield page
    complaints = page.complaints()
    first, *others = browser.window_handles
    for window in others:
        browser.switch_to.window(window)
        browser.close()
    browser.switch_to.window(first)
    browser.get("about:blank")
    page.complaints()
    assert complaints == []
