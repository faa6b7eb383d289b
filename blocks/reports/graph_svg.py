"""Draws the diagram of a network as SVG, for notebooks and pages: no other program or library is needed.

The number of nodes and links is bounded, so a large network does not freeze a notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

import attrs

from ..base.statistics_table import title_of
from ..charts.picture import DARK, LIGHT, Role, bounded, clean, shorten, text_width
from ..charts.svg import FONT, number
from .diagram import Drawable, Edge, Node, Picture, picture_of
from .graph_layout import Layout, Place, Size, lay_out_graph

MOST_NODES = 100
"""The maximum number of blocks and agents that are drawn."""
MOST_LINKS = 300
SCOPE = "penstock-network"
"""The CSS class of the picture, so that its style does not apply to the rest of a page."""
NAME, LINE, TITLE = 13.0, 11.0, 15.0
"""The sizes of letters: of names, of other lines, of the title."""
WIDEST = 170.0
"""Pixels: the widest text of a node."""
PAD = 9.0
MARGIN = 14.0
GAP = 18.0
"""Pixels between two nodes of a layer."""
LOOP = 34.0
"""Pixels: how far a link that goes back swings out."""
COLUMN = 1200.0
"""Pixels: if the layers side by side are wider than this, they are drawn one below the other."""
BODY, SENDER = "body", "body-sends"


def draw_network(report: Drawable, title: str = "") -> str:
    """Return the diagram as the text of an SVG file; it suits light and dark screens.

    Args:
        report: What to draw.
        title: The title; by default the network, its state, and the time that it has run.
    """
    return Drawing(picture_of(report), title or title_of(report.statistics)).svg()


@attrs.frozen
class Text:
    """A line of text that was made to fit."""

    text: str
    size: float
    is_bold: bool

    @classmethod
    def of(cls, line: str, size: float, is_bold: bool = False, width: float = WIDEST) -> Text:
        """Shorten a line if it is too wide, and replace characters that no picture can show."""
        return cls(shorten(clean(bounded(line)), size, width, is_bold), size, is_bold)

    @property
    def width(self) -> float:
        """The estimated width."""
        return text_width(self.text, self.size, self.is_bold)


@attrs.frozen
class Frame:
    """A rectangle around the blocks of a governor, with its numbers."""

    text: Text
    x: float
    y: float
    width: float
    height: float

    def touches(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether a rectangle lies in the frame, or partly."""
        return x < self.x + self.width and self.x < x + width and y < self.y + self.height and self.y < y + height


