"""Paints a picture as PNG, with Pillow."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from .picture import EDGE, HATCH, LIGHT, OUTLINED, Anchor, Box, Label, Picture, Role

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

FONTS = {
    False: ("DejaVuSans.ttf", "arial.ttf", "Arial.ttf", "Helvetica.ttc"),
    True: ("DejaVuSans-Bold.ttf", "arialbd.ttf", "Arial Bold.ttf", "Helvetica.ttc"),
}
"""Fonts of Linux, Windows and macOS; if none of them exists, Pillow's own font is used."""
SLANT = 2**0.5
"""The distance of lines at 45 degrees along an edge, as a multiple of their distance at a right angle."""
ANCHORS = {Anchor.START: "ls", Anchor.MIDDLE: "ms", Anchor.END: "rs"}


def to_png(picture: Picture) -> bytes:
    """Paint a picture and return the bytes of the PNG.

    Raises:
        ModuleNotFoundError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ModuleNotFoundError as error:
        message = (
            "a PNG is painted by Pillow, which is not installed: pip install 'penstock[png]'; an SVG needs no library"
        )
        raise ModuleNotFoundError(message, name=error.name) from error
    image = Image.new("RGB", (picture.width, picture.height), LIGHT[Role.PAPER])
    draw = ImageDraw.Draw(image)
    mask = hatching(picture)
    for box in picture.boxes:
        if box.role is Role.OUTPUT:
            image.paste(LIGHT[Role.OUTPUT], pixels(box), mask.crop(pixels(box)))
        else:
            paint_box(draw, box, max(1, round(picture.scale)))
    for label in picture.labels:
        paint_label(draw, label)
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def pixels(box: Box) -> tuple[int, int, int, int]:
    """Return the pixels of a box, at least one: left and top, and the first outside at the right and the bottom."""
    left, top = round(box.x), round(box.y)
    return left, top, max(left + 1, round(box.x + box.width)), max(top + 1, round(box.y + box.height))


def paint_box(draw: ImageDraw.ImageDraw, box: Box, line: int) -> None:
    """Fill a box, with an outline if it is a bar."""
    left, top, right, bottom = pixels(box)
    outline = EDGE if box.role is Role.ITEM and box.width >= OUTLINED else None
    draw.rectangle((left, top, right - 1, bottom - 1), box.fill or LIGHT[box.role], outline, line)


def paint_label(draw: ImageDraw.ImageDraw, label: Label) -> None:
    """Write a line of text."""
    font = load_font(max(1, round(label.size)), label.bold)
    draw.text((label.x, label.y), label.text, LIGHT[label.role], font, ANCHORS[label.anchor])


@lru_cache(maxsize=32)
def load_font(size: int, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load the first font that exists."""
    from PIL import ImageFont

    for name in FONTS[bold]:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def hatching(picture: Picture) -> Image.Image:
    """Make a mask of slanted lines over the whole picture; each hatched box shows its part."""
    from PIL import Image, ImageDraw

    mask = Image.new("1", (picture.width, picture.height))
    draw = ImageDraw.Draw(mask)
    pitch = HATCH * picture.scale
    for place in range(int((picture.width + picture.height) / (pitch * SLANT)) + 1):
        x = place * pitch * SLANT - picture.height
        draw.line((x, picture.height, x + picture.height, 0), 1, max(1, round(pitch / 2)))
    return mask
