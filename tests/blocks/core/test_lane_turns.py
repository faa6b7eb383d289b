"""Whose turn it is among lanes that lose messages, compared with the plain list of all messages."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.core.lane_turns import LaneTurns


def turns(lanes: int) -> LaneTurns:
    made = LaneTurns()
    for lane in range(lanes):
        made.add(lane)
    return made


def never(lane: int) -> bool:
    del lane
    return False


@given(st.integers(1, 4), st.sets(st.integers(0, 30)), st.randoms())
def test_the_messages_that_are_left_come_in_the_order_in_which_they_were_dealt(
    count: int, lost: set[int], chance: object
) -> None:
    lanes = turns(count)
    for number in sorted(lost, key=lambda _: chance.random()):  # type: ignore[attr-defined]
        lanes.lose(number % count, number // count + 1)
    got: list[int] = []
    left = sorted(set(range(31)) - lost)
    for _ in left:
        lanes.pass_lost(never)
        got.append((lanes.next[lanes.lane] - 1) * count + lanes.lane)
        lanes.taken()
    assert got == left


def test_a_lane_that_has_ended_has_no_turn() -> None:
    lanes = turns(3)
    assert lanes.pass_lost(lambda lane: lane == 0) == 0
    assert lanes.lane == 1
    lanes.taken()
    lanes.taken()
    lanes.pass_lost(lambda lane: lane < 2)
    assert lanes.lane == 2


def test_when_all_lanes_have_ended_nothing_is_passed_for_ever() -> None:
    assert turns(3).pass_lost(lambda lane: True) == 0
    assert LaneTurns().pass_lost(never) == 0


def test_the_loss_of_a_message_that_has_had_its_turn_changes_nothing() -> None:
    lanes = turns(2)
    lanes.taken()
    lanes.lose(0, 1)
    assert not lanes.has_lost
    lanes.lose(1, 1)
    assert lanes.has_lost
    assert lanes.pass_lost(never) == 1
    assert (lanes.lane, lanes.has_lost) == (0, False)


def test_whole_rounds_begin_with_the_lane_whose_turn_it_is() -> None:
    lanes = turns(3)
    lanes.taken()
    assert list(lanes.rounds_taken(2)) == [1, 2, 0]
    assert lanes.next == {0: 4, 1: 3, 2: 3}
    assert lanes.lane == 1
    lanes.clear()
    assert not lanes.order