class Drawing:
    """A diagram while it is drawn.

    Args:
        picture: What to draw.
        title: The title.
    """

    def __init__(self, picture: Picture, title: str) -> None:
        self._title = Text.of(title, TITLE, is_bold=True, width=COLUMN)
        nodes = [*(node for group in picture.groups for node in group.nodes), *picture.nodes]
        drawn = {node.id: node for node in nodes[:MOST_NODES]}
        edges = [edge for edge in picture.edges if edge.source in drawn and edge.target in drawn]
        self._left_out = (
            [f"… and {len(nodes) - MOST_NODES:,} more blocks and agents"] if len(nodes) > MOST_NODES else []
        )
        if len(edges) > MOST_LINKS:
            self._left_out.append(f"… and {len(edges) - MOST_LINKS:,} more links")
        self._edges = divided_body(edges[:MOST_LINKS], drawn)
        self._nodes = drawn
        self._texts = {id: tuple(texts_of(node)) for id, node in drawn.items()}
        self._labels = [Text.of(", ".join(edge.lines), LINE) for edge in self._edges]
        self._is_upright = False
        self._layout = self._lay_out()
        self._groups = [group for group in picture.groups if any(node.id in drawn for node in group.nodes)]

    def _lay_out(self) -> Layout:
        """Put the layers side by side, or, if that is too wide, one below the other."""
        sizes = {id: size_of(texts) for id, texts in self._texts.items()}
        pairs = [(edge.source, edge.target) for edge in self._edges]
        gap = max([40.0, *(label.width + 20 for label in self._labels)])
        across = lay_out_graph(sizes, pairs, gap, GAP)
        if across.size.along <= COLUMN:
            return across
        turned = {id: Size(size.across, size.along) for id, size in sizes.items()}
        down = lay_out_graph(turned, pairs, 44.0, GAP)
        if down.size.across >= across.size.along:
            return across
        self._is_upright = True
        return down

    # Coordinates

    def _point(self, along: float, across: float) -> tuple[float, float]:
        top = MARGIN + TITLE + 12 + (16 if self._groups else 0)
        left = MARGIN + (10 if self._groups else 0)
        return (left + across, top + along) if self._is_upright else (left + along, top + across)

    def _rectangle(self, place: Place) -> tuple[float, float, float, float]:
        """Return x, y, width and height."""
        x, y = self._point(place.along, place.across)
        size = place.size
        return (x, y, size.across, size.along) if self._is_upright else (x, y, size.along, size.across)

    # SVG

    def svg(self) -> str:
        """Return the text of the file."""
        frames, notes = self._frames()
        goes_back = any(way is None for way in self._layout.ways)
        far = self._point(self._layout.size.along, self._layout.size.across + (LOOP if goes_back else 0))
        notes = [*notes, *self._left_out]
        texts = [Text.of(note, LINE, width=COLUMN) for note in notes]
        ends = [far[0] + 10, *(frame.x + frame.width for frame in frames)]
        width = max([*ends, *(MARGIN + text.width for text in (self._title, *texts))]) + MARGIN
        bottom = far[1] + 14
        height = bottom + 1.5 * LINE * len(texts) + MARGIN
        body = [
            self._head(width, height),
            line_of(self._title, MARGIN, MARGIN + TITLE),
            *map(frame_of, frames),
            *self._links(),
            *self._boxes(),
            *(line_of(text, MARGIN, bottom + 1.5 * LINE * (row + 1), "faint") for row, text in enumerate(texts)),
            "</svg>",
        ]
        return "\n".join(body) + "\n"

    def _head(self, width: float, height: float) -> str:
        size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{SCOPE}" {size} role="img" '
            f"aria-label={quoteattr(self._title.text)}>\n<title>{escape(self._title.text)}</title>\n"
            f"<style>\n{style(LIGHT)}\n.{SCOPE} text{{font-family:{FONT}}}\n.{SCOPE} .b{{font-weight:700}}\n"
            f".{SCOPE} .dashed{{stroke-dasharray:5 4}}\n.{SCOPE} .label{{paint-order:stroke;stroke-width:4}}\n"
            f"@media (prefers-color-scheme: dark){{\n{style(DARK)}\n}}\n</style>\n"
            f'<rect class="paper" width="{number(width)}" height="{number(height)}"/>'
        )

    def _boxes(self) -> Iterator[str]:
        for id, texts in self._texts.items():
            node, (x, y, width, height) = self._nodes[id], self._rectangle(self._layout.places[id])
            look = "node bottleneck" if node.is_bottleneck else "node"
            yield outline(node.shape, look, x, y, width, height)
            baseline = y + PAD + (1 if node.shape == "buffer" else -2)  # below the lid of the drum
            for text in texts:
                baseline += 1.3 * text.size
                yield line_of(text, x + width / 2, baseline, "text" if text.is_bold else "faint", is_middle=True)

    def _links(self) -> Iterator[str]:
        labels: list[str] = []
        for edge, way, label in zip(self._edges, self._layout.ways, self._labels, strict=True):
            source, target = self._layout.places[edge.source], self._layout.places[edge.target]
            points = back_way(source, target) if way is None else forward_way(source, way, target)
            yield curve(list(map(self._point, *zip(*points, strict=True))), edge.is_dashed)
            yield arrow(*self._point(*points[-1]), self._is_upright, way is None)
            if label.text:
                middle = [sum(numbers) / 2 for numbers in zip(points[0], points[3], strict=True)]
                x, y = self._point(middle[0], middle[1] + (0.75 * LOOP if way is None else 0))
                labels.append(line_of(label, x, y - 4, "faint label", is_middle=True))
        yield from labels

    # Governors

    def _frames(self) -> tuple[list[Frame], list[str]]:
        """Return a frame for each governor around whose blocks one can be drawn, and a note for each other one."""
        frames: list[Frame] = []
        notes: list[str] = []
        for group in self._groups:
            inside = {node.id for node in group.nodes}
            boxes = {id: self._rectangle(place) for id, place in self._layout.places.items()}
            own = [boxes[id] for id in boxes if id in inside]
            left, top = min(box[0] for box in own) - 8, min(box[1] for box in own) - 20
            right, bottom = max(box[0] + box[2] for box in own) + 8, max(box[1] + box[3] for box in own) + 8
            text = Text.of(": ".join(group.lines), LINE, width=COLUMN)
            around = Frame(text, left, top, max(right - left, text.width + 12), bottom - top)
            if any(around.touches(*box) for id, box in boxes.items() if id not in inside):
                governed = ", ".join(node.lines[0] for node in group.nodes)
                notes.append(f"{': '.join(group.lines)}; governs {governed}")
            else:
                frames.append(around)
        return frames, notes


def divided_body(edges: Sequence[Edge], nodes: dict[str, Node]) -> list[Edge]:
    """If the body sends and receives, draw it twice, at the beginning and at the end; add the node for that."""
    if not any(edge.target == BODY for edge in edges) or not any(edge.source == BODY for edge in edges):
        return list(edges)
    nodes[SENDER] = attrs.evolve(nodes[BODY], id=SENDER)
    return [attrs.evolve(edge, source=SENDER) if edge.source == BODY else edge for edge in edges]


