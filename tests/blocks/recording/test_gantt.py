"""The chart as a whole."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import Recording, Span
from penstock.blocks.charts.gantt import lay_out, window
from penstock.blocks.charts.picture import Picture, Role, text_width
from tests.blocks.recording.recordings import WAIT_FOR_INPUT, WAIT_FOR_RATE, many, recordings, small


def texts(picture: Picture) -> list[str]:
    return [label.text for label in picture.labels]


def test_a_chart_names_the_network_its_stages_and_workers_and_explains_its_signs() -> None:
    picture = lay_out(small(), 1280, None, None)
    assert (picture.title, picture.description) == ("images: 600 ms", "2 items, 3 stages, 1 failed")
    assert texts(picture)[:2] == [picture.title, picture.description]
    wanted = ["load", "filter", "1", "2", "show", "1", "2", "2 ×", "waits for an item", "waits to hand an item on"]
    assert set(wanted) <= set(texts(picture))
    assert "0 ms" in texts(picture)
    assert "600 ms" in texts(picture)


def test_the_rows_are_in_the_order_of_the_stages() -> None:
    labels = {label.text: label.y for label in lay_out(small(), 1280, None, None).labels if label.bold}
    assert labels["load"] < labels["filter"] < labels["show"]


def test_the_waits_of_a_stage_that_has_workers_are_in_a_lower_row() -> None:
    boxes = lay_out(small(), 1280, None, None).boxes
    (whole,) = [box.height for box in boxes if box.role is Role.INPUT and box.title]
    alone = Recording.of([small().spans[1]])
    (usual,) = [box.height for box in lay_out(alone, 1280, None, None).boxes if box.role is Role.INPUT and box.title]
    assert whole < usual


def test_only_signs_that_occur_are_explained() -> None:
    found = texts(lay_out(Recording.of([Span("a", "a", 1, 0, 1)]), 1280, None, None))
    assert "works on an item, each in its colour" in found
    assert "failed" not in found
    picture = lay_out(Recording.of([Span("a", "a", 0, 0, 1, WAIT_FOR_RATE)]), 1280, None, None)
    assert "waits for its rate" in texts(picture)
    assert len([box for box in picture.boxes if box.role is Role.RATE and not box.title]) == 2  # as in the row


def test_an_empty_recording_says_so() -> None:
    picture = lay_out(Recording.of([]), 1280, None, None)
    assert texts(picture) == ["network: 0 s", "nothing was recorded"]


def test_a_chart_says_how_much_is_missing() -> None:
    recording = Recording.of([Span("a", "a", 1, 0, 1)], dropped=1234)
    assert lay_out(recording, 1280, None, None).description == "1 item, 1 stage, 1,234 older spans were dropped"


def test_a_chart_of_a_long_run_begins_where_the_recording_does() -> None:
    spans = [
        Span("b", "b", 0, 0.0, 301.0, WAIT_FOR_INPUT),  # a long wait does not take the chart back to the start
        Span("a", "a", 7, 299.0, 300.0),
        Span("a", "a", 8, 300.0, 302.0),
        Span("a", "a", 9, 302.0, 304.0),
    ]
    recording = Recording.of(sorted(spans, key=lambda span: span.end), seconds=304.0, dropped=5)
    assert window(recording, None, None) == (300.0, 304.0)
    assert window(recording, 0.0, None) == (0.0, 304.0)
    assert window(Recording.of(recording.spans, seconds=304.0), None, None) == (0.0, 304.0)
    assert window(Recording.of([spans[1]], dropped=5), None, None) == (299.0, 300.0)
    assert window(Recording.of([], seconds=304.0, dropped=5), None, None) == (0.0, 304.0)


def test_a_run_without_length_can_be_drawn() -> None:
    picture = lay_out(Recording.of([Span("a", "a", 1, 0, 0)]), 1280, None, None)
    assert next(box.width for box in picture.boxes if box.role is Role.ITEM) == 1.5
    assert "1.0 µs" in texts(picture)


def test_a_window_shows_a_part_of_the_run() -> None:
    picture = lay_out(small(), 1280, 0.3, 0.5)
    assert {"300 ms", "500 ms"} <= set(texts(picture))
    assert "0 ms" not in texts(picture)


def test_a_window_that_begins_after_the_end_shows_nothing_and_says_nothing_wrong() -> None:
    assert not any(box.role is Role.ITEM and box.title for box in lay_out(small(), 1280, 7.0, None).boxes)


def test_the_marks_of_time_do_not_run_into_each_other() -> None:
    picture = lay_out(Recording.of([Span("a", "a", 1, 1000, 1000.0001)]), 640, 1000, 1000.0001)
    marks = [label for label in picture.labels if label.text.endswith("µs")]
    assert marks[1].text == "1000000020 µs"
    assert marks[1].x - marks[0].x > text_width(marks[0].text, marks[0].size)


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (2.0, 1.0), (math.nan, None), (0.0, math.inf), (None, -1.0)])
def test_a_window_must_be_a_stretch_of_time(start: float | None, end: float | None) -> None:
    with pytest.raises(ValueError, match=r"must show a stretch of time, start < end, got .* to"):
        lay_out(small(), 1280, start, end)


@pytest.mark.parametrize("width", [0, 319, 20_001, True, 1280.0])
def test_a_width_is_a_number_of_pixels(width: int) -> None:
    with pytest.raises(ValueError, match=f"an int of 320 to 20000 pixels, got {width!r}"):
        lay_out(small(), width, None, None)


def test_letters_and_rows_grow_with_the_picture() -> None:
    title, wide_title = (lay_out(small(), width, None, None).labels[0] for width in (1280, 2560))
    assert wide_title.size == 2 * title.size


def test_many_rows_are_low_have_no_names_and_only_so_many_are_drawn() -> None:
    recording = Recording.of(Span(f"s{number // 40}", f"worker {number}", 1, 0, 1) for number in range(260))
    picture = lay_out(recording, 1280, None, None)
    assert "… and 60 more rows" in texts(picture)
    assert not any("worker" in text for text in texts(picture))
    assert picture.height < 1800
    assert "worker 39" in texts(lay_out(Recording.of(recording.spans[:40]), 1280, None, None))


def test_long_names_leave_room_for_the_bars() -> None:
    picture = lay_out(Recording.of([Span("s" * 99, "w" * 99, 1, 0, 1)], network="n" * 300), 640, None, None)
    bar = next(box for box in picture.boxes if box.role is Role.ITEM)
    assert bar.width > 300
    assert all(len(text) < 60 for text in texts(picture))


@given(recordings(), st.sampled_from([320, 1280, 4000]))
def test_everything_is_inside_the_picture(recording: Recording, width: int) -> None:
    picture = lay_out(recording, width, None, None)
    for box in picture.boxes:
        assert 0 <= box.x <= box.x + box.width <= picture.width + 1.5
        assert 0 <= box.y <= box.y + box.height <= picture.height
    assert all(0 < label.y < picture.height for label in picture.labels)


def test_the_number_of_boxes_is_bounded() -> None:
    assert len(lay_out(many(10_000), 1280, None, None).boxes) < 1000
