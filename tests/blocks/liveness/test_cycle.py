"""Circles are found in plain graphs: no network, no trio."""

import itertools

import pytest

from penstock.blocks.liveness.cycle import find_cycle
from penstock.blocks.liveness.wait_for import Cause, Wait


def waits(text: str) -> list[Wait]:
    """Read "ab bc": a waits for b, b for c; "a-": a waits for nothing."""
    names = {letter: letter for letter in text}
    return [Wait(names[w[0]], None if w[1] == "-" else names[w[1]], Cause.FULL, w) for w in text.split()]


@pytest.mark.parametrize(
    ("text", "cycle"),
    [
        ("", set[str]()),
        ("ab bc", set[str]()),
        ("a-", set[str]()),
        ("aa", {"aa"}),
        ("ab ba", {"ab", "ba"}),
        ("xa ab bc ca cx", {"ab", "bc", "ca"}),
        ("ab ba bc ca", {"ab", "ba"}),
        ("ya ab bc cb ax", {"bc", "cb"}),
        ("ab bc cd da cb", {"bc", "cb"}),
    ],
)
def test_the_shortest_circle_is_found_and_only_if_there_is_one(text: str, cycle: set[str]) -> None:
    assert {wait.why for wait in find_cycle(waits(text))} == cycle


def test_a_circle_is_told_in_order() -> None:
    found = [wait.why for wait in find_cycle(waits("ca bc ab"))]
    assert found in (["ab", "bc", "ca"], ["bc", "ca", "ab"], ["ca", "ab", "bc"])


def test_whom_somebody_may_free_is_in_no_circle() -> None:
    assert find_cycle(waits("ab ba bx"), ["x"]) == ()
    assert find_cycle(waits("ab ba xb"), ["x"]) != ()
    assert find_cycle(waits("ab ba"), ["a", "b"]) == ()


def test_a_long_chain_takes_no_time() -> None:
    people = [object() for _ in range(20_000)]
    chain = [Wait(one, other, Cause.FULL, "waits") for one, other in itertools.pairwise(people)]
    assert find_cycle(chain) == ()
    assert len(find_cycle([*chain, Wait(people[-1], people[-2], Cause.FULL, "waits")])) == 2


def test_a_way_between_two_circles_hides_neither() -> None:
    people = [object() for _ in range(200)]
    between = [Wait(one, other, Cause.FULL, "waits") for one, other in itertools.pairwise(people)]
    ends = [Wait(people[n], people[n], Cause.FULL, "waits for himself") for n in (0, -1)]
    assert [wait.why for wait in find_cycle([*between[1:], between[0], *ends])] == ["waits for himself"]
