"""The times of lines: a field of their JSON, or a part of their text; as numbers or in ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import attrs

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.json_lines import json_records
from penstock.samples.streams.lines.keys import MISSING, field_of

__all__ = ["UNITS", "FieldTimes", "Found", "PatternTimes", "Time", "Times", "nanoseconds"]

Time = int | float
"""Nanoseconds since any beginning."""
UNITS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
MOST: Final = 1e25
"""What is more is no time, and neither is a NaN."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

Found = tuple[int, object, "dict[str, Any] | None"]
"""The number of a line in its chunk, what stands for its time, and its record if it is JSON."""


class Times(Protocol):
    """Finds the times of lines. It can be pickled."""

    @property
    def unit(self) -> str:
        """The unit of numbers."""
        ...

    @property
    def what(self) -> str:
        """How a line without a time is called."""
        ...

    def found(self, chunk: Chunk, bad: BadLines) -> Iterator[Found]:
        """Return what stands for the time in each line that has it; add bad lines to `bad`."""
        ...


def nanoseconds(value: object, unit: str) -> Time | None:
    """Return a time; None if the value is none. A text in ISO 8601 without a time zone is in UTC."""
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            return _of_text(str(value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value * UNITS[unit] if abs(value) < MOST else None


def _of_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // MICROSECOND * 1000


@attrs.frozen
class FieldTimes:
    """Times in a field of JSON.

    Args:
        name: the field.
        unit: the unit of numbers: "ns", "us", "ms" or "s".
    """

    name: str
    unit: str

    @property
    def what(self) -> str:
        """How a line without a time is called."""
        return f"no time in {self.name!r}"

    def found(self, chunk: Chunk, bad: BadLines) -> Iterator[Found]:
        """Return what is in the field of each line."""
        for number, record in json_records(chunk, bad):
            value = field_of(record, self.name)
            if value is MISSING:
                bad.add(chunk.file, chunk.line + number, f"no field {self.name!r}")
            else:
                yield number, value, record


@attrs.frozen
class PatternTimes:
    """Times in the text of lines. Lines without one are no bad lines: they belong to the line before them.

    Args:
        text: a regular expression; its first group is the time, or all that it matches if it has none.
        unit: the unit of numbers: "ns", "us", "ms" or "s".
    """

    text: str
    unit: str

    @property
    def what(self) -> str:
        """How a line without a time is called."""
        return "no time where the pattern matches"

    def found(self, chunk: Chunk, bad: BadLines) -> Iterator[Found]:
        """Return what the pattern finds in each line."""
        del bad
        expression = re.compile(self.text.encode("utf-8", "surrogateescape"))
        group = 1 if expression.groups else 0
        for number, line in enumerate(chunk.data.split(b"\n")[:-1]):
            match = expression.search(line)
            if match is not None:
                yield number, (match[group] or b"").decode("utf-8", "backslashreplace"), None
