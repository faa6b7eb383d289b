"""The reference describes every public name, with an example that uses it; `test_docs.py` runs the examples."""

import re
from pathlib import Path

import pytest

import penstock.agents
import penstock.blocks
from tests.test_docs import Page

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
BLOCKS = {*penstock.blocks.__all__, *penstock.agents.__all__}
ENTRY = re.compile(
    r"^(?:\.\. auto(?:class|function):: (?P<path>[\w.]+)|```\{include\} \.\./_generated/(?P<name>\w+)\.md)", re.M
)
"""What a page describes: a name by its docstring, or a block by the page that is made for it."""


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_an_example_on_the_page_of_the_reference_uses_what_is_described_there(path: Path) -> None:
    examples = "\n".join(line for example in Page(path).examples for line in example.content)
    described = [found["path"] or found["name"] for found in ENTRY.finditer(path.read_text(encoding="utf-8"))]
    names = [name.rpartition(".")[2] for name in described if "." in name or name in BLOCKS]
    assert [name for name in names if not re.search(rf"\b{name}\b", examples)] == []


def test_each_public_name_is_described_on_a_page_of_the_reference() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in REFERENCE)
    described = {(found["path"] or found["name"]).rpartition(".")[2] for found in ENTRY.finditer(text)}
    public = {*penstock.blocks.__all__, *penstock.agents.__all__} - {"__version__"}
    assert public - described == set()
