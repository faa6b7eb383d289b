"""Numbers of bytes as people write them."""

from typing import Any

import pytest

from penstock.blocks.base.byte_count import show_bytes, show_share, to_bytes


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("1000 B", 1000),
        ("2 GiB", 2 << 30),
        ("64MiB", 64 << 20),
        (" 1.5 kib ", 1536),
        ("0.5 MB", 500_000),
        ("3 tb", 3 * 10**12),
        (7, 7),
        (2e9, 2_000_000_000),
        (1.9, 1),
    ],
)
def test_numbers_and_texts_say_how_many_bytes(text: Any, number: int) -> None:
    assert to_bytes("x", "limit", text) == number


@pytest.mark.parametrize("text", ["", "GiB", "2 G", "-1 MiB", "1,5 MB", "1 MiB 2", "1e9", "٣ MB", "1__0", "2 Gib/s"])
def test_other_texts_are_refused_with_the_units_there_are(text: str) -> None:
    with pytest.raises(
        ValueError, match=r'x: limit must be a number with a unit, such as "2 GiB" \(or B, KiB, MiB, GiB, TiB, kB, MB'
    ):
        to_bytes("x", "limit", text)


@pytest.mark.parametrize("value", [0, -1, 0.5, "0 GiB", "0.0001 KiB", float("nan"), float("inf")])
def test_less_than_a_byte_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"x: limit must be at least 1 byte, got "):
        to_bytes("x", "limit", value)


@pytest.mark.parametrize("value", [True, b"1", [1], None])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r'x: limit must be a number of bytes or a text such as "2 GiB", got '):
        to_bytes("x", "limit", value)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (64 << 20, "64.0 MiB"),
        (3 << 29, "1.5 GiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_bytes_are_shown_in_the_unit_that_fits(number: float, text: str) -> None:
    assert show_bytes(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (13_002_342, 64 << 20, "12.4 of 64.0 MiB"),
        (0, 64 << 20, "0.0 of 64.0 MiB"),
        (90 << 20, 64 << 20, "90.0 of 64.0 MiB"),
        (2048, 64 << 20, "2.0 KiB of 64.0 MiB"),
        (3, 1000, "3 of 1000 B"),
    ],
)
def test_a_part_is_shown_in_the_unit_of_the_whole(part: float, whole: float, text: str) -> None:
    assert show_share(part, whole) == text
