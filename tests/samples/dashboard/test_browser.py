"""Where a browser is opened."""

from __future__ import annotations

import pytest

from penstock.samples.dashboard.browser import has_window


def test_a_browser_needs_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert not has_window()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_window()
