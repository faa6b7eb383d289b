"""Times of lines, and lines with their times."""

import pytest

from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.timed import TimesOfChunks
from penstock.samples.streams.lines.times import FieldTimes, PatternTimes, nanoseconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5_000),
        (1.5, 1_500),
        ("7", 7_000),
        ("2.5", 2_500),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01 00:00:01,5", 1_500_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        (" 1970-01-01 ", 0),
        (True, None),
        (None, None),
        ([1], None),
        ("soon", None),
        ("nan", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
    ],
)
def test_a_time_is_a_number_or_a_text(value: object, expected: float | None) -> None:
    assert nanoseconds(value, "us") == expected


def test_a_time_in_nanoseconds_is_exact() -> None:
    assert nanoseconds(1_700_000_000_123_456_789, "ns") == 1_700_000_000_123_456_789


def test_a_line_without_a_time_has_that_of_the_line_before_it() -> None:
    data = b'broken\n{"ts": 1}\n{"ts": "soon"}\n{"x": 1}\n{"ts": 2}\n'
    timed = TimesOfChunks(FieldTimes("ts", "ns"))(Chunk(2, 11, 0, data))
    assert timed.times == [None, 1, 1, 1, 2]
    assert timed.numbers == [11, 12, 13, 14, 15]
    assert b"".join(timed.lines) == data
    assert timed.bad.counts == {"not JSON": 1, "no time in 'ts'": 1, "no field 'ts'": 1}


def test_the_brackets_of_a_trace_are_left_out() -> None:
    timed = TimesOfChunks(FieldTimes("ts", "ns"))(Chunk(0, 1, 0, b'[\r\n{"ts": 1},\r\n]\r\n'))
    assert (timed.numbers, timed.times, timed.lines) == ([2], [1], [b'{"ts": 1},\r\n'])
    assert timed.bad.total == 0


def test_a_carriage_return_in_a_line_does_not_end_it() -> None:
    timed = TimesOfChunks(PatternTimes(r"\d+", "ns"))(Chunk(0, 1, 0, b"1 a\rb\n2\n"))
    assert timed.lines == [b"1 a\rb\n", b"2\n"]


def test_a_pattern_finds_times_in_a_log() -> None:
    data = b"at 1970-01-01 00:00:02 start\n  a detail\nat 1970-01-01 00:00:03 end\nat noon: a detail\n"
    timed = TimesOfChunks(PatternTimes(r"^at (\S+ [\d:]+)", "s"))(Chunk(0, 1, 0, data))
    assert timed.times == [2e9, 2e9, 3e9, 3e9]
    assert timed.bad.counts == {}
    timed = TimesOfChunks(PatternTimes("^at (.{4})", "s"))(Chunk(0, 1, 0, data))
    assert timed.bad.counts == {"no time where the pattern matches": 1}
