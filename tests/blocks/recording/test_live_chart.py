"""The chart of a run while it goes on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import Call, LiveChart, Network, Recording, Span, Transformer
from penstock.blocks.charts.colours import item_colour
from penstock.blocks.charts.picture import DARK, LIGHT
from penstock.blocks.charts.rows import Lanes, rows_of
from tests.blocks.recording.recordings import WAIT_FOR_INPUT, recordings, small


def fed(recording: Recording) -> LiveChart:
    chart = LiveChart(recording.stages)
    for span in sorted(recording.spans, key=lambda span: (span.end, span.start)):
        chart.add(span)
    return chart


def test_it_has_the_rows_of_the_chart_that_is_saved() -> None:
    chart = fed(small())
    assert [row.title for row in chart.rows] == ["load", "filter", "filter 1", "filter 2", "show"]
    assert [row.worker for row in chart.rows] == ["", "", "1", "2", ""]
    assert [row.is_first for row in chart.rows] == [True, True, False, False, True]
    assert [row.is_shaded for row in chart.rows] == [True, False, False, False, True]
    assert [row.height < 1 for row in chart.rows] == [False, True, False, False, False]  # only the stage's waits


@given(recordings())
def test_every_bar_is_in_the_row_where_the_saved_chart_has_it(recording: Recording) -> None:
    chart = fed(recording)
    rows = {row.number: row for row in chart.rows}
    saved = rows_of(recording)
    assert [row.title for row in chart.rows] == [row.title for row in saved]
    places = {id(span): place for place, row in enumerate(saved) for span in row.spans}
    for bar in chart.since(0):
        assert chart.rows[places[id(bar.span)]] is rows[bar.row]


def test_a_bar_has_the_colour_of_its_item_and_a_wait_has_none() -> None:
    chart = fed(small())
    colours = [(bar.span.item, bar.colour) for bar in chart.since(0)]
    assert set(colours) == {(0, ""), (1, item_colour(1)), (2, item_colour(2)), (2, "")}


def test_it_gives_what_is_new_in_bounded_memory() -> None:
    chart = LiveChart(max_bars=3)
    for number in range(5):
        chart.add(Span("load", "load", number, number, number + 1))
    assert [bar.span.item for bar in chart.since(0)] == [2, 3, 4]
    assert [bar.span.item for bar in chart.since(4)] == [4]
    assert chart.since(chart.count) == ()
    assert repr(chart) == "<LiveChart, 1 rows, 5 bars>"


def test_a_row_keeps_its_number_while_others_come_before_it() -> None:
    chart = LiveChart()
    chart.add(Span("write", "write", 1, 0, 1))
    (before,) = chart.rows
    assert chart.rows is chart.rows  # nothing is done twice
    chart.arrange(["read", "write"])
    chart.arrange(["read", "write"])
    chart.add(Span("read", "read", 0, 0, 2, WAIT_FOR_INPUT))
    chart.add(Span("read", "read", 2, 2, 3))
    first, second = chart.rows
    assert (first.title, second.title) == ("read", "write")
    assert second.number == before.number != first.number


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "many"])
def test_it_keeps_a_whole_number_of_bars(wrong: object) -> None:
    with pytest.raises(ValueError, match="live chart: max_bars must be an int >= 1"):
        LiveChart(max_bars=wrong)  # type: ignore[arg-type]


def test_its_style_has_colours_and_words_for_all_that_is_drawn() -> None:
    style = LiveChart.style
    assert style.light == {role.value: colour for role, colour in LIGHT.items()}
    assert style.dark == {role.value: colour for role, colour in DARK.items()}
    assert set(style.heights) == set(style.meanings) == {"item", "many", "input", "output", "rate", "failed"}
    assert all(0 < share < 1 for share in style.heights.values())


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=30))
def test_things_that_went_on_at_once_need_no_more_lanes_than_there_were(times: list[tuple[int, int]]) -> None:
    spans = [Span("a", "a", 1, start, start + length) for start, length in times]
    most = max((sum(other.start <= span.start < other.end for other in spans) for span in spans), default=0)
    lanes, used = Lanes(), dict[int, list[Span]]()
    for span in sorted(spans, key=lambda span: span.end):
        used.setdefault(lanes.place(span), []).append(span)
    assert sorted(used) == list(range(most))
    assert all(one.end <= other.start for row in used.values() for one, other in pairwise(row))


async def test_the_order_of_the_stages_is_known_while_the_network_runs() -> None:
    recording = Recording()
    last, first = Call(print, name="a last"), Transformer(str, name="z first")
    first.link_target(last)
    async with Network(last, recording=recording):
        assert list(recording.stages) == ["body", "z first", "a last"]
        assert recording.links == (("z first", "a last"),)
    assert list(recording.stages) == ["z first", "a last"]  # the body has done nothing
