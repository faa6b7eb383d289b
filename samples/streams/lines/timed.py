"""Lines with their times, a chunk at a time."""

from __future__ import annotations

import attrs

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.json_lines import AROUND
from penstock.samples.streams.lines.times import Time, Times, nanoseconds

__all__ = ["Timed", "TimesOfChunks"]


@attrs.define
class Timed:
    """The lines of a chunk.

    Args:
        file: the number of the file, from 0.
        numbers: the number of each line in the file, from 1.
        times: the time of each line; a line without one has that of the line before it. Lines before the first time of
            the chunk have None.
        lines: the lines, with their line feeds.
        bad: those that have no time.
    """

    file: int
    numbers: list[int]
    times: list[Time | None]
    lines: list[bytes]
    bad: BadLines


@attrs.frozen
class TimesOfChunks:
    """Finds the times of the lines of a chunk. It can be pickled.

    The lines of a trace that only begin or end its array are left out.

    Args:
        times: finds the times.
    """

    times: Times

    def __call__(self, chunk: Chunk) -> Timed:
        """Return the lines with their times."""
        bad = BadLines()
        unit = self.times.unit
        lines = chunk.data.splitlines(keepends=True) if b"\r" not in chunk.data else _lines(chunk.data)
        times: list[Time | None] = []
        last: Time | None = None
        for number, value, _ in self.times.found(chunk, bad):
            time = nanoseconds(value, unit)
            if time is None:
                bad.add(chunk.file, chunk.line + number, self.times.what)
                continue
            times += [last] * (number - len(times))
            times.append(time)
            last = time
        times += [last] * (len(lines) - len(times))
        numbers = list(range(chunk.line, chunk.line + len(lines)))
        return _without_brackets(Timed(chunk.file, numbers, times, lines, bad))


def _lines(data: bytes) -> list[bytes]:
    # Not `splitlines`, for which a carriage return in a line ends it.
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _without_brackets(timed: Timed) -> Timed:
    kept = [number for number, line in enumerate(timed.lines) if len(line) > 3 or line.strip() not in AROUND[1:]]
    if len(kept) == len(timed.lines):
        return timed
    numbers = [timed.numbers[at] for at in kept]
    times = [timed.times[at] for at in kept]
    lines = [timed.lines[at] for at in kept]
    return Timed(timed.file, numbers, times, lines, timed.bad)
