"""Text to phrases: nothing is lost, and how the text is cut makes no difference."""

import re
import sys

from hypothesis import given
from hypothesis import strategies as st

from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.punctuation import BREAKING_SPACES
from penstock.samples.sentences.splitter import PhraseSplitter

# Much of what matters to the splitter, and anything at all.
TEXTS = st.lists(
    st.one_of(
        st.sampled_from([" ", "\n", "\n\n", "\u00a0", "\u2028", "\u2029", ".", ",", "!", "…", "。", "」", '"', ")"]),
        st.sampled_from(["the", "The", "Mr", "e.g", "I", "好", "ßa"]),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


def split(*pieces: str) -> list[Phrase]:
    splitter = PhraseSplitter()
    phrases = [phrase for piece in pieces for phrase in splitter.feed(piece)]
    return phrases + splitter.finish()


def without_spaces(text: str) -> str:
    return "".join(text.split())


def test_phrases_end_at_commas_sentences_at_full_stops_paragraphs_at_empty_lines() -> None:
    assert split("One,  two\nthree. “Four!” Five\n \n six; seven") == [
        Phrase("One,"),
        Phrase("two three.", End.SENTENCE),
        Phrase("“Four!”", End.SENTENCE),
        Phrase("Five", End.PARAGRAPH),
        Phrase("six;"),
        Phrase("seven", End.PARAGRAPH),
    ]


def test_no_text_has_no_phrases() -> None:
    assert split() == split("") == split(" \n\n\t\u00a0 \n") == []


def test_a_full_stop_of_its_own_script_needs_no_space() -> None:
    assert [phrase.text for phrase in split("你好。我很好！「是。」好，吧")] == [
        "你好。",
        "我很好！",
        "「是。」",
        "好，吧",
    ]


def test_a_no_break_space_stays_and_an_edge_of_them_is_white_space() -> None:
    assert split("\u00a0Oui\u00a0! Non\n\u00a0\nBon") == [
        Phrase("Oui\u00a0!", End.SENTENCE),
        Phrase("Non", End.PARAGRAPH),
        Phrase("Bon", End.PARAGRAPH),
    ]


def test_all_white_space_but_the_no_break_spaces_is_breaking() -> None:
    breaking = re.compile(f"[{BREAKING_SPACES}]")
    for code in range(sys.maxunicode + 1):
        expected = chr(code).isspace() and chr(code) not in "\u00a0\u2007\u202f"
        assert (breaking.match(chr(code)) is not None) is expected


@given(TEXTS)
def test_nothing_but_white_space_is_changed(text: str) -> None:
    phrases = split(text)
    assert without_spaces("".join(phrase.text for phrase in phrases)) == without_spaces(text)
    for phrase in phrases:
        assert phrase.text == phrase.text.strip() != ""
        assert not re.search(f"[{BREAKING_SPACES}][{BREAKING_SPACES}]|[^\\S \u00a0\u2007\u202f]", phrase.text)
    assert not phrases or phrases[-1].end is End.PARAGRAPH


@given(TEXTS, st.data())
def test_how_the_text_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(*pieces) == split(text) == split(*text)


def test_a_word_without_an_end_is_one_phrase() -> None:
    assert split(*["x" * 10_000] * 100) == [Phrase("x" * 1_000_000, End.PARAGRAPH)]
