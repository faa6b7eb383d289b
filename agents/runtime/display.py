"""Shows the progress of a runtime on the terminal."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Protocol

from penstock.blocks.reports.progress_display import Lines, Screen, standard_error
from penstock.blocks.reports.progress_view import StageView, View

from .own_thread import own_thread

EVERY = 0.25
"""Seconds from one picture to the next."""


class Counted(Protocol):
    """A runtime, as far as the display looks at it."""

    def stages(self) -> list[StageView]:
        """How many tasks of each pool that was used are where."""
        ...


class Display:
    """A display; it draws in a thread of its own.

    Args:
        name: The name of the runtime.
        runtime: The runtime.
    """

    def __init__(self, name: str, runtime: Counted) -> None:
        self._name = name
        self._runtime = runtime
        self._is_over = threading.Event()
        self._thread = own_thread(self._run, "progress")
        self._began = monotonic()

    def start(self) -> None:
        """Begin to draw."""
        self._began = monotonic()
        self._thread.start()

    def end(self) -> None:
        """Draw for the last time."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        console = standard_error()
        display = Screen.on(console) or Lines(console)
        view = self._view()
        try:
            display.begin(view)
            while not self._is_over.wait(EVERY):
                view = self._view().with_rates_since(view)
                display.draw(view)
            display.finish(self._view(), "done")
        except Exception:  # the terminal has gone, and the tasks go on
            display.give_up()

    def _view(self) -> View:
        return View(self._name, monotonic() - self._began, tuple(self._runtime.stages()))
