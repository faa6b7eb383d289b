"""Shows the progress of a running network: in place on a terminal and in a notebook, elsewhere as lines of text.

A thread keeps the time and asks the loop to draw. So the display is not a task of the network and has no timer on
trio's clock: it neither hides a standstill of the network nor affects a clock that jumps. An error while drawing ends
the display and nothing else.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import trio

from ..base.log import fields, log
from ..base.loop_token import loop_token
from ..base.threads import resident

if TYPE_CHECKING:
    from rich.console import Console

    from ..core.view import View as NetworkView
    from .progress_view import View

INTERVAL = 0.2
"""Seconds from one update to the next."""
MOST_OF_THE_LOOP = 0.05
"""Drawing may take up to this share of the loop's time; a display that is slow to draw is drawn less often."""
RATE_OVER = 25
"""The number of updates over which items per second are averaged: 5 seconds are steady and still up to date."""


class Display(Protocol):
    """A way to show progress."""

    def begin(self, view: View) -> None:
        """Show it for the first time."""
        ...

    def draw(self, view: View) -> None:
        """Show it again."""
        ...

    def finish(self, view: View, how: str) -> None:
        """Show it for the last time; `how` says how the network has ended."""
        ...

    def give_up(self) -> None:
        """Restore after an error what the display has changed."""
        ...


class Progress:
    """The display of one network.

    Args:
        network: The network.
        console: A rich `Console`; True for a console on standard error, False for no display.
    """

    def __init__(self, network: NetworkView, console: Console | bool) -> None:
        if not isinstance(console, bool) and not hasattr(console, "is_terminal"):
            raise TypeError(
                f"network {network.name!r}: progress must be True, False or a rich Console, got {console!r}"
            )
        self._network = network
        self._console = console
        self._display: Display | None = None
        self._ticker: Ticker | None = None
        self._not_before = 0.0
        self._looks: deque[View]

    def start(self) -> None:
        """Begin the display; the network has started."""
        if self._console is not False:
            self._safely(self._begin)
            self._ticker = Ticker(lambda: self._safely(self._draw), INTERVAL)
            self._ticker.start()

    def end(self, how: str) -> None:
        """Draw for the last time; `how` says how the network has ended."""
        if self._ticker is not None:
            self._ticker.end()
            self._safely(lambda: self._finish(how))

    def _safely(self, action: Callable[[], None]) -> None:
        """Use the console; if that fails, for example because it is closed, never use it again."""
        try:
            action()
        except (Exception, SystemExit):  # rich raises SystemExit for a broken pipe
            display, self._display = self._display, None
            name = self._network.name
            found = fields("progress_not_shown", network=name)
            log.warning("network %r: its progress can no longer be shown", name, exc_info=True, extra=found)
            if display is not None:
                display.give_up()

    def _begin(self) -> None:
        self._looks = deque(maxlen=RATE_OVER)
        self._display = display_on(self._console)
        self._display.begin(self._look())

    def _draw(self) -> None:
        now = perf_counter()
        if self._display is not None and now >= self._not_before:
            self._display.draw(self._look())
            took = perf_counter() - now
            self._not_before = now + took / MOST_OF_THE_LOOP

    def _finish(self, how: str) -> None:
        from .progress_view import View

        if self._display is not None:
            self._looks = deque([View(self._network.name, 0.0, ())])  # at the end, show the rate of the whole run
            self._display.finish(self._look(), how)

    def _look(self) -> View:
        from .link_statistics import find_links
        from .progress_view import progress_of

        network = self._network
        statistics = network.statistics()
        shapes = {block.name: block.shape for block in network.blocks}
        totals = {name: shape.total for name, shape in shapes.items() if shape.reads or shape.total is not None}
        view = progress_of(statistics, find_links(network, statistics), totals)
        self._looks.append(view)
        return view.with_rates_since(self._looks[0])


def display_on(console: Console | bool) -> Display:
    """Choose the display: on the given console, or below the cell of a notebook, or on standard error."""
    from .progress_cell import Cell  # late: most programs show no progress
    from .progress_display import Lines, Screen, standard_error

    cell = Cell.here() if isinstance(console, bool) else None
    if cell is not None:
        return cell
    screen = standard_error() if isinstance(console, bool) else console
    return Screen.on(screen) or Lines(screen)


class Ticker:
    """Calls a function in the loop at regular times of the real clock.

    Args:
        action: The function; it must not raise.
        seconds: The seconds from one call to the next.
    """

    def __init__(self, action: Callable[[], None], seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._token = loop_token()
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="penstock progress", daemon=True)
        resident.add(self._thread)

    def start(self) -> None:
        """Start the calls."""
        self._thread.start()

    def end(self) -> None:
        """Stop the calls."""
        self._has_ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._has_ended.wait(self._seconds):
            try:
                self._token.run_sync_soon(self._act, idempotent=True)
            except (trio.RunFinishedError, OSError):  # the loop has ended, or is closing its wake-up socket
                return

    def _act(self) -> None:
        if not self._has_ended.is_set():
            self._action()
