"""Counts the lines of files by fields or by a pattern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs

from penstock.blocks import Call, MemoryBudget
from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.inputs import Lines
from penstock.samples.streams.lines.keys import Key, Keys, key_text
from penstock.samples.streams.lines.parsing import Parsing
from penstock.samples.watch import Watch

__all__ = ["Counts", "CountsOfChunks", "TooManyValuesError", "run_stats"]

VALUE = 300
"""The number of bytes that a value takes with its count, about."""


class TooManyValuesError(Exception):
    """There are more different values than fit into the memory."""


@attrs.define
class Counts:
    """How often each value was found.

    Args:
        values: the values and their counts.
        lines: how many lines there are.
        bad: those that are not as expected.
    """

    values: Counter[Key] = attrs.field(factory=Counter[Key])
    lines: int = 0
    bad: BadLines = attrs.field(factory=BadLines)

    def text(self, top: int | None = None) -> str:
        """Return a line for each value, the most frequent first: its count, a tab, and the value as JSON."""
        rows = sorted((-count, key_text(key)) for key, count in self.values.items())
        return "".join([f"{-count}\t{text}\n" for count, text in rows[:top]])


@attrs.frozen
class CountsOfChunks:
    """Counts the lines of a chunk. It can be pickled.

    Args:
        keys: finds the values.
    """

    keys: Keys

    def __call__(self, chunk: Chunk) -> Counts:
        """Return the counts of a chunk."""
        bad = BadLines()
        values = Counter(key for _, key in self.keys.keys(chunk, bad))
        return Counts(values, chunk.data.count(b"\n"), bad)


async def run_stats(files: Sequence[Lines], keys: Keys, parsing: Parsing, budget: MemoryBudget, watch: Watch) -> Counts:
    """Count the lines of all files.

    Args:
        files: the lines of each file.
        keys: finds the values.
        parsing: where lines are parsed.
        budget: the memory for the values.
        watch: observes the run.

    Raises:
        TooManyValuesError: they do not fit into it.
    """
    total = Counts()
    most = budget.capacity(VALUE)

    def join(counts: Counts) -> None:
        total.values.update(counts.values)
        total.lines += counts.lines
        total.bad.join(counts.bad)
        if len(total.values) > most:
            raise TooManyValuesError(
                f"there are more than {most:,} different values, which do not fit into {budget}; count by another "
                "field, or give more --memory"
            )

    parsing.of_all(files, CountsOfChunks(keys)).link_target(Call(join, name="join"))
    async with watch.network(*files, name="stats"):
        pass
    return total
