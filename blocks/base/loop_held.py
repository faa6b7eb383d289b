"""Reports what keeps the event loop from running anything else."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any, Protocol

from .errors import LoopHeldWarning

LOOP_HELD = 0.1
"""Seconds; what takes longer at a stretch does not belong on the loop."""


class Named(Protocol):
    """Something that holds the loop: a block."""

    name: str


class LoopHeld:
    """Tells what has held the loop.

    Attributes:
        explained: Seconds of the present step of which it has been said, or need not be said again, what took them.
    """

    __slots__ = ("explained",)

    def __init__(self) -> None:
        self.explained = 0.0

    def report(
        self, block: Named, seconds: float, remedy: str, *, part: str = "", function: Callable[..., Any] | None = None
    ) -> None:
        """Warn.

        Args:
            block: What held the loop.
            seconds: For how long.
            remedy: What to do, as a clause.
            part: Which part of the block it was, if not its function.
            function: What was called, if it is known; the warning is shown at its place.
        """
        code = None if function is None else getattr(inspect.unwrap(function), "__code__", None)
        warnings.warn_explicit(
            f"{part}{block} held the event loop for {seconds * 1000:.0f} ms; {remedy}",
            LoopHeldWarning,
            filename=f"<{block.name}>" if code is None else code.co_filename,
            lineno=0 if code is None else code.co_firstlineno,
        )


loop_held = LoopHeld()
