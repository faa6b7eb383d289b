"""Progress below the cell of a notebook: one display, which is updated in place."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from penstock.blocks import Call, IterableSource, Network
from penstock.blocks.reports.progress_cell import Cell, bar_of, shown
from penstock.blocks.reports.progress_view import StageView, View

VIEW = View(
    "<net>",
    1.0,
    (StageView("<read>", 5, 20, 1, 2, 3.0), StageView("show", 4)),
)


class Notebook:
    """A kernel of Jupyter, as far as a display needs one; keeps what was displayed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **shell: Any) -> None:
        self.displays: list[list[dict[str, str]]] = []
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        ipython.__dict__["get_ipython"] = lambda: SimpleNamespace(**shell)
        display.__dict__["display"] = self.display
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, obj: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw
        assert display_id
        states = [obj]
        self.displays.append(states)
        return SimpleNamespace(update=lambda obj, raw: states.append(obj))  # pyright: ignore


def test_it_is_a_table_with_bars_and_a_line_of_text() -> None:
    bundle = shown(VIEW, "done")
    assert bundle["text/plain"].startswith("<net>, done after 1.00 s: <read> ")
    assert "&lt;net&gt;, done after 1.00 s" in bundle["text/html"]
    assert "&lt;read&gt;" in bundle["text/html"]
    assert "█████░░░░░░░░░░░░░░░" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "per second" in shown(View("net", 1.0, (StageView("a", 0),)))["text/html"]  # no column comes and goes


def test_a_bar_shows_the_share_of_the_done_items() -> None:
    assert bar_of(StageView("a", 0, 4)) == "░" * 20
    assert bar_of(StageView("a", 5, 4)) == "█" * 20
    assert bar_of(StageView("a", 5)) == ""


def test_there_is_no_cell_outside_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert Cell.here() is None
    Notebook(monkeypatch)  # IPython on a terminal has no kernel
    assert Cell.here() is None


async def test_in_a_notebook_one_display_is_updated_until_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = Notebook(monkeypatch, kernel=object())
    source = IterableSource(range(30), name="numbers")
    source.link_target(Call(abs, name="show"))
    network = Network(source, name="photos", progress=True)
    async with network:
        pass
    (states,) = notebook.displays
    assert states[0]["text/plain"].startswith("photos, ")
    assert states[-1]["text/plain"].startswith("photos, done after ")
    assert "30 of 30" in states[-1]["text/plain"]
    assert capsys.readouterr() == ("", "")


def test_it_is_drawn_in_the_same_place_again(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch, kernel=object())
    cell = Cell.here()
    assert cell is not None
    cell.begin(VIEW)
    cell.draw(VIEW)
    cell.give_up()
    assert [len(states) for states in notebook.displays] == [2]
