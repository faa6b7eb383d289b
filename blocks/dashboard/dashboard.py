"""A page in the browser that shows networks while they run.

The page is served by a thread with a loop of its own. So a function that holds the loop of a network does not hold the
page, a browser that reads nothing does not hold the network, and neither the clock nor the standstill of a network
notices the page.
"""

from __future__ import annotations

import atexit
import itertools
import socket
import sys
import threading
from contextlib import suppress
from html import escape
from types import TracebackType
from typing import Any, cast
from weakref import WeakKeyDictionary

import trio

from ..base.checks import check_count
from ..base.threads import resident
from ..core.observer import Observer
from ..core.ports import Host
from ..core.view import View
from ..core.watchers import watchers
from ..recording.recorder import Recorder
from ..recording.recording import Recording
from ..reports.link_statistics import ways_of
from .files import DASHBOARD_FILES
from .hub import FAREWELL, Hub
from .listening import UnusableAddressError, open_socket
from .safety import Rules, new_token
from .scene import Ending, Fault
from .server import Server
from .subject import Look, Subject, tell

HOST = "127.0.0.1"
MOST_PORT = 65_535


class Dashboard:
    """Serves a page that shows all networks that start while it is open; use it as `with Dashboard():`.

    It prints the address of the page on standard error. The page shows the network that has started last, or another
    one that the user chooses: blocks, agents, links and governors with their items, rates and errors, the numbers of
    the report, which part waits for which, and the chart if the network is recorded. Networks that have ended stay
    until the dashboard is closed.

    The page can change nothing. It is served only at 127.0.0.1, and its address has a random token, so other users and
    other pages cannot read it. A network is looked at only while a page shows it, up to four times per second.

    Networks may run in any thread. Closing the dashboard never waits for a browser. A notebook on this machine displays
    an open dashboard as the page.

    Args:
        port: The port, 0 … 65,535; 0 takes any free port. Default: 0.
        chart: Whether to record the networks that have no recording, so that the page has their charts; this costs what
            a `Recording` costs. Default: False.

    Attributes:
        port: The port; as given before the dashboard is open, then the real one.
        address: The address of the page; empty before the dashboard is open.

    Raises:
        ValueError: `port` is out of its range.
        UnusableAddressError: On entering: the port is taken, or may not be used.
        RuntimeError: On entering: it was open before.
    """

    def __init__(self, port: int = 0, *, chart: bool = False) -> None:
        check_count("dashboard", "port", port, least=0)
        if port > MOST_PORT:
            raise ValueError(f"dashboard: port must be an int <= {MOST_PORT}, got {port!r}")
        self.port: int = port
        self.address: str = ""
        self._token = new_token()
        self._numbers = itertools.count(1)
        self._chart = chart
        self._recorders: WeakKeyDictionary[View, tuple[Recorder, Recording]] = WeakKeyDictionary()
        self._only: View | None = None
        self._subjects: dict[View, Subject] = {}
        self._hub: Hub
        self._thread: threading.Thread | None = None
        self._is_open = False

    def __repr__(self) -> str:
        state = "open" if self._is_open else "new" if self._thread is None else "closed"
        return f"<Dashboard {state}, port {self.port}>"

    def _repr_html_(self) -> str:
        if not self._is_open:
            return f"<p>{escape(repr(self))}</p>"
        return f'<iframe src="{self.address}" title="Networks" style="width:100%;height:40rem;border:0"></iframe>'

    def __enter__(self) -> Dashboard:
        self.watch()
        self.open("the page of the networks")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def show(self, recording: Recording) -> None:
        """Show a recording on the page, for example one that was loaded from a file, while the dashboard is open."""
        if not self._is_open:
            raise RuntimeError("dashboard: it is not open; show the recording in the body of `with Dashboard()`")
        tell(self._hub.loop, self._hub.add_recording, next(self._numbers), recording)

    def watch(self, only: View | None = None) -> None:
        """Note from now on which networks run, so that `open` can show them; this costs next to nothing.

        Args:
            only: Note only this network.
        """
        if self._thread is not None:
            raise RuntimeError("dashboard: it was open before; make a new one")
        self._only = only
        watchers.add(self)

    def open(self, what: str) -> None:
        """Serve the page from now on; after `watch`.

        Args:
            what: What the page is, for the message on standard error.
        """
        try:
            listener = open_socket(HOST, self.port)
        except UnusableAddressError as error:
            watchers.remove(self)
            message = f"dashboard: {error}; give it another port, or 0 for any free one"
            raise UnusableAddressError(message) from None
        self.port = listener.getsockname()[1]
        self.address = f"http://{HOST}:{self.port}/{self._token}/"
        is_open = threading.Event()
        self._thread = threading.Thread(
            target=trio.run, args=(self._serve, listener, is_open), name="penstock dashboard", daemon=True
        )
        resident.add(self._thread)
        self._thread.start()
        is_open.wait()
        atexit.register(self._leave)
        self._is_open = True
        for subject in self.running():
            tell(self._hub.loop, self._hub.add_running, subject)
        say(f"{what} is at {self.address}")

    def close(self) -> None:
        """Serve the page no more; pages that are open keep what they show. A second call does nothing."""
        watchers.remove(self)
        if self._is_open:
            self._is_open = False
            tell(self._hub.loop, self._hub.end)

    def _leave(self) -> None:
        """At the end of the program, give open pages a moment to get the end of the run."""
        self.close()
        assert self._thread is not None
        self._thread.join(2 * FAREWELL)

    async def _serve(self, listener: socket.socket, is_open: threading.Event) -> None:
        with listener:
            self._hub = hub = Hub()
            server = Server(Rules(self._token, HOST), DASHBOARD_FILES, hub.talk)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.serve, listener)
                await hub.run(is_open.set)
                nursery.cancel_scope.cancel()
        atexit.unregister(self._leave)

    def running(self) -> tuple[Subject, ...]:
        """Return the networks that run now."""
        return tuple(self._subjects.values())

    # What networks report; called in the threads of their loops

    def observer(self, network: View, routes: object) -> Observer | None:
        """Record a network, if that is wanted."""
        if not self._chart or network.facade.recording is not None:
            return None
        recording, meter = Recording(), cast("Any", network.measures)
        recorder = Recorder(network, meter, recording, ways_of)
        self._recorders[network] = recorder, recording
        return recorder.observe(recording)

    def begins(self, network: View) -> None:
        """Show a network that has started."""
        if self._only not in (None, network):
            return
        recorder, recording = self._recorders.get(network, (None, None))
        if recorder is not None:
            recorder.begin()
        subject = self._subjects[network] = Subject(next(self._numbers), network, recording)
        if self._is_open:
            tell(self._hub.loop, self._hub.add, subject)

    def fails(self, network: Host, block: str, number: int, item: object, error: BaseException, action: str) -> None:
        """Note a failure, for the list of errors."""
        subject = self._subjects.get(cast("View", network))
        if subject is not None:
            subject.note(Fault.of_item(block, number, item, error, action))

    def ends(self, network: View, how: str, error: BaseException | None) -> None:
        """Show how a network has ended."""
        recorder, _ = self._recorders.pop(network, (None, None))
        if recorder is not None:
            recorder.finish()
        subject = self._subjects.pop(network, None)
        if subject is not None:
            look = subject.look() if self._is_open else Look(None)
            subject.end()  # before the hub hears of it, which may be adding it just now
            if self._is_open:
                tell(self._hub.loop, self._hub.finish, subject, look, Ending.of(how, error))
        if network is self._only:
            self.close()


def say(text: str) -> None:
    """Print a line on standard error, if there is one."""
    with suppress(OSError, ValueError, AttributeError):  # it is closed, or the program has none
        print(text, file=sys.stderr, flush=True)
