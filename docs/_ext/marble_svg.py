"""Draws marble diagrams as SVG inside a page: what goes into a block, the block, and what comes out, over time."""

from collections import Counter
from collections.abc import Iterator
from html import escape

from marble_lines import Diagram, Line, Marble
from penstock.blocks.charts.colours import item_colour
from penstock.blocks.charts.picture import text_width

SECOND, LEFT, RIGHT = 50, 62, 34
"""Pixels: a second, and the room at both sides."""
ROW, BOX, TOP, STACKED = 44, 40, 4, 33
"""Pixels: the height of a line, of the box with the block, of the room above, and of a further message of a moment."""
RADIUS, LETTERS, BESIDE = 15, 13, 24
"""Pixels: the size of messages and their letters, and how far from a message the end of its moment is."""
MANY = "#c3ccd8"
"""The colour of a message that was made of several."""


def draw(diagram: Diagram) -> str:
    """Return the diagram as an element of a page."""
    lines = (*diagram.inputs, *diagram.outputs)
    seconds = max([line.end or 0 for line in lines] + [marble.time for line in lines for marble in line.marbles])
    width = LEFT + max(SECOND * seconds + RIGHT, 8.2 * len(diagram.title))
    colours = colours_of(diagram)
    parts: list[str] = []
    y: float = TOP
    for line in diagram.inputs:
        parts += draw_line(line, line.name or "in", y + ROW / 2, width, colours)
        y += height_of(line)
    parts.append(draw_box(diagram.title, y, width))
    y += BOX
    for line in diagram.outputs:
        parts += draw_line(line, line.name or "out", y + ROW / 2, width, colours)
        y += height_of(line)
    parts += [
        f'<text class="tick" x="{LEFT + SECOND * second}" y="{y + 12}">{second}{" s" if not second else ""}</text>'
        for second in range(int(seconds) + 1)
    ]
    text = escape(described(diagram))
    size = f'viewBox="0 0 {width:g} {y + 18:g}" width="{width:g}"'
    svg = f'<svg {size} role="img" aria-label="{text}">{"".join(parts)}</svg>'
    note = f"<figcaption>{escape(diagram.note)}</figcaption>" if diagram.note else ""
    return f'<figure class="marbles">{svg}{note}</figure>'


def colours_of(diagram: Diagram) -> dict[str, str]:
    """The colour of each message that goes in, or comes out of a source."""
    lines = diagram.inputs or diagram.outputs
    texts = dict.fromkeys(text for line in lines for marble in line.marbles for text in parts_of(marble.text))
    return {text: item_colour(number) for number, text in enumerate(texts, start=1)}


def parts_of(text: str) -> list[str]:
    """The messages in a text: "(a 1)" has two."""
    return text.casefold().strip("[]()").rpartition(": ")[2].split()


def draw_line(line: Line, name: str, y: float, width: float, colours: dict[str, str]) -> Iterator[str]:
    """Yield the elements of a line."""
    yield f'<text class="name" x="6" y="{y + 4}">{escape(name)}</text>'
    yield f'<path class="time" d="M{LEFT - 18} {y}H{width - 8:g}m-6 -4 6 4-6 4"/>'
    if line.end is not None:
        is_taken = any(marble.time == line.end for marble in line.marbles)
        yield f'<path class="end" d="M{LEFT + SECOND * line.end + is_taken * BESIDE:g} {y - 13}v26"/>'
    before: Counter[float] = Counter()
    for marble in line.marbles:  # those of one moment below one another
        yield draw_marble(marble, LEFT + SECOND * marble.time, y + STACKED * before[marble.time], colours)
        before[marble.time] += 1


def height_of(line: Line) -> float:
    """Return the height of a line, with room for the messages of one moment."""
    most = max(Counter(marble.time for marble in line.marbles).values(), default=1)
    return ROW + STACKED * (most - 1)


def draw_marble(marble: Marble, x: float, y: float, colours: dict[str, str]) -> str:
    """Return a message; one that was declined is crossed out."""
    half = max(RADIUS, text_width(marble.text, LETTERS) / 2 + 4)
    found = {colours[part] for part in parts_of(marble.text) if part in colours}
    colour = next(iter(found)) if len(found) == 1 else MANY
    place = f'x="{x - half:g}" y="{y - RADIUS:g}" width="{2 * half:g}" height="{2 * RADIUS}" rx="{RADIUS}"'
    shape = f'<rect {place} fill="{colour}"/>'
    text = f'<text class="message" x="{x:g}" y="{y + 4.5:g}">{escape(marble.text)}</text>'
    crossed = "" if marble.is_taken else f'<path class="declined" d="M{x - 12:g} {y - 12:g}l24 24m0 -24l-24 24"/>'
    return shape + text + crossed


def draw_box(title: str, y: float, width: float) -> str:
    """Return the box with the block."""
    return (
        f'<rect class="block" x="{LEFT - 24}" y="{y + 5}" width="{width - LEFT + 18:g}" height="{BOX - 10}" rx="5"/>'
        f'<text class="title" x="{(LEFT - 24 + width - 6) / 2:g}" y="{y + 25}">{escape(title)}</text>'
    )


def described(diagram: Diagram) -> str:
    """Return the diagram in words."""
    lines = [(line.name or "in", line) for line in diagram.inputs]
    lines += [(line.name or "out", line) for line in diagram.outputs]
    return ". ".join([diagram.title, *(f"{name}: {said(line)}" for name, line in lines)])


def said(line: Line) -> str:
    """Return a line in words."""
    messages = [
        f"{marble.text}{'' if marble.is_taken else ' (declined)'} at {marble.time:g} s" for marble in line.marbles
    ]
    return ", ".join([*messages, *([] if line.end is None else [f"end at {line.end:g} s"])])