def texts_of(node: Node) -> Iterator[Text]:
    """Yield the lines of a node."""
    name, *lines = node.lines
    yield Text.of(name, NAME, is_bold=True)
    for line in lines:
        yield Text.of(line, LINE)
    if node.is_bottleneck:
        yield Text("bottleneck", LINE, is_bold=True)


def size_of(texts: Sequence[Text]) -> Size:
    """Return the room that a node with these lines needs."""
    width = max(56.0, *(text.width for text in texts)) + 2 * PAD
    return Size(width, sum(1.3 * text.size for text in texts) + 2 * PAD)


Points = list[tuple[float, float]]
"""Points of a curve along and across: its start, and for each piece two control points and its end."""


def forward_way(source: Place, way: Iterable[Place], target: Place) -> Points:
    """Return the points of a link to a later layer, through its waypoints."""
    points: Points = [(source.end, source.middle)]
    for place in (*way, target):
        along, across = points[-1]
        bend = (along + place.along) / 2
        points += [(bend, across), (bend, place.middle), (place.along, place.middle)]
    return points


def back_way(source: Place, target: Place) -> Points:
    """Return the points of a link that goes back, or to its own source: it swings out to the side."""
    aside = 12.0 if source is target else 0.0
    begin = source.along + source.size.along / 2 + aside, source.across + source.size.across
    end = target.along + target.size.along / 2 - aside, target.across + target.size.across
    out = max(begin[1], end[1]) + LOOP
    return [begin, (begin[0], out), (end[0], out), end]


def curve(points: Sequence[tuple[float, float]], is_dashed: bool) -> str:
    """Return the line of a link."""
    (x, y), *rest = points
    path = " ".join(f"{number(x)} {number(y)}" for x, y in rest)
    look = "link dashed" if is_dashed else "link"
    return f'<path class="{look}" d="M{number(x)} {number(y)}C{path}"/>'


def arrow(x: float, y: float, is_upright: bool, goes_back: bool) -> str:
    """Return the head of a link, with its point at x, y."""
    along, across = ((0, -8), (4, 0)) if is_upright != goes_back else ((-8, 0), (0, 4))
    if goes_back:
        along = -along[0], -along[1]
    left, right = (
        f"{number(x + along[0] + sign * across[0])} {number(y + along[1] + sign * across[1])}" for sign in (1, -1)
    )
    return f'<path class="head" d="M{number(x)} {number(y)}L{left}L{right}Z"/>'


def outline(shape: str, look: str, x: float, y: float, width: float, height: float) -> str:
    """Return the outline of a node: round ends for agents, straight ones for functions, a drum for buffers."""
    if shape == "buffer":
        bow = 5.0
        left, right, top, bottom = (number(value) for value in (x, x + width, y + bow, y + height - bow))
        turn = f"{number(width / 2)} {number(bow)} 0 0"
        return (
            f'<path class="{look}" d="M{left} {top}A{turn} 1 {right} {top}V{bottom}A{turn} 1 {left} {bottom}Z"/>'
            f'<path class="{look} lid" d="M{left} {top}A{turn} 0 {right} {top}"/>'
        )
    corner = {"agent": height / 2, "governor": 0.0}.get(shape, 5.0)
    more = " dashed" if shape == "governor" else ""
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect class="{look}{more}" {place} rx="{number(min(corner, 22.0))}"/>'


def frame_of(around: Frame) -> str:
    """Return the elements of a frame."""
    place = f'x="{number(around.x)}" y="{number(around.y)}" '
    size = f'width="{number(around.width)}" height="{number(around.height)}"'
    text = line_of(around.text, around.x + 6, around.y + 13, "faint label")
    return f'<rect class="frame dashed" {place}{size} rx="8"/>\n{text}'


def line_of(text: Text, x: float, y: float, look: str = "text", *, is_middle: bool = False) -> str:
    """Return the element of a line of text."""
    anchor = ' text-anchor="middle"' if is_middle else ""
    bold = " b" if text.is_bold else ""
    place = f'x="{number(x)}" y="{number(y)}" font-size="{number(text.size)}"'
    return f'<text {place}{anchor} class="{look}{bold}">{escape(text.text)}</text>'


def style(colours: dict[Role, str]) -> str:
    """Return the style rules for the colours."""
    rules = {
        "paper": f"fill:{colours[Role.PAPER]}",
        "text": f"fill:{colours[Role.TEXT]}",
        "faint": f"fill:{colours[Role.FAINT]}",
        "label": f"stroke:{colours[Role.PAPER]}",
        "node": f"fill:{colours[Role.BAND]};stroke:{colours[Role.INPUT]}",
        "lid": "fill:none",
        "bottleneck": "stroke:#e5484d;stroke-width:3",
        "link": f"fill:none;stroke:{colours[Role.INPUT]};stroke-width:1.5",
        "head": f"fill:{colours[Role.INPUT]}",
        "frame": f"fill:none;stroke:{colours[Role.INPUT]}",
    }
    return "\n".join(f".{SCOPE} .{name}{{{rule}}}" for name, rule in rules.items())
