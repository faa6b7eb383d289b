"""Measures programs against each other: in one run, interleaved, medians, and each one's result checked.

The machine is assumed to be noisy. Contenders take turns, so that a slow second hits all of them; a ratio is the median
of the ratios of each round, so that drift between rounds cancels out. What only computes is measured in processor time,
so that it does not count when another process gets the core; what sleeps is measured by the clock on the wall.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time

import attrs

Program = Callable[[int], int]
"""Runs a workload with a number of items and returns how many arrived."""
Clock = Callable[[], float]


@attrs.frozen
class Effort:
    """How much work a run of the benchmarks is.

    Attributes:
        rounds: How often each contender is timed; before that it runs once, unless there is only one round.
        scale: What part of the full number of items is used.
    """

    rounds: int = 5
    scale: float = 1.0

    def items(self, full: int, least: int = 20) -> int:
        """How many items to use where a full run uses `full`."""
        return max(min(full, least), round(full * self.scale))


FULL = Effort()
QUICK = Effort(rounds=3, scale=0.1)
TINY = Effort(rounds=1, scale=0.0001)
TICK = 1e-9
"""Seconds per item that count at least: a tiny run may end before the clock moves."""


@attrs.frozen
class Contender:
    """A program that takes part in a comparison.

    Attributes:
        name: What the table calls it.
        run: The program.
        share: What part of the items it gets; less than 1 for programs that are slower by orders of magnitude.
    """

    name: str
    run: Program
    share: float = 1.0


@attrs.frozen
class Row:
    """One line of the table.

    Attributes:
        what: The workload.
        who: The contender.
        value: What was measured, with its unit.
        ratio: The measured relation, if there is a baseline.
        against: The baseline.
        target: What the relation or value has to be; empty where it is only for information.
        is_met: Whether it is; None without a target.
    """

    what: str
    who: str
    value: str
    ratio: float | None = None
    against: str = ""
    target: str = ""
    is_met: bool | None = None


class WrongResult(Exception):
    """A contender did not deliver what it was to deliver, so its time means nothing."""


@attrs.frozen
class Timings:
    """What each contender took in each round.

    Attributes:
        what: The workload.
        seconds: For each contender the seconds per item, one entry per round.
    """

    what: str
    seconds: dict[str, list[float]]

    def median(self, who: str) -> float:
        """The median seconds per item."""
        return median(self.seconds[who])

    def ratio(self, who: str, against: str) -> float:
        """How many times as long one takes as the other: the median over the rounds."""
        pairs = zip(self.seconds[who], self.seconds[against], strict=True)
        return median(a / max(b, TICK) for a, b in pairs)

    def per(self, stages: int) -> Timings:
        """The seconds per item and stage."""
        return Timings(self.what, {who: [one / stages for one in all] for who, all in self.seconds.items()})

    def row(self, who: str, against: str | None = None, *, at_most: float | None = None, unit: float = 1e-9) -> Row:
        """Make a line of the table.

        Args:
            who: The contender.
            against: The baseline, if there is one.
            at_most: The ratio that is aimed at, if there is one.
            unit: In what the time an item is given: 1e-9, 1e-6 or 1e-3 seconds.
        """
        name = {1e-9: "ns", 1e-6: "µs", 1e-3: "ms"}[unit]
        value = (
            f"{self.median(who) / unit:,.0f} {name} per item" if unit < 1e-3 else f"{self.median(who) / unit:.2f} ms"
        )
        if against is None:
            return Row(self.what, who, value)
        ratio = self.ratio(who, against)
        if at_most is None:
            return Row(self.what, who, value, ratio, against)
        return Row(self.what, who, value, ratio, against, f"≤ {at_most:g} ×", ratio <= at_most)

    def faster_row(self, who: str, than: str, *, at_least: float) -> Row:
        """Make a line that says how many times faster one is than the other."""
        ratio = self.ratio(than, who)
        value = f"{self.median(than) * 1e9:,.0f} ns per item"
        target = "slower" if at_least == 1 else f"≥ {at_least:g} × slower"
        return Row(self.what, than, value, ratio, who, target, ratio >= at_least)


def compare(
    what: str, contenders: Sequence[Contender], items: int, effort: Effort, clock: Clock = process_time
) -> Timings:
    """Time the contenders in turn.

    Args:
        what: The workload.
        contenders: Who takes part.
        items: How many items each gets, but for its share.
        effort: How often each runs.
        clock: `process_time` for what computes, `perf_counter` for what sleeps.

    Raises:
        WrongResult: A contender delivered another number of items than it was given.
    """
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    counts = {contender.name: max(min(items, 10), round(items * contender.share)) for contender in contenders}
    for contender in contenders if effort.rounds > 1 else ():  # imports, caches, specialised bytecode
        time_once(contender, max(1, counts[contender.name] // 20), clock)
    for _ in range(effort.rounds):
        for contender in contenders:
            count = counts[contender.name]
            seconds[contender.name].append(time_once(contender, count, clock) / max(1, count))
    return Timings(what, seconds)


def time_once(contender: Contender, items: int, clock: Clock = process_time) -> float:
    """Run a contender once, check what it delivered, and give the seconds that it took."""
    gc.collect()
    start = clock()
    delivered = contender.run(items)
    elapsed = clock() - start
    if delivered != items:
        raise WrongResult(f"{contender.name}: {items} items went in and {delivered} came out")
    return elapsed


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least so large a part of the values does not exceed; nan if there are none."""
    ordered = sorted(values)
    return ordered[math.ceil(part * len(ordered)) - 1] if ordered else math.nan
