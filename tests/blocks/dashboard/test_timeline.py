"""The chart of a run as pages are told of it."""

from __future__ import annotations

from penstock.blocks import Activity, LiveChart, Recording, Span
from penstock.blocks.dashboard import Timeline


def colour_of(item: int) -> str:
    chart = LiveChart()
    chart.add(Span("a", "a", item, 0, 1))
    return chart.since(0)[0].colour


def test_a_recording_is_followed_bit_by_bit() -> None:
    recording = Recording(4)
    timeline = Timeline(7, ["load", "noise 1"])
    recording.add(Span("load", "load 1", 1, 0.0, 1.0))
    recording.add(Span("elsewhere", "elsewhere", 1, 0.0, 1.5))
    recording.add(Span("load", "load", 0, 1.0, 2.0, Activity.WAIT_FOR_INPUT))
    timeline.follow(recording, 10.0)
    work, wait = timeline.since(0)
    assert work[1:] == (1, 10.0, 11.0, "w", colour_of(1), "")
    assert wait[1:] == (0, 11.0, 12.0, "i", "", "")
    recording.add(Span("noise 1", "noise 1", 2, 2.0, 3.0, error="it broke"))
    timeline.follow(recording)
    (failed,) = timeline.since(2)
    assert failed[1:] == (2, 2.0, 3.0, "f", colour_of(2), "it broke")
    for number in range(9):
        recording.add(Span("noise 1", "noise 1", number, 3.0 + number, 4.0 + number, Activity.WAIT_FOR_OUTPUT))
    timeline.follow(recording)
    assert [bar[4] for bar in timeline.since(3)] == ["o"] * 4
    assert timeline.count == 7
    recording.add(Span("load", "load", 0, 12.0, 13.0, Activity.WAIT_FOR_RATE))
    timeline.follow(recording)
    assert [bar[4] for bar in timeline.since(7)] == ["r"]


def test_rows_have_the_names_of_the_page_and_are_there_before_anything_has_happened() -> None:
    timeline = Timeline(1, ["load", "noise"], lambda name: name.replace("noise", "filter"))
    assert [(row["stage"], row["title"]) for row in timeline.rows()] == [("load", "load"), ("filter", "filter")]
    timeline.add(Span("noise", "noise 2", 1, 0, 1))
    timeline.add(Span("noise", "noise", 0, 0, 1, Activity.WAIT_FOR_INPUT))
    rows = timeline.rows()
    assert [(row["title"], row["worker"]) for row in rows] == [("load", ""), ("filter", ""), ("filter 2", "2")]
    assert {bar[0] for bar in timeline.since(0)} <= {row["number"] for row in rows}


def test_of_any_network_all_stages_have_rows_in_the_order_of_its_recording() -> None:
    recording = Recording()
    recording.stages = ("write", "read")
    recording.add(Span("read", "read", 1, 0, 1))
    timeline = Timeline(1)
    timeline.follow(recording)
    assert [row["title"] for row in timeline.rows()] == ["write", "read"]


def test_items_can_have_other_numbers_than_in_the_recording() -> None:
    recording = Recording()
    recording.add(Span("read", "read", 3, 0, 1))
    recording.add(Span("read", "read", 0, 1, 2))
    timeline = Timeline(1)
    timeline.follow(recording, number=lambda item: 10 * item)
    assert [bar[1] for bar in timeline.since(0)] == [30, 0]
    assert timeline.since(0)[0][5] == colour_of(30)


def test_of_a_fast_run_only_the_newest_spans_are_taken() -> None:
    recording = Recording()
    timeline = Timeline(1)
    for number in range(1, 10):
        recording.add(Span("read", "read", number, number, number + 1))
    assert [span.item for span in timeline.follow(recording, most=2)] == [8, 9]
    assert timeline.follow(recording, most=2) == ()
    assert timeline.count == 2


def test_waits_that_a_governor_has_caused_are_marked_and_summed() -> None:
    timeline = Timeline(1, is_held=lambda span: span.start >= 1)
    for start in (0.0, 1.0, 2.0):
        timeline.add(Span("read", "read", 0, start, start + 0.5, Activity.WAIT_FOR_INPUT))
    assert timeline.held_seconds == 1.0
    assert [bar[4] for bar in timeline.since(0)] == ["i", "h", "h"]
