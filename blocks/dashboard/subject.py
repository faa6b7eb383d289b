"""A running network for the thread of a page: its reports are made in the thread of its loop.

A network changes without locks in the thread of its loop, so only that thread may look at it. A page asks, and gets the
answer later; if a function holds the loop, the answer is late, and nothing waits for it here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from time import thread_time

import attrs
import trio

from ..base.log import fields, log
from ..base.loop_token import LoopToken, loop_token
from ..core.view import View
from ..recording.recording import Recording
from ..reports.report import Report, make_report
from .scene import MOST_ERRORS, Fault


@attrs.frozen
class Look:
    """A look at a network.

    Attributes:
        report: The report; None if none could be made.
        failures: The failures since the last look, without those that are too many.
        cost: The seconds of processor time that this has taken in the loop of the network.
    """

    report: Report | None
    cost: float = 0.0
    failures: tuple[Fault, ...] = ()


class Subject:
    """A network that a page shows.

    Made in the thread of the loop of the network, when it has started.

    Args:
        number: The number of the network on the page.
        network: The network.
        recording: A recording that the page makes of it; None if there is none, or if the network has its own.

    Attributes:
        number: The number of the network on the page.
        name: The name of the network.
        recording: Its recording; None if it is not recorded.
    """

    def __init__(self, number: int, network: View, recording: Recording | None = None) -> None:
        self.number: int = number
        self.name: str = network.name
        self.recording: Recording | None = network.facade.recording or recording
        self._failures: deque[Fault] = deque(maxlen=MOST_ERRORS)
        self._network: View | None = network
        self._loop: LoopToken = loop_token()

    def ask(self, page: LoopToken, answer: Callable[[Look], None]) -> bool:
        """Ask for a look; the answer comes later, in the thread of the page, unless the network ends before.

        Args:
            page: The loop of the page.
            answer: Gets the look.

        Returns:
            Whether an answer can come.
        """

        def take() -> None:
            if self._network is not None:
                tell(page, answer, self.look())

        return tell(self._loop, take)

    def ask_for(self, looks: SimpleQueue[tuple[int, Look]]) -> None:
        """Have a look put into a queue, with the number, for a thread without a loop."""

        def take() -> None:
            if self._network is not None:
                looks.put((self.number, self.look()))

        tell(self._loop, take)

    def look(self) -> Look:
        """Look at the network; in the thread of its loop, before `end`."""
        assert self._network is not None
        began = thread_time()
        try:
            report = make_report(self._network)
        except Exception:  # a page must not end the loop
            event = fields("dashboard_fails", network=self.name)
            log.warning("network %r: no report for its page", self.name, exc_info=True, extra=event)
            report = None
        failures = tuple(self._failures)
        self._failures.clear()
        return Look(report, thread_time() - began, failures)

    def note(self, failure: Fault) -> None:
        """Note a failure for the next look; in the thread of the loop."""
        self._failures.append(failure)

    @property
    def has_ended(self) -> bool:
        """Whether the network has ended."""
        return self._network is None

    def end(self) -> None:
        """Let go of the network, because it has ended; in the thread of its loop."""
        self._network = None


def tell(loop: LoopToken, function: Callable[..., object], *args: object) -> bool:
    """Call a function soon in the thread of a loop; return whether the loop still runs."""
    try:
        loop.run_sync_soon(function, *args)
    except (trio.RunFinishedError, OSError):  # it has ended, or is closing its wake-up socket
        return False
    return True
