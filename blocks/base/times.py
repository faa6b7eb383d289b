"""Durations, counted in buckets, so that any number of them takes the same memory."""

from __future__ import annotations

import itertools
import math
from math import log2

import attrs

PER_OCTAVE = 8
"""Buckets per doubling; two durations in one bucket differ by up to 9 %."""


@attrs.frozen
class Times:
    """A summary of durations in seconds; all values are 0 if there are none.

    Percentiles are exact to 9 %, and lie between `least` and `most`.

    Attributes:
        count: The number of durations.
        total: The sum.
        least: The shortest duration.
        most: The longest duration.
        p50: The median: half of the durations are up to this long.
        p90: 90 % of the durations are up to this long.
        p99: 99 % of the durations are up to this long.
    """

    count: int = 0
    total: float = 0.0
    least: float = 0.0
    most: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return self.total / self.count if self.count else 0.0

    def plus(self, other: Times) -> Times:
        """Return a summary of both. Percentiles are the mean of both, weighted by count: single durations are lost."""
        if not (self.count and other.count):
            return self if self.count else other
        count = self.count + other.count
        mine, others = self.count / count, other.count / count
        return Times(
            count,
            self.total + other.total,
            min(self.least, other.least),
            max(self.most, other.most),
            mine * self.p50 + others * other.p50,
            mine * self.p90 + others * other.p90,
            mine * self.p99 + others * other.p99,
        )


NEVER = Times()


class Histogram:
    """Collects durations; each bucket keeps their number and their sum."""

    __slots__ = ("buckets", "least", "most")

    def __init__(self) -> None:
        self.buckets: dict[int, list[float]] = {}
        self.least: float = math.inf
        self.most: float = 0.0

    def add(self, seconds: float, count: int = 1) -> None:
        """Add `count` durations, >= 1, of `seconds` each."""
        number = int(PER_OCTAVE * log2(seconds)) if seconds > 0 else -10_000
        bucket = self.buckets.get(number)
        if bucket is None:
            self.buckets[number] = [count, seconds * count]
        else:
            bucket[0] += count
            bucket[1] += seconds * count
        if seconds > self.most:
            self.most = seconds
        if seconds < self.least:
            self.least = seconds

    def summary(self, ongoing: float | None = None) -> Times:
        """Return a summary of the durations so far.

        Args:
            ongoing: The duration so far of something that has not ended; it counts too.
        """
        if ongoing is not None:
            return self._with(ongoing).summary()
        buckets = [self.buckets[number] for number in sorted(self.buckets)]
        count = int(sum(bucket[0] for bucket in buckets))
        if not count:
            return NEVER
        total = sum(bucket[1] for bucket in buckets)
        p50, p90, p99 = (self._percentile(buckets, share * count) for share in (0.5, 0.9, 0.99))
        return Times(count, total, self.least, self.most, p50, p90, p99)

    def _with(self, seconds: float) -> Histogram:
        """Return a copy with one more duration."""
        copy = Histogram()
        copy.buckets = {number: list(bucket) for number, bucket in self.buckets.items()}
        copy.least, copy.most = self.least, self.most
        copy.add(seconds)
        return copy

    def _percentile(self, buckets: list[list[float]], rank: float) -> float:
        """Return the mean of the bucket that has the duration of this rank."""
        places = itertools.accumulate(count for count, _ in buckets)
        place = next(place for place, below in enumerate(places) if below >= rank)
        count, total = buckets[place]
        return min(max(total / count, self.least), self.most)
