"""Knows what is on the contact sheet of a run, and what is still to be put there; on the trio thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import trio

from penstock.samples.images.contact_sheet import SheetEntry, SheetPage, draw_page, places_on
from penstock.samples.images.names import shown_name
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

__all__ = ["SheetKeeper"]


class SheetKeeper:
    """Gives every image that comes out its place on the sheet, and keeps what was drawn.

    Args:
        settings: those of the run; they have a sheet.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._count = 0
        self._waiting: dict[int, SheetEntry] = {}  # by place: on no page yet
        self._pages: list[SheetPage] = []

    def place(self, info: ImageInfo) -> list[SheetEntry]:
        """Give the image, whose thumbnail is on disk, the next place."""
        assert info.written is not None
        entry = SheetEntry(self._count, info.sequence, shown_name(info.path), info.written)
        self._waiting[self._count] = entry
        self._count += 1
        return [entry]

    def keep(self, page: SheetPage) -> None:
        """Take note of a page that was drawn."""
        self._pages.append(page)
        for entry in page.entries:
            self._waiting.pop(entry.place, None)

    async def draw(self, entries: Sequence[SheetEntry]) -> None:
        """Draw a page in a thread of trio's: for the modes in which no block does it."""
        if entries:
            self.keep(await trio.to_thread.run_sync(partial(draw_page, entries, self._settings)))

    async def finish(self) -> list[SheetPage]:
        """Draw what a run that ended early has not drawn, and return all pages; a cancellation has to wait for that."""
        places = places_on(self._settings)
        waiting = sorted(self._waiting.values(), key=lambda entry: entry.place)
        while waiting:
            number = waiting[0].place // places
            page = [entry for entry in waiting[:places] if entry.place // places == number]
            with trio.CancelScope(shield=True):
                await self.draw(page)
            waiting = waiting[len(page) :]
        return sorted(self._pages, key=lambda page: page.number)
