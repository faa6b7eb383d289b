"""Writes a span of OpenTelemetry for each item and stage of a running network.

An item is recognised in the next stage as it is for a recording, by `ItemNumbers`. Whether its spans are recorded is
decided when it is first seen; after that, the work on an item that is not recorded costs two look-ups per stage.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from itertools import count
from time import time_ns
from typing import Any

import trio
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Link, NonRecordingSpan, Span, get_current_span, set_span_in_context

from ..base.activity import Activity
from ..base.names import BODY
from ..base.timing import time_slice
from ..core.carried import Carried
from ..core.observer import Work
from ..recording.item_numbers import ItemNumbers
from ..recording.routes import Routes
from ..recording.tracer import within
from .item_trace import UNSAMPLED, ItemTrace
from .spans import Spans, mark_failed
from .task_spans import TaskSpans

MOST_ON_THE_WAY = 100_000
"""Up to this many items on their way are known."""
MOST_LINKS = 127
"""Up to this many links from a span to other items; the SDK keeps 128."""


class SpanWork(Work):
    """Work on one item; the label is different for each.

    Attributes:
        tries: How often it has failed.
    """

    tries = 0


class SpanTracer:
    """Writes the spans of one network.

    Args:
        spans: Starts spans.
        routes: Say which stage can get an item from which place.

    Attributes:
        numbers: The items on their way.
        current: The work that each task does now.
    """

    def __init__(self, spans: Spans, routes: Routes) -> None:
        self.numbers: ItemNumbers = ItemNumbers(MOST_ON_THE_WAY, routes)
        self.current: dict[trio.lowlevel.Task, Work] = {}
        self._spans = spans
        self._entered = get_current()
        self._serial = count().__next__

    def task(self, name: str) -> TaskSpans:
        """Watch the task of an agent, or the body, whose work is its own affair."""
        return TaskSpans(self, name, has_spans=name != BODY)

    def strangers(self) -> TaskSpans:
        """Watch what all other tasks send."""
        return TaskSpans(self, "", has_spans=False)

    # Items

    def taken(self, item: object, stage: str) -> ItemTrace:
        """The trace of an item that a stage begins to work on; a new one if the item was not seen before."""
        number = self.numbers.take(item, stage)
        if type(number) is ItemTrace:
            return number
        return self.decide(number, item.context.run(get_current) if type(item) is Carried else self._entered)

    def own_context(self) -> Context | None:
        """The context of the running task if it has a span of its own, and not only that of the network."""
        here = get_current()
        span = get_current_span(here)
        is_own = span is not get_current_span(self._entered) and span.get_span_context().is_valid
        return here if is_own else None

    def entered(self, number: int) -> ItemTrace:
        """The trace of an item whose sender has no span of its own."""
        return self.decide(number, self._entered)

    def decide(self, number: int, context: Context) -> ItemTrace:
        """Decide whether an item that comes in a context is traced; without a span there, it begins a trace."""
        sender = get_current_span(context).get_span_context()
        if sender.is_valid:
            return ItemTrace(number, context) if sender.trace_flags.sampled else UNSAMPLED
        root = self._spans.root(number, context)
        self._spans.end(root)
        return following(root, number, context)

    def start(self, item: ItemTrace, stage: str, worker: str = "", tries: int = 0, at: int | None = None) -> Span:
        """Start the span of an item in a stage, now or at a time."""
        links = [Link(other) for other in item.links] or None
        span = self._spans.start(stage, item.parent, int(item), item.tries + tries, links, at)
        if worker:
            span.set_attribute("penstock.worker", worker)
        return span

    def worked(self, item: ItemTrace, stage: str, start: float, end: float) -> None:
        """Write a span after its end; the times are those of `time_slice.clock`."""
        at, until = wall_times(start, end)
        self._spans.end(self.start(item, stage, at=at), until)

    # Calls

    def calls(
        self, stage: str, function: Callable[[Any], Any], gives: bool, passes_on: bool = False
    ) -> Callable[[Any], Any]:
        """Wrap a plain function so that each call is in a span."""
        taken, give = self.taken, self.numbers.give

        def traced(item: Any) -> Any:
            trace = taken(item, stage)
            try:
                result = function(item) if trace is UNSAMPLED else self._call(function, item, trace, stage)
            except BaseException:
                give(item, trace.failed() if trace is not UNSAMPLED else trace, stage, inside=True)
                raise
            if gives:
                give(item if passes_on else result, trace.handed_on(), stage)
            return result

        return traced

    def _call(self, function: Callable[[Any], Any], item: Any, trace: ItemTrace, stage: str) -> Any:
        span = self.start(trace, stage)
        token = enter(span, item, trace)
        try:
            return function(item)
        except BaseException as error:
            mark_failed(span, error)
            raise
        finally:
            leave(item, token)
            self._spans.end(span)

    def async_calls(
        self, stage: str, function: Callable[[Any], Awaitable[Any]], gives: bool, unnamed: Container[trio.lowlevel.Task]
    ) -> Callable[[Any], Awaitable[Any]]:
        """Wrap an async function so that each call is in a span."""
        taken, give = self.taken, self.numbers.give

        async def traced(item: Any) -> Any:
            trace = taken(item, stage)
            task = trio.lowlevel.current_task()
            self.current[task] = Work(stage, trace, "", 0.0)
            try:
                if trace is UNSAMPLED:
                    result = await function(item)
                else:
                    result = await self._await(function, item, trace, stage, "" if task in unnamed else task.name)
            except BaseException:
                give(item, trace.failed() if trace is not UNSAMPLED else trace, stage, inside=True)
                raise
            if gives:
                give(result, trace.handed_on(), stage)
            return result

        return traced

    async def _await(
        self, function: Callable[[Any], Awaitable[Any]], item: Any, trace: ItemTrace, stage: str, worker: str
    ) -> Any:
        span = self.start(trace, stage, worker)
        token = enter(span, item, trace)
        try:
            return await function(item)
        except BaseException as error:
            mark_failed(span, error)
            raise
        finally:
            leave(item, token)
            self._spans.end(span)

    # Work whose begin and end are told

    def begin(self, stage: str, item: object) -> Work:
        """Begin the work of a stage on an item."""
        return SpanWork(stage, self.taken(item, stage), str(self._serial()), time_slice.clock())

    def begin_all(self, stage: str, items: Iterable[object]) -> list[Work]:
        """Begin the work of a stage on several items, which it gets at once."""
        return [self.begin(stage, item) for item in items]

    def end(
        self,
        work: Work,
        worker: str = "",
        error: BaseException | None = None,
        times: tuple[float, float] | None = None,
    ) -> None:
        """End the work on an item and write its span; the times are those of a worker."""
        trace = work.number
        if trace is UNSAMPLED:
            return
        assert isinstance(trace, ItemTrace)
        assert isinstance(work, SpanWork)
        now = time_slice.clock()
        start, end = wall_times(*((work.start, now) if times is None else within(times, work.start, now)))
        span = self.start(trace, work.stage, worker, work.tries, start)
        if error is not None:
            mark_failed(span, error)
        self._spans.end(span, end)

    def failed(
        self,
        work: Work,
        item: object,
        error: BaseException,
        worker: str = "",
        times: tuple[float, float] | None = None,
    ) -> None:
        """End work that failed; the item may be tried again, or go elsewhere."""
        self.end(work, worker, error, times)
        trace = work.number
        assert isinstance(trace, ItemTrace)
        assert isinstance(work, SpanWork)
        work.tries += 1  # an executor tries again without another `begin`
        number = trace if trace is UNSAMPLED else trace.failed()
        self.numbers.give(item, number, work.stage, inside=True)

    def waits_of(self, stage: str) -> Callable[[Activity, float, float], None]:
        """Waits have no spans."""
        del stage
        return no_wait

    # What items are made of

    def gave(self, outputs: Iterable[object], work: Work) -> None:
        """Give several outputs the trace of the item that they were made from."""
        trace = work.number
        assert isinstance(trace, ItemTrace)
        give, stage, number = self.numbers.give, work.stage, trace.handed_on()
        for output in outputs:
            give(output, number, stage)

    def made(self, stage: str, items: Sequence[object], start: float, end: float) -> None:
        """Write a span for each of the items that a stage has made at once; each gets an equal share of the time."""
        each = (end - start) / max(1, len(items))
        for place, item in enumerate(items):
            begun = start + place * each
            number = self.numbers.new()
            if get_current_span(self._entered).get_span_context().is_valid:
                trace = self.decide(number, self._entered)
                if trace is not UNSAMPLED:
                    self.worked(trace, stage, begun, begun + each)
            else:
                at, until = wall_times(begun, begun + each)
                root = self._spans.start(stage, self._entered, number, at=at)
                self._spans.end(root, until)
                trace = following(root, number, self._entered)
            self.numbers.give(item, trace, stage)

    def merged_into(self, place: str, parts: Iterable[object], whole: object) -> None:
        """Let an item made of others go on with the trace of the first, and with links to the others.

        One that is made of no others, such as an empty list, begins a trace.
        """
        traces = [self.taken(part, place) for part in parts] or [self.entered(self.numbers.new())]
        seen = [trace for trace in traces if trace is not UNSAMPLED]
        if not seen:
            self.numbers.give(whole, UNSAMPLED, place)
            return
        spans = {trace: get_current_span(trace.parent).get_span_context() for trace in seen}
        first = spans.pop(seen[0])
        others = {span.span_id: span for span in spans.values() if span.span_id != first.span_id}
        links = (*seen[0].links, *others.values())[:MOST_LINKS]
        self.numbers.give(whole, ItemTrace(seen[0], seen[0].parent, links), place)

    def multiply(self, place: str, item: object, times: int) -> None:
        """Note that an item leaves a block along several links."""
        self.numbers.multiply(item, times, place)

    def forget(self, place: str, items: Iterable[object]) -> None:
        """Forget items that have ended, or left the network."""
        for item in items:
            self.numbers.multiply(item, 0, place)

    def forget_all(self) -> None:
        """Forget all items, because the network has ended."""
        self.numbers.clear()


def following(root: Span, number: int, context: Context) -> ItemTrace:
    """The trace of an item that begins with a span."""
    span = root.get_span_context()
    if not (root.is_recording() or span.trace_flags.sampled):
        return UNSAMPLED
    return ItemTrace(number, set_span_in_context(NonRecordingSpan(span), context))  # it keeps no attributes alive


def enter(span: Span, item: object, trace: ItemTrace) -> Any:
    """Make a span the current one where the function is called; return a token, or None if nothing is recorded."""
    if not span.is_recording():
        return None
    if type(item) is Carried:
        return item.context.run(lambda: attach(set_span_in_context(span)))
    return attach(set_span_in_context(span, trace.parent))


def leave(item: object, token: Any) -> None:
    """Make the span before it the current one again."""
    if token is not None:
        if type(item) is Carried:
            item.context.run(detach, token)
        else:
            detach(token)


def wall_times(start: float, end: float) -> tuple[int, int]:
    """Convert two times of `time_slice.clock` into nanoseconds since 1970, from one look at the wall clock."""
    at = time_ns() - int((time_slice.clock() - start) * 1e9)
    return at, at + int((end - start) * 1e9)


def no_wait(activity: Activity, start: float, end: float) -> None:
    """Write no span for a wait."""
