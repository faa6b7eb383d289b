"""Converts a recording to a trace for Perfetto and chrome://tracing.

The format is the Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
- Perfetto drops a slice that partly overlaps another slice of its thread. So a worker that did several things at once
  gets several threads. Times are rounded to whole microseconds: slices that only touch do not overlap after that. The
  exact times are in the arguments.
- A flow event belongs to the slice that contains its time; no other slice of the thread contains a slice's start.
- Perfetto ignores `cname`, the colours; chrome://tracing knows a few colours by these names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..base.activity import Activity
from ..charts.rows import Row, rows_of
from ..charts.span import Span
from ..charts.tape import Tape

FORMAT = "penstock recording"
VERSION = 1
PROCESS = 1
WAIT_COLOURS = {
    Activity.WAIT_FOR_INPUT: "grey",
    Activity.WAIT_FOR_OUTPUT: "thread_state_iowait",
    Activity.WAIT_FOR_RATE: "thread_state_runnable",
}
ERROR_COLOUR = "terrible"


def to_chrome(recording: Tape) -> dict[str, Any]:
    """Make a trace from a recording; the spans stay in order."""
    rows = rows_of(recording, waits_overlap=False)  # in Perfetto, bars of a thread must not partly overlap
    thread_of = {id(span): number for number, row in enumerate(rows, start=1) for span in row.spans}
    events = [*name_rows(recording, rows)]
    events += [bar(span, thread_of[id(span)]) for span in recording.spans]
    events += flows(recording.spans, thread_of)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "format": FORMAT,
            "version": VERSION,
            "network": recording.network,
            "seconds": recording.seconds,
            "stages": list(recording.stages),
            "links": [list(link) for link in recording.links],
            "dropped": recording.dropped,
        },
    }


def name_rows(recording: Tape, rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    """Name the process, which is the network, and the threads, which are the rows."""
    missing = f"{recording.dropped} older spans were dropped" if recording.dropped else "all spans"
    yield metadata("process_name", 0, name=recording.network or "network")
    yield metadata("process_labels", 0, labels=missing)
    for number, row in enumerate(rows, start=1):
        yield metadata("thread_name", number, name=row.title)
        yield metadata("thread_sort_index", number, sort_index=number)


def metadata(what: str, thread: int, **arguments: object) -> dict[str, Any]:
    """Make a metadata event for a thread, or the process."""
    return {"name": what, "ph": "M", "pid": PROCESS, "tid": thread, "args": arguments}


def bar(span: Span, thread: int) -> dict[str, Any]:
    """Make the "complete" event of a span."""
    start, end = microseconds(span.start), microseconds(span.end)
    event: dict[str, Any] = {
        "name": bar_name(span),
        "cat": span.stage if span.activity is Activity.WORK else f"{span.stage},{span.activity.value}",
        "ph": "X",
        "ts": start,
        "dur": end - start,
        "pid": PROCESS,
        "tid": thread,
        "args": {
            "item": span.item,
            "label": span.label,
            "error": span.error,
            "activity": span.activity.value,
            "stage": span.stage,
            "worker": span.worker,
            "start": span.start,
            "end": span.end,
        },
    }
    if colour := ERROR_COLOUR if span.error else WAIT_COLOURS.get(span.activity):
        event["cname"] = colour
    return event


def bar_name(span: Span) -> str:
    """The text on a bar."""
    if span.activity is Activity.WORK and span.item:
        return f"item {span.item}"
    return str(span.activity.value)


def microseconds(seconds: float) -> int:
    """Convert seconds to the unit of a trace: whole microseconds."""
    return round(seconds * 1e6)


def flows(spans: tuple[Span, ...], thread_of: dict[int, int]) -> Iterator[dict[str, Any]]:
    """Make the flow events that connect the bars of each item, in the order in which they began."""
    by_item: dict[int, list[Span]] = {}
    for span in spans:
        if span.item and span.activity is Activity.WORK:
            by_item.setdefault(span.item, []).append(span)
    for item, bars in by_item.items():
        bars.sort(key=lambda span: (span.start, span.end))
        for number, span in enumerate(bars if len(bars) > 1 else ()):
            phase = "s" if number == 0 else "f" if number == len(bars) - 1 else "t"
            yield {
                "name": "item",
                "cat": "item",
                "ph": phase,
                "id": item,
                "ts": microseconds(span.start),
                "pid": PROCESS,
                "tid": thread_of[id(span)],
                "bp": "e",
            }
