"""Lines of JSON: as `json.loads` reads each of them, and what is bad is counted by its reason."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.samples.streams.lines.bad_lines import BadLine, BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.json_lines import json_records


def read(data: bytes, line: int = 1) -> tuple[list[tuple[int, dict[str, Any]]], BadLines]:
    bad = BadLines()
    return list(json_records(Chunk(3, line, 0, data), bad)), bad


def one_field(key: str, value: int | str) -> str:
    return json.dumps({key: value})


LINES = st.one_of(
    st.builds(one_field, st.text(max_size=2), st.integers() | st.text(max_size=2)),
    st.text('{}[]",: 1\r\ttrue', max_size=8),
    st.sampled_from(['{"a": 1,', '"b": 2}', '{"a": {', "}}", "1,2", "[", "]", "", "é"]),
)


@given(st.lists(LINES, max_size=6))
def test_each_line_is_read_as_if_it_were_alone(lines: list[str]) -> None:
    records, bad = read("".join(line + "\n" for line in lines).encode())
    expected: list[tuple[int, Any]] = []
    failed = 0
    for number, line in enumerate(lines):
        if line.strip(" \t\r\n\v\f") in ("", "[", "]"):
            continue
        try:
            value: Any = json.loads(line.strip(" \t\r\n\v\f").removesuffix(","))
        except ValueError:
            failed += 1
        else:
            if isinstance(value, dict):
                expected.append((number, cast("dict[str, Any]", value)))
            else:
                failed += 1
    assert records == expected
    assert bad.total == failed


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"a": 1} {"a": 2}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
    ],
)
def test_a_bad_line_has_a_reason_and_the_others_are_read(line: bytes, reason: str) -> None:
    records, bad = read(b'{"x": 1}\n' + line + b'\n{"x": 2}\n', line=10)
    assert records == [(0, {"x": 1}), (2, {"x": 2})]
    assert bad.counts == {reason: 1}
    assert bad.first == [BadLine(3, 11, reason)]


def test_what_others_write_around_records_is_no_fault() -> None:
    text = b'\xef\xbb\xbf[\r\n  {"x": 1},\r\n{"x": 2}\t\r\n\r\n]\r\n'
    assert read(text) == ([(1, {"x": 1}), (2, {"x": 2})], BadLines())


def test_only_the_first_bad_lines_are_named() -> None:
    bad = BadLines()
    for line in range(1, 10):
        bad.add(1, line, "late")
    other = BadLines()
    other.add(0, 7, "early")
    bad.join(other)
    assert bad.counts == {"late": 9, "early": 1}
    assert bad.first == [(0, 7, "early"), *((1, line, "late") for line in range(1, 5))]
    bad.join(BadLines())
    assert bad.total == 10
