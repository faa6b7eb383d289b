"""Charts as PNG."""

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFont

from penstock.blocks import Recording, Span
from penstock.blocks.charts import png
from penstock.blocks.charts.colours import item_colour
from penstock.blocks.charts.gantt import lay_out
from penstock.blocks.charts.picture import LIGHT, Box, Role
from tests.blocks.recording.recordings import small


def colours(image: Image.Image, area: tuple[int, int, int, int]) -> set[str]:
    part = image.crop(area).convert("RGB")
    found = part.getcolors(part.width * part.height) or []
    return {"#" + bytes(colour).hex() for _, colour in found if isinstance(colour, tuple)}


def test_the_png_shows_the_boxes_of_the_same_layout_as_the_svg(tmp_path: Path) -> None:
    path = tmp_path / "run.png"
    small().save(path)
    picture = lay_out(small(), 1280, None, None)
    with Image.open(path) as image:
        assert image.size == (picture.width, picture.height)
        for box in picture.boxes:
            seen = colours(image, png.pixels(box))
            if box.role is Role.ITEM:
                assert box.fill in seen
            if box.role is Role.OUTPUT:  # hatched: lines with the ground between them
                assert LIGHT[Role.OUTPUT] in seen
                assert len(seen) > 1


def test_a_box_has_one_pixel_at_least() -> None:
    assert png.pixels(Box(10.2, 5.1, 0.1, 0.1, Role.ITEM)) == (10, 5, 11, 6)


def test_a_narrow_bar_has_no_outline_as_it_would_be_nothing_else() -> None:
    recording = Recording.of([Span("a", "a", 1, 0, 0)])
    box = next(box for box in lay_out(recording, 640, None, None).boxes if box.role is Role.ITEM)
    with Image.open(BytesIO(recording.to_png(width=640))) as image:
        assert item_colour(1) in colours(image, png.pixels(box))


def test_there_is_a_font_even_where_none_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = ImageFont.truetype

    def missing(font: str | BytesIO, size: float, **options: Any) -> ImageFont.FreeTypeFont:
        if isinstance(font, str):
            raise OSError("cannot open resource")
        return installed(font, size, **options)

    with monkeypatch.context() as patched:
        png.load_font.cache_clear()
        patched.setattr(ImageFont, "truetype", missing)
        assert Recording.of([]).to_png().startswith(b"\x89PNG")
    png.load_font.cache_clear()


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'penstock\[png\]'"):
        small().save(tmp_path / "run.png")
    assert not (tmp_path / "run.png").exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be called \*\.json, \*\.svg, \*\.png, got '.*run\.gif'"):
        small().save(tmp_path / "run.gif")
