"""Text to phrases: nothing is lost, and how the text is cut makes no difference."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.samples.sentences.phrase import End, Phrase
from penstock.samples.sentences.punctuation import BREAKING_SPACES
from penstock.samples.sentences.splitter import PhraseSplitter

# Much of what matters to the splitter, and anything at all.
TEXTS = st.lists(
    st.one_of(
        st.sampled_from([" ", "\n", "\n\n", "\u00a0", "\u2028", "\u2029", ".", ",", "!", "…", "。", "」", '"', ")"]),
        st.sampled_from(["the", "The", "Mr", "e.g", "I", "好", "ßa", "\n- ", "\n1. ", "# ", "「", "“", "x" * 20_000]),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


def split(*pieces: str, language: str = "en") -> list[Phrase]:
    splitter = PhraseSplitter(language)
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


def sentences(text: str, language: str = "en") -> list[str]:
    texts: list[str] = []
    starts = True
    for phrase in split(text, language=language):
        if starts:
            texts.append("")
        texts[-1] = f"{texts[-1]} {phrase.text}".strip()
        starts = phrase.ends_sentence
    return texts


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Dr. Smith met Mr. Jones at 5 p.m. on Monday.", "They talked."]),
        ("en", ["See Fig. 3 for details.", "See also Sec. 4."]),
        ("en", ["Yahoo! is a company.", "It was big."]),
        ("en", ["We use e.g. Python, i.e. a language, etc. and so on.", "Fine."]),
        ("en", ["He said (really!) that it works.", "OK."]),
        (
            "en",
            ["J. R. R. Tolkien wrote it at 3.14 a.m. in the U.S. army.", "“No!” he said.", "Wait ... what?", "Yes."],
        ),
        ("en", ["one.", "two!", "three"]),
        ("ja", ["今日は晴れです。", "明日は雨でしょう。", "「本当？」と彼は言った。"]),
        ("ja", ["彼は『行く！』の声を聞いた。", "「はい。」", "「いいえ。」"]),
        ("zh", ["你好。", "我很好！"]),
        ("de", ["Das ist z.B. ein Test.", "Am 3. Oktober 1990 war es so.", "Ende."]),
        ("de-AT", ["Das ist z.B. ein Test.", "Ende."]),
    ],
)
def test_sentences_end_where_a_reader_of_the_language_ends_them(language: str, expected: list[str]) -> None:
    gap = "" if language in ("ja", "zh") else " "
    assert sentences(gap.join(expected), language) == expected


def test_each_item_of_a_list_is_a_sentence_of_its_own() -> None:
    assert split("* one\n* two,\n  longer\n+ three") == [
        Phrase("* one", End.SENTENCE, is_fragment=True),
        Phrase("* two,", is_fragment=True),
        Phrase("longer", End.SENTENCE, is_fragment=True),
        Phrase("+ three", End.PARAGRAPH, is_fragment=True),
    ]
    assert sentences("Do this:\n1. Open it. Read it.\n2) Close it.\n   - now\n\n  * or later") == [
        "Do this:",
        "1. Open it.",
        "Read it.",
        "2) Close it.",
        "- now",
        "* or later",
    ]


def test_a_heading_is_a_sentence_of_its_own() -> None:
    assert sentences("# A title\nand text\n## Another\n\nmore") == ["# A title", "and text", "## Another", "more"]
    assert [phrase.end for phrase in split("# A title\n\nmore")] == [End.PARAGRAPH, End.PARAGRAPH]


@pytest.mark.parametrize(
    "text",
    ["in the year\n1990. Then more", "a *word*\n*or two*", "minus -\n-5", "2 *\n3", "a #\n#tag", "-\nx"],
)
def test_what_looks_like_a_list_and_is_none_goes_on(text: str) -> None:
    joined = "".join(phrase.text for phrase in split(text))
    assert without_spaces(joined) == without_spaces(text)
    assert not any(phrase.is_fragment for phrase in split(text))


@pytest.mark.parametrize(("text", "fragments"), [("- to do", 1), ("- it is. no", 1), ("- it is.", 0), ("# it is!", 0)])
def test_an_item_or_heading_keeps_its_case_unless_it_is_a_sentence(text: str, fragments: int) -> None:
    assert sum(phrase.is_fragment for phrase in split(text)) == fragments


def test_a_no_break_space_stays_and_an_edge_of_them_is_white_space() -> None:
    assert split("\u00a0Oui\u00a0! Non\n\u00a0\nBon") == [
        Phrase("Oui\u00a0!", End.SENTENCE),
        Phrase("Non", End.PARAGRAPH),
        Phrase("Bon", End.PARAGRAPH),
    ]


def test_all_white_space_but_the_no_break_spaces_is_breaking() -> None:
    breaking = re.compile(f"[{BREAKING_SPACES}]")
    characters = "".join(map(chr, range(sys.maxunicode + 1)))
    white = [character for character in characters if character.isspace()]
    assert breaking.findall(characters) == [character for character in white if character not in "\u00a0\u2007\u202f"]


@given(TEXTS)
def test_nothing_but_white_space_is_changed(text: str) -> None:
    phrases = split(text)
    assert without_spaces("".join(phrase.text for phrase in phrases)) == without_spaces(text)
    for phrase in phrases:
        assert phrase.text == phrase.text.strip() != ""
        assert not re.search(f"[{BREAKING_SPACES}][{BREAKING_SPACES}]|[^\\S \u00a0\u2007\u202f]", phrase.text)
    assert not phrases or phrases[-1].ends_sentence


@given(TEXTS, st.data())
def test_how_the_text_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(*pieces) == split(text) == split(*text)


def test_a_sentence_without_an_end_is_handed_on_in_phrases() -> None:
    pieces = ["so it, went and "] * 20_000
    splitter = PhraseSplitter()
    early = [phrase for piece in pieces for phrase in splitter.feed(piece)]
    assert len(early) > 10_000
    late = splitter.finish()
    assert without_spaces("".join(phrase.text for phrase in early + late)) == without_spaces("".join(pieces))
    assert [phrase.end for phrase in early + late if phrase.ends_sentence] == [End.PARAGRAPH]


def test_a_paragraph_without_an_end_is_handed_on_in_sentences() -> None:
    splitter = PhraseSplitter()
    early = [phrase for _ in range(10_000) for phrase in splitter.feed("It went so. ")]
    assert len(early) > 8_000
    assert [phrase.text for phrase in early + splitter.finish()] == ["It went so."] * 10_000


def test_a_word_without_an_end_is_one_phrase() -> None:
    assert split(*["x" * 10_000] * 100) == [Phrase("x" * 1_000_000, End.PARAGRAPH)]
