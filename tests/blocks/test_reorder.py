"""Results in the order of their items, whatever the order in which they are done: without a loop."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.functions.reorder import Reorder


@given(st.lists(st.integers(1, 4), min_size=1, max_size=20), st.randoms(use_true_random=False), st.booleans())
def test_every_entry_is_handed_on_once_and_in_order_if_that_is_wanted(
    counts: list[int], random: Random, ordered: bool
) -> None:
    order: Reorder[int] = Reorder(ordered)
    entries = [(order.start(count), count) for count in counts]
    random.shuffle(entries)
    handed_on: list[int] = []
    done: set[int] = set()
    for number, count in entries:
        ready = order.done(number, number, count)
        done.add(number)
        handed_on += ready
        if ordered:
            expected = sorted(done)
            assert handed_on == expected[: len(handed_on)]
            assert order.handed_on == sum(one for other, one in entries if other in handed_on)
        else:
            assert list(ready) == [number]
    assert sorted(handed_on) == sorted(number for number, _ in entries)
    assert order.started == order.handed_on == sum(counts)
    assert handed_on == sorted(handed_on) or not ordered


def test_what_waits_is_forgotten_when_nothing_is_wanted_any_more() -> None:
    order: Reorder[str] = Reorder(True)
    first, second = order.start(), order.start()
    assert order.done(second, "second") == ()
    order.clear()
    assert list(order.done(first, "first")) == ["first"]
