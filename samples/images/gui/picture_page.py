"""A page that also shows the newest thumbnail; it gets pictures only as fast as it can show them."""

from __future__ import annotations

import json
from collections.abc import Callable

import trio

from penstock.blocks.dashboard import Channel, PageLink
from penstock.samples.images.gui.live import Live
from penstock.samples.images.gui.model import Picture

__all__ = ["PicturePage"]

_MAX_CREDIT = 16


class PicturePage(PageLink):
    """Sends one page its texts, states and bars, and pictures.

    A page gives credit: the number of pictures that it can take. Pictures that come while there is no credit are
    skipped.

    Args:
        channel: the connection to the page.
        drop: ends the connection at once, even if there are messages to send.
        name: the name that the page gave itself, which it keeps after a reload; "" if it gave none.
    """

    def __init__(self, channel: Channel, drop: Callable[[], None] = lambda: None, name: str = "") -> None:
        super().__init__(channel, drop, name)
        self.is_visible = True
        self._credit = 0
        self._live: Live | None = None
        self._shown = (0, 0)
        self._picture_news = trio.Event()

    def look(self) -> None:
        """Check for a newer picture."""
        if self._credit > 0 and self.is_visible:
            self._picture_news.set()

    def watch(self, live: Live | None) -> None:
        """Show the pictures of this run from now on."""
        self._live = live
        self.look()

    def more(self, pictures: int) -> None:
        """Add to the credit of the page."""
        self._credit = min(_MAX_CREDIT, self._credit + max(0, pictures))
        self.look()

    async def send_pictures(self) -> None:
        """Send the newest picture whenever the page can take one."""
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
                await self.channel.send(data)


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
