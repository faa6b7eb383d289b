"""Tables, as plain text and as rich draws them."""

import io

from rich.console import Console

from penstock.blocks.base.grid import Column, Grid

GRID = Grid(
    (
        Column("", ("read", "größe", "過濾"), is_text=True),
        Column("items", ("1", "1,000", ""), rank=1),
        Column("nothing", ("", "0", "0"), rank=1),
        Column("per item\nmean", ("1.00 s", "", "2.00 ms"), rank=2),
    ),
    marked=1,
)


def drawn(grid: Grid, width: int, **options: bool) -> str:
    file = io.StringIO()
    Console(file=file, width=width, **options).print(grid)  # type: ignore[arg-type]  # only switches
    return file.getvalue()


def test_columns_are_aligned_and_empty_ones_left_out() -> None:
    assert str(GRID).splitlines() == [
        "              per item",
        "       items      mean",
        "read       1    1.00 s",
        "größe  1,000",
        "過濾           2.00 ms",
    ]
    assert str(Grid(())) == ""


def test_rich_draws_the_same_and_marks_a_row() -> None:
    assert [line.rstrip() for line in drawn(GRID, 100).splitlines()] == str(GRID).splitlines()
    coloured = drawn(GRID, 100, force_terminal=True)
    assert "\x1b[1;31m" in coloured
    assert "\x1b[1;31m" not in drawn(Grid(GRID.columns), 100, force_terminal=True)


def test_what_matters_less_is_left_out_where_there_is_no_room() -> None:
    assert "mean" not in drawn(GRID, 15)
    assert "1,000" in drawn(GRID, 15)
    assert drawn(GRID, 8).split() == ["read", "größe", "過濾"]
    assert "…" in drawn(GRID, 3)
