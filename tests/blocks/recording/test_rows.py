"""How the spans of a recording are sorted into rows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import Recording, Span
from penstock.blocks.charts.rows import Row, rows_of
from tests.blocks.recording.recordings import WAIT_FOR_INPUT, WORK, recordings, small


def test_rows_are_grouped_by_stage_and_numbered_workers_come_in_the_order_of_their_numbers() -> None:
    spans = [Span("b", f"b {number}", 1, 0, 1) for number in (10, 9, 2)]
    rows = rows_of(Recording.of([*spans, Span("a", "a", 1, 0, 1)], stages=["a", "b"]))
    assert [row.title for row in rows] == ["a", "b 2", "b 9", "b 10"]
    assert [row.short_title for row in rows] == ["", "2", "9", "10"]


def test_a_stage_that_did_nothing_has_an_empty_row_and_one_that_is_not_listed_comes_last() -> None:
    rows = rows_of(Recording.of([Span("unlisted", "w", 1, 0, 1)], stages=["idle"]))
    assert [(row.title, len(row.spans)) for row in rows] == [("idle", 0), ("unlisted w", 1)]


def test_a_worker_that_did_several_things_at_once_has_several_rows() -> None:
    spans = [Span("a", "a", 1, 0, 3), Span("a", "a", 2, 1, 2), Span("a", "a", 3, 2, 4), Span("a", "a", 4, 3, 5)]
    first, second = rows_of(Recording.of(spans))
    assert [span.item for span in first.spans] == [2, 3]  # the end of one may be the start of the next
    assert [span.item for span in second.spans] == [1, 4]
    assert (second.title, second.short_title) == ("a (2)", "(2)")


@given(recordings(), st.booleans())
def test_every_span_is_in_one_row_and_no_two_of_a_row_overlap(recording: Recording, waits_overlap: bool) -> None:
    rows = rows_of(recording, waits_overlap)
    assert sorted(span for row in rows for span in map(id, row.spans)) == sorted(map(id, recording.spans))
    for row in rows:
        apart = [span for span in row.spans if span.activity is WORK or not waits_overlap]
        assert all(before.end <= after.start for before, after in pairwise(apart))


def test_a_wait_that_is_noticed_late_needs_no_row_of_its_own() -> None:
    wait, work = Span("a", "a", 0, 0, 2, WAIT_FOR_INPUT), Span("a", "a", 1, 1.9, 3)
    recording = Recording.of([wait, work])
    assert [row.spans for row in rows_of(recording)] == [(wait, work)]
    assert [row.spans for row in rows_of(recording, waits_overlap=False)] == [(wait,), (work,)]


def test_the_rows_of_a_small_run() -> None:
    recording = small()
    wait = recording.spans[1]
    assert rows_of(recording)[1] == Row("filter", "filter", 0, (wait,))
    assert [row.title for row in rows_of(recording)] == ["load", "filter", "filter 1", "filter 2", "show"]
