"""Goes through a recorded run moment by moment, and knows how everything was at each of them.

Every work and every wait begins, and every work ends, in a moment of its own. At one and the same time first all that
ends is told, then all that begins, and then the end of what took no time. A wait that ends is not told: its end is the
beginning of something else.
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
    """A span begins, or ends; `number` is that of the span."""

    time: float
    number: int
    span: Span
    begins: bool

    @property
    def is_told(self) -> bool:
        """Whether it is a step."""
        return self.begins or self.span.activity is Activity.WORK


def events_of(recording: Tape) -> list[Event]:
    """The beginnings and ends of all spans, in order."""
    keyed: list[tuple[float, int, int, Event]] = []
    for number, span in enumerate(recording.spans):
        end = max(span.start, span.end)
        last = 2 if span.start == end else 0
        keyed.append((span.start, 1, number, Event(span.start, number, span, begins=True)))
        keyed.append((end, last, number, Event(end, number, span, begins=False)))
    return [event for *_, event in sorted(keyed, key=lambda key: key[:3])]


class Replay:
    """A recorded run that can be asked how everything was at any moment of it."""

    def __init__(self, recording: Tape) -> None:
        self.recording = recording
        self.events: list[Event] = events_of(recording)
        self.begun: dict[tuple[str, int], int] = self._first_beginnings()
        self.last_taken: dict[tuple[str, str], int] = self._last_taken()

    def steps(self) -> Iterator[Step]:
        """The moments that are told."""
        for number, event in enumerate(self.events):
            if event.is_told:
                yield Step(event.time, sentence(event), event.span, number, self.state)

    def state(self, moment: int) -> RunState:
        """How everything was after the event with this number: found by going through all events until then."""
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
        """The items that were on their way over a link.

        What the second stage never begins is not shown for ever, as it was made part of another item, went elsewhere,
        or was dropped; unless it comes after all that the second stage began: then it was still on its way at the end.
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
        """By stage and item: the number of the event in which work on it begins."""
        begun: dict[tuple[str, int], int] = {}
        for number, event in enumerate(self.events):
            if event.begins and event.span.activity is Activity.WORK:
                begun.setdefault((event.span.stage, event.span.item), number)
        return begun

    def _last_taken(self) -> dict[tuple[str, str], int]:
        """By link: the place, among all that the first stage did, of the last item that the second one began."""
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
    """Say what happens."""
    span = event.span
    who = worker_name(span.stage, span.worker)
    if span.activity is Activity.WAIT_FOR_INPUT:
        return f"{who} waits for an item"
    if span.activity is Activity.WAIT_FOR_OUTPUT:
        return f"{who} waits to hand item {span.item} on" if span.item else f"{who} waits to hand something on"
    if event.begins:
        return f"{who} begins item {span.item}" if span.item else f"{who} begins to work"
    if span.error:
        return f"{who} fails with item {span.item}: {span.error}" if span.item else f"{who} fails: {span.error}"
    return f"{who} has done item {span.item}" if span.item else f"{who} has done its work"
