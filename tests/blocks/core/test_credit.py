"""The credit of a sender or receiver, without a queue and without a loop."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.core.credit import LARGEST, QUICK, Creditor


class End(Creditor):
    """Counts the messages that its holder has moved."""

    moved = 0

    def count_moved(self, holder: Any, messages: int) -> None:
        assert holder is METER
        self.moved += messages


METER: Any = object()


def test_a_task_that_is_quick_gets_more_each_time_and_a_slow_one_gets_one() -> None:
    end = End()
    now = 100.0
    sizes: list[int] = []
    for _ in range(8):
        now += QUICK / 2
        end.give_credit(now, 1000, None)
        sizes.append(end.credit)
        end.came(now)
        end.withdraw_credit()
    assert sizes == [1, 2, 4, 8, 16, 32, LARGEST, LARGEST]
    end.give_credit(now + QUICK / 2, 5, None)
    assert end.credit == 5
    end.withdraw_credit()
    end.give_credit(now + QUICK / 2, -1, None)
    assert end.credit == 0
    end.give_credit(now + QUICK, 1000, None)
    assert end.credit == 1


@given(events=st.lists(st.sampled_from(["give", "move", "count", "withdraw"]), max_size=40))
def test_each_message_that_has_moved_is_counted_once(events: list[str]) -> None:
    end = End()
    moved = counted = 0
    for event in events:
        if event == "give":
            end.withdraw_credit()
            end.give_credit(0.0, 9, METER)
            end.came(0.0)
            counted = moved
        elif event == "move" and end.credit:
            end.credit -= 1
            moved += 1
        elif event == "count":
            end.count_credit()
            counted = moved
        elif event == "withdraw":
            end.withdraw_credit()
            assert end.credit == 0
            counted = moved
        assert end.on_credit == moved
        assert end.moved == counted


def test_without_a_meter_nothing_is_counted() -> None:
    end = End()
    end.give_credit(0.0, 5, None)
    end.credit -= 1
    end.count_credit()
    end.withdraw_credit()
    assert (end.on_credit, end.moved) == (1, 0)
