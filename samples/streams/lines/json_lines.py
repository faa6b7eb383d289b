"""Parses lines of JSON, a chunk at a time.

A chunk is decoded as a whole, and each value is read where its line begins. This takes less time than `json.loads`
for each line. What was read must end where the line ends: a line is never completed by the next one. All that is
unusual, such as a comma at the end of a line of a trace, or a chunk that is not UTF-8, is done line by line.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, Final, cast

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk

__all__ = ["json_records"]

DECODER: Final = json.JSONDecoder()
NO_RECORD: Final = object()
AROUND: Final = (b"", b"[", b"]")
"""What may stand alone in a line, and is no record: nothing, and the brackets of a trace that is one array."""
NOT_JSON, NOT_UTF_8, NOT_OBJECT = "not JSON", "not UTF-8", "not a JSON object"


def json_records(chunk: Chunk, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return the number of each line in the chunk, from 0, and the object in it; the other lines are added to `bad`."""
    data = chunk.data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield from _one_by_one(chunk, bad)
        return
    decode, find = DECODER.raw_decode, text.find
    position = number = 0
    lines: list[bytes] | None = None
    while (stop := find("\n", position)) >= 0:
        value: Any = None
        try:
            value, end = decode(text, position)
        except (ValueError, RecursionError):
            end = -1
        if type(value) is not dict or (end != stop and not text[end:stop].isspace()):
            lines = lines or data.split(b"\n")
            value = _record(lines[number], chunk, number, bad)
        if value is not NO_RECORD:
            yield number, value
        position = stop + 1
        number += 1


def _one_by_one(chunk: Chunk, bad: BadLines) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(chunk.data.split(b"\n")[:-1]):
        value = _record(line, chunk, number, bad)
        if value is not NO_RECORD:
            yield number, value


def _record(line: bytes, chunk: Chunk, number: int, bad: BadLines) -> Any:
    """Return the object in a line, or `NO_RECORD`."""
    line = line.removeprefix(BOM_UTF8).strip()
    if line in AROUND:
        return NO_RECORD
    try:
        value = json.loads(line.removesuffix(b",").decode())
    except UnicodeDecodeError:
        reason = NOT_UTF_8
    except (ValueError, RecursionError):  # also numbers and nesting beyond the limits of Python
        reason = NOT_JSON
    else:
        if type(value) is dict:
            return cast("dict[str, Any]", value)
        reason = NOT_OBJECT
    bad.add(chunk.file, chunk.line + number, reason)
    return NO_RECORD
