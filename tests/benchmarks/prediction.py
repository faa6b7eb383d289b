"""What `suggest()` predicts from a run with one call at a time a stage, and what a run with its advice takes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import trio

from penstock.blocks import Call, IterableSource, Network, Suggestion, Threads, Transformer

from .measuring import Effort, Row
from .workloads import counting_sink

ITEMS = 100
DATA = bytes(4_000_000)
Work = Callable[[int], int]


def wait(x: int) -> int:
    """Wait for 4 ms, as for a server."""
    time.sleep(0.004)
    return x


def compute(x: int) -> int:
    """Compute for some 2 ms, without the interpreter lock, and without memory whose cost changes from run to run."""
    hashlib.sha256(DATA).digest()
    return x


STAGES: dict[str, Sequence[Work]] = {
    "one that computes": [compute],
    "wait, compute": [wait, compute],
    "wait, compute, compute": [wait, compute, compute],
}


def name_of(work: Work, number: int) -> str:
    return f"{work.__name__} {number}"


def run(works: Sequence[Work], at_once: Sequence[int], items: int) -> Suggestion:
    """Run the stages in threads, with this many calls of each at once."""
    sink, count = counting_sink()

    async def main() -> Suggestion:
        source = IterableSource(range(items))
        threads = Threads(sum(at_once))
        end: IterableSource[int] | Transformer[int, int] = source
        for number, (work, calls) in enumerate(zip(works, at_once, strict=True), start=1):
            stage = Transformer(work, executor=threads, concurrency=calls, name=name_of(work, number))
            end.link_target(stage)
            end = stage
        end.link_target(Call(sink))
        async with Network(source) as network:
            pass
        assert count() == items
        return network.suggest()

    return trio.run(main)


def rows(effort: Effort) -> Iterator[Row]:
    """For each set of stages: one call at a time, then as advised, in turn."""
    items = effort.items(ITEMS, 10)
    for what, works in STAGES.items():
        ratios: list[float] = []
        gains: list[float] = []
        for _ in range(effort.rounds):
            before = run(works, [1] * len(works), items)
            advised = [before.concurrency[name_of(work, number)] for number, work in enumerate(works, start=1)]
            after = run(works, advised, items)
            ratios.append(after.seconds / before.predicted)
            gains.append(before.seconds / after.seconds)
        value = f"{median(gains):.2f} × as fast as before"
        ratio = median(ratios)
        yield Row(f"suggest(): {what}", "as advised", value, ratio, "prediction", "≤ 1.25 ×", ratio <= 1.25)
