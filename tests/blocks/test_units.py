"""Numbers and names as people read them."""

import pytest

from penstock.blocks.base.units import listed, printable, shortened, show, show_aligned, show_amount, show_rate


@pytest.mark.parametrize(
    ("seconds", "text", "aligned"),
    [
        (0.0, "0 ns", "0.00 ns"),
        (2e-9, "2 ns", "2.00 ns"),
        (3.4e-5, "34 µs", "34.0 µs"),
        (0.012, "12 ms", "12.0 ms"),
        (0.9996, "1 s", "1.00 s"),
        (2.5, "2.5 s", "2.50 s"),
        (119.0, "119 s", "119 s"),
        (150.0, "2.5 min", "2.50 min"),
        (9000.0, "2.5 h", "2.50 h"),
        (3600.0 * 12345, "12333 h", "12333 h"),
    ],
)
def test_times_are_shown_in_a_unit_that_fits(seconds: float, text: str, aligned: str) -> None:
    assert show(seconds) == text
    assert show_aligned(seconds) == aligned


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.5, "0.500"), (12.34, "12.3"), (999.7, "1.00 k"), (123_400, "123 k"), (2.5e6, "2.50 M"), (2e9, "2000 M")],
)
def test_rates_have_three_digits(rate: float, text: str) -> None:
    assert show_rate(rate) == text


def test_amounts_of_bytes_have_a_unit_that_fits() -> None:
    assert show_amount(1234.5) == "1,234.5"
    assert show_amount(3) == "3"
    assert show_amount(1 << 20, "bytes") == "1.0 MiB"


def test_names_are_listed_as_in_a_sentence() -> None:
    assert listed(()) == ""
    assert listed(("a",)) == "a"
    assert listed(("a", "b", "c")) == "a, b and c"
    assert listed(tuple("abcdef")) == "a, b, c and 3 others"


def test_names_cannot_upset_a_table() -> None:
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert shortened("größe") == "größe"
    long = shortened("a" * 40 + "-17")
    assert len(long) == 28
    assert long.endswith("-17")
