"""How long things took: counted into buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import Times
from penstock.blocks.base.times import Histogram


def test_nothing_has_no_times() -> None:
    assert Histogram().summary() == Times()
    assert Times().mean == 0.0


def test_equal_times_come_out_exactly() -> None:
    histogram = Histogram()
    histogram.add(0.25, 3)
    histogram.add(0.25)
    assert histogram.summary() == Times(4, 1.0, 0.25, 0.25, 0.25, 0.25, 0.25)
    assert histogram.summary().mean == 0.25


def test_percentiles_tell_the_usual_from_the_rare() -> None:
    histogram = Histogram()
    for seconds, count in ((0.001, 80), (0.01, 15), (0.1, 4), (1.0, 1)):
        histogram.add(seconds, count)
    times = histogram.summary()
    assert (times.p50, times.p90, times.p99) == pytest.approx((0.001, 0.01, 0.1))
    assert (times.count, times.least, times.most) == (100, 0.001, 1.0)
    assert times.total == pytest.approx(0.08 + 0.15 + 0.4 + 1.0)


def test_no_time_at_all_is_a_time() -> None:
    histogram = Histogram()
    histogram.add(0.0, 2)
    assert histogram.summary() == Times(2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_what_is_not_over_counts_in_a_summary_and_is_not_kept() -> None:
    histogram = Histogram()
    histogram.add(1.0)
    assert histogram.summary(ongoing=3.0) == Times(2, 4.0, 1.0, 3.0, 1.0, 3.0, 3.0)
    assert histogram.summary().count == 1


@given(st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=300))
def test_each_percentile_is_within_a_bucket_of_the_true_one(seconds: list[float]) -> None:
    histogram = Histogram()
    for each in seconds:
        histogram.add(each)
    times = histogram.summary()
    ordered = sorted(seconds)
    for share, found in ((0.5, times.p50), (0.9, times.p90), (0.99, times.p99)):
        rank = next(place for place in range(len(ordered)) if place + 1 >= share * len(ordered))
        assert ordered[rank] / 1.2 <= found <= ordered[rank] * 1.2
