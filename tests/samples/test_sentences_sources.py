"""Where phrases come from: bytes of any kind, in pieces of any size, and made-up ones from a seed."""

import os
from pathlib import Path

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.samples.sentences.decoding import TextDecoder, UndecodableBytesError, text_encoding
from penstock.samples.sentences.phrase import End, Phrase, PhraseSource
from penstock.samples.sentences.sources import FilePhrases, RandomPhrases, UnreadableFileError
from penstock.samples.sentences.splitter import PhraseSplitter


def pieces_of(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def decode(decoder: TextDecoder, pieces: list[bytes]) -> str:
    return "".join([decoder.decode(piece) for piece in pieces] + [decoder.decode(b"", final=True)])


def read_all(source: PhraseSource) -> list[Phrase]:
    return [phrase for batch in iter(source.read, []) for phrase in batch]


@given(st.text(), st.integers(1, 5))
@example("\ufeffa\r\nb\rc\r", 1)
@example("\ufeff\ufeff", 2)
def test_text_survives_in_pieces_but_for_its_line_ends_and_its_byte_order_mark(text: str, size: int) -> None:
    decoder = TextDecoder()
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert decode(decoder, pieces_of(text.encode(), size)) == expected
    assert decoder.replaced == 0


@given(st.binary(), st.integers(1, 5))
@example(b"\xef\xbf\xbd\xef\xbf", 1)
@example("a\N{REPLACEMENT CHARACTER}b".encode(), 2)
def test_undecodable_bytes_are_replaced_and_counted(data: bytes, size: int) -> None:
    decoder = TextDecoder(undecodable="replace")
    whole = data.decode(errors="replace")
    text = decode(decoder, pieces_of(data, size))
    assert text == whole.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert decoder.replaced == whole.count("\ufffd") - data.count(b"\xef\xbf\xbd")


@given(st.text(alphabet="a好あｱ\r\n"), st.sampled_from(["shift_jis", "utf-16", "utf-8-sig"]))
def test_text_survives_in_other_encodings(text: str, encoding: str) -> None:
    decoder = TextDecoder(encoding)
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert decode(decoder, pieces_of(text.encode(encoding), 1)) == expected


def test_a_byte_that_is_no_text_is_named_in_other_encodings_too() -> None:
    with pytest.raises(UndecodableBytesError, match="byte 0xff at offset 3 is not SHIFT_JIS; try another --encoding"):
        decode(TextDecoder("shift-jis"), [b"a", b"\x82", b"\xa0\xff"])
    decoder = TextDecoder("shift-jis", "replace")
    assert decode(decoder, [b"a\x82", b"\xa0\xff", b"b\x82"]) == "a\u3042\ufffdb\ufffd"
    assert decoder.replaced == 2


@pytest.mark.parametrize("name", ["base64", "rot13", "utf-99", "", "a\0b"])
def test_what_is_no_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(LookupError):
        text_encoding(name)


@given(st.binary(), st.integers(1, 5))
@example(b"ab\xe2\x82", 1)
@example(b"\xef\xbb\xbf\xff", 2)
def test_the_first_undecodable_byte_is_named_wherever_the_pieces_end(data: bytes, size: int) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        with pytest.raises(UndecodableBytesError, match=rf"0x{data[error.start]:02x} at offset {error.start} is not"):
            decode(TextDecoder(), pieces_of(data, size))
    else:
        decode(TextDecoder(), pieces_of(data, size))


def test_a_file_is_read_in_pieces_and_measured(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    path.write_bytes(b"Hear, hear.\n\n" * 10_000)
    with FilePhrases(path, PhraseSplitter()) as source:
        first = source.read()
        assert 0 < source.done < 130_000 == source.total
        assert first[:2] == [Phrase("Hear,"), Phrase("hear.", End.PARAGRAPH)]
        assert len(first) + len(read_all(source)) == 20_000
        assert source.done == source.total
        assert source.read() == []


def test_an_empty_file_has_no_phrases(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with FilePhrases(tmp_path / "empty", PhraseSplitter()) as source:
        assert source.read() == []


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"cannot read .*missing: No such file"):
        FilePhrases(tmp_path / "missing", PhraseSplitter())
    path = tmp_path / "binary"
    path.write_bytes(b"a" * 20_000 + b"\xff")
    with (
        FilePhrases(path, PhraseSplitter()) as source,
        pytest.raises(UnreadableFileError, match=r"binary: byte 0xff at offset 20000 is not UTF-8"),
    ):
        read_all(source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
async def test_a_named_pipe_is_opened_by_who_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with FilePhrases(path, PhraseSplitter()) as source:  # does not wait
        assert source.total is None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.Path(path).write_text, "Hear, hear.")
            assert await trio.to_thread.run_sync(read_all, source) == [Phrase("Hear,"), Phrase("hear.", End.PARAGRAPH)]


def test_a_name_that_would_not_fit_on_a_line_is_escaped(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"a\\nb"):
        FilePhrases(tmp_path / "a\nb", PhraseSplitter())


@given(st.integers(), st.integers(0, 40))
def test_made_up_phrases_are_as_many_as_wanted_and_the_same_for_a_seed(seed: int, sentences: int) -> None:
    phrases = read_all(RandomPhrases(seed, sentences))
    assert sum(phrase.ends_sentence for phrase in phrases) == sentences
    assert phrases == read_all(RandomPhrases(seed, sentences))
    assert not phrases or phrases[-1].ends_paragraph


def test_another_seed_makes_other_phrases() -> None:
    assert len({str(read_all(RandomPhrases(seed, 5))) for seed in range(-5, 6)}) == 11


def test_fewer_than_no_sentences_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="sentences must be >= 0, got -1"):
        RandomPhrases(1, -1)
