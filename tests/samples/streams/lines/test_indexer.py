"""The index: the same whether it fits into memory or is merged from partial files."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.samples.streams.lines import indexer as module
from penstock.samples.streams.lines.chunk import Cutter
from penstock.samples.streams.lines.indexer import Indexer, PlacesOfChunks
from penstock.samples.streams.lines.keys import Pattern


def index(texts: list[list[str]], flush_every: int, folder: Path | None = None) -> tuple[Indexer, bytes]:
    """Index texts, each given in chunks."""
    indexer = Indexer([f"file {number}" for number in range(len(texts))], flush_every, folder)
    find = PlacesOfChunks(Pattern(r"\S+"))
    for number, pieces in enumerate(texts):
        cutter = Cutter(number)
        for chunk in [*(chunk for piece in pieces for chunk in cutter.add(piece.encode())), *cutter.finish()]:
            assert list(indexer.add(find(chunk))) == []
    return indexer, b"".join(indexer.finish())


TEXTS = st.lists(st.lists(st.text('ab\u20ac "\n', max_size=10), max_size=6), max_size=3)


@given(TEXTS, st.integers(1, 60))
def test_partial_files_make_no_difference_but_to_where_rows_end(texts: list[list[str]], flush_every: int) -> None:
    _, whole = index(texts, 10**9)
    indexer, merged = index(texts, flush_every)
    assert places_of(merged) == places_of(whole)
    assert indexer.places == sum(len(places) for places in places_of(whole).values())
    for (value, name), places in places_of(merged).items():
        assert places == sorted(places)
        data = "".join(texts[int(name.removeprefix("file "))]).encode()
        lines = data.split(b"\n")
        for line, start in places:
            assert data[start:].startswith(lines[line - 1])
            assert value in lines[line - 1].decode()


def places_of(data: bytes) -> dict[tuple[str, str], list[tuple[int, int]]]:
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    rows: list[dict[str, Any]] = [json.loads(line) for line in data.splitlines()]
    for row in rows:
        found.setdefault((row["value"], row["file"]), []).extend(zip(row["lines"], row["bytes"], strict=True))
    assert rows == sorted(rows, key=lambda row: json.dumps(row["value"], ensure_ascii=False))
    return found


def test_many_partial_files_are_merged_in_levels_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAN", 2)
    monkeypatch.setattr(module, "BUFFER", 64)
    texts = [[f"v{number % 7}\n" for number in range(40)]]
    indexer, merged = index(texts, 1, tmp_path)
    assert indexer.partial_files == 40
    assert places_of(merged) == places_of(index(texts, 10**9)[1])
    assert os.listdir(tmp_path) == []


def test_a_value_in_many_places_has_several_rows() -> None:
    _, text = index([["x\n" * 1200]], 10**9)
    rows = [json.loads(line) for line in text.splitlines()]
    assert [len(row["lines"]) for row in rows] == [500, 500, 200]
    assert [number for row in rows for number in row["lines"]] == list(range(1, 1201))
    assert [start for row in rows for start in row["bytes"]] == list(range(0, 2400, 2))
