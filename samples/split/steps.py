"""The functions of the tasks: count the lines of a file, join what was counted, plan, write a shard, sum up.

They are at the top level of a module and get all they need as arguments, so that a checkpoint can tell what was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

import attrs

__all__ = ["ChangedError", "Counted", "Plan", "Shard", "Source", "count", "join", "make_plan", "source", "write_shard"]


class ChangedError(Exception):
    """Raised for a file that is not as it was before."""


@attrs.frozen
class Source:
    """A file to split. Its size and its time make it another one for a checkpoint if it changes.

    Args:
        path: its path.
        size: its size in bytes.
        changed: when it was changed, in nanoseconds.
    """

    path: str
    size: int
    changed: int


@attrs.frozen
class Counted:
    """Files whose lines were counted.

    Args:
        lines: for each file, in their order, the file and the number of its lines.
        longest: the number of bytes in the longest line.
    """

    lines: tuple[tuple[Source, int], ...]
    longest: int

    @property
    def total(self) -> int:
        """How many lines there are."""
        return sum(lines for _, lines in self.lines)


@attrs.frozen
class Plan:
    """What goes into which shard.

    Args:
        counted: the files.
        shards: how many shards there are.
        folder: where they are written.
    """

    counted: Counted
    shards: int
    folder: str


@attrs.frozen
class Shard:
    """A shard that was written.

    Args:
        file: the name of its file, which no shard with other lines has.
        lines: how many lines it has.
        size: how many bytes it has.
        digest: the SHA-256 of these, in hexadecimal digits.
    """

    file: str
    lines: int
    size: int
    digest: str


def source(path: Path) -> Source:
    """Look at a file; nothing is read."""
    found = path.stat()
    return Source(str(path), found.st_size, found.st_mtime_ns)


def count(file: Source) -> Counted:
    """Count the lines of a file; the last one needs no line feed."""
    lines = longest = 0
    with open(file.path, "rb") as opened:
        for line in opened:
            lines += 1
            longest = max(longest, len(line.removesuffix(b"\n")))
    return Counted(((file, lines),), longest)


def join(parts: list[Counted]) -> Counted:
    """Join what was counted."""
    return Counted(tuple(each for part in parts for each in part.lines), max(part.longest for part in parts))


def make_plan(counted: Counted, shards: int, folder: str) -> Plan:
    """Plan the shards."""
    return Plan(counted, shards, folder)


def write_shard(plan: Plan, index: int) -> Shard:
    """Write the lines of one shard.

    Raises:
        ChangedError: A file is not as it was when its lines were counted.
        OSError: A file cannot be read, or the shard cannot be written.
    """
    begin, end = (plan.counted.total * number // plan.shards for number in (index, index + 1))
    digest, size, written = sha256(), 0, 0
    draft = Path(plan.folder, f"{index:03}.tmp")
    with open(draft, "wb") as file:
        for line in _lines(plan.counted, begin, end):
            file.write(line)
            digest.update(line)
            size += len(line)
            written += 1
    name = f"{index:03}-{digest.hexdigest()[:16]}.txt"
    draft.replace(draft.with_name(name))
    return Shard(name, written, size, digest.hexdigest())


def _lines(counted: Counted, begin: int, end: int) -> Iterator[bytes]:
    """The lines from one number to another one, over all files."""
    first = 0
    for file, lines in counted.lines:
        start, stop = max(begin - first, 0), min(end - first, lines)
        first += lines
        if start < stop:
            if source(Path(file.path)) != file:
                raise ChangedError(f"{file.path}: it has changed since its lines were counted; run it again")
            with open(file.path, "rb") as opened:
                for line in islice(opened, start, stop):
                    yield line if line.endswith(b"\n") else line + b"\n"
