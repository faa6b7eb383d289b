"""One moment of a recorded run: what happens, and how everything is then."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ..charts.span import Span


@attrs.frozen
class RunState:
    """How everything was at a moment of a run.

    Attributes:
        working: What is being worked on, and by whom; in the order in which it began.
        waiting: Who waits for an item, or waits to hand one on; in the order in which it began.
        done: By stage: the items that it has done, in the order in which it did.
        failed: The items on which work has failed.
        between: By link: the items that the first stage has done and the second one has not begun. An item that the
            second stage never begins is there only if it comes after all those that it does begin.
    """

    working: tuple[Span, ...]
    waiting: tuple[Span, ...]
    done: Mapping[str, tuple[int, ...]]
    failed: tuple[int, ...]
    between: Mapping[tuple[str, str], tuple[int, ...]]


@attrs.frozen
class Step:
    """One moment of a recorded run.

    Attributes:
        time: Seconds since the start of the network.
        sentence: What happens, for people: "filter 2 begins item 7".
        span: What begins or ends.
    """

    time: float
    sentence: str
    span: Span
    _moment: int = attrs.field(repr=False)
    _state_at: Callable[[int], RunState] = attrs.field(repr=False, eq=False)

    @property
    def state(self) -> RunState:
        """How everything is after it; found by going through all that came before, so ask only when you need it."""
        return self._state_at(self._moment)
