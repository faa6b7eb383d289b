"""The two programs write the same, the governor counts sentences, and faults come out."""

import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.samples.sentences.control_flow import run_control_flow
from penstock.samples.sentences.phrase import Counts, End, Phrase, PhraseSource
from penstock.samples.sentences.sequential import run_sequential
from penstock.samples.sentences.sources import FilePhrases, RandomPhrases
from penstock.samples.sentences.splitter import PhraseSplitter

PROSE = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["the", "The", "tHE", "dr.", "e.g.", '"no!"', "end.", "so,", "…", "好。", "ßa", "\n\n", " "])
        | st.text(max_size=5)
    ).map(" ".join),
)


class ListOfPhrases:
    """Gives one phrase at a time, and calls a function before each."""

    def __init__(self, phrases: list[Phrase], before_read: Callable[[], object] = lambda: None) -> None:
        self._phrases = iter(phrases)
        self._before_read = before_read

    def read(self) -> list[Phrase]:
        self._before_read()
        return [phrase for phrase in [next(self._phrases, None)] if phrase is not None]


class FullDisk(io.BytesIO):
    """Takes no more than a few writes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: object, /) -> int:
        self.room -= 1
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return 0


def sequentially(source: PhraseSource) -> tuple[bytes, Counts]:
    output = io.BytesIO()
    counts = run_sequential(source, output)
    return output.getvalue(), counts


async def with_agents(source: PhraseSource, limit: int = 20) -> tuple[bytes, Counts]:
    output = io.BytesIO()
    counts = await run_control_flow(source, output, limit=limit)
    return output.getvalue(), counts


@contextmanager
def file_of(data: bytes) -> Generator[FilePhrases]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "prose.txt")
        path.write_bytes(data)
        with FilePhrases(path, PhraseSplitter()) as source:
            yield source


def sequentially_from_file(data: bytes) -> tuple[bytes, Counts]:
    with file_of(data) as source:
        return sequentially(source)


async def with_agents_from_file(data: bytes, limit: int) -> tuple[bytes, Counts]:
    with file_of(data) as source:
        return await with_agents(source, limit)


@given(seed=st.integers(), sentences=st.integers(0, 60), limit=st.integers(1, 30))
async def test_both_write_the_same_for_any_seed_and_length(seed: int, sentences: int, limit: int) -> None:
    expected, counts = sequentially(RandomPhrases(seed, sentences))
    assert counts.sentences == sentences
    assert await with_agents(RandomPhrases(seed, sentences), limit) == (expected, counts)


@given(text=PROSE, limit=st.integers(1, 3))
@example(text="", limit=1)
@example(text="\n \n", limit=1)
async def test_both_write_the_same_for_any_text(text: str, limit: int) -> None:
    data = text.encode()
    assert await with_agents_from_file(data, limit) == sequentially_from_file(data)


async def test_both_write_the_same_for_a_very_long_line() -> None:
    data = b"the quick, brown fox jumped over THe lazy dog! so it went... " * 1_000 + b"x" * 300_000
    output, counts = sequentially_from_file(data)
    assert counts == Counts(phrases=2_002, sentences=1_001)
    assert await with_agents_from_file(data, 5) == (output, counts)


@given(PROSE)
def test_only_white_space_and_case_change(text: str) -> None:
    output, _ = sequentially_from_file(text.encode())
    expected = text.removeprefix("\ufeff").casefold()
    assert "".join(output.decode().casefold().split()) == "".join(expected.split())


def test_there_is_one_sentence_a_line_and_an_empty_line_between_paragraphs() -> None:
    text = "chapter one\n\n\niT rained, the dog\nslept. tHE cat did, so did I!\n\nthe end"
    output, counts = sequentially_from_file(text.encode())
    assert output.decode() == "Chapter one\n\niT rained, the dog slept.\nThe cat did, so did I!\n\nThe end\n"
    assert counts == Counts(phrases=6, sentences=4)


@pytest.mark.parametrize("limit", [1, 3])
async def test_the_governor_counts_sentences_not_phrases(limit: int) -> None:
    read = written = 0
    furthest = 0

    def on_read() -> None:
        nonlocal read, furthest
        read += 1
        furthest = max(furthest, read - 1 - written * 4)

    def on_sentence() -> None:
        nonlocal written
        written += 1

    sentence = [Phrase("one"), Phrase("two"), Phrase("three"), Phrase("four.", End.SENTENCE)]
    source = ListOfPhrases(sentence * 25, on_read)
    output = io.BytesIO()
    counts = await run_control_flow(source, output, limit=limit, on_sentence=on_sentence)
    assert counts == Counts(phrases=100, sentences=25)
    # One phrase is read ahead, before its sentence asks for a slot.
    assert limit <= furthest <= limit * 4 + 1


async def test_a_sentence_of_more_phrases_than_the_limit_gets_through() -> None:
    source = ListOfPhrases([Phrase("and")] * 1_000 + [Phrase("stop.", End.PARAGRAPH)])
    assert (await with_agents(source, limit=1))[1] == Counts(phrases=1_001, sentences=1)


async def test_a_full_disk_comes_out_as_it_is() -> None:
    with pytest.RaisesGroup(OSError, flatten_subgroups=True):
        await run_control_flow(RandomPhrases(1, 100), FullDisk(room=3), limit=2)
    with pytest.raises(OSError, match="No space left"):
        run_sequential(RandomPhrases(1, 100), FullDisk(room=3))


async def test_a_source_that_fails_ends_the_run() -> None:
    def fail() -> None:
        raise ZeroDivisionError("the source is broken")

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await with_agents(ListOfPhrases([], fail))


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_that_lets_nothing_through_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        await with_agents(RandomPhrases(1, 1), limit)
