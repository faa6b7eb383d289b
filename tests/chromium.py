"""Chromium without a window, driven by its own driver; and why it cannot be, where it cannot."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["chromium", "chromium_or_skip", "must_be_there", "why_not"]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may be run by root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en",
)
_PATIENCE = 120  # seconds, for a command of the driver on a busy machine


def must_be_there() -> bool:
    """Whether the environment says that there is a browser: then it is an error if there is none."""
    return os.environ.get("PENSTOCK_BROWSER") == "1"


def why_not() -> str:
    """Say what is missing; nothing if a browser can be driven."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed; try: pip install 'penstock[browser]'"
    if not _find(*_BROWSERS) or not _find("chromedriver"):
        return "there is no Chromium, or no driver for it; on Debian: apt-get install chromium chromium-driver"
    return ""


def _find(*names: str) -> str:
    return next((found for name in names if (found := shutil.which(name))), "")


@contextmanager
def chromium(profile: Path) -> Generator[Any]:
    """Start a browser with an empty profile, and yield its driver; both are ended on exit."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = _find(*_BROWSERS)
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(executable_path=_find("chromedriver")))
    try:
        driver.set_page_load_timeout(_PATIENCE)
        driver.set_script_timeout(_PATIENCE)
        yield driver
    finally:
        driver.quit()


@contextmanager
def chromium_or_skip(profile: Path) -> Generator[Any]:
    """Start a browser for tests; skip them where there is none, unless there must be one."""
    problem = why_not()
    if problem:
        if must_be_there():
            pytest.fail(f"PENSTOCK_BROWSER is 1, but {problem}")
        pytest.skip(problem)
    with chromium(profile) as driver:
        yield driver
