"""Recordings as traces for Perfetto and chrome://tracing, and back from there."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from penstock.blocks import Recording, Span
from tests.blocks.recording.recordings import recordings, small


def events(recording: Recording, phase: str) -> list[dict[str, Any]]:
    return [event for event in recording.to_chrome()["traceEvents"] if event["ph"] == phase]


def same(one: Recording, other: Recording) -> bool:
    fields = ("spans", "network", "seconds", "stages", "links", "dropped")
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def test_every_worker_is_a_thread_below_a_process_that_is_the_network() -> None:
    named = {(event["name"], event["tid"]): event["args"] for event in events(small(), "M")}
    assert named["process_name", 0] == {"name": "images"}
    assert named["process_labels", 0] == {"labels": "all spans"}
    assert named["thread_name", 4] == {"name": "filter 2"}
    assert named["thread_sort_index", 4] == {"sort_index": 4}


def test_a_span_is_a_complete_event_in_microseconds_with_the_stage_as_its_category() -> None:
    first, wait, *_, failed = events(small(), "X")
    assert (first["name"], first["cat"], first["ts"], first["dur"]) == ("item 1", "load", 0, 100_000)
    assert (first["args"]["item"], first["args"]["label"], first["args"]["error"]) == (1, "one.jpg", "")
    assert "cname" not in first
    assert (wait["name"], wait["cat"], wait["cname"]) == ("wait for input", "filter,wait for input", "grey")
    assert (failed["cname"], failed["args"]["error"]) == ("terrible", "ValueError('dark')")
    assert first["pid"] == wait["pid"] == 1


def test_work_on_no_item_is_called_work_and_a_network_without_a_name_is_a_network() -> None:
    recording = Recording.of([Span("a", "a", 0, 0, 1)], dropped=3)
    assert events(recording, "X")[0]["name"] == "work"
    process, labels, *_ = events(recording, "M")
    assert process["args"] == {"name": "network"}
    assert labels["args"] == {"labels": "3 older spans were let go"}


def test_the_work_on_an_item_is_tied_together_from_its_first_bar_to_its_last() -> None:
    spans = [Span(stage, stage, 7, number, number + 1) for number, stage in enumerate("abc")]
    recording = Recording.of([*spans, Span("a", "a", 8, 1, 2)])
    flow = [event for event in recording.to_chrome()["traceEvents"] if event["name"] == "item"]
    assert [(event["ph"], event["id"], event["ts"], event["tid"]) for event in flow] == [
        ("s", 7, 0, 1),
        ("t", 7, 1_000_000, 2),
        ("f", 7, 2_000_000, 3),
    ]  # item 8 has one bar, and nothing to be tied to


@given(recordings())
def test_bars_of_a_thread_never_overlap_as_perfetto_would_drop_them(recording: Recording) -> None:
    ends: defaultdict[int, int] = defaultdict(int)
    for event in sorted(events(recording, "X"), key=lambda event: (event["ts"], event["ts"] + event["dur"])):
        assert event["ts"] >= ends[event["tid"]]
        ends[event["tid"]] = event["ts"] + event["dur"]


@given(recordings())
def test_what_is_saved_is_loaded_without_loss(tmp_path_factory: pytest.TempPathFactory, recording: Recording) -> None:
    path = tmp_path_factory.mktemp("run") / "run.json"
    recording.save(path)
    assert same(Recording.load(path), recording)


def save(path: Path, trace: object) -> Path:
    path.write_text(json.dumps(trace), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("trace", "came"),
    [
        ([], "got a JSON list"),
        ("run", "got a JSON str"),
        ({"spans": []}, "got a JSON object without traceEvents"),
        ({"traceEvents": []}, "got a trace that somebody else wrote"),
        ({"traceEvents": [], "otherData": {"version": "Chrome 130"}}, "got a trace that somebody else wrote"),
    ],
)
def test_a_file_of_somebody_else_is_refused_with_what_came_instead(tmp_path: Path, trace: object, came: str) -> None:
    path = save(tmp_path / "other.json", trace)
    with pytest.raises(ValueError, match="expected a recording of a network") as caught:
        Recording.load(path)
    assert str(path) in str(caught.value)
    assert came in str(caught.value)
    assert "recording.save('run.json')" in str(caught.value)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b"\xff<svg>")
    with pytest.raises(ValueError, match=r"run\.json: expected a recording of a network as JSON, got no JSON"):
        Recording.load(path)


def test_a_recording_of_a_later_penstock_is_refused(tmp_path: Path) -> None:
    trace = small().to_chrome()
    trace["otherData"]["version"] = 2
    with pytest.raises(ValueError, match="version 2, and this Penstock reads version 1"):
        Recording.load(save(tmp_path / "run.json", trace))


@pytest.mark.parametrize("missing", ["network", "stages", "dropped"])
def test_a_damaged_recording_is_refused(tmp_path: Path, missing: str) -> None:
    trace = small().to_chrome()
    del trace["otherData"][missing]
    with pytest.raises(ValueError, match=f"damaged \\(KeyError: '{missing}'\\)"):
        Recording.load(save(tmp_path / "run.json", trace))


def test_a_recording_with_an_infinite_count_is_refused(tmp_path: Path) -> None:
    trace = small().to_chrome()
    trace["otherData"]["dropped"] = float("inf")
    with pytest.raises(ValueError, match=r"damaged \(OverflowError"):
        Recording.load(save(tmp_path / "run.json", trace))


def test_a_recording_with_a_damaged_span_is_refused(tmp_path: Path) -> None:
    trace = small().to_chrome()
    trace["traceEvents"][-3]["args"] = None
    trace["traceEvents"][-3]["ph"] = "X"
    with pytest.raises(ValueError, match="damaged"):
        Recording.load(save(tmp_path / "run.json", trace))
