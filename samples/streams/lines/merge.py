"""Merges sorted files by time, in one network: a line of blocks for each file, and an agent behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import attrs
import trio

from penstock.agents import Agent
from penstock.blocks import BoundedBuffer, Source, Target
from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.inputs import Lines
from penstock.samples.streams.lines.merger import Merger
from penstock.samples.streams.lines.parsing import Parsing
from penstock.samples.streams.lines.timed import Timed, TimesOfChunks
from penstock.samples.streams.lines.times import Times
from penstock.samples.streams.lines.writing import write_to
from penstock.samples.watch import Watch

__all__ = ["Merged", "run_merge"]


@attrs.define
class Merged:
    """What was merged.

    Args:
        lines: the number of lines.
        bad: those without a time.
    """

    lines: int
    bad: BadLines


class Merge(Agent):
    """Merges lines that come from several sources in the order of their times."""

    def __init__(self, merger: Merger, inputs: Sequence[Source[Timed]], output: Target[bytes]) -> None:
        super().__init__(inputs=inputs, outputs=[output], name="merge")
        self.merger, self.inputs, self.output = merger, inputs, output
        self.bad = BadLines()

    async def run(self) -> None:
        """Merge until all sources have ended."""
        merger = self.merger
        while (file := merger.wants) is not None:
            try:
                timed = await self.inputs[file].receive()
            except trio.EndOfChannel:
                merger.end(file)
            else:
                self.bad.join(timed.bad)
                merger.add(timed)
            for block in merger.blocks():
                await self.output.send(block)


async def run_merge(
    files: Sequence[Lines],
    names: Sequence[str],
    times: Times,
    parsing: Parsing,
    output: BinaryIO,
    watch: Watch,
) -> Merged:
    """Merge the lines of all files.

    Args:
        files: the lines of each file.
        names: the names of the files.
        times: finds the times.
        parsing: where lines are parsed.
        output: gets the lines; it stays open.
        watch: observes the run.

    Raises:
        OutOfOrderError: a file is not sorted.
    """
    find = TimesOfChunks(times)
    timed = [parsing.of_one(file, find, f"times of {name}") for file, name in zip(files, names, strict=True)]
    merged = BoundedBuffer[bytes](4, name="merged")
    merged.link_target(write_to(output))
    agent = Merge(Merger(names), timed, merged)
    async with watch.network(*files, agent, name="merge"):
        pass
    return Merged(agent.merger.lines, agent.bad)
