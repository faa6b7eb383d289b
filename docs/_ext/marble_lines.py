"""What a marble diagram is made of: lines with messages at times; and the scene that says what is run."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import attrs
import trio

from penstock.agents import Agent, Askable
from penstock.blocks import Block, Chosen, Source, Target


@attrs.frozen
class Marble:
    """A message at a time.

    Attributes:
        time: Seconds from the start.
        text: The message.
        is_taken: Whether it was taken; else it was declined.
    """

    time: float
    text: str
    is_taken: bool = True


@attrs.define
class Line:
    """What has come along a line.

    Attributes:
        name: The name of the line; may be empty.
        marbles: The messages.
        end: When it has ended; None if this is not known.
    """

    name: str
    marbles: list[Marble] = attrs.field(factory=list[Marble])
    end: float | None = None


@attrs.frozen
class Diagram:
    """What a run has shown.

    Attributes:
        title: The block, as it is made.
        note: What else a reader must know.
        inputs: What has gone in.
        outputs: What has come out, or which calls were made.
    """

    title: str
    note: str
    inputs: tuple[Line, ...]
    outputs: tuple[Line, ...]


class Notes:
    """Notes what happens, with the time since the start."""

    def __init__(self) -> None:
        self._start = trio.current_time()
        self.lines: list[Line] = []

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return round(trio.current_time() - self._start, 1)

    def line(self, name: str = "") -> Line:
        """Begin a line."""
        self.lines.append(Line(name))
        return self.lines[-1]


@attrs.frozen
class Wiring:
    """The blocks of a run: where messages go in, where they come out, and the block that is asked, if there is one."""

    targets: Sequence[Target[Any]]
    sources: Sequence[Source[Any]]
    nodes: Sequence[Block | Agent] = ()
    asked: Askable[Any, Any] | None = None


@attrs.frozen
class Scene:
    """How a block is shown.

    Attributes:
        title: The block, as it is made.
        make: Makes the block.
        inputs: For each input, a character per second: a letter or digit is a message, "|" the end.
        pace: Seconds that a reader of an output needs for each message.
        calls: The name of the function whose calls are shown; empty for none.
        message: Makes a message of a character.
        note: What else a reader of the diagram must know.
    """

    title: str
    make: Callable[[Callable[[Any], None]], Wiring]
    inputs: tuple[str, ...] = ("abc|",)
    pace: float = 0.0
    calls: str = ""
    message: Callable[[str], object] = lambda text: int(text) if text.isdecimal() else text
    note: str = ""


def said(message: object) -> str:
    """A message as text."""
    if isinstance(message, Chosen):
        chosen = cast("Chosen[object]", message)
        return f"{chosen.index}: {chosen.value}"
    if isinstance(message, bytes):
        return message.decode()
    if isinstance(message, list | tuple):
        opening, closing = "[]" if isinstance(message, list) else "()"
        return f"{opening}{' '.join(map(str, cast('Iterable[object]', message)))}{closing}"
    return str(message)
