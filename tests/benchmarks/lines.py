"""Lines of large files: a message a line against `gzip.open`, and JSON in two processes against a loop."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import trio

from penstock.blocks import (
    ByteTransformer,
    Call,
    MemoryBudget,
    Network,
    Processes,
    StreamSource,
    Threads,
    TransformMany,
)
from penstock.samples.streams.lines.inputs import chunks_of, open_inputs
from penstock.samples.streams.lines.keys import Fields
from penstock.samples.streams.lines.parsing import Parsing
from penstock.samples.streams.lines.stats import run_stats
from penstock.samples.watch import Watch

from .measuring import Contender, Effort, Row, compare
from .synthesise import LINES, blocks
from .workloads import counting_sink

MESSAGES, RECORDS = 1_000_000, 1_800_000  # 200 MB
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Files:
    """Files with a number of lines, made when they are first needed.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def path(self, lines: int, suffix: str = "") -> Path:
        """Return a file with so many lines."""
        path = self._folder / f"{lines}{suffix}"
        if not path.exists():
            text = b"".join(islice(blocks(), -(-lines // LINES)))
            data = b"".join(text.splitlines(keepends=True)[:lines])
            path.write_bytes(gzip.compress(data, 1) if suffix else data)
        return path


def loop_over_lines(files: Files, items: int) -> int:
    count = 0
    with gzip.open(files.path(items, ".gz")) as file:
        for _ in file:
            count += 1
    return count


def message_a_line(files: Files, items: int) -> int:
    """Source, decompressor and lines, each line a message to a call."""
    sink, count = counting_sink()
    rest = b""

    def cut(data: bytes) -> list[bytes]:
        nonlocal rest
        *lines, rest = (rest + data).split(b"\n")
        return lines

    async def main() -> None:
        source = StreamSource(files.path(items, ".gz"))
        unpack = ByteTransformer(partial(zlib.decompressobj, 31), executor=Threads(1))
        lines = TransformMany(cut, at_end=lambda: [rest] if rest else [])
        source.link_target(unpack)
        unpack.link_target(lines)
        lines.link_target(Call(sink))  # type: ignore[arg-type]  # it only counts
        async with Network(source):
            pass

    trio.run(main)
    return count()


def loop_over_json(files: Files, items: int) -> int:
    counts: Counter[str] = Counter()
    with files.path(items).open("rb") as file:
        for line in file:
            counts[json.loads(line)["name"]] += 1
    return counts.total()


def json_in_blocks(files: Files, executor: Processes | Threads, items: int) -> int:
    """The command `stats` of the sample."""

    async def main() -> int:
        async with AsyncExitStack() as stack:
            inputs = await open_inputs([files.path(items)], stack)
            budget = MemoryBudget("64 MiB")
            return (await run_stats(chunks_of(inputs), Fields(("name",)), Parsing(executor), budget, Watch())).lines

    return trio.run(main)


def processor_time() -> float:
    """The processor time of this process and of all below it, on Linux; elsewhere of this process."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        number = int(entry.parent.name)
        parents[number] = int(fields[1])
        ticks[number] = int(fields[11]) + int(fields[12])
    return process_time() + sum(count for number, count in ticks.items() if _is_below(number, parents)) / TICKS


def _is_below(number: int, parents: dict[int, int]) -> bool:
    mine = os.getpid()
    while (number := parents.get(number, 0)) > 0:
        if number == mine:
            return True
    return False


def rows(effort: Effort) -> Iterator[Row]:
    """Compare messages with lines, and worker processes with the loop; the start of the workers is not in it."""
    with tempfile.TemporaryDirectory() as folder, Processes(2) as pool:
        files = Files(folder)
        contenders = [
            Contender("for line in gzip.open", partial(loop_over_lines, files)),
            Contender("a message a line", partial(message_a_line, files)),
        ]
        items = effort.items(MESSAGES)
        for contender in contenders:
            contender.run(items)  # the file is made
        timings = compare("lines of gzip", contenders, items, effort)
        yield timings.row("for line in gzip.open")
        yield timings.row("a message a line", "for line in gzip.open", at_most=1.1)
        contenders = [
            Contender("json.loads in a loop", partial(loop_over_json, files)),
            Contender("in a thread", partial(json_in_blocks, files, Threads(1))),
            Contender("in two processes", partial(json_in_blocks, files, pool)),
        ]
        items = effort.items(RECORDS)
        for contender in contenders:
            contender.run(items)  # the workers have started
        timings = compare("JSON lines, processor time", contenders, items, effort, processor_time)
        yield timings.row("json.loads in a loop")
        yield timings.row("in a thread", "json.loads in a loop")
        yield timings.row("in two processes", "json.loads in a loop", at_most=1.25)
        timings = compare("JSON lines, time", contenders[::2], items, effort, perf_counter)
        yield timings.faster_row("in two processes", "json.loads in a loop", at_least=1.6)  # on two free cores
