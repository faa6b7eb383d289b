"""Reports what keeps the event loop from running anything else."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from types import CodeType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import attrs
import trio

from .errors import LoopHeldWarning

LOOP_HELD = 0.1
"""Seconds; what takes longer at a stretch does not belong on the loop."""
HELD = "held the event loop"
REMEDY = (
    "what takes long belongs into a thread, by `await trio.to_thread.run_sync(…)`, or into a block with "
    "executor=Threads(n); a filter, a key or a weight that is called when it sends counts as its own"
)


class Named(Protocol):
    """Something that holds the loop: a block."""

    @property
    def name(self) -> str: ...


def code_of(function: Callable[..., Any] | None) -> CodeType | None:
    """The code of a function, without what is wrapped around it; None if it has none of its own."""
    return None if function is None else getattr(inspect.unwrap(function), "__code__", None)


@attrs.frozen
class Holder:
    """What a task does, as far as that matters when it holds the loop.

    Attributes:
        words: What it is called in a warning.
        name: What stands for its file if it has no code of its own.
        remedy: What to do, as a clause.
        code: The code that runs in the task, if it is known. A function could keep the task alive that it stands for.
    """

    words: str
    name: str
    remedy: str
    code: CodeType | None = attrs.field(default=None, converter=code_of)

    def __str__(self) -> str:
        return self.words


class LoopHeld:
    """Tells what has held the loop.

    Attributes:
        explained: Seconds of the present step of a block of which it has been said, or need not be said again, what
            took them.
        told: The same of the present step of a task, in which a pump runs the steps of several blocks.
        holders: What tasks of networks do, also if they have ended.
    """

    __slots__ = ("explained", "holders", "told")

    def __init__(self) -> None:
        self.explained: float = 0.0
        self.told: float = 0.0
        self.holders: WeakKeyDictionary[trio.lowlevel.Task, Holder] = WeakKeyDictionary()

    def begin(self) -> None:
        """Forget what was explained before the loop is watched: there was no watch to take note of it."""
        self.explained = self.told = 0.0

    def explain(self, seconds: float) -> None:
        """It is known what has taken some of the present step."""
        self.explained += seconds
        self.told += seconds

    def rest_of(self, seconds: float) -> float:
        """How much of a step of a block is not explained yet; from here on all of it is."""
        rest, self.explained = seconds - self.explained, 0.0
        self.told += rest
        return rest

    def rest_of_task(self, seconds: float) -> float:
        """The same of a step of a task."""
        rest, self.explained, self.told = seconds - self.told, 0.0, 0.0
        return rest

    def report(
        self,
        block: Named,
        seconds: float,
        remedy: str,
        *,
        part: str = "",
        function: Callable[..., Any] | None = None,
        code: CodeType | None = None,
    ) -> None:
        """Warn.

        Args:
            block: What held the loop.
            seconds: For how long.
            remedy: What to do, as a clause.
            part: Which part of the block it was, if not its function.
            function: What was called, if it is known; the warning is shown at its place.
            code: The same, where only the code is known.
        """
        code = code or code_of(function)
        warnings.warn_explicit(
            f"{part}{block} {HELD} for {seconds * 1000:.0f} ms; {remedy}",
            LoopHeldWarning,
            filename=f"<{block.name}>" if code is None else code.co_filename,
            lineno=0 if code is None else code.co_firstlineno,
        )


loop_held: LoopHeld = LoopHeld()


def is_wanted() -> bool:
    """Whether the filters of warnings let anybody hear of it."""
    for action, message, category, _, line in warnings.filters:
        pattern: Any = message
        if issubclass(LoopHeldWarning, category) and not line and (pattern is None or pattern.match(f"it {HELD}")):
            return action != "ignore"
    return True
