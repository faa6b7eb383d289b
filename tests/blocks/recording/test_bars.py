"""The bars of a row, and what becomes of those that are too thin to be drawn."""

import pytest

from penstock.blocks import Recording, Span
from penstock.blocks.charts.bars import Frame, draw_row
from penstock.blocks.charts.colours import item_colour
from penstock.blocks.charts.picture import Box, Label, Role
from penstock.blocks.charts.rows import Row, rows_of
from tests.blocks.recording.recordings import WAIT_FOR_INPUT, WAIT_FOR_OUTPUT, WAIT_FOR_RATE, many

FRAME = Frame(left=100, width=1000, start=0, end=1, row_height=30, scale=1)


def draw(*spans: Span, frame: Frame = FRAME) -> tuple[list[Box], list[Label]]:
    return draw_row(Row("a", "a", 0, spans), frame, 0)


def test_work_is_a_bar_in_the_colour_of_the_item_with_its_number_in_the_middle() -> None:
    (bar,), (number,) = draw(Span("a", "a", 7, 0.1, 0.3, label="photo.jpg"))
    assert (bar.x, bar.role, bar.fill) == (200, Role.ITEM, item_colour(7))
    assert bar.width == pytest.approx(200)
    assert bar.title == "a: item 7, 200 ms from 100 ms; photo.jpg"
    assert (number.text, number.x, number.role) == ("7", 300, Role.ON_ITEM)


def test_a_number_is_made_smaller_and_left_out_where_it_does_not_fit() -> None:
    _, (full,) = draw(Span("a", "a", 77, 0, 0.1))
    _, (smaller,) = draw(Span("a", "a", 77, 0, 0.027))
    assert smaller.size < full.size
    assert draw(Span("a", "a", 77, 0, 0.01))[1] == []
    assert draw(Span("a", "a", 77, 0, 0.1), frame=Frame(100, 1000, 0, 1, 8, 1))[1] == []


def test_work_on_no_item_has_no_number_and_no_colour_of_its_own() -> None:
    (bar,), numbers = draw(Span("a", "a", 0, 0, 0.5))
    assert (bar.fill, bar.title, numbers) == ("", "a: work, 500 ms from 0 s", [])


def test_failed_work_is_marked_by_a_foot_and_a_cross() -> None:
    (bar, foot), (number,) = draw(Span("a", "a", 7, 0, 0.5, error="ValueError('<dark>')"))
    assert (foot.role, foot.x, foot.width) == (Role.FAILED, bar.x, bar.width)
    assert bar.title == "a: item 7, 500 ms from 0 s; ValueError('<dark>')"
    assert number.text == "7 ×"


def test_waits_are_lower_than_bars_below_them_and_told_apart() -> None:
    (for_input, for_output, bar), _ = draw(
        Span("a", "a", 1, 0.6, 0.9),
        Span("a", "a", 0, 0, 0.3, WAIT_FOR_INPUT),
        Span("a", "a", 2, 0.3, 0.6, WAIT_FOR_OUTPUT),
    )
    assert (for_input.role, for_input.title) == (Role.INPUT, "a: wait for input, 300 ms from 0 s")
    assert (for_output.role, for_output.title) == (Role.OUTPUT, "a: wait for output item 2, 300 ms from 300 ms")
    assert for_input.height < for_output.height < bar.height


def test_a_wait_for_a_rate_is_two_lines_and_in_a_crowd_a_share_of_the_time() -> None:
    (upper, lower), _ = draw(Span("a", "a", 0, 0, 0.3, WAIT_FOR_RATE))
    assert upper.role is lower.role is Role.RATE
    assert upper.title == lower.title == "a: wait for rate, 300 ms from 0 s"
    assert (upper.x, upper.width, upper.height) == (lower.x, lower.width, lower.height) == (100, 300, 30 * 0.3 / 4)
    assert (upper.y - 0, lower.y + lower.height) == (10.5, 19.5)
    spans = [Span("a", "a", 0, n / 10_000, (n + 0.5) / 10_000, WAIT_FOR_RATE) for n in range(10_000)]
    boxes, _ = draw(*spans)
    assert {box.role for box in boxes} == {Role.RATE}
    assert boxes[7].height == pytest.approx(0.5 * 0.84 * 30, rel=0.05)
    assert boxes[7].title.startswith("a: 40 × wait for rate, ")


def test_only_what_is_in_the_window_is_drawn_and_cut_at_its_edges() -> None:
    frame = Frame(left=100, width=1000, start=1, end=2, row_height=30, scale=1)
    (bar,), (number,) = draw(
        Span("a", "a", 1, 0, 0.9), Span("a", "a", 2, 0.5, 1.5), Span("a", "a", 3, 2.1, 3), frame=frame
    )
    assert (bar.x, bar.width) == (100, 500)
    assert (number.text, number.x) == ("2", 350)


def test_a_span_without_length_can_be_seen() -> None:
    (bar,), _ = draw(Span("a", "a", 1, 0.5, 0.5))
    assert bar.width == 1.5
    assert bar.fill == item_colour(1)


def test_what_is_too_thin_is_put_together_and_its_height_is_the_share_of_the_time() -> None:
    (row,) = rows_of(many(10_000))
    boxes, numbers = draw_row(row, FRAME, 0)
    worked = [box for box in boxes if box.role is Role.MANY]
    waited = [box for box in boxes if box.role is Role.OUTPUT]
    assert len(worked) == len(waited) == 250  # one for 4 pixels each
    assert worked[7].height == pytest.approx(0.5 * 0.84 * 30, rel=0.05)
    assert waited[7].height == pytest.approx(0.25 * 0.84 * 30, rel=0.05)
    assert worked[7].title.startswith("a: 40 × work, items 281 to 320, 2.00 ms from 28.0 ms")
    assert [(box.x, box.title.endswith("broken")) for box in boxes if box.role is Role.FAILED] == [(100, True)]
    assert numbers == []


def test_as_much_of_a_bar_is_marked_as_has_failed_of_its_items() -> None:
    spans = [Span("a", "a", n, n / 10_000, (n + 1) / 10_000, error="" if n % 10 else "broken") for n in range(10_000)]
    boxes, _ = draw(*spans)
    marked = [box.height for box in boxes if box.role is Role.FAILED]
    assert len(marked) == 250
    assert marked[7] == pytest.approx(0.1 * 0.84 * 30, rel=0.05)


def test_waits_for_input_that_are_too_thin_and_alone_are_a_line() -> None:
    waits = [Span("a", "a", 0, start, start + 1e-4, WAIT_FOR_INPUT) for start in (0, 2e-4, 4e-4)]
    (line,), _ = draw(*waits)
    assert (line.role, line.width, line.title) == (Role.INPUT, 4, "a: 3 × wait for input, 300 µs from 0 s")


def test_thin_work_on_one_and_the_same_item_says_which() -> None:
    (bar,), _ = draw(*(Span("a", "a", 5, start, start + 1e-4) for start in (0, 2e-4)))
    assert bar.title == "a: 2 × work, item 5, 200 µs from 0 s"


def test_a_row_has_no_more_boxes_for_more_spans() -> None:
    def boxes(recording: Recording) -> int:
        return sum(len(draw_row(row, FRAME, 0)[0]) for row in rows_of(recording))

    assert boxes(many(8_000)) <= boxes(many(2_000)) + 1
