"""What the pictures are made of."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.charts.picture import clean, shorten, text_width


def test_what_no_picture_can_show_is_replaced_and_line_ends_become_spaces() -> None:
    assert clean("a\nb\x00c\ud800\ufffe é 大") == "a b�c�� é 大"


def test_a_name_that_is_too_long_loses_its_middle() -> None:
    assert shorten("filter", 10, 1000) == "filter"
    assert shorten("a very long name of stage 12", 10, 80) == "a very…age 12"
    assert shorten("filter", 10, 1) == "…"


@given(st.text(max_size=30), st.floats(5, 40), st.booleans())
def test_what_is_shortened_fits(text: str, size: float, bold: bool) -> None:
    cut = shorten(text, size, 200, bold)
    assert text_width(cut, size, bold) <= 200
    assert cut == text or "…" in cut


def test_wide_letters_take_more_room() -> None:
    assert text_width("大小", 10) > text_width("ab", 10)
