"""What a chart is drawn from: a recording, as far as a chart knows it."""

from __future__ import annotations

from typing import Protocol

from .span import Span


class Tape(Protocol):
    """Who did what with which item, from when to when."""

    network: str
    seconds: float
    stages: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    dropped: int

    @property
    def spans(self) -> tuple[Span, ...]:
        """What was recorded, in the order in which it ended."""
        ...
