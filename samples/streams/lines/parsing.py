"""Where the lines are parsed: in worker processes, or in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import attrs

from penstock.blocks import Processes, Source, Threads, Transformer
from penstock.samples.streams.lines.chunk import Chunk

__all__ = ["Parsing"]

T = TypeVar("T")


@attrs.frozen
class Parsing:
    """Makes the blocks that parse.

    Args:
        executor: where they work.
    """

    executor: Processes | Threads

    @classmethod
    def by(cls, processes: int) -> Parsing:
        """Return how to parse with a number of processes; 0 for a thread."""
        return cls(Processes(processes, name="parse") if processes else Threads(1, name="parse"))

    def of_all(self, files: Iterable[Source[Chunk]], function: Callable[[Chunk], T]) -> Transformer[Chunk, T]:
        """Make a block that parses chunks of all files, in any order."""
        workers = self.executor.workers
        parse = Transformer(
            function, executor=self.executor, concurrency=workers, ordered=False, capacity=4 * workers, name="parse"
        )
        for each in files:
            each.link_target(parse)
        return parse

    def of_one(self, file: Source[Chunk], function: Callable[[Chunk], T], name: str) -> Transformer[Chunk, T]:
        """Make a block that parses the chunks of one file, in order."""
        parse = Transformer(function, executor=self.executor, capacity=2, name=name)
        file.link_target(parse)
        return parse
