"""Keys of lines: fields of JSON, and what a pattern finds."""

import json

import pytest

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.keys import Fields, Keys, Pattern, key_text


def texts(keys: Keys, data: bytes) -> tuple[list[tuple[int, str]], dict[str, int]]:
    bad = BadLines()
    found = [(number, key_text(key)) for number, key in keys.keys(Chunk(0, 1, 0, data), bad)]
    return found, bad.counts


@pytest.mark.parametrize("value", ["text", "a\tb\n", "", 1, 1.0, True, None, [1, "x"], {"b": 1, "a": 2}, "é", "\ud800"])
def test_a_value_of_any_kind_is_shown_as_json(value: object) -> None:
    ((_, text),), bad = texts(Fields(("x",)), json.dumps({"x": value}).encode() + b"\n")
    assert json.loads(text) == value
    assert "\t" not in text
    assert not bad


def test_values_that_python_takes_for_equal_are_different_keys() -> None:
    found, _ = texts(Fields(("x",)), b'{"x": 1}\n{"x": 1.0}\n{"x": true}\n{"x": "1"}\n{"x": "true"}\n')
    assert [text for _, text in found] == ["1", "1.0", "true", '"1"', '"true"']


def test_a_field_may_be_inside_another_one_or_have_a_point_in_its_name() -> None:
    data = b'{"a": {"b": {"c": 1}}}\n{"a.b.c": 2}\n{"a": {"b.c": 3}}\n{"a": {"b": 4}}\n'
    found, bad = texts(Fields(("a.b.c",)), data)
    assert found == [(0, "1"), (1, "2"), (2, "3")]
    assert bad == {"no field 'a.b.c'": 1}


def test_several_fields_are_one_key() -> None:
    found, bad = texts(Fields(("x", "y")), b'{"x": "a", "y": 1}\n{"x": "a"}\n')
    assert found == [(0, '["a", 1]')]
    assert bad == {"no field 'y'": 1}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ERROR|INFO", ['"INFO"', '"ERROR"']),
        (r"(\w+): (\w+)", ['["INFO", "ready"]', '["ERROR", "disk"]']),
        (r"^\d+ (\w+)", ['"INFO"', '"ERROR"']),
        (r"disk( full)?$", ['" full"']),
    ],
)
def test_a_pattern_gives_its_groups_or_all_of_it(pattern: str, expected: list[str]) -> None:
    found, bad = texts(Pattern(pattern), b"1 INFO: ready\r\nno match\r\n2 ERROR: disk full\r\n")
    assert [text for _, text in found] == expected
    assert not bad


def test_a_pattern_reads_lines_of_any_bytes() -> None:
    found, _ = texts(Pattern("b(.*)"), b"a\xffb\xff\n")
    assert found == [(0, r'"\\xff"')]
