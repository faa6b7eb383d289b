"""The newest spans of a run, each as a plain tuple until it is read.

Only `add` is called while a network works. Added tuples never change, so the spans can be read at any time and in any
thread, and a second read need not make them again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from operator import itemgetter

from ..base.activity import Activity
from ..charts.span import Span

RawSpan = tuple[int, str, str, int, float, float, str, str, str]
"""The serial number of a span, from 0, and its fields; the activity is stored as its value.

The tuple contains nothing that the garbage collector follows, so the collector does not track it.
"""
WORK: str = Activity.WORK.value
ACTIVITIES = {activity.value: activity for activity in Activity}
stage_of = itemgetter(1)


class KeptSpans:
    """Keeps the newest spans.

    Args:
        most: The maximum number of spans to keep; None for no bound.
        given: The first spans.
        missing: The number of spans before these.

    Attributes:
        add: Adds a span; the oldest is dropped if there is no room.
        serial: Gives the serial number of the next span.
    """

    __slots__ = ("_made", "_raw", "add", "serial")

    def __init__(self, most: int | None, given: Iterable[Span] = (), missing: int = 0) -> None:
        self._raw: deque[RawSpan] = deque(maxlen=most)
        self._made: tuple[int, tuple[Span, ...]] = missing, ()
        self.add: Callable[[RawSpan], None] = self._raw.append
        self.serial: Callable[[], int] = count(missing).__next__
        for span in given:
            self.add_span(span)

    def __reduce__(self) -> tuple[type[KeptSpans], tuple[int | None, tuple[Span, ...], int]]:
        return KeptSpans, (self._raw.maxlen, self.spans(), self.dropped)  # a copy has methods of its own

    def __len__(self) -> int:
        return len(self._raw)

    @property
    def dropped(self) -> int:
        """The number of dropped spans before the first kept one."""
        return self._raw[0][0] if self._raw else self._made[0]

    def add_span(self, span: Span) -> None:
        """Add an existing span."""
        what = span.activity.value, span.label, span.error
        self.add((self.serial(), span.stage, span.worker, span.item, span.start, span.end, *what))

    def stages(self) -> set[str]:
        """The names of the stages that have spans."""
        return set(map(stage_of, self._raw))

    def spans(self) -> tuple[Span, ...]:
        """The spans, in the order in which they were added."""
        raw = tuple(self._raw)
        until, made = self._made
        total = raw[-1][0] + 1 if raw else until
        new = min(total - until, len(raw))
        old = len(raw) - new
        spans = made[len(made) - old :] + tuple(map(made_of, raw[old:]))
        self._made = total, spans
        return spans

    def newest(self, most: int) -> tuple[Span, ...]:
        """Up to `most` spans, the newest; the others are not made."""
        return tuple(map(made_of, tuple(self._raw)[-most:]))

    def since(self, seen: int, most: int | None = None) -> tuple[int, tuple[Span, ...]]:
        """The spans after the first `seen` ones, without those that were dropped; up to `most`, the newest.

        Returns:
            The number of spans so far, for the next call; and the spans.
        """
        raw = tuple(self._raw)
        total = raw[-1][0] + 1 if raw else self._made[0]
        new = min(total - seen, len(raw), len(raw) if most is None else most)
        return total, tuple(map(made_of, raw[len(raw) - new :]))


def made_of(raw: RawSpan) -> Span:
    """Make a span."""
    _, stage, worker, item, start, end, activity, label, error = raw
    return Span(stage, worker, item, start, end, ACTIVITIES[activity], label, error)
