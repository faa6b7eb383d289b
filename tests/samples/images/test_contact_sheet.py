"""The contact sheet: thumbnails in order, page after page, with captions that fit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image

from penstock.samples.images import contact_sheet
from penstock.samples.images.contact_sheet import SheetEntry, draw_page
from penstock.samples.images.record import ImageInfo
from penstock.samples.images.settings import HaltedError, Settings, SheetPlan
from penstock.samples.images.sheet_keeper import SheetKeeper

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


@pytest.fixture
def small(settings: Settings) -> Settings:
    """Settings with two rows of two on a page, of thumbnails of the usual size."""
    return attrs.evolve(settings, size=(320, 240), sheet=SheetPlan(columns=2, rows=2))


def entry(settings: Settings, place: int, colour: str = "red", name: str | None = None) -> SheetEntry:
    """A thumbnail on disk."""
    file = settings.output / f"{place}.jpg"
    Image.new("RGB", settings.size, colour).save(file)
    return SheetEntry(place, place + 1, name or f"{colour}.jpg", file)


def test_thumbnails_stand_in_order_on_the_page_of_their_places(small: Settings) -> None:
    entries = [entry(small, place, colour) for place, colour in enumerate(COLOURS)]
    pages = [draw_page(entries[4:], small), draw_page(entries[:4], small)]
    assert [(page.number, page.file.name, page.problem) for page in pages] == [
        (2, "contact-sheet-2.jpg", None),
        (1, "contact-sheet.jpg", None),
    ]
    assert [colours_on(page.file, 2) for page in pages] == [COLOURS[4:], COLOURS[:4]]
    assert all(page.finished >= page.started for page in pages)


def test_the_page_is_as_long_as_its_rows_and_as_wide_as_the_run_needs(settings: Settings) -> None:
    settings = attrs.evolve(settings, size=(320, 240), sheet=SheetPlan.for_images(2))
    with Image.open(draw_page([entry(settings, 0)], settings).file) as page:
        assert page.size == (26 + 2 * (220 + 26), 26 + 165 + 30 + 13)


def test_a_thumbnail_that_is_gone_leaves_its_place_empty(small: Settings) -> None:
    entries = [entry(small, place, colour) for place, colour in enumerate(COLOURS[:3])]
    entries[1].file.unlink()
    assert colours_on(draw_page(entries, small).file, 2) == [COLOURS[0], COLOURS[2]]


def test_a_page_that_cannot_be_written_says_why(small: Settings) -> None:
    (small.output / "contact-sheet.jpg").mkdir()
    page = draw_page([entry(small, 0)], small)
    assert page.problem is not None
    assert "contact-sheet.jpg" in page.problem
    assert sorted(path.name for path in small.output.iterdir()) == ["0.jpg", "contact-sheet.jpg"]


def test_a_page_can_be_drawn_in_another_process(small: Settings) -> None:
    work = pickle.loads(pickle.dumps(partial(draw_page, settings=small)))
    page = pickle.loads(pickle.dumps(work([entry(small, 0)])))
    assert page.file.exists()


def test_work_on_a_page_that_nobody_wants_any_more_is_given_up(small: Settings) -> None:
    small.halt.is_set = True
    with pytest.raises(HaltedError):
        draw_page([entry(small, 0)], small)


async def test_the_keeper_draws_what_the_run_has_not(small: Settings, make_info: MakeInfo) -> None:
    keeper = SheetKeeper(small)
    entries: list[SheetEntry] = []
    for place in range(7):
        file = entry(small, place, COLOURS[place]).file
        entries += keeper.place(attrs.evolve(make_info(sequence=place + 1, name="a.jpg"), written=file))
    assert [(e.place, e.number, e.name) for e in entries] == [(n, n + 1, "a.jpg") for n in range(7)]
    keeper.keep(draw_page(entries[4:7], small))  # the second page only
    pages = await keeper.finish()
    assert [(page.number, len(page.entries)) for page in pages] == [(1, 4), (2, 3)]
    assert await keeper.finish() == pages
    assert await SheetKeeper(small).finish() == []


@pytest.mark.parametrize("name", ["a very long name " * 15 + ".jpg", "写真" * 60 + ".png", "[b]📷.jpg", "x"])
@pytest.mark.parametrize("fonts", [contact_sheet._FONTS, ()], ids=["system fonts", "Pillow's own"])
def test_any_name_makes_a_caption(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, fonts: tuple[str, ...]
) -> None:
    monkeypatch.setattr(contact_sheet, "_FONTS", fonts)
    contact_sheet._font.cache_clear()
    settings = attrs.evolve(settings, size=(320, 240), sheet=SheetPlan.for_images(1))
    with Image.open(draw_page([entry(settings, 0, "white", name)], settings).file) as page:
        pixels = np.asarray(page.convert("L"))
    contact_sheet._font.cache_clear()
    caption = pixels[26 + 165 + 8 :]
    assert caption.min() < 120, "something is written"
    assert pixels[:, :20].min() > 200, "and not beyond the thumbnail"
    assert pixels[:, -20:].min() > 200
