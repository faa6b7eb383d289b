"""The notebooks of the samples run from top to bottom, are stored without outputs, and have an exercise at the end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import penstock.samples

FOLDER = Path(penstock.samples.__path__[0]) / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
SVG, HTML = "image/svg+xml", "text/html"


def read(name: str) -> list[dict[str, Any]]:
    """The cells of a notebook."""
    cells: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return cells


def test_there_are_three_notebooks() -> None:
    assert NAMES == ["images", "text", "tutorial"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_without_outputs(name: str) -> None:
    code = [cell for cell in read(name) if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


def answer(name: str) -> str:
    """The answer to the exercise at the end of a notebook."""
    (text,) = ("".join(cell["source"]) for cell in read(name) if "<summary>An answer</summary>" in cell["source"][0])
    return text.partition("```python\n")[2].partition("\n```")[0]


UNSOLVED, SOLVED = "'not yet: write your pipeline into the cell above'", "'right'"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shown", "values", "mistake"),
    [
        (
            "tutorial",
            [SVG, HTML, HTML, SVG, HTML, SVG],
            {"([0, 1, 4, 9, 16], 39)"},
            ("DeadLetter(lambda error: unlucky.append(error.item))", '"skip"'),
        ),
        ("images", [SVG, HTML, SVG, SVG], {"25", "3"}, (">= 127", "< 127")),
        ("text", [SVG, SVG, HTML, HTML], {"'penstock'"}, (".take(1000)", "")),
    ],
)
def test_a_notebook_runs_from_top_to_bottom(
    run_cells: Callable[..., list[list[Any]]], name: str, shown: list[str], values: set[str], mistake: tuple[str, str]
) -> None:
    sources = ["".join(cell["source"]) for cell in read(name) if cell["cell_type"] == "code"]
    right, (old, new) = answer(name), mistake
    assert old in right
    cells = run_cells(*sources, right.replace(old, new), "check()", right, "check()")
    outputs = [output for cell in cells for output in cell]
    printed = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "Traceback" not in printed  # of a group; a warning that the machine is slow does not matter
    assert not [output for output in outputs if output.output_type == "error"]
    results = [output.data for output in outputs if output.output_type == "execute_result"]
    assert [kind for data in results for kind in (SVG, HTML) if kind in data] == shown
    assert values <= {data["text/plain"] for data in results}
    unsolved, wrong, solved = (data["text/plain"] for data in results[-3:])
    assert (unsolved, solved) == (UNSOLVED, SOLVED)
    assert "not yet: " in wrong
    assert wrong != UNSOLVED
