"""Reads a trace that was made of a recording."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..charts.span import Activity, Span
from .chrome import FORMAT, VERSION

ADVICE = "make one with recording.save('run.json')"


@attrs.frozen
class Contents:
    """What a recording consists of."""

    spans: tuple[Span, ...]
    network: str
    seconds: float
    stages: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    dropped: int


def read_chrome(trace: object, path: object) -> Contents:
    """Take a trace apart.

    Args:
        trace: What the JSON of the file stands for.
        path: The file, for messages.

    Raises:
        ValueError: It is not a recording, or one of a later version.
    """
    header = header_of(trace, path)
    if header.get("version") != VERSION:
        raise ValueError(
            f"{path}: this is a recording of version {header.get('version')!r}, and this Penstock reads version "
            f"{VERSION}; read it with the Penstock that wrote it"
        )
    try:
        return contents(header, _field(trace, "traceEvents"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{path}: this recording is damaged ({type(error).__name__}: {error}); expected a file as "
            f"Recording.save wrote it; {ADVICE}"
        ) from error


def header_of(trace: object, path: object) -> dict[str, Any]:
    """What stands beside the events."""
    if not isinstance(trace, dict):
        came = f"a JSON {type(trace).__name__}"  # pyright: ignore[reportUnknownArgumentType]
    else:
        header = _field(trace, "otherData")
        if isinstance(header, dict) and _field(header, "format") == FORMAT:
            return header  # pyright: ignore[reportUnknownVariableType]
        is_trace = _field(trace, "traceEvents") is not None
        came = "a trace that somebody else wrote" if is_trace else "a JSON object without traceEvents"
    raise ValueError(f"{path}: expected a recording of a network, as Recording.save writes it, got {came}; {ADVICE}")


def contents(header: dict[str, Any], events: Iterable[dict[str, Any]]) -> Contents:
    """Put together what a recording consists of."""
    return Contents(
        spans=tuple(read_span(event["args"]) for event in events if event["ph"] == "X"),
        network=str(header["network"]),
        seconds=float(header["seconds"]),
        stages=tuple(str(stage) for stage in header["stages"]),
        links=tuple((str(source), str(target)) for source, target in header["links"]),
        dropped=int(header["dropped"]),
    )


def read_span(arguments: dict[str, Any]) -> Span:
    """Make a span of the arguments of a complete event."""
    return Span(
        stage=str(arguments["stage"]),
        worker=str(arguments["worker"]),
        item=int(arguments["item"]),
        start=float(arguments["start"]),
        end=float(arguments["end"]),
        activity=Activity(arguments["activity"]),
        label=str(arguments["label"]),
        error=str(arguments["error"]),
    )


def _field(mapping: Any, name: str) -> Any:
    return mapping.get(name)
