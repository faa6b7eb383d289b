"""Draws the contact sheet: the thumbnails of a run on one or more pages, in order, each with its name."""

# A plain function draws a whole page from the thumbnails on disk. So any worker can draw a page, only file names are
# sent to it, and the sheet of a resumed run has the earlier thumbnails too.

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import attrs
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from penstock.samples.command.streams import why
from penstock.samples.images.clock import clock
from penstock.samples.images.output import write_whole
from penstock.samples.images.scale import fit
from penstock.samples.images.settings import Settings

__all__ = ["SheetEntry", "SheetPage", "draw_page", "places_on", "sheet_name"]

_PAPER = (233, 231, 226)
_SHADOW = (150, 146, 138)
_INK = (58, 54, 50)
_GAP = 26
_CELL = 220  # the largest width of a thumbnail on the sheet
_CAPTION = 30  # the height of the line below it
_FONT_SIZE = 13
# The first font that is found is used. The first has Chinese, Japanese and Korean, the second Greek and Cyrillic.
_FONTS = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "arial.ttf", "Arial Unicode.ttf")

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@attrs.frozen
class SheetEntry:
    """A thumbnail for the sheet.

    Args:
        place: its place on the sheet, from 0; places have no gaps.
        number: the number of the picture.
        name: the name of the picture, printable.
        file: the thumbnail.
    """

    place: int
    number: int
    name: str
    file: Path


@attrs.frozen
class SheetPage:
    """A page that was drawn, or that could not be drawn.

    Args:
        number: counts from 1.
        file: the file of the page.
        entries: the thumbnails on it.
        started: when the work began (`clock.now()`, seconds).
        finished: when it ended.
        problem: the reason why the page could not be written; None if it was written.
    """

    number: int
    file: Path
    entries: tuple[SheetEntry, ...]
    started: float
    finished: float
    problem: str | None = None


def places_on(settings: Settings) -> int:
    """Return the number of thumbnails that fit on a page."""
    assert settings.sheet is not None
    return settings.sheet.columns * settings.sheet.rows


def sheet_name(number: int) -> str:
    """Return the file name of a page."""
    return "contact-sheet.jpg" if number == 1 else f"contact-sheet-{number}.jpg"


def draw_page(entries: Sequence[SheetEntry], settings: Settings) -> SheetPage:
    """Draw one page with as many `entries` as fit on it, and write it over an older page.

    A thumbnail that no longer exists leaves its place empty. A page that cannot be written has a `problem`.
    """
    started, number = clock.now(), entries[0].place // places_on(settings) + 1
    file, problem = settings.output / sheet_name(number), None
    page = _Page(settings, len(entries))
    for index, entry in enumerate(entries):
        settings.halt.check()
        page.add(index, entry)
    try:
        write_whole(file, page.encoded(), settings.unfinished)
    except OSError as error:
        problem = f"{file.name}: {why(error)}"
    return SheetPage(number, file, tuple(entries), started, clock.now(), problem)


class _Page:
    """A page in memory, with just enough rows for `count` thumbnails."""

    def __init__(self, settings: Settings, count: int) -> None:
        assert settings.sheet is not None
        self._columns = settings.sheet.columns
        self._cell = fit(settings.size, (_CELL, 2 * _CELL))
        width = self._place(self._columns - 1)[0] + self._cell[0] + _GAP
        height = self._place(-(-count // self._columns) * self._columns)[1]
        self._image = Image.new("RGB", (width, height), _PAPER)

    def add(self, index: int, entry: SheetEntry) -> None:
        """Put a thumbnail, and its name below, into a place of the page."""
        left, upper = self._place(index)
        width, height = self._cell
        thumbnail = _thumbnail(entry.file, self._cell)
        if thumbnail is not None:
            self._image.paste(_shadow(self._cell), (left - _GAP // 2, upper - _GAP // 2))
            self._image.paste(thumbnail, (left, upper))
        self._write_caption(left + width // 2, upper + height + _CAPTION // 2 + 3, entry)

    def encoded(self) -> bytes:
        """Return the page as a JPEG."""
        encoded = BytesIO()
        self._image.save(encoded, "JPEG", quality=90)
        return encoded.getvalue()

    def _place(self, index: int) -> tuple[int, int]:
        """Return the upper left corner of a place."""
        row, column = divmod(index, self._columns)
        width, height = self._cell
        return _GAP + column * (width + _GAP), _GAP + row * (height + _CAPTION + _GAP // 2)

    def _write_caption(self, middle: int, baseline: int, entry: SheetEntry) -> None:
        """Write number and name; a long name is cut to the width of a thumbnail."""
        font, name = _font(), entry.name
        text = f"{entry.number} · {name}"
        length = font.getlength(text)
        shown = min(len(name), int(len(text) * self._cell[0] / length) + 1)  # usually a few characters too many
        while length > self._cell[0] and shown > 1:
            shown -= 1
            text = f"{entry.number} · {name[: (shown + 1) // 2]}…{name[len(name) - shown // 2 :]}"
            length = font.getlength(text)
        ImageDraw.Draw(self._image).text((middle, baseline), text, fill=_INK, font=font, anchor="mm")


def _thumbnail(file: Path, cell: tuple[int, int]) -> Image.Image | None:
    """Return the thumbnail at its size on the sheet; None if it can no longer be read."""
    try:
        with Image.open(file, formats=["JPEG"]) as image:
            image.draft("RGB", cell)
            return image.convert("RGB").resize(cell, Image.Resampling.HAMMING)
    except OSError:
        return None


@cache
def _font() -> _Font:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, _FONT_SIZE)
        except OSError:
            continue
    return ImageFont.load_default(_FONT_SIZE)


@cache
def _shadow(cell: tuple[int, int]) -> Image.Image:
    """Return a soft shadow for one thumbnail: a little lower, and half a gap larger on each side."""
    half = _GAP // 2
    ground = Image.new("RGB", (cell[0] + 2 * half, cell[1] + 2 * half), _PAPER)
    ImageDraw.Draw(ground).rectangle((half, half + 3, half + cell[0] - 1, half + cell[1] + 2), fill=_SHADOW)
    return ground.filter(ImageFilter.GaussianBlur(4))
