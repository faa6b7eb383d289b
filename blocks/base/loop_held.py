"""Reports code that keeps the event loop from running anything else."""

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
"""Seconds; code that runs longer than this without a pause does not belong on the loop."""
HELD = "held the event loop"
REMEDY = (
    "run slow code in a thread, with `await trio.to_thread.run_sync(…)`, or in a block with executor=Threads(n); a "
    "filter, a key or a weight that is called when it sends counts as its own"
)


class Named(Protocol):
    """A block that holds the loop."""

    @property
    def name(self) -> str: ...


def code_of(function: Callable[..., Any] | None) -> CodeType | None:
    """Return the code of a function without its wrappers; None if it has no Python code."""
    return None if function is None else getattr(inspect.unwrap(function), "__code__", None)


@attrs.frozen
class Holder:
    """Describes a task for a warning that it has held the loop.

    Attributes:
        words: The name of the task in the warning.
        name: A name to use instead of its file if it has no Python code.
        remedy: What to do, as a clause.
        code: The code that runs in the task, if it is known. A reference to the function could keep the task alive.
    """

    words: str
    name: str
    remedy: str
    code: CodeType | None = attrs.field(default=None, converter=code_of)

    def __str__(self) -> str:
        return self.words


class LoopHeld:
    """Warns of code that has held the loop, once for each stretch of time.

    Attributes:
        explained: Seconds of the current step of a block that were reported already, or need no report.
        told: The same for the current step of a task, in which a pump runs the steps of several blocks.
        holders: A description of each task of a network, even if it has ended.
    """

    __slots__ = ("explained", "holders", "told")

    def __init__(self) -> None:
        self.explained: float = 0.0
        self.told: float = 0.0
        self.holders: WeakKeyDictionary[trio.lowlevel.Task, Holder] = WeakKeyDictionary()

    def begin(self) -> None:
        """Forget the seconds that were reported before the loop was watched."""
        self.explained = self.told = 0.0

    def explain(self, seconds: float) -> None:
        """Note that some seconds of the current step were reported."""
        self.explained += seconds
        self.told += seconds

    def rest_of(self, seconds: float) -> float:
        """Return the seconds of a block's step that were not reported yet; they count as reported from now on."""
        rest, self.explained = seconds - self.explained, 0.0
        self.told += rest
        return rest

    def rest_of_task(self, seconds: float) -> float:
        """Return the seconds of a task's step that were not reported yet, and begin a new step."""
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
        """Warn that a block has held the loop.

        Args:
            block: The block.
            seconds: How long it held the loop.
            remedy: What to do, as a clause.
            part: The part of the block that held it, if not its function.
            function: The function that was called, if it is known; the warning shows its place.
            code: The code of the function, if only that is known.
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
    """Whether Python's warning filters would show the warning."""
    for action, message, category, _, line in warnings.filters:
        pattern: Any = message
        if issubclass(LoopHeldWarning, category) and not line and (pattern is None or pattern.match(f"it {HELD}")):
            return action != "ignore"
    return True
