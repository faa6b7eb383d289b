"""Goes through a recorded run step by step, and gives the state at each step.

There is a step for each start of work or of a wait, and for each end of work. At the same time, ends come first, then
starts, and then the ends of work that took no time. The end of a wait is not a step, because something else starts
then.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..base.activity import Activity
from ..charts.rows import worker_name
from ..charts.span import Span
from ..charts.tape import Tape
from .step import RunState, Step


@attrs.frozen
class Event:
    """The start or the end of a span; `number` is that of the span."""

    time: float
    number: int
    span: Span
    begins: bool

    @property
    def is_told(self) -> bool:
        """Whether the event is a step."""
        return self.begins or self.span.activity is Activity.WORK


def events_of(recording: Tape) -> list[Event]:
    """The starts and ends of all spans, in order."""
    keyed: list[tuple[float, int, int, Event]] = []
    for number, span in enumerate(recording.spans):
        end = max(span.start, span.end)
        last = 2 if span.start == end else 0
        keyed.append((span.start, 1, number, Event(span.start, number, span, begins=True)))
        keyed.append((end, last, number, Event(end, number, span, begins=False)))
    return [event for *_, event in sorted(keyed, key=lambda key: key[:3])]


class Replay:
    """Gives the steps of a recorded run, and its state after any event."""

    def __init__(self, recording: Tape) -> None:
        self.recording = recording
        self.events: list[Event] = events_of(recording)
        self.begun: dict[tuple[str, int], int] = self._first_beginnings()
        self.last_taken: dict[tuple[str, str], int] = self._last_taken()

    def steps(self) -> Iterator[Step]:
        """The steps, in order."""
        for number, event in enumerate(self.events):
            if event.is_told:
                yield Step(event.time, sentence(event), event.span, number, self.state)

    def state(self, moment: int) -> RunState:
        """The state after the event with this number, computed from all events until then."""
        active: dict[int, Span] = {}
        done: dict[str, dict[int, None]] = {stage: {} for stage in self.recording.stages}
        failed: dict[int, None] = {}
        for event in self.events[: moment + 1]:
            span = event.span
            if event.begins:
                active[event.number] = span
                continue
            del active[event.number]
            if span.activity is Activity.WORK and span.item:
                if span.error:
                    failed[span.item] = None
                else:
                    done.setdefault(span.stage, {})[span.item] = None
        return RunState(
            working=tuple(span for span in active.values() if span.activity is Activity.WORK),
            waiting=tuple(span for span in active.values() if span.activity is not Activity.WORK),
            done={stage: tuple(items) for stage, items in done.items()},
            failed=tuple(failed),
            between={link: self._between(link, done, moment) for link in self.recording.links},
        )

    def _between(self, link: tuple[str, str], done: dict[str, dict[int, None]], moment: int) -> tuple[int, ...]:
        """The items in transit on a link.

        An item that the second stage never begins was merged, went elsewhere, or was dropped, and so is left out. But
        an item after all those that the second stage began was still in transit at the end.
        """
        source, target = link
        never = len(self.events)
        items: list[int] = []
        for place, item in enumerate(done.get(source, {})):
            begun = self.begun.get((target, item), -1 if place < self.last_taken.get(link, -1) else never)
            if begun > moment:
                items.append(item)
        return tuple(items)

    def _first_beginnings(self) -> dict[tuple[str, int], int]:
        """For each stage and item, the number of the first event in which work on it begins."""
        begun: dict[tuple[str, int], int] = {}
        for number, event in enumerate(self.events):
            if event.begins and event.span.activity is Activity.WORK:
                begun.setdefault((event.span.stage, event.span.item), number)
        return begun

    def _last_taken(self) -> dict[tuple[str, str], int]:
        """For each link, the index, among the first stage's items, of the last that the second stage began."""
        done: dict[str, dict[int, None]] = {}
        for event in self.events:
            span = event.span
            if not event.begins and span.activity is Activity.WORK and span.item and not span.error:
                done.setdefault(span.stage, {})[span.item] = None
        return {
            (source, target): place
            for source, target in self.recording.links
            for place, item in enumerate(done.get(source, {}))
            if (target, item) in self.begun
        }


def sentence(event: Event) -> str:
    """Describe an event in a sentence."""
    span = event.span
    who = worker_name(span.stage, span.worker)
    if span.activity is Activity.WAIT_FOR_INPUT:
        return f"{who} waits for an item"
    if span.activity is Activity.WAIT_FOR_OUTPUT:
        return f"{who} waits to hand item {span.item} on" if span.item else f"{who} waits to hand an item on"
    if span.activity is Activity.WAIT_FOR_RATE:
        return f"{who} waits for its rate"
    if event.begins:
        return f"{who} begins item {span.item}" if span.item else f"{who} begins to work"
    if span.error:
        return f"{who} fails with item {span.item}: {span.error}" if span.item else f"{who} fails: {span.error}"
    return f"{who} has done item {span.item}" if span.item else f"{who} has done its work"
