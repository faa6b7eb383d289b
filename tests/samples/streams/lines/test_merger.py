"""The merge of sorted files, without a loop."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.samples.streams.lines import merger as module
from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.merger import Merger, OutOfOrderError
from penstock.samples.streams.lines.timed import Timed


def timed(file: int, first: int, times: list[int | None]) -> Timed:
    lines = [f"{file}:{first + place}\n".encode() for place in range(len(times))]
    return Timed(file, list(range(first, first + len(times))), list(times), lines, BadLines())


def merged(files: list[list[list[int | None]]]) -> list[bytes]:
    """Merge files of chunks of times."""
    merger = Merger([f"file {number}" for number in range(len(files))])
    rest: list[Iterator[list[int | None]]] = [iter(chunks) for chunks in files]
    first = [1] * len(files)
    out: list[bytes] = []
    while (file := merger.wants) is not None:
        chunk = next(rest[file], None)
        if chunk is None:
            merger.end(file)
        else:
            merger.add(timed(file, first[file], chunk))
            first[file] += len(chunk)
        out += merger.blocks()
    lines = b"".join(out).splitlines()
    assert merger.lines == len(lines)
    return lines


@given(st.lists(st.lists(st.integers(0, 30), max_size=20).map(sorted), max_size=4), st.randoms(use_true_random=False))
def test_lines_come_in_the_order_of_time_then_file_then_line(files: list[list[int]], chance: random.Random) -> None:
    chunked: list[list[list[int | None]]] = []
    for times in files:
        chunks: list[list[int | None]] = []
        rest: list[int | None] = list(times)
        while rest:
            size = chance.randint(0, 4)
            chunks.append(rest[:size])
            rest = rest[size:]
        chunked.append(chunks)
    expected = sorted((time, file, line) for file, times in enumerate(files) for line, time in enumerate(times, 1))
    assert merged(chunked) == [f"{file}:{line}".encode() for _, file, line in expected]


def test_a_line_without_a_time_stays_behind_the_line_before_it() -> None:
    assert merged([[[None, 1, None], [None, 5]], [[2, 6]]]) == [b"0:1", b"0:2", b"0:3", b"0:4", b"1:1", b"0:5", b"1:2"]


@pytest.mark.parametrize(("chunks", "line"), [([[1, 3, 2]], 3), ([[1, 3], [2]], 3), ([[1], [None, 0]], 3)])
def test_a_file_that_is_not_sorted_is_named(chunks: list[list[int | None]], line: int) -> None:
    with pytest.raises(OutOfOrderError, match=rf"^file 1 is not sorted by time: line {line} is earlier than"):
        merged([[[5]], chunks])


def test_it_gives_out_blocks_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1)
    merger = Merger(["one", "two"])
    merger.add(timed(0, 1, [1, 2]))
    assert list(merger.blocks()) == []
    assert merger.wants == 1
    merger.add(timed(1, 1, [2, 3]))
    assert list(merger.blocks()) == [b"0:1\n0:2\n"]
    assert merger.wants == 0
    merger.end(0)
    assert list(merger.blocks()) == [b"1:1\n1:2\n"]
