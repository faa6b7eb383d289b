"""Keeps the contact sheet of a run: its pages, and the entries for the next page. Use it on the trio thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial

import attrs
import trio

from penstock.samples.images.contact_sheet import SheetEntry, SheetPage, draw_page, places_on
from penstock.samples.images.names import shown_name
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import Settings

__all__ = ["SheetKeeper"]


class SheetKeeper:
    """Gives every finished image its place on the sheet, and keeps the pages.

    Args:
        settings: the settings of the run, with a sheet.
        kept: the entries of an earlier run for the sheet, in order of their numbers; their places are not set.
    """

    def __init__(self, settings: Settings, kept: Iterable[SheetEntry] = ()) -> None:
        self._settings = settings
        self._kept = deque(kept)
        self._entries: list[SheetEntry] = []  # by place
        self._waiting: set[int] = set()  # the places that are on no page yet
        self._pages: dict[int, SheetPage] = {}

    def place(self, info: ImageInfo) -> list[SheetEntry]:
        """Give an image with a thumbnail on disk the next place, after the kept ones before it."""
        assert info.written is not None
        entry = SheetEntry(-1, info.number, shown_name(info.path), info.written)
        return [*self._placed_before(info.number), self._placed(entry)]

    def _placed_before(self, number: float) -> list[SheetEntry]:
        placed: list[SheetEntry] = []
        while self._kept and self._kept[0].number < number:
            placed.append(self._placed(self._kept.popleft()))
        return placed

    def _placed(self, entry: SheetEntry) -> SheetEntry:
        entry = attrs.evolve(entry, place=len(self._entries))
        self._waiting.add(entry.place)
        self._entries.append(entry)
        return entry

    def keep(self, page: SheetPage) -> None:
        """Keep a page that was drawn."""
        self._pages[page.number] = page
        self._waiting.difference_update(entry.place for entry in page.entries)

    async def draw(self, entries: Sequence[SheetEntry]) -> None:
        """Draw a page in a thread of trio; for the modes without blocks."""
        if entries:
            self.keep(await trio.to_thread.run_sync(partial(draw_page, entries, self._settings)))

    async def finish(self) -> list[SheetPage]:
        """Draw the rest and return all pages; a cancellation waits until this is done."""
        self._placed_before(float("inf"))
        places = places_on(self._settings)
        for page in sorted({place // places for place in self._waiting}):
            with trio.CancelScope(shield=True):
                await self.draw(self._entries[page * places : (page + 1) * places])
        return [page for _, page in sorted(self._pages.items())]
