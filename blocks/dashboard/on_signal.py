"""Looks into a program that runs, when a signal comes: prints reports, and opens the page."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from queue import Empty, SimpleQueue
from time import monotonic
from types import FrameType

from ..base.threads import resident
from .attaching import Notice
from .dashboard import Dashboard, say
from .listening import UnusableAddressError
from .subject import Look

PATIENCE = 1.0
"""Seconds that a signal waits for the loops of all networks."""


def show_on_signal(number: int | None = None, *, port: int = 0) -> None:
    """Look into the program when a signal comes: print the reports of all networks, and open their page.

    `python -m penstock.blocks.dashboard --attach PID` sends the signal and prints the address of the page; it sends
    nothing to a program that was not prepared. `kill -USR1 PID` does so without the command.

    After the signal, standard error has the report of each network that runs, and the address of a page of all
    networks, which stays until the program ends. A network whose loop does not answer within a second is named. Until
    the first signal, this costs next to nothing. Call it in the main thread, before the networks start.

    Args:
        number: The signal. Default: `SIGUSR1`.
        port: The port of the page, as for a `Dashboard`.

    Raises:
        ValueError: This system has no `SIGUSR1`, and no other signal is given; or this is not the main thread.
    """
    number = getattr(signal, "SIGUSR1", None) if number is None else number
    if number is None:
        raise ValueError("show_on_signal: this system has no SIGUSR1; give it another signal, for example SIGBREAK")
    inspector = Inspector(Dashboard(port))
    try:
        signal.signal(number, inspector.handle)
    except ValueError as error:
        raise ValueError(f"show_on_signal: signal {number} cannot be used here: {error}") from None
    inspector.dashboard.watch()
    if sys.platform != "win32":  # where no other program can send the signal
        try:
            inspector.notice = Notice(number)
        except OSError as error:
            say(f"show_on_signal: --attach will not find this program: {error}")


class Inspector:
    """Answers a signal.

    Args:
        dashboard: The dashboard to open; it watches already.

    Attributes:
        dashboard: The dashboard.
        notice: For the command that asks for the page; None if it cannot ask.
    """

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard: Dashboard = dashboard
        self.notice: Notice | None = None
        self._lock = threading.Lock()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Look, in another thread: the signal may have come while this one holds any lock."""
        _thread.start_new_thread(self.look, ())

    def look(self) -> None:
        """Print the reports, and open the page, or print its address again."""
        resident.add(threading.current_thread())
        with self._lock:
            self._print_reports()
            self._open_page()

    def _open_page(self) -> None:
        if self.dashboard.address:
            say(f"the page of the networks is at {self.dashboard.address}")
            return
        try:
            self.dashboard.open("the page of the networks")
            answer: str = self.dashboard.address
        except UnusableAddressError as error:
            answer = str(error)
            say(answer)
        if self.notice is not None:
            self.notice.add(answer)

    def _print_reports(self) -> None:
        asked = {subject.number: subject for subject in self.dashboard.running()}
        if not asked:
            say("no network runs")
        looks: SimpleQueue[tuple[int, Look]] = SimpleQueue()
        for subject in asked.values():
            subject.ask_for(looks)
        until = monotonic() + PATIENCE
        try:
            while asked:
                number, look = looks.get(timeout=max(0.0, until - monotonic()))
                name = asked.pop(number).name
                say(f"network {name!r}: no report can be made" if look.report is None else str(look.report))
        except Empty:
            for subject in asked.values():
                say(f"network {subject.name!r}: its loop does not answer; a function may block it")
