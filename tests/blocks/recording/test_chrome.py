"""Recordings as traces for Perfetto and chrome://tracing, and back from there."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert labels["args"] == {"labels": "3 older spans were dropped"}


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
        ({"traceEvents": []}, "got a trace that another program wrote"),
        ({"traceEvents": [], "otherData": {"version": "Chrome 130"}}, "got a trace that another program wrote"),
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
    with pytest.raises(ValueError, match=r"run\.json: expected a recording of a network as JSON, got invalid JSON"):
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
    with pytest.raises(ValueError, match=f"damaged \\('{missing}' is missing\\)"):
        Recording.load(save(tmp_path / "run.json", trace))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "invalid JSON"),
        ('{"a":' * 100_000, "invalid JSON"),
        ('{"otherData": {}, "otherData": {}}', "the key 'otherData' comes twice in an object"),
        ('{"seconds": NaN}', "NaN is not a number in JSON"),
        ('{"seconds": -Infinity}', "-Infinity is not a number in JSON"),
        ("1" * 5_000, "invalid JSON"),
        ("", "invalid JSON"),
        ('"\\ud800"', "got a JSON str"),
        ("null", "got a JSON NoneType"),
        ("1e999", "got a JSON float"),
    ],
)
def test_a_file_that_upsets_readers_of_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        Recording.load(path)
    assert len(str(caught.value)) < 600


WRONG: dict[str, list[Any]] = {
    "a text": [None, 1, True, ["a"], {"a": 1}],
    "a whole number, 0 or more": [None, "1", 1.0, True, -1, 10**400, 2**63, [1]],
    "a number of seconds": [None, "1", True, 10**400, 2**63, -(2**63), [0.5], {}],
    "a list": [None, "ab", {"a": 1}, 7],
    "lists of two stages": ["ab", {"a": "b"}, [["a"]], ["a", "b", "c"], [], 1],
    "a known activity": ["", "sleep", "WORK"],
}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("network", "a text"),
        ("seconds", "a number of seconds"),
        ("dropped", "a whole number, 0 or more"),
        ("stages", "a list"),
        ("links", "a list"),
        ("stage", "a text"),
        ("worker", "a text"),
        ("label", "a text"),
        ("error", "a text"),
        ("activity", "a text"),
        ("activity", "a known activity"),
        ("item", "a whole number, 0 or more"),
        ("start", "a number of seconds"),
        ("end", "a number of seconds"),
    ],
)
def test_a_value_of_another_type_or_beyond_all_bounds_is_refused(tmp_path: Path, key: str, expected: str) -> None:
    for value in WRONG[expected]:
        trace = small().to_chrome()
        bar = next(event for event in trace["traceEvents"] if event["ph"] == "X")
        (trace["otherData"] if key in trace["otherData"] else bar["args"])[key] = value
        with pytest.raises(ValueError, match=f"{key}: expected {expected}, got "):
            Recording.load(save(tmp_path / "run.json", trace))


@pytest.mark.parametrize("infinite", ["1e999", "-1e999"])
def test_a_time_that_no_float_can_hold_is_refused(tmp_path: Path, infinite: str) -> None:
    path = save(tmp_path / "run.json", small().to_chrome())
    path.write_text(path.read_text(encoding="utf-8").replace('"seconds": 0.6', f'"seconds": {infinite}'), "utf-8")
    with pytest.raises(ValueError, match="seconds: expected a number of seconds"):
        Recording.load(path)


@pytest.mark.parametrize("link", WRONG["lists of two stages"])
def test_a_link_that_is_none_is_refused(tmp_path: Path, link: object) -> None:
    trace = small().to_chrome()
    trace["otherData"]["links"] = [link]
    with pytest.raises(ValueError, match="links: expected lists of two stages, got "):
        Recording.load(save(tmp_path / "run.json", trace))


@pytest.mark.parametrize("version", [True, 1.0, "1", None, [1], 10**400])
def test_a_version_that_only_looks_like_ours_is_refused(tmp_path: Path, version: object) -> None:
    trace = small().to_chrome()
    trace["otherData"]["version"] = version
    with pytest.raises(ValueError, match="this is a recording of version"):
        Recording.load(save(tmp_path / "run.json", trace))


@pytest.mark.parametrize("event", [None, 1, "X", [], {}, {"ph": "X"}, {"ph": "X", "args": []}])
def test_an_event_that_is_none_is_refused(tmp_path: Path, event: object) -> None:
    trace = small().to_chrome()
    trace["traceEvents"].append(event)
    with pytest.raises(ValueError, match="damaged"):
        Recording.load(save(tmp_path / "run.json", trace))


def test_a_recording_with_a_time_that_is_none_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Recording.of([], seconds=float("nan")).save(tmp_path / "run.json")
    assert not (tmp_path / "run.json").exists()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**60, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Where something stands in a JSON value: each container with each of its keys."""
    if not isinstance(value, (dict, list)):
        return []
    container: Any = cast("Any", value)
    keys: list[Any] = list(container) if isinstance(value, dict) else list(range(len(container)))
    return [place for key in keys for place in ((container, key), *places_in(container[key]))]


def loads_or_refuses(path: Path) -> None:
    try:
        recording = Recording.load(path)
    except ValueError as error:
        refusal = str(error)
    else:
        recording.save(path)
        assert same(Recording.load(path), recording)
        assert recording.to_svg()
        assert all(str(step) for step in recording.steps())
        return
    assert str(path) in refusal
    assert len(refusal) < 1_000


@given(recordings(), st.data())
def test_whatever_stands_in_a_recording_it_is_refused_or_can_be_used(
    tmp_path_factory: pytest.TempPathFactory, recording: Recording, data: st.DataObject
) -> None:
    trace = json.loads(json.dumps(recording.to_chrome()))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places_in(trace)))
        if key in container if isinstance(container, dict) else key < len(container):
            if data.draw(st.booleans()):
                container[key] = data.draw(values)
            else:
                del container[key]
    loads_or_refuses(save(tmp_path_factory.mktemp("run") / "run.json", trace))


@given(recordings(), st.data())
def test_whatever_happens_to_the_bytes_of_a_recording_it_is_refused_or_can_be_used(
    tmp_path_factory: pytest.TempPathFactory, recording: Recording, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("run") / "run.json"
    recording.save(path)
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.just(len(content)) | st.integers(start, min(len(content), start + 20)))
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=8)) + content[end:])
    loads_or_refuses(path)


def test_a_recording_with_a_damaged_span_is_refused(tmp_path: Path) -> None:
    trace = small().to_chrome()
    trace["traceEvents"][-3]["args"] = None
    trace["traceEvents"][-3]["ph"] = "X"
    with pytest.raises(ValueError, match="damaged"):
        Recording.load(save(tmp_path / "run.json", trace))
