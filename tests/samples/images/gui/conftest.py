"""A start folder with four photographs, and a temporary folder for the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples.images.gui.serving import photographs


@pytest.fixture
def start(tmp_path: Path) -> Path:
    return photographs(tmp_path / "start")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"
