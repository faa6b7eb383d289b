"""The contact sheet: all the thumbnails of a run on a page or more, in order, each with its name."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from penstock.samples.images.names import shown_name
from penstock.samples.images.output import write_whole
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.scale import fit

__all__ = ["ContactSheet"]

_PAPER = (233, 231, 226)
_SHADOW = (150, 146, 138)
_INK = (58, 54, 50)
_GAP = 26
_CELL = 220  # width of a thumbnail on the sheet, at most
_CAPTION = 30  # height of the line below it
_FONT_SIZE = 13
# The first one found: with Chinese, Japanese and Korean; with Greek and Cyrillic. Pillow's own has Latin.
_FONTS = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "arial.ttf", "Arial Unicode.ttf")

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class ContactSheet:
    """Collects thumbnails in the order in which they are added and writes a page whenever one is full.

    The pages are `contact-sheet.jpg`, `contact-sheet-2.jpg` and so on. One page is in memory at a time.

    Args:
        folder: where the pages go.
        size: width and height of the thumbnails, in pixels.
        total: how many thumbnails to expect at most; fewer than a row make a narrower sheet.
        columns: thumbnails in a row, at least 1.
        rows: rows on a page, at least 1.
    """

    def __init__(self, folder: Path, size: tuple[int, int], total: int, columns: int = 5, rows: int = 8) -> None:
        self._folder = folder
        self._columns = max(1, min(columns, total))
        self._rows = rows
        self._cell = fit(size, (_CELL, 2 * _CELL))
        self._count = 0  # on the present page
        self._page: Image.Image | None = None  # made for its first thumbnail: one takes megabytes
        self.pages: list[Path] = []

    def add(self, info: ImageInfo) -> None:
        """Put the thumbnail of `info` into the next free place.

        Raises:
            OSError: the page is full now and cannot be written.
        """
        left, upper = self._place(self._count)
        width, height = self._cell
        thumbnail = Image.fromarray(info.pixels).resize(self._cell, Image.Resampling.HAMMING)
        page = self._page = self._page or self._empty_page()
        page.paste(_shadow(self._cell), (left - _GAP // 2, upper - _GAP // 2))
        page.paste(thumbnail, (left, upper))
        self._write_caption(page, left + width // 2, upper + height + _CAPTION // 2 + 3, info)
        self._count += 1
        if self._count == self._columns * self._rows:
            self.finish()

    def finish(self) -> None:
        """Write the present page, if there is anything on it; raises OSError if that cannot be done."""
        if self._page is None:
            return
        rows = -(-self._count // self._columns)
        used, self._page = self._page, None
        if rows < self._rows:
            used = used.crop((0, 0, used.width, self._place(rows * self._columns)[1]))
        name = f"contact-sheet-{len(self.pages) + 1}.jpg" if self.pages else "contact-sheet.jpg"
        encoded = BytesIO()
        used.save(encoded, "JPEG", quality=90)
        path = self._folder / name
        self._count = 0
        write_whole(path, encoded.getvalue())
        self.pages.append(path)

    def _place(self, index: int) -> tuple[int, int]:
        """The upper left corner of the place with that index on the page."""
        row, column = divmod(index, self._columns)
        width, height = self._cell
        return _GAP + column * (width + _GAP), _GAP + row * (height + _CAPTION + _GAP // 2)

    def _empty_page(self) -> Image.Image:
        width = self._place(self._columns - 1)[0] + self._cell[0] + _GAP
        height = self._place(self._columns * self._rows)[1]
        return Image.new("RGB", (width, height), _PAPER)

    def _write_caption(self, page: Image.Image, middle: int, baseline: int, info: ImageInfo) -> None:
        """Write number and name below the thumbnail, the name cut to the width."""
        font = _font()
        name = shown_name(info.path)
        text = f"{info.sequence} · {name}"
        length = font.getlength(text)
        shown = min(len(name), int(len(text) * self._cell[0] / length) + 1)  # a little too many, then shorter
        while length > self._cell[0] and shown > 1:
            shown -= 1
            text = f"{info.sequence} · {name[: (shown + 1) // 2]}…{name[len(name) - shown // 2 :]}"
            length = font.getlength(text)
        ImageDraw.Draw(page).text((middle, baseline), text, fill=_INK, font=font, anchor="mm")


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
    """A soft shadow on paper for one thumbnail, a little lower than it; half a gap larger on each side."""
    half = _GAP // 2
    ground = Image.new("RGB", (cell[0] + 2 * half, cell[1] + 2 * half), _PAPER)
    ImageDraw.Draw(ground).rectangle((half, half + 3, half + cell[0] - 1, half + cell[1] + 2), fill=_SHADOW)
    return ground.filter(ImageFilter.GaussianBlur(4))
