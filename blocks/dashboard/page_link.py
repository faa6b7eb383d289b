"""Sends messages to one open page; memory stays bounded even if the page reads slowly.

Texts that must arrive are few, so all are queued. Only the newest state and the newest bars are kept. So a page that is
slow, hidden or asleep delays no other page and needs little memory here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from .messages import encode
from .timeline import Timeline

MAX_TEXTS, MAX_TROUBLES = 500, 200


class Channel:
    """Sends to a page, one message at a time.

    Args:
        text: Sends a text; it may wait for a slow page.
        data: Sends binary data in the same way; None if there is none.

    Attributes:
        sending_since: Since when it has been sending a message, by trio's clock; None if it sends none.
    """

    def __init__(
        self, text: Callable[[str], Awaitable[None]], data: Callable[[bytes], Awaitable[None]] | None = None
    ) -> None:
        self.sending_since: float | None = None
        self._text, self._data = text, data
        self._lock = trio.Lock()

    async def send(self, message: str | bytes) -> None:
        """Send a message; wait until the page has taken it."""
        async with self._lock:
            self.sending_since = trio.current_time()
            if isinstance(message, str):
                await self._text(message)
            else:
                assert self._data is not None
                await self._data(message)
            self.sending_since = None


class PageLink:
    """Sends one page its texts, states and bars.

    Args:
        channel: The connection to the page.
        drop: Ends the connection at once, even if there are messages to send.
        name: The name that the page gave itself, which it keeps after a reload; "" if it gave none.

    Attributes:
        channel: The connection to the page.
        drop: Ends the connection at once.
        name: The name that the page gave itself.
        is_greeted: Whether it gets the messages for all pages.
        silence: How often it was found silent; for users of the link.
    """

    def __init__(self, channel: Channel, drop: Callable[[], object] = lambda: None, name: str = "") -> None:
        self.channel: Channel = channel
        self.drop: Callable[[], object] = drop
        self.name: str = name
        self.is_greeted: bool = False
        self.silence: int = 0
        self._texts = deque[str](maxlen=MAX_TEXTS)
        self._troubles = deque[str](maxlen=MAX_TROUBLES)
        self._state: str | None = None
        self._timeline: Timeline | None = None
        self._run, self._seen = 0, 0
        self._news = trio.Event()
        self._is_closing, self._last = False, ""

    # What will be sent

    def greet(self, text: str) -> None:
        """Send this text first; from now on the page gets the messages for all pages."""
        self.is_greeted = True
        self._texts.appendleft(text)
        self._news.set()

    def say(self, text: str) -> None:
        """Send a text that must arrive."""
        self._texts.append(text)
        self._news.set()

    def complain(self, text: str) -> None:
        """Send a report of a failure; if there are many, only the newest arrive."""
        self._troubles.append(text)
        self._news.set()

    def show(self, state: str | None, timeline: Timeline | None) -> None:
        """Send the newest bars and this state; a newer state replaces one that is not sent yet."""
        self._state = state or self._state
        self._timeline = timeline
        self._news.set()

    def close(self, last: str = "") -> None:
        """End the connection once the queued texts are sent.

        Args:
            last: A text to send after these, and after the newest bars and state; without it, these are not sent.
        """
        self._is_closing, self._last = True, last
        self._news.set()

    # Sending

    async def send_texts(self) -> None:
        """Send texts, states and bars until `close` is called."""
        while True:
            self._news = trio.Event()
            if self._texts:
                await self.channel.send(self._texts.popleft())
            elif self._troubles:
                await self.channel.send(self._troubles.popleft())
            elif self._is_closing and not self._last:
                return
            elif self._timeline is not None:
                timeline, self._timeline = self._timeline, None
                await self._send_bars(timeline)
            elif self._state is not None:  # last, so that a state is never ahead of the texts and bars of the page
                text, self._state = self._state, None
                await self.channel.send(text)
            elif self._is_closing:
                await self.channel.send(self._last)
                return
            else:
                await self._news.wait()

    async def _send_bars(self, timeline: Timeline) -> None:
        reset = self._run != timeline.run
        if reset:
            self._run, self._seen = timeline.run, 0
        bars = timeline.since(self._seen)
        self._seen = timeline.count
        if bars or reset:
            values = {"run": timeline.run, "reset": reset, "rows": timeline.rows(), "spans": bars}
            await self.channel.send(encode("spans", values))
