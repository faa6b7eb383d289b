"""Merging numbered messages of several lanes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents.merge import Lane, merge


def merged(lanes: list[list[int]], start: int = 1, most: int = 1000) -> tuple[list[int], list[int]]:
    """Merge lists of numbers; return the run, and how many came from each list."""
    opened: list[int] = []

    def open_lane(number: int) -> Lane[int] | None:
        for index, items in enumerate(lanes):
            if items and items[0] == number and index not in opened:
                opened.append(index)
                return Lane(index, items)
        return None

    run, used = merge(key, start, most, open_lane)
    counts = {lane.index: lane.count for lane in used}
    for lane in used:
        assert lane.last == lane.items[lane.count - 1]
    return run, [counts.get(index, 0) for index in range(len(lanes))]


def key(number: int) -> int:
    if number < 0:
        raise ValueError("no number")
    return number


def test_two_lanes_take_turns() -> None:
    assert merged([[1, 3, 5], [2, 4, 6]]) == ([1, 2, 3, 4, 5, 6], [3, 3])


def test_it_ends_where_the_next_number_is_not_there() -> None:
    assert merged([[1, 5], [2, 4]]) == ([1, 2], [1, 1])
    assert merged([[2], [3]]) == ([], [0, 0])
    assert merged([]) == ([], [])


def test_no_more_are_merged_than_wanted() -> None:
    assert merged([[1, 2, 3], [4]], most=2) == ([1, 2], [2, 0])


@pytest.mark.parametrize("wrong", [-1, 1, 0])
def test_it_ends_before_a_head_that_is_wrong(wrong: int) -> None:
    assert merged([[1, wrong], [2, 3]]) == ([1], [1, 0])


def test_a_number_that_is_at_two_heads_ends_it() -> None:
    assert merged([[1, 3], [2, 3]]) == ([1, 2], [1, 1])


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(1, 70))
def test_whatever_the_lanes_are_the_sequence_comes_out(owners: list[int], most: int) -> None:
    lanes: list[list[int]] = [[] for _ in range(5)]
    for number, owner in enumerate(owners, start=1):
        lanes[owner].append(number)
    run, counts = merged(lanes, most=most)
    assert run == list(range(1, min(most, len(owners)) + 1))
    assert sum(counts) == len(run)
