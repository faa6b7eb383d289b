"""Numbers of a stream from which some are missing, against a list that is written out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import UnboundedBuffer
from penstock.blocks.core.branch import Branch
from penstock.blocks.core.numbering import Alignment, Numbering

NUMBERS = st.sets(st.integers(1, 40))


@given(NUMBERS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_nth_item_has_the_nth_number_that_is_not_missing(missing: set[int], first: int, random: object) -> None:
    numbering = Numbering(first)
    left = [number for number in range(first, 60) if number not in missing]
    for number in missing:
        if number >= first:
            numbering.add(number)
    assert [numbering.number(place) for place in range(1, len(left) + 1)] == left


@given(NUMBERS, st.integers(1, 60))
def test_what_is_forgotten_makes_no_difference_for_what_is_behind_it(missing: set[int], least: int) -> None:
    numbering, other = Numbering(), Numbering()
    for number in missing:
        numbering.add(number)
        other.add(number)
    other.forget(least)
    places = [place for place in range(1, 70) if numbering.number(place) >= least]
    assert [numbering.number(place) for place in places] == [other.number(place) for place in places]


@given(st.lists(NUMBERS, min_size=2, max_size=4), st.lists(st.integers(1, 4), min_size=4, max_size=4), st.data())
def test_only_numbers_that_are_missing_nowhere_are_paired(
    missing: list[set[int]], firsts: list[int], data: st.DataObject
) -> None:
    inputs = list(range(len(missing)))
    alignment = Alignment(inputs, firsts[: len(inputs)])
    streams = [[n for n in range(firsts[i], 41) if n not in missing[i]] for i in inputs]
    todo = [(i, n) for i in inputs for n in sorted(missing[i])]
    paired: list[int] = []
    while True:
        for report in list(todo):  # each is reported before what is behind it comes, or earlier
            if report[1] <= alignment.next or data.draw(st.booleans()):
                alignment.lose(*report)
                todo.remove(report)
        if not alignment.is_broken:
            if not all(streams):
                break
            count = alignment.unbroken(1)
            heads = {stream.pop(0) for stream in streams}
            assert count == 1
            assert heads == {alignment.next}
            paired.append(alignment.step())
            continue
        for index in alignment.owing():
            assert streams[index].pop(0) == alignment.next
            alignment.discarded(index)
        assert not alignment.owing()
        alignment.step()
        if alignment.next > 45:
            break
    common = set(range(max(firsts[: len(inputs)]), 41)).difference(*missing)
    assert paired == sorted(common)


def test_an_input_that_has_ended_lacks_everything() -> None:
    alignment = Alignment([0, 2], [1, 1])
    assert alignment.unbroken(7) == 7
    alignment.end(2)
    assert alignment.unbroken(7) == 0
    assert alignment.owing() == [0]
    assert not alignment.is_over
    alignment.end(0)
    assert alignment.is_over


def test_what_has_gone_out_cannot_be_lost_any_more() -> None:
    alignment = Alignment([0, 1], [1, 1])
    alignment.step(3)
    alignment.lose(0, 2)
    assert not alignment.is_broken
    assert alignment.unbroken(4) == 4


def test_a_loss_that_is_told_without_its_place_breaks_the_numbers_off() -> None:
    one, two = UnboundedBuffer[int]()._core, UnboundedBuffer[int]()._core
    heard: list[int] = []
    reasons: list[str] = []
    branch = Branch([(one, None), (two, None)], heard.append, reasons.append, lambda: 1)
    branch.lost(two, (3,), 1)
    branch.lost(two, (), 1)
    assert heard == [3]
    assert "did not say which" in reasons[0]
