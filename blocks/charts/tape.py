"""The part of a recording that a chart needs."""

from __future__ import annotations

from typing import Protocol

from .span import Span


class Tape(Protocol):
    """The spans of a run, with the names of its stages and links."""

    network: str
    seconds: float
    stages: tuple[str, ...]
    links: tuple[tuple[str, str], ...]

    @property
    def dropped(self) -> int:
        """The number of spans that are missing before the first."""
        ...

    @property
    def spans(self) -> tuple[Span, ...]:
        """The recorded spans, in the order in which they ended."""
        ...
