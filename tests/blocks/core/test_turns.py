"""Who is asked next, and for whom a place is kept: without a loop, against a model."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.core.turns import Turns


class Line:
    """What waits, in the place of a link."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.turn = 0

    def __repr__(self) -> str:
        return self.name


def lines(names: str) -> list[Line]:
    return [Line(name) for name in names]


def test_those_that_wait_longest_are_asked_first_and_keep_a_place() -> None:
    turns: Turns[Line] = Turns()
    a, b, c, d = lines("abcd")
    for line in (a, b, c):
        turns.postpone(line)
    assert list(turns.ask(2)) == [a, b]
    assert list(turns.waiting) == [c]
    assert [turns.ahead_of(line) for line in (a, b, c, d)] == [0, 1, 2, 3]
    turns.took(a)
    assert [turns.ahead_of(line) for line in (b, c, d, a)] == [0, 1, 2, 2]


def test_one_that_handed_something_in_waits_behind_the_others_and_one_that_did_not_keeps_its_place() -> None:
    turns: Turns[Line] = Turns()
    a, b = lines("ab")
    turns.postpone(a)
    turns.postpone(b)
    assert list(turns.ask(1)) == [a]
    turns.postpone(a)  # it was asked, and there was no room again
    assert list(turns.ask(1)) == [a]
    turns.took(a)
    turns.postpone(a)
    assert list(turns.ask(2)) == [b, a]


def test_a_place_is_kept_for_two_steps() -> None:
    turns: Turns[Line] = Turns()
    (a,) = lines("a")
    turns.postpone(a)
    turns.ask(1)
    assert turns.step()
    assert turns.asked
    assert not turns.step()
    assert not turns.asked
    assert not turns.step()


def test_nobody_is_asked_twice_for_the_same_room_unless_things_have_changed() -> None:
    turns: Turns[Line] = Turns()
    (a,) = lines("a")
    assert not turns.may_ask((0, 1))
    turns.postpone(a)
    assert turns.may_ask((0, 1))
    assert not turns.may_ask((0, 1))
    assert turns.may_ask((1, 1))
    turns.ask_again()
    assert turns.may_ask((1, 1))


def test_a_barred_link_is_not_asked_and_nobody_waits_for_its_turn() -> None:
    turns: Turns[Line] = Turns()
    a, b, c = lines("abc")
    for line in (a, b):
        turns.postpone(line)
    assert list(turns.ask(1)) == [a]
    turns.bar(a)  # a governor has refused what it has
    assert not turns.asked
    assert [turns.ahead_of(line) for line in (a, b, c)] == [1, 0, 1]
    assert list(turns.ask(2)) == [b]
    turns.took(b)
    assert not turns.may_ask((1, 1))
    turns.ask_again()
    assert turns.may_ask((1, 1))
    assert list(turns.ask(2)) == [a]


def test_others_may_be_asked_for_the_room_that_a_barred_link_does_not_take() -> None:
    turns: Turns[Line] = Turns()
    a, b = lines("ab")
    turns.postpone(a)
    turns.postpone(b)
    assert turns.may_ask((0, 1))
    turns.bar(a)
    assert turns.may_ask((0, 1))
    turns.bar(a)  # it was barred before
    assert not turns.may_ask((0, 1))


def test_all_are_asked_without_a_place_and_what_is_gone_is_not_asked() -> None:
    turns: Turns[Line] = Turns()
    a, b, c = lines("abc")
    for line in (a, b, c):
        turns.postpone(line)
    turns.forget(b)
    assert list(turns.ask_all()) == [a, c]
    assert not turns.asked
    assert not turns.waiting
    turns.postpone(c)
    turns.ask(1)
    turns.forget(c)
    assert not turns.asked


EVENTS = ["postpone", "bar", "open", "took", "forget", "ask", "step"]


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 4)), max_size=60))
def test_the_order_is_that_of_the_turns_whatever_happens(events: list[tuple[str, int]]) -> None:
    turns: Turns[Line] = Turns()
    all_lines = lines("abcde")
    for event, number in events:
        line = all_lines[number]
        if event == "postpone":
            turns.postpone(line)
            assert line in turns.waiting
        elif event == "bar":
            turns.bar(line)
            assert line in turns.barred
        elif event == "open":
            turns.ask_again()
            assert not turns.barred
        elif event == "forget":
            turns.forget(line)
            assert line not in turns.waiting
        elif event == "took":
            turns.took(line)
            assert line not in turns.waiting
            assert line not in turns.asked
            assert line.turn == 0
        elif event == "ask":
            waiting = sorted(turns.waiting.keys() - turns.barred, key=lambda line: line.turn)
            assert list(turns.ask(number)) == waiting[:number]
            assert set(turns.waiting) == turns.barred.union(waiting[number:])
        else:
            turns.step()
        assert turns.barred <= turns.waiting.keys() - turns.asked.keys()
        for line in all_lines:
            assert 0 <= turns.ahead_of(line) <= len(turns.asked) + len(turns.waiting)
