"""Makes an index of the lines of files, in one network: file, chunk, places, partial indexes, merged index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from penstock.blocks import Threads, TransformMany
from penstock.samples.streams.lines.indexer import Indexer, PlacesOfChunks
from penstock.samples.streams.lines.inputs import Lines
from penstock.samples.streams.lines.keys import Keys
from penstock.samples.streams.lines.parsing import Parsing
from penstock.samples.streams.lines.writing import write_to
from penstock.samples.watch import Watch

__all__ = ["run_index"]


async def run_index(
    files: Sequence[Lines], keys: Keys, parsing: Parsing, indexer: Indexer, output: BinaryIO, watch: Watch
) -> None:
    """Index the lines of all files.

    Args:
        files: the lines of each file.
        keys: finds the values.
        parsing: where lines are parsed.
        indexer: collects the places.
        output: gets the index; it stays open.
        watch: observes the run.
    """
    collect = TransformMany(indexer.add, at_end=indexer.finish, executor=Threads(1), capacity=4, name="collect")
    parsing.of_all(files, PlacesOfChunks(keys)).link_target(collect)
    collect.link_target(write_to(output))
    async with watch.network(*files, name="index"):
        pass
