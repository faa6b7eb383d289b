"""The diagrams for the projector show the chapter's figures, from real runs in model time."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.checkout

EXTENSION = Path(__file__).parents[3] / "docs" / "_ext" / "model_figures.py"


@pytest.fixture
def figures() -> ModuleType:
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("model_figures", EXTENSION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "seconds"), [("sequential", 24), ("pipeline", 9), ("unbalanced", 15), ("balanced", 10)]
)
def test_a_figure_takes_as_long_as_the_chapter_says(name: str, seconds: float, figures: ModuleType) -> None:
    recording = figures.record(*figures.FIGURES[name])
    assert recording.seconds == seconds
    assert recording.stages == ("load", "scale", "noise", "show")
    shown = sorted((span for span in recording.spans if span.stage == "show"), key=lambda span: span.end)
    assert [span.item for span in shown] == [1, 2, 3, 4, 5, 6]
