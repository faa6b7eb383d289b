"""One open page: what still has to be sent to it, in bounded memory, however slowly it reads."""

# Texts that must come are few, and queued. Of states only the newest waits, of spans and of pictures those that came
# last: a page that is slow, hidden or gone to sleep keeps nobody waiting and costs nobody memory.

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from penstock.samples.images.gui.live import Live
from penstock.samples.images.gui.model import Picture

__all__ = ["Channel", "PageLink", "encode"]

_MAX_TEXTS, _MAX_TROUBLES, _MAX_CREDIT = 500, 200, 16


def encode(kind: str, values: Any = None) -> str:
    """Return a message as text."""
    return json.dumps({"type": kind, **(values or {})}, separators=(",", ":"), ensure_ascii=True)


class Channel:
    """Sends to a page, one message at a time; both functions may wait for a page that is slow."""

    def __init__(self, text: Callable[[str], Awaitable[None]], data: Callable[[bytes], Awaitable[None]]) -> None:
        self.text, self.data = text, data
        self.lock = trio.Lock()


class PageLink:
    """What the server has to say to one page.

    Args:
        channel: the way to the page.
        drop: ends the connection at once, whatever waits in it.
        name: what the page calls itself, also after a reload; "" if it does not say.
    """

    def __init__(self, channel: Channel, drop: Callable[[], None] = lambda: None, name: str = "") -> None:
        self.drop, self.name = drop, name
        self.is_greeted, self.is_visible = False, True
        self.silence = 0
        self.sending_since: float | None = None
        self._channel = channel
        self._credit = 0
        self._texts = deque[str](maxlen=_MAX_TEXTS)
        self._troubles = deque[str](maxlen=_MAX_TROUBLES)
        self._state: str | None = None
        self._live: Live | None = None
        self._spans_due = False
        self._run, self._seen = 0, 0
        self._shown = (0, 0)
        self._news, self._picture_news = trio.Event(), trio.Event()
        self._is_closing = False

    # What shall be sent

    def greet(self, text: str) -> None:
        """Begin with this; what is told to all pages concerns the page from now on."""
        self.is_greeted = True
        self._texts.appendleft(text)
        self._news.set()

    def say(self, text: str) -> None:
        """Send a text for certain."""
        self._texts.append(text)
        self._news.set()

    def complain(self, text: str) -> None:
        """Send that something has failed, unless too much else has failed since."""
        self._troubles.append(text)
        self._news.set()

    def show(self, state: str | None, live: Live | None) -> None:
        """Send a state if there is one, unless a newer one comes before that, and the newest spans."""
        self._state = state or self._state
        self._live, self._spans_due = live, live is not None
        self._news.set()
        self.look()

    def look(self) -> None:
        """There may be a newer picture."""
        if self._credit > 0 and self.is_visible:
            self._picture_news.set()

    def watch(self, live: Live | None) -> None:
        """Show the pictures of another run from now on."""
        self._live = live
        self.look()

    def more(self, pictures: int) -> None:
        """Take so many more pictures from the page's credit."""
        self._credit = min(_MAX_CREDIT, self._credit + max(0, pictures))
        self.look()

    def close(self) -> None:
        """End after what has to be sent for certain."""
        self._is_closing = True
        self._news.set()

    # Sending

    async def send_texts(self) -> None:
        """Send texts, states and spans until `close` is called."""
        while True:
            self._news = trio.Event()
            if self._texts:
                await self._send(self._texts.popleft())
            elif self._troubles:
                await self._send(self._troubles.popleft())
            elif self._is_closing:
                return
            elif self._spans_due and self._live is not None:
                await self._send_spans(self._live)
            elif self._state is not None:  # last, so that it never tells of what the others have not shown
                text, self._state = self._state, None
                await self._send(text)
            else:
                await self._news.wait()

    async def _send_spans(self, live: Live) -> None:
        self._spans_due = False
        reset = self._run != live.number
        if reset:
            self._run, self._seen = live.number, 0
        bars = live.reel.since(self._seen)
        self._seen = live.reel.count
        if bars or reset:
            values = {"run": live.number, "reset": reset, "rows": live.reel.rows, "spans": bars}
            await self._send(encode("spans", values))

    async def send_pictures(self) -> None:
        """Send the newest picture whenever the page wants one; those in between are passed over."""
        while True:
            self._picture_news = trio.Event()
            picture = None if self._live is None else self._live.latest
            if picture is None or self._credit <= 0 or not self.is_visible or self._shown == _key(picture):
                await self._picture_news.wait()
                continue
            self._shown = _key(picture)
            data = await trio.to_thread.run_sync(_read, picture)
            if data is not None:
                self._credit -= 1
                await self._send(data)

    async def _send(self, message: str | bytes) -> None:
        async with self._channel.lock:
            self.sending_since = trio.current_time()
            if isinstance(message, str):
                await self._channel.text(message)
            else:
                await self._channel.data(message)
            self.sending_since = None


def _key(picture: Picture) -> tuple[int, int]:
    return picture.run, picture.sequence


def _read(picture: Picture) -> bytes | None:
    """Return the message for a picture; None if its file is gone."""
    try:
        with open(picture.file, "rb") as file:
            jpeg = file.read()
    except OSError:
        return None
    head = json.dumps(
        {
            "run": picture.run,
            "sequence": picture.sequence,
            "name": picture.name,
            "width": picture.width,
            "height": picture.height,
            "total": picture.total,
        }
    ).encode()
    return len(head).to_bytes(4, "big") + head + jpeg
