"""The intervals in which the governor has held an agent back."""

from __future__ import annotations

from penstock.samples.images.gui.holds import Holds


def test_a_wait_is_held_back_if_its_middle_is_in_an_interval() -> None:
    holds = Holds()
    assert not holds.cover(0, 1)
    holds.change(False, 1)  # an end without a beginning
    for start, end in ((1, 2), (4, 6)):
        holds.change(True, start)
        holds.change(False, end)
    assert holds.cover(1.1, 2.1)
    assert not holds.cover(2.1, 3.9)
    assert holds.cover(4, 6)
    assert not holds.cover(6, 7)


def test_the_last_interval_may_have_no_end_yet() -> None:
    holds = Holds()
    holds.change(True, 5)
    assert not holds.cover(3, 4)
    assert holds.cover(5, 9)
