"""An index of lines: for each value, the files and places where it stands, sorted by the value.

It may be larger than the memory. What was collected is written to a partial file, sorted, whenever it has `flush_every`
places; at the end the partial files are merged. Sixteen partial files of one size are merged into a larger one, so that
few are open at a time. They have no names, so that nothing of them is left, however the program ends.
"""

from __future__ import annotations

import heapq
import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import attrs

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.keys import Keys, key_text

__all__ = ["Indexer", "Places", "PlacesOfChunks"]

PLACE = 24
"""The number of bytes that a place takes in memory, about."""
NEW_VALUE = 16
"""As many places need the memory that one more value in one more file takes."""
MOST_PLACES = 500
"""The number of places in a row of the index; further ones are in the next row."""
FAN = 16
"""The number of partial files that are merged into one."""
BUFFER = 256 << 10


@attrs.define
class Places:
    """Where values stand in a chunk.

    Args:
        file: the number of the file, from 0.
        values: for each value, as JSON, the numbers of its lines, from 1, and the positions of their first bytes.
        count: how many places there are.
        lines: how many lines there are.
        bad: those that are not as expected.
    """

    file: int
    values: dict[str, tuple[array[int], array[int]]]
    count: int
    lines: int
    bad: BadLines


@attrs.frozen
class PlacesOfChunks:
    """Finds the places of the values in a chunk. It can be pickled.

    Args:
        keys: finds the values.
    """

    keys: Keys

    def __call__(self, chunk: Chunk) -> Places:
        """Return the places."""
        bad = BadLines()
        values: dict[str, tuple[array[int], array[int]]] = {}
        find = chunk.data.find
        line = start = count = 0
        for number, key in self.keys.keys(chunk, bad):
            while line < number:
                start = find(b"\n", start) + 1
                line += 1
            text = key_text(key)
            place = values.get(text)
            if place is None:
                place = values[text] = (array("q"), array("q"))
            place[0].append(chunk.line + number)
            place[1].append(chunk.start + start)
            count += 1
        return Places(chunk.file, values, count, chunk.data.count(b"\n"), bad)


class Indexer:
    """Collects places, and gives the index at the end.

    Args:
        names: the names of the files.
        flush_every: the number of places that are held in memory.
        folder: where partial files are written; None for the system's folder.

    Attributes:
        partial_files: how many partial files were written.
        places: how many places there are.
        lines: how many lines there are.
        bad: those that are not as expected.
    """

    def __init__(self, names: list[str], flush_every: int, folder: Path | None = None) -> None:
        self._names = [json.dumps(name, ensure_ascii=False) for name in names]
        self._flush_every = flush_every
        self._folder = folder
        self._values: dict[tuple[str, int], tuple[array[int], array[int]]] = {}
        self._weight = 0
        self._levels: list[list[BinaryIO]] = []
        self.partial_files = 0
        self.places = 0
        self.lines = 0
        self.bad = BadLines()

    def add(self, places: Places) -> Iterable[bytes]:
        """Take in the places of a chunk; nothing comes out before the end."""
        for value, (lines, starts) in places.values.items():
            mine = self._values.get((value, places.file))
            if mine is None:
                self._values[value, places.file] = lines, starts
                self._weight += NEW_VALUE
            else:
                mine[0].extend(lines)
                mine[1].extend(starts)
        self._weight += places.count
        self.places += places.count
        self.lines += places.lines
        self.bad.join(places.bad)
        if self._weight >= self._flush_every:
            self._write(self._rows(), 0)
            self.partial_files += 1
        return ()

    def finish(self) -> Iterator[bytes]:
        """Return the index: a line of JSON for each value and file, or several if there are many places."""
        files = [file for level in self._levels for file in level]
        try:
            rows = heapq.merge(*files, self._rows())
            while block := _block(rows):
                yield block
        finally:
            for file in files:
                file.close()

    def _rows(self) -> Iterator[bytes]:
        """Return what is in memory, sorted, and forget it. A row begins with what it is sorted by."""
        values, self._values, self._weight = self._values, {}, 0
        for value, file in sorted(values):
            lines, starts = values.pop((value, file))
            places = sorted(zip(lines, starts, strict=True))
            for begin in range(0, len(places), MOST_PLACES):
                part = places[begin : begin + MOST_PLACES]
                numbers, positions = ([place[column] for place in part] for column in (0, 1))
                row = f'"value": {value}, "file": {self._names[file]}, "lines": {numbers}, "bytes": {positions}'
                text = f"{value}\t{file:06}\t{numbers[0]:018}\t{{{row}}}\n"
                yield text.encode("utf-8", "backslashreplace")

    def _write(self, rows: Iterable[bytes], level: int) -> None:
        """Write a partial file; if a level is full, merge its files into one of the next level."""
        if level == len(self._levels):
            self._levels.append([])
        file = cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder, buffering=BUFFER))  # noqa: SIM115
        files = self._levels[level]
        files.append(file)
        file.writelines(rows)
        file.seek(0)
        if len(files) == FAN:
            self._levels[level] = []
            self._write(heapq.merge(*files), level + 1)
            for each in files:
                each.close()


def _block(rows: Iterator[bytes]) -> bytes:
    """Return the next rows as they stand in the index; nothing at the end."""
    block: list[bytes] = []
    size = 0
    for row in rows:
        block.append(row.split(b"\t", 3)[3])
        size += len(block[-1])
        if size >= BUFFER:
            break
    return b"".join(block)
