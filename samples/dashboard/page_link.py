"""Sends messages to one open page; memory stays bounded even if the page reads slowly."""

# Texts that must arrive are few, so all are queued. Only the newest state and the newest bars are kept. So a page that
# is slow, hidden or asleep delays no other page and needs little memory here.

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from penstock.samples.dashboard.as_json import encode
from penstock.samples.dashboard.timeline import Timeline

__all__ = ["Channel", "PageLink"]

_MAX_TEXTS, _MAX_TROUBLES = 500, 200


class Channel:
    """Sends to a page, one message at a time.

    Args:
        text: sends a text; it may wait for a slow page.
        data: sends binary data in the same way.
    """

    def __init__(self, text: Callable[[str], Awaitable[None]], data: Callable[[bytes], Awaitable[None]]) -> None:
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
                await self._data(message)
            self.sending_since = None


class PageLink:
    """Sends one page its texts, states and bars.

    Args:
        channel: the connection to the page.
        drop: ends the connection at once, even if there are messages to send.
        name: the name that the page gave itself, which it keeps after a reload; "" if it gave none.
    """

    def __init__(self, channel: Channel, drop: Callable[[], None] = lambda: None, name: str = "") -> None:
        self.channel, self.drop, self.name = channel, drop, name
        self.is_greeted = False
        self.silence = 0
        self._texts = deque[str](maxlen=_MAX_TEXTS)
        self._troubles = deque[str](maxlen=_MAX_TROUBLES)
        self._state: str | None = None
        self._timeline: Timeline | None = None
        self._run, self._seen = 0, 0
        self._news = trio.Event()
        self._is_closing = False

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

    def close(self) -> None:
        """End the connection once the queued texts are sent."""
        self._is_closing = True
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
            elif self._is_closing:
                return
            elif self._timeline is not None:
                timeline, self._timeline = self._timeline, None
                await self._send_bars(timeline)
            elif self._state is not None:  # last, so that a state is never ahead of the texts and bars of the page
                text, self._state = self._state, None
                await self.channel.send(text)
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
