"""Reads a trace that was made from a recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

import attrs

from ..base.activity import Activity
from ..base.error_info import shorten
from ..charts.span import Span
from .chrome import FORMAT, VERSION

MOST = 2**63
"""The limit of counts and times: other programs could not read larger numbers either."""
ADVICE = "make one with recording.save('run.json')"


@attrs.frozen
class Contents:
    """The parts of a recording."""

    spans: tuple[Span, ...]
    network: str
    seconds: float
    stages: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    dropped: int


def read_chrome(trace: object, path: object) -> Contents:
    """Read the parts of a trace; every value must have the type and the range that `to_chrome` gives it.

    Args:
        trace: The parsed JSON of the file.
        path: The file, for messages.

    Raises:
        ValueError: The trace is not a recording, is damaged, or has another version.
    """
    header = header_of(trace, path)
    version = header.get("version")
    if not is_count(version) or version != VERSION:
        raise ValueError(
            f"{path}: this is a recording of version {shorten(version)}, and this Penstock reads version "
            f"{VERSION}; read it with the Penstock that wrote it"
        )
    try:
        return contents(header, entries(trace, "traceEvents"))
    except ValueError as error:
        raise ValueError(
            f"{path}: this recording is damaged ({error}); expected a file as Recording.save wrote it; {ADVICE}"
        ) from error


def header_of(trace: object, path: object) -> dict[str, object]:
    """The part of a trace beside the events."""
    if not is_object(trace):
        came = f"a JSON {type(trace).__name__}"
    else:
        header = trace.get("otherData")
        if is_object(header) and header.get("format") == FORMAT:
            return header
        is_trace = "traceEvents" in trace
        came = "a trace that another program wrote" if is_trace else "a JSON object without traceEvents"
    raise ValueError(f"{path}: expected a recording of a network, as Recording.save writes it, got {came}; {ADVICE}")


def contents(header: dict[str, object], events: list[object]) -> Contents:
    """Make the parts of a recording from the header and the events."""
    return Contents(
        spans=tuple(read_span(arguments) for arguments in complete(events)),
        network=text(header, "network"),
        seconds=seconds(header, "seconds"),
        stages=tuple(name(stage, "stages") for stage in entries(header, "stages")),
        links=tuple(pair(link) for link in entries(header, "links")),
        dropped=count(header, "dropped"),
    )


def complete(events: list[object]) -> Iterator[object]:
    """The arguments of the "complete" events, one per span."""
    for event in events:
        if field(event, "ph") == "X":
            yield field(event, "args")


def read_span(arguments: object) -> Span:
    """Make a span from the arguments of a "complete" event."""
    activity = text(arguments, "activity")
    if activity not in {known.value for known in Activity}:
        raise wrong("activity", "a known activity", activity)
    return Span(
        stage=text(arguments, "stage"),
        worker=text(arguments, "worker"),
        item=count(arguments, "item"),
        start=seconds(arguments, "start"),
        end=seconds(arguments, "end"),
        activity=Activity(activity),
        label=text(arguments, "label"),
        error=text(arguments, "error"),
    )


# Values


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a value is a JSON array."""
    return isinstance(value, list)


def is_count(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number from 0 to below 2**63; `true` is not a number."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


def field(mapping: object, key: str) -> object:
    """The value of a key of an object."""
    if not is_object(mapping):
        raise wrong(f"the parent of {key!r}", "an object", mapping)
    if key not in mapping:
        raise ValueError(f"{key!r} is missing")
    return mapping[key]


def text(mapping: object, key: str) -> str:
    """The text under a key."""
    return name(field(mapping, key), key)


def name(value: object, key: str) -> str:
    """Check that a value is a text, and return it."""
    if not isinstance(value, str):
        raise wrong(key, "a text", value)
    return value


def count(mapping: object, key: str) -> int:
    """The whole number, 0 or more, under a key."""
    value = field(mapping, key)
    if not is_count(value):
        raise wrong(key, "a whole number, 0 or more", value)
    return value


def seconds(mapping: object, key: str) -> float:
    """The number of seconds under a key."""
    value = field(mapping, key)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not -MOST < value < MOST:
        raise wrong(key, "a number of seconds", value)
    return float(value)


def entries(mapping: object, key: str) -> list[object]:
    """The list under a key."""
    value = field(mapping, key)
    if not is_list(value):
        raise wrong(key, "a list", value)
    return value


def pair(link: object) -> tuple[str, str]:
    """The names of the two stages of a link."""
    if not is_list(link) or len(link) != 2:
        raise wrong("links", "lists of two stages", link)
    return name(link[0], "links"), name(link[1], "links")


def wrong(key: str, expected: str, came: object) -> ValueError:
    """Make the error that says what was expected and what came."""
    return ValueError(f"{key}: expected {expected}, got {shorten(came)}")
