"""The display of progress in a notebook: a table below the cell, which is updated in place.

It uses the display of IPython. That of rich would need ipywidgets, and without them it only prints lines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from ..base.grid import Column, Grid
from ..base.html import division, heading, table
from ..base.units import shortened
from .progress_display import line_of, numbers_of, title_of
from .progress_view import StageView, View

BAR = 20
"""The characters of a bar."""


class Handle(Protocol):
    """A display that exists, of IPython."""

    def update(self, obj: dict[str, str], *, raw: bool) -> None:
        """Replace what is displayed."""
        ...


class Cell:
    """Updates a table below a cell of a notebook.

    Args:
        display: The function `display` of IPython.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Handle

    @classmethod
    def here(cls) -> Cell | None:
        """Make a display below the cell that runs; None if the program does not run in a kernel of Jupyter."""
        get_shell: Callable[[], object] = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
        if getattr(get_shell(), "kernel", None) is None:
            return None
        return cls(import_module("IPython.display").display)

    def begin(self, view: View) -> None:
        """Display it for the first time."""
        self._handle = self._display(shown(view), raw=True, display_id=True)

    def draw(self, view: View) -> None:
        """Display it again, in the same place."""
        self._handle.update(shown(view), raw=True)

    def finish(self, view: View, how: str) -> None:
        """Display it for the last time; the table stays."""
        self._handle.update(shown(view, how), raw=True)

    def give_up(self) -> None:
        """Do nothing: there is nothing to restore after an error."""


def shown(view: View, how: str = "") -> dict[str, str]:
    """Return the progress as HTML, and as a line for displays without HTML."""
    return {
        "text/html": division(heading(title_of(view, how)), table(grid_of(view))),
        "text/plain": line_of(view, how),
    }


def grid_of(view: View) -> Grid:
    """Return the table. No column of numbers is ever left out, so that the table does not jump."""
    stages = view.stages
    numbers = list(map(numbers_of, stages))
    titles = ("done", "in work", "queued", "per second")
    return Grid(
        (
            Column("", tuple(shortened(stage.name) for stage in stages), is_text=True),
            Column("", tuple(map(bar_of, stages)), is_text=True),
            *(Column(title, tuple(row[place] or " " for row in numbers)) for place, title in enumerate(titles)),
        )
    )


def bar_of(stage: StageView) -> str:
    """Return a bar of the done items; an empty text if the total is not known."""
    if not stage.total:
        return ""
    full = round(BAR * min(1.0, stage.done / stage.total))
    return "█" * full + "░" * (BAR - full)
