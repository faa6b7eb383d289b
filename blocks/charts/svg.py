"""Writes a picture as SVG, for light and dark screens."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from .picture import DARK, EDGE, HATCH, LIGHT, OUTLINED, Anchor, Box, Label, Picture, Role

FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"
SCOPE = "penstock-recording"
"""The CSS class of the picture, so that its style does not apply to the rest of a page."""


def to_svg(picture: Picture) -> str:
    """Write a picture as the text of an SVG file."""
    return "\n".join(lines(picture)) + "\n"


def lines(picture: Picture) -> Iterator[str]:
    """Yield the lines of the file."""
    size = f'width="{picture.width}" height="{picture.height}" viewBox="0 0 {picture.width} {picture.height}"'
    name = quoteattr(f"{picture.title}; {picture.description}")
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="{SCOPE}" {size} role="img" aria-label={name}>'
    yield f"<title>{escape(picture.title)}</title>"
    yield f"<desc>{escape(picture.description)}</desc>"
    yield f"<style>\n{style(LIGHT)}\n.{SCOPE} text{{font-family:{FONT}}}\n.{SCOPE} .b{{font-weight:700}}"
    yield f".{SCOPE} .edge{{stroke:{EDGE};stroke-width:{number(0.8 * picture.scale)}}}"
    yield f"@media (prefers-color-scheme: dark){{\n{style(DARK)}\n}}\n</style>"
    pitch, line = number(HATCH * picture.scale), number(HATCH / 2 * picture.scale)
    yield f'<defs><pattern id="{SCOPE}-hatch" width="{pitch}" height="{pitch}" patternUnits="userSpaceOnUse"'
    yield f' patternTransform="rotate(45)"><rect class="output" width="{line}" height="{pitch}"/></pattern></defs>'
    yield from map(box, picture.boxes)
    yield from map(label, picture.labels)
    yield "</svg>"


def style(colours: dict[Role, str]) -> str:
    """Return the style rules for the colours of all roles."""
    return "\n".join(f".{SCOPE} .{role.value}{{fill:{colour}}}" for role, colour in colours.items())


def box(shape: Box) -> str:
    """Return the element of a box."""
    edge = " edge" if shape.role is Role.ITEM and shape.width >= OUTLINED else ""
    look = f'class="{shape.role.value}{edge}"'
    if shape.fill:
        look = f'fill="{shape.fill}"' + (' class="edge"' if edge else "")
    elif shape.role is Role.OUTPUT:
        look = f'fill="url(#{SCOPE}-hatch)"'
    place = f'x="{number(shape.x)}" y="{number(shape.y)}"'
    rect = f'<rect {place} width="{number(shape.width)}" height="{number(shape.height)}" {look}'
    return f"{rect}><title>{escape(shape.title)}</title></rect>" if shape.title else f"{rect}/>"


def label(text: Label) -> str:
    """Return the element of a label."""
    anchor = "" if text.anchor is Anchor.START else f' text-anchor="{text.anchor.value}"'
    look = f'class="{text.role.value}{" b" if text.bold else ""}"'
    place = f'x="{number(text.x)}" y="{number(text.y)}" font-size="{number(text.size)}"'
    return f"<text {place}{anchor} {look}>{escape(text.text)}</text>"


def number(value: float) -> str:
    """Write a number as short as possible, rounded to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
