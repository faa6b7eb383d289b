"""Chunks of whole lines, from chunks with any bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.samples.streams.lines import chunk as module
from penstock.samples.streams.lines.chunk import Chunk, Cutter, LongLineError


@given(st.lists(st.text("ab\n\r").map(str.encode)))
def test_any_bounds_give_the_same_lines_with_their_numbers_and_places(pieces: list[bytes]) -> None:
    cutter = Cutter(7)
    chunks = [chunk for piece in pieces for chunk in cutter.add(piece)] + cutter.finish()
    text = b"".join(pieces)
    assert b"".join(chunk.data for chunk in chunks) == text + (b"\n" if text and not text.endswith(b"\n") else b"")
    for chunk in chunks:
        assert chunk.file == 7
        assert chunk.data.endswith(b"\n")
        assert text[chunk.start :].startswith(chunk.data.removesuffix(b"\n"))
        assert chunk.line == text[: chunk.start].count(b"\n") + 1


def test_the_last_line_gets_its_line_feed() -> None:
    cutter = Cutter(0)
    assert cutter.add(b"one\ntw") == [Chunk(0, 1, 0, b"one\n")]
    assert cutter.finish() == [Chunk(0, 2, 4, b"tw\n")]
    assert cutter.finish() == []


def test_a_line_that_never_ends_is_an_error_and_not_a_full_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 1 << 20)
    cutter = Cutter(0)
    cutter.add(b"one\n" + bytes(1 << 20))
    with pytest.raises(LongLineError, match="line 2 is longer than 1 MiB"):
        cutter.add(b"0")
