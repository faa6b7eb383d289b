"""Charts as SVG."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given

from penstock.blocks import Recording, Span
from penstock.blocks.charts.rows import rows_of
from tests.blocks.counting import calls_in
from tests.blocks.recording.recordings import many, recordings, small

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_an_image_with_a_name_for_those_who_do_not_see_it() -> None:
    root = ET.fromstring(small().to_svg())
    assert root.get("role") == "img"
    assert root.get("aria-label") == "images: 600 ms; 2 items, 3 stages, 1 failed"
    assert root.findtext(f"{SVG}title") == "images: 600 ms"
    assert root.findtext(f"{SVG}desc") == "2 items, 3 stages, 1 failed"


def test_who_points_at_a_bar_is_told_about_it() -> None:
    titles = [title.text for title in ET.fromstring(small().to_svg()).iterfind(f"{SVG}rect/{SVG}title")]
    assert "filter 2: item 2, 250 ms from 250 ms; two.jpg; ValueError('dark')" in titles


def test_the_colours_suit_a_dark_screen() -> None:
    assert "@media (prefers-color-scheme: dark)" in small().to_svg()


def test_waits_for_output_are_hatched() -> None:
    assert 'fill="url(#penstock-recording-hatch)"' in small().to_svg()


def test_marks_of_xml_in_names_are_escaped() -> None:
    recording = Recording.of([Span('<a> & "b"', '<a> & "b"', 1, 0, 1, label="]]>\x00")], network="<&\">'")
    texts = [text.text for text in ET.fromstring(recording.to_svg()).iter(f"{SVG}text")]
    assert "<&\">': 1.00 s" in texts
    assert '<a> & "b"' in texts


@given(recordings())
def test_any_recording_gives_a_file_that_can_be_read(recording: Recording) -> None:
    ET.fromstring(recording.to_svg().encode())


def test_a_long_run_gives_a_small_file() -> None:
    assert len(many(10_000).to_svg()) < 200_000


def named(worker: str) -> Recording:
    spans = [Span(worker, f"{worker} {number}", number, number, number + 1, label=worker) for number in range(1, 10)]
    return Recording.of(spans, network=worker)


@pytest.mark.parametrize("character", ["x", "9", "\u0663", "字", "<"])
def test_names_of_ten_thousand_characters_cost_no_more_than_others(character: str) -> None:
    usual, long = named(100 * character), named(10_000 * character)
    assert calls_in(long.to_svg) < 1.5 * calls_in(usual.to_svg)
    assert len(long.to_svg()) < 1.5 * len(usual.to_svg())


def test_workers_with_numbers_of_any_length_are_in_order() -> None:
    names = ["w 9", "w 10", f"w {'1' * 5_000}", f"w {'1' * 5_000}2"]
    recording = Recording.of([Span("w", name, 1, 0, 1) for name in reversed(names)])
    assert [row.worker for row in rows_of(recording)] == names


def test_a_file_is_written_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "run.SVG"
    recording = Recording.of([Span("größer", "größer", 1, 0, 1)])
    recording.save(path, width=640, start=0.5, end=2.0)
    assert path.read_text(encoding="utf-8") == recording.to_svg(width=640, start=0.5, end=2.0)


# In a notebook


def test_a_notebook_displays_the_chart() -> None:
    assert ET.fromstring(small()._repr_svg_()).findtext(f"{SVG}title") == "images: 600 ms"
    assert ET.fromstring(Recording()._repr_svg_()).findtext(f"{SVG}desc") == "nothing was recorded"


def test_of_a_long_run_a_notebook_displays_the_newest_spans() -> None:
    recording = many(6_000)
    missing = len(recording.spans) - 10_000
    root = ET.fromstring(recording._repr_svg_())
    assert (root.findtext(f"{SVG}desc") or "").endswith(f"{missing:,} older spans are not shown")
    assert root.findtext(f"{SVG}title") == ET.fromstring(recording.to_svg()).findtext(f"{SVG}title")
