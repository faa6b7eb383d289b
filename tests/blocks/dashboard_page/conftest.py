"""A browser for all tests, and for each test a dashboard and a page of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from penstock.blocks.dashboard import Dashboard
from tests.chromium import chromium_or_skip
from tests.samples.images.gui_page.page import Page


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with chromium_or_skip(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def dashboard(browser: Any) -> Generator[Dashboard]:
    del browser  # without one nothing is served
    with Dashboard() as dashboard:
        yield dashboard


@pytest.fixture
def page(browser: Any, dashboard: Dashboard) -> Generator[Page]:
    """A page of the dashboard; the browser must have nothing to complain of at the end."""
    page = Page(browser)
    page.look_like(1280, 720)
    page.open(dashboard.address, "connected")
    page.complaints()
    yield page
    assert page.complaints() == []
    browser.get("about:blank")
