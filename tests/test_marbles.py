"""The marble diagrams of the reference show real runs, and there is one for each block."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.checkout

EXTENSIONS = Path(__file__).parent.parent / "docs" / "_ext"
NAMES = ("generated_pages", "marble_lines", "marble_asks", "marble_runs", "marble_svg")


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The modules that make the diagrams."""
    pytest.importorskip("sphinx")
    before = list(sys.path)
    sys.path.insert(0, str(EXTENSIONS))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path[:] = before
        for name in NAMES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def runs(modules: dict[str, ModuleType]) -> Any:
    return modules["marble_runs"]


def texts(line: Any) -> list[tuple[float, str]]:
    """The messages of a line."""
    return [(marble.time, marble.text) for marble in line.marbles]


def test_each_block_has_a_diagram(modules: dict[str, ModuleType], runs: Any) -> None:
    assert {block.__name__ for block in modules["generated_pages"].find_blocks()} == runs.SCENES.keys()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Batch", [(2, "[a b c]"), (7, "[d]"), (10, "[e]")]),
        ("ByteTransformer", [(1, "AB"), (4, "CD"), (6, "E.")]),
        ("Collect", [(0, "a"), (2, "x"), (2, "b"), (4, "y"), (6, "c"), (7, "z")]),
        ("Fold", [(5, "6")]),
        ("Join", [(2, "(a 1)"), (4, "(b 2)"), (6, "(c 3)")]),
        ("OverwriteBuffer", [(0, "a"), (3, "c"), (6, "d")]),
        ("PriorityBuffer", [(0, "1"), (2, "9"), (4, "9"), (6, "2"), (8, "2")]),
        ("Regroup", [(0, "[a1 a2]"), (3, "[b1]")]),
        ("SequenceMultiplexer", [(0, "1"), (4, "2"), (4, "3"), (4, "4"), (6, "5"), (6, "6")]),
        ("StreamSource", [(0, "ef"), (2, "ghi"), (2, "jk")]),
        ("StreamTarget", [(0, "a"), (1, "b"), (3, "c")]),
        ("receive_stream", [(0, "ab"), (0, "c"), (2, "d"), (4, "ef")]),
        ("send_stream", [(0, "abc"), (2, "d"), (4, "ef")]),
        ("Throttle", [(0, "a"), (2, "b"), (4, "c"), (7, "d")]),
        ("Transformer", [(3, "A"), (3, "B"), (4, "C")]),
    ],
)
def test_a_diagram_shows_what_the_page_of_the_block_says(
    name: str, expected: list[tuple[float, str]], runs: Any
) -> None:
    assert texts(runs.run_scene(name).outputs[0]) == expected


def test_messages_that_are_declined_and_calls_are_shown_as_such(runs: Any) -> None:
    (line,) = runs.run_scene("SingleAssignment").inputs
    assert [marble.is_taken for marble in line.marbles] == [True, False]
    (calls,) = runs.run_scene("Call").outputs
    assert (calls.name, texts(calls)) == ("show", [(0, "a"), (2, "b"), (4, "c")])


def test_questions_are_answered_by_priority(runs: Any) -> None:
    taken, answers = runs.run_scene("Mailbox").outputs
    assert texts(taken) == [(0, "a"), (2, "b"), (4, "D"), (6, "c")]
    assert texts(answers) == [(2, "A"), (4, "B"), (6, "D"), (8, "C")]
    called, answers = runs.run_scene("Service").outputs
    assert texts(called) == [(0, "a"), (1, "b"), (2, "c")]
    assert texts(answers) == [(2, "A"), (3, "B"), (4, "C")]


def test_each_diagram_is_drawn_and_said_in_words(modules: dict[str, ModuleType], runs: Any) -> None:
    for name in (*runs.SCENES, *runs.STREAMS):
        diagram = runs.run_scene(name)
        figure = ElementTree.fromstring(modules["marble_svg"].draw(diagram))
        (picture,) = figure.findall("svg")
        assert picture.attrib["role"] == "img"
        assert picture.attrib["aria-label"].startswith(diagram.title)
        shown = [element.text for element in picture.iter("text") if element.attrib["class"] == "message"]
        lines = (*diagram.inputs, *diagram.outputs)
        assert shown == [marble.text for line in lines for marble in line.marbles]
