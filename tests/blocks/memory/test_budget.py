"""What a budget makes of capacities and batch sizes."""

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import MemoryBudget, free_memory
from penstock.blocks.memory import budget

MIB = 1 << 20


@pytest.mark.parametrize(("free", "limit"), [(10 * MIB, 64 * MIB), (128 * MIB, 64 * MIB), (1000 * MIB, 500 * MIB)])
def test_by_itself_it_is_half_of_what_is_free_and_at_least_64_mib(
    monkeypatch: pytest.MonkeyPatch, free: int, limit: int
) -> None:
    monkeypatch.setattr(budget, "free_memory", lambda: free)
    assert MemoryBudget().limit == limit
    assert MemoryBudget(None).limit == limit


def test_by_itself_it_fits_into_this_machine() -> None:
    assert 64 * MIB <= MemoryBudget().limit <= max(64 * MIB, free_memory())


def test_it_is_what_the_user_says() -> None:
    assert MemoryBudget("2 GiB").limit == 2048 * MIB
    assert MemoryBudget(1000).limit == 1000
    assert MemoryBudget("2 GiB") == MemoryBudget(2048 * MIB)
    with pytest.raises(ValueError, match=r"memory budget: limit must be a number with a unit, such as"):
        MemoryBudget("lots")
    with pytest.raises(TypeError, match=r"memory budget: limit must be a number of bytes or a text"):
        MemoryBudget(b"1")  # type: ignore[arg-type]  # that is the point


def test_it_is_shown_with_its_unit() -> None:
    assert repr(MemoryBudget("64 MiB")) == "<MemoryBudget 64.0 MiB>"
    assert str(MemoryBudget(1000)) == "1000 B"


def test_a_capacity_is_how_many_items_fit() -> None:
    assert MemoryBudget("64 MiB").capacity("6 MiB") == 10
    assert MemoryBudget("64 MiB").capacity("6 MiB", most=4) == 4
    assert MemoryBudget("64 MiB").capacity(6.5 * MIB, most=40) == 9
    assert MemoryBudget("64 MiB").capacity("1 GiB") == 1  # otherwise nothing could move


def test_a_batch_size_leaves_room_for_the_other_batches() -> None:
    assert MemoryBudget("64 MiB").batch_size("1 MiB") == 32
    assert MemoryBudget("64 MiB").batch_size("1 MiB", batches=5) == 12
    assert MemoryBudget("64 MiB").batch_size("1 MiB", batches=1, most=20) == 20
    assert MemoryBudget("64 MiB").batch_size("1 GiB") == 1


def test_it_is_split_by_shares() -> None:
    assert MemoryBudget("64 MiB").split(3, 1) == (MemoryBudget("48 MiB"), MemoryBudget("16 MiB"))
    assert MemoryBudget(10).split(1, 1, 1) == (MemoryBudget(3),) * 3


@given(st.integers(1000, 2**50), st.lists(st.floats(1, 9), min_size=1, max_size=9))
def test_the_parts_are_never_more_than_the_whole(limit: int, shares: list[float]) -> None:
    parts = MemoryBudget(limit).split(*shares)
    assert limit - len(parts) <= sum(part.limit for part in parts) <= limit


WRONG: list[tuple[Callable[[MemoryBudget], object], str]] = [
    (lambda it: it.capacity(0), "memory budget: item_bytes must be at least 1 byte, got 0"),
    (lambda it: it.capacity("much"), "memory budget: item_bytes must be a number with a unit"),
    (lambda it: it.capacity(1, most=0), "memory budget: most must be an int >= 1, got 0"),
    (lambda it: it.capacity(1, most=True), "memory budget: most must be an int >= 1, got True"),
    (lambda it: it.batch_size(1, batches=0), "memory budget: batches must be an int >= 1, got 0"),
    (lambda it: it.batch_size(1, batches=cast("int", 1.5)), "memory budget: batches must be an int >= 1, got 1.5"),
    (lambda it: it.split(), r"memory budget: split\(\) needs at least one share"),
    (lambda it: it.split(1, 0), "memory budget: a share must be a number > 0, got 0"),
    (lambda it: it.split(1, float("inf")), "memory budget: a share must be a number > 0, got inf"),
    (lambda it: it.split(1, 1e9), "memory budget: limit must be at least 1 byte, got 0"),
]


@pytest.mark.parametrize(("use", "message"), WRONG)
def test_arguments_are_checked(use: Callable[[MemoryBudget], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        use(MemoryBudget(1000))
