"""The marks of the axis of time, and how durations are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.charts.ticks import duration, ticks


@pytest.mark.parametrize(
    ("start", "end", "texts"),
    [
        (0, 1, ["0.0 s", "0.5 s", "1.0 s"]),
        (0, 0.012, ["0 ms", "5 ms", "10 ms"]),
        (0, 100, ["0 s", "50 s", "100 s"]),
        (2, 2.5, ["2.0 s", "2.2 s", "2.4 s"]),
        (0, 4e-6, ["0 µs", "2 µs", "4 µs"]),
        (0, 4e-9, ["0 ns", "2 ns", "4 ns"]),
        (1000, 1000.00003, ["1000000000 µs", "1000000020 µs"]),
    ],
)
def test_ticks_are_at_round_times(start: float, end: float, texts: list[str]) -> None:
    assert [text for _, text in ticks(start, end, 3)] == texts


def test_there_is_a_mark_even_where_few_fit_and_no_round_time_is_near() -> None:
    assert ticks(0.5, 4.6, 2) == [(2.0, "2 s"), (4.0, "4 s")]


@given(st.floats(0, 1e5), st.floats(1e-4, 1e5), st.integers(2, 20))
def test_there_are_no_more_ticks_than_fit_and_no_two_read_the_same(start: float, seconds: float, at_most: int) -> None:
    found = ticks(start, start + seconds, at_most)
    assert 1 <= len(found) <= max(at_most, 4) + 1
    assert len({text for _, text in found}) == len(found)
    slack = seconds * 1e-6
    assert all(start - slack <= time <= start + seconds + slack for time, _ in found)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (1.234, "1.23 s"), (12.34, "12.3 s"), (123.4, "123 s"), (0.00205, "2.05 ms"), (5e-7, "500 ns")],
)
def test_a_duration_is_written_with_three_digits(seconds: float, text: str) -> None:
    assert duration(seconds) == text
