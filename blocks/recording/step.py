"""One step of a recorded run: what happens, and the state after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ..charts.span import Span


@attrs.frozen
class RunState:
    """The state of a run after a step.

    Attributes:
        working: The spans of current work, in the order in which they began.
        waiting: The spans of current waits, for an item or to hand an item on, in the order in which they began.
        done: For each stage, the items that it has done, in the order in which it did them.
        failed: The items on which work has failed.
        between: For each link, the items that the first stage has done and the second has not begun. An item that the
            second stage never begins is there only if it comes after all those that it does begin.
    """

    working: tuple[Span, ...]
    waiting: tuple[Span, ...]
    done: Mapping[str, tuple[int, ...]]
    failed: tuple[int, ...]
    between: Mapping[tuple[str, str], tuple[int, ...]]


@attrs.frozen
class Step:
    """One step of a recorded run.

    Attributes:
        time: Seconds since the start of the network.
        sentence: A description for people: "filter 2 begins item 7".
        span: The span that begins or ends.
    """

    time: float
    sentence: str
    span: Span
    _moment: int = attrs.field(repr=False)
    _state_at: Callable[[int], RunState] = attrs.field(repr=False, eq=False)

    @property
    def state(self) -> RunState:
        """The state after this step; computed from all earlier events each time, so ask only when you need it."""
        return self._state_at(self._moment)
