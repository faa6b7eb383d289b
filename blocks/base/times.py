"""How long something took, over and over: counted into buckets, so that any number of times takes the same memory."""

from __future__ import annotations

import itertools
import math
from math import log2

import attrs

PER_OCTAVE = 8
"""Buckets for each doubling: two times in one bucket differ by 9 % at most."""


@attrs.frozen
class Times:
    """A summary of how long something took; all in seconds, and 0 if it has never happened.

    Percentiles are exact to 9 %, and within `least` and `most`.

    Attributes:
        count: How often.
        total: Altogether.
        least: The shortest.
        most: The longest.
        p50: Half of them took so long or less.
        p90: Nine of ten took so long or less.
        p99: 99 of 100 took so long or less.
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
        """Both together; percentiles are the mean of both, by count: the single times are not known any more."""
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
    """Takes note of times; each bucket keeps how many there were and their sum."""

    __slots__ = ("buckets", "least", "most")

    def __init__(self) -> None:
        self.buckets: dict[int, list[float]] = {}
        self.least: float = math.inf
        self.most: float = 0.0

    def add(self, seconds: float, count: int = 1) -> None:
        """Take note of `count` things, >= 1, that took `seconds` each."""
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
        """What was noted so far.

        Args:
            ongoing: How long something takes already that is not over; counted as if it were.
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
        """A copy to which one more was added."""
        copy = Histogram()
        copy.buckets = {number: list(bucket) for number, bucket in self.buckets.items()}
        copy.least, copy.most = self.least, self.most
        copy.add(seconds)
        return copy

    def _percentile(self, buckets: list[list[float]], rank: float) -> float:
        """The mean of the bucket in which the item of that rank is."""
        places = itertools.accumulate(count for count, _ in buckets)
        place = next(place for place, below in enumerate(places) if below >= rank)
        count, total = buckets[place]
        return min(max(total / count, self.least), self.most)
