"""Messages that wait for those with the same key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.core.key_store import MOST_REPORTED, KeyStore


@given(st.permutations([(index, key) for index in range(3) for key in range(6)]))
def test_a_key_is_complete_when_each_input_has_brought_it_in_whatever_order(arrivals: list[tuple[int, int]]) -> None:
    store, complete = KeyStore(3), list[Any]()
    for index, key in arrivals:
        whole = store.put(index, key, (index, key))
        if whole is not None:
            complete.append(whole)
    assert sorted(complete) == [tuple((index, key) for index in range(3)) for key in range(6)]
    assert (len(store), store.counts, store.first()) == (0, [0, 0, 0], None)


def test_a_key_that_waits_cannot_come_twice_on_one_input_but_may_come_again_later() -> None:
    store = KeyStore(2)
    assert store.put(0, "a", 1) is None
    with pytest.raises(KeyError):
        store.put(0, "a", 2)
    assert store.put(1, "a", 3) == (1, 3)
    assert store.put(0, "a", 4) is None
    assert store.first() == ("a", [1])


def test_an_input_that_has_ended_leaves_keys_without_hope() -> None:
    store = KeyStore(2)
    store.put(0, "a", 1)
    store.put(1, "b", 2)
    assert store.end(1) == ["a"]
    assert store.remove("a") == {0: 1}
    assert not store.is_hopeless("b")
    store.put(0, "c", 3)
    assert store.is_hopeless("c")


def test_losses_that_were_reported_are_forgotten_when_no_message_waits_or_comes_for_them() -> None:
    store = KeyStore(2)
    store.put(0, "a", 1)
    store.report(["a", "z"])
    assert store.reported() == ["a"]
    store.put(0, "z", 1)
    assert store.reported() == ["a", "z"]
    store.report(["y"])
    store.forget_reports()
    store.remove("a")
    store.remove("z")
    assert store.reported() == []


def test_the_oldest_of_very_many_reports_are_forgotten() -> None:
    store = KeyStore(2)
    store.report(range(MOST_REPORTED + 2))
    for key in (1, 2):
        store.put(0, key, key)
    assert store.reported() == [2]


def test_keys_that_were_passed_are_known_only_while_keys_increase() -> None:
    store = KeyStore(2)
    for key in (1, 2, 3):
        store.put(0, key, key)
    store.put(1, 2, 2)
    assert store.passed() == [1]
    store.put(1, 1, 1)
    assert store.passed() == []


def test_keys_without_an_order_are_never_passed() -> None:
    store = KeyStore(2)
    store.put(0, "a", 1)
    store.put(1, 3, 1)
    store.put(0, None, 2)
    assert store.passed() == []
