"""The contact sheet: thumbnails in order, page after page, with captions that fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from penstock.samples.images import contact_sheet
from penstock.samples.images.contact_sheet import ContactSheet
from penstock.samples.images.record import ImageInfo

MakeInfo = Callable[..., ImageInfo]

COLOURS = ["red", "lime", "blue", "yellow", "magenta", "cyan", "orange"]


def colours_on(page: Path, columns: int) -> list[str]:
    """The colours of the thumbnails on a page, row by row."""
    with Image.open(page) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    width = pixels.shape[1] / columns
    found: list[str] = []
    for row in range(round(pixels.shape[0] / 208)):
        for column in range(columns):
            pixel = pixels[26 + 80 + row * 208, int((column + 0.5) * width)]
            near = [
                c for c in COLOURS if abs(np.array(Image.new("RGB", (1, 1), c).getpixel((0, 0))) - pixel).max() < 40
            ]
            found += near
    return found


def test_thumbnails_stand_in_the_order_in_which_they_came(tmp_path: Path, make_info: MakeInfo) -> None:
    sheet = ContactSheet(tmp_path, (320, 240), total=len(COLOURS), columns=2, rows=2)
    for number, colour in enumerate(COLOURS, start=1):
        sheet.add(make_info(Image.new("RGB", (320, 240), colour), number, f"{colour}.jpg"))
    sheet.finish()
    assert [page.name for page in sheet.pages] == ["contact-sheet.jpg", "contact-sheet-2.jpg"]
    assert [colours_on(page, 2) for page in sheet.pages] == [COLOURS[:4], COLOURS[4:]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contact-sheet-2.jpg", "contact-sheet.jpg"]


def test_a_sheet_with_nothing_on_it_is_not_written(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path, (320, 240), total=0)
    sheet.finish()
    assert sheet.pages == []
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_as_long_as_its_rows_and_as_wide_as_the_run_needs(tmp_path: Path, make_info: MakeInfo) -> None:
    sheet = ContactSheet(tmp_path, (320, 240), total=2)
    sheet.add(make_info())
    sheet.finish()
    with Image.open(sheet.pages[0]) as page:
        assert page.size == (26 + 2 * (220 + 26), 26 + 165 + 30 + 13)


@pytest.mark.parametrize("name", ["a very long name " * 15 + ".jpg", "写真" * 60 + ".png", "[b]📷.jpg", "x"])
@pytest.mark.parametrize("fonts", [contact_sheet._FONTS, ()], ids=["system fonts", "Pillow's own"])
def test_any_name_makes_a_caption(
    tmp_path: Path, make_info: MakeInfo, monkeypatch: pytest.MonkeyPatch, name: str, fonts: tuple[str, ...]
) -> None:
    monkeypatch.setattr(contact_sheet, "_FONTS", fonts)
    contact_sheet._font.cache_clear()
    sheet = ContactSheet(tmp_path, (320, 240), total=1)
    sheet.add(make_info(name=name))
    sheet.finish()
    with Image.open(sheet.pages[0]) as page:
        pixels = np.asarray(page.convert("L"))
    contact_sheet._font.cache_clear()
    caption = pixels[26 + 165 + 8 :]
    assert caption.min() < 120, "something is written"
    assert pixels[:, :20].min() > 200, "and not beyond the thumbnail"
    assert pixels[:, -20:].min() > 200
