"""The rules of the text: only case is changed, names are left alone, once is enough."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.samples.sentences import vocabulary
from penstock.samples.sentences.phrase import End
from penstock.samples.sentences.text import JOINING_WORDS, correct_case, phrases_of

WORDS = st.one_of(
    st.sampled_from(sorted(JOINING_WORDS)).flatmap(
        lambda word: st.sampled_from([word, word.title(), word.upper(), word.swapcase(), word.title().swapcase()])
    ),
    st.sampled_from(["NATO", "iPhone", "e.g.", "“Stop!”", "straße", "İzmir", "ıssız", "ǆ", "e\u0301a", "—", "3rd"]),
    st.text(max_size=8),
)
PHRASES = st.lists(WORDS, max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("phrase", "corrected"),
    [
        ("the dog", "The dog"),
        ("“the dog", "“The dog"),
        ("— the dog", "— The dog"),
        ("¿qué tal?", "¿Qué tal?"),
        ("tHE dog", "The dog"),
        ("(THe dog", "(The dog"),
        ("THE DOG", "THE DOG"),
        ("THe\u0301", "THe\u0301"),
        ("the dog saw tHE cat", "The dog saw tHE cat"),
        ("2. the dog", "2. The dog"),
        ("2.", "2."),
        ("* the dog", "* The dog"),
        ("NATO met", "NATO met"),
        ("iPhone users", "iPhone users"),
        ("mRNA vaccines", "mRNA vaccines"),
        ("example.com is down", "example.com is down"),
        ("3rd time lucky", "3rd time lucky"),
        ("straße", "Straße"),
        ("ßen", "ßen"),
        ("µm are small", "µm are small"),
        ("e\u0301a", "E\u0301a"),
        ("İzmir", "İzmir"),
        ("ǆep", "ǅep"),
        ("ქართული", "ქართული"),
        ("你好", "你好"),
        ("", ""),
        ("?!", "?!"),
        ("… and so on", "… and so on"),
    ],
)
def test_a_sentence_starts_with_a_capital_where_that_is_safe(phrase: str, corrected: str) -> None:
    assert correct_case(phrase, starts_sentence=True) == corrected


@pytest.mark.parametrize("phrase", ["The dog slept", "the dog", "he saw tHE dog, THe cat", "(tHE) “oF”", "anna", ""])
def test_in_the_middle_of_a_sentence_nothing_is_corrected(phrase: str) -> None:
    assert correct_case(phrase, starts_sentence=False) == phrase


@given(PHRASES, st.booleans())
@example("İ", True)
@example("ſt", True)
@example("ŉ", True)
def test_correcting_changes_nothing_but_case_and_does_so_once(phrase: str, starts_sentence: bool) -> None:
    corrected = correct_case(phrase, starts_sentence)
    assert corrected.casefold() == phrase.casefold()
    assert len(corrected) == len(phrase)
    assert correct_case(corrected, starts_sentence) == corrected


def test_no_character_of_unicode_becomes_another_one() -> None:
    empty = range(0x40000, 0xE0000)  # no character has a code in here, nor behind the plane that follows
    for code in (*range(empty.start), *range(empty.stop, empty.stop + 0x10000)):
        character = chr(code)
        corrected = correct_case(character, starts_sentence=True)
        assert corrected in (character, character.title())
        assert corrected == character or corrected.lower() == character


PARTS = (
    *vocabulary.OPENINGS,
    *vocabulary.SUBJECTS,
    *vocabulary.VERBS,
    *vocabulary.OBJECTS,
    *vocabulary.CLOSINGS,
)


def test_every_slip_in_a_made_up_phrase_is_put_right() -> None:
    wrong = [(slip, phrase) for phrase in PARTS for slip in vocabulary.slips(phrase)]
    assert len(wrong) > 20
    for slip, phrase in wrong:
        assert slip != phrase
        assert correct_case(slip, starts_sentence=True) == correct_case(phrase, starts_sentence=True)


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        ("", []),
        ("The dog", ["The dog"]),
        ("He ran, then (slept;) and “ate,” so", ["He ran,", "then (slept;)", "and “ate,”", "so"]),
        ("so,", ["so,"]),
        ("1,5 or a,b", ["1,5 or a,b"]),
    ],
)
def test_phrases_end_at_commas_and_semicolons(sentence: str, phrases: list[str]) -> None:
    found = list(phrases_of(sentence.split(), End.SENTENCE))
    assert [phrase.text for phrase in found] == phrases
    assert [phrase.end for phrase in found] == [*[End.PHRASE] * (len(phrases) - 1), End.SENTENCE][: len(phrases)]
