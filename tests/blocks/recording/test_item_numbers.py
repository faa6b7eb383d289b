"""An item is known again by its identity."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.recording.item_numbers import ItemNumbers
from penstock.blocks.recording.routes import Routes

LINKS = {"read": ["queue"], "queue": ["first"], "first": ["second"], "second": []}
STAGES = {"read", "first", "second"}


class Thing:
    """Can be referred to weakly, unlike a number or a list."""


@pytest.fixture
def numbers() -> ItemNumbers:
    return ItemNumbers(1000, Routes(lambda: (LINKS, STAGES), lambda: 3))


def test_items_are_numbered_as_they_are_first_seen(numbers: ItemNumbers) -> None:
    assert [numbers.take(item, "first") for item in ("a", "b", "c")] == [1, 2, 3]


@pytest.mark.parametrize("item", [Thing(), [1], "text", None])
def test_what_was_given_a_number_is_known_once(item: object, numbers: ItemNumbers) -> None:
    numbers.give(item, 7, "read")
    assert [numbers.take(item, "first"), numbers.take(item, "first")] == [7, 1]


def test_of_things_that_are_the_same_the_first_is_taken_first(numbers: ItemNumbers) -> None:
    for number in (4, 5, 6):
        numbers.give(0, number, "read")
    assert [numbers.take(0, "first") for _ in range(3)] == [4, 5, 6]


def test_of_things_that_are_the_same_one_that_can_have_come_here_is_taken(numbers: ItemNumbers) -> None:
    numbers.give(0, 1, "read")
    numbers.give(0, 2, "first", inside=True)
    numbers.give(0, 3, "first")
    numbers.give(0, 4, "queue", inside=True)
    assert numbers.take(0, "second") == 3
    numbers.give(0, 5, "second")
    assert [numbers.take(0, "first") for _ in range(3)] == [1, 2, 4]


def test_if_none_can_have_come_here_it_is_the_first(numbers: ItemNumbers) -> None:
    numbers.give(0, 1, "second")
    numbers.give(0, 2, "second")
    assert numbers.take(0, "first") == 1


def test_links_that_are_made_later_count_from_then_on() -> None:
    links: dict[str, list[str]] = {"a": []}
    numbers = ItemNumbers(10, Routes(lambda: (links, {"a", "b"}), lambda: len(links["a"])))
    numbers.give(0, 1, "b")
    numbers.give(0, 2, "a")
    numbers.give(0, 3, "a")
    assert numbers.take(0, "b") == 1
    numbers.give(0, 4, "b")
    links["a"].append("b")
    assert numbers.take(0, "b") == 2


def test_an_item_can_go_several_ways_or_none(numbers: ItemNumbers) -> None:
    thing = Thing()
    numbers.give(thing, 4, "read")
    numbers.multiply(thing, 2, "queue")
    assert [numbers.take(thing, "first") for _ in range(3)] == [4, 4, 1]
    numbers.give(thing, 4, "read")
    numbers.multiply(thing, 0, "queue")
    assert numbers.take(thing, "first") == 2
    numbers.multiply(thing, 3, "queue")  # it was never seen: that is no item of anybody's
    assert len(numbers) == 0


def test_the_oldest_are_forgotten() -> None:
    numbers = ItemNumbers(2, Routes(lambda: (LINKS, STAGES), lambda: 3))
    things = [Thing() for _ in range(3)]
    for number, thing in enumerate(things, start=10):
        numbers.give(thing, number, "read")
    assert [numbers.take(thing, "first") for thing in things] == [1, 11, 12]


def test_of_many_a_few_more_than_that_are_known_and_then_the_oldest_are_forgotten_together() -> None:
    numbers = ItemNumbers(32, Routes(lambda: (LINKS, STAGES), lambda: 3))
    things = [Thing() for _ in range(35)]
    sizes: list[int] = []
    for number, thing in enumerate(things, start=1000):
        numbers.give(thing, number, "read")
        sizes.append(len(numbers))
    assert sizes == [*range(1, 35), 32]
    assert [numbers.take(thing, "first") for thing in things] == [1, 2, 3, *range(1003, 1035)]


def test_things_are_not_kept_alive_and_a_new_one_in_their_place_is_new(numbers: ItemNumbers) -> None:
    places: set[int] = set()
    for _ in range(100):
        thing = Thing()
        assert numbers.take(thing, "first") != 7_000_000
        numbers.give(thing, 7_000_000, "read")
        places.add(id(thing))
        del thing
    assert len(places) < 100  # some came to lie where others had been


@pytest.mark.parametrize("times", [1, 2])
def test_what_nobody_has_taken_does_not_hide_another_that_comes_to_lie_in_its_place(
    times: int, numbers: ItemNumbers
) -> None:
    gone, thing, new = Thing(), Thing(), Thing()
    for _ in range(times):
        numbers.give(gone, 4, "read")
    numbers._known[id(new)] = copy.copy(numbers._known[id(gone)])
    numbers._known[id(thing)] = numbers._known.pop(id(gone))
    numbers.give(thing, 5, "read")
    assert numbers.take(thing, "first") == 5
    assert numbers.take(new, "first") == 1
    assert len(numbers) == 0


class Simple:
    """The same rules, in a list in which everything is looked for."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.last = 0
        self.on_their_way: list[tuple[object, int, str, bool]] = []

    def take(self, item: object, taker: str) -> int:
        """Take the first that can have come here, or else the first."""
        mine = [one for one in self.on_their_way if one[0] is item]
        if not mine:
            self.last += 1
            return self.last
        one = next((one for one in mine if self.routes.leading([(one[2], one[3])], taker)), mine[0])
        self.on_their_way.pop(next(place for place, other in enumerate(self.on_their_way) if other is one))
        return one[1]


ITEMS = [Thing(), Thing(), [1], 7, None]
places = st.sampled_from(sorted(LINKS))
moves = st.tuples(st.sampled_from(ITEMS), places, st.sampled_from(["take", "give", "enter", "twice", "end"]))


@given(st.lists(moves, max_size=40))
def test_whatever_is_given_and_taken_numbers_are_as_the_rules_say(history: list[tuple[object, str, str]]) -> None:
    routes = Routes(lambda: (LINKS, STAGES), lambda: 3)
    numbers, simple = ItemNumbers(1000, routes), Simple(routes)
    for number, (item, place, what) in enumerate(history, start=1000):
        if what in ("give", "enter"):
            numbers.give(item, number, place, inside=what == "enter")
            simple.on_their_way.append((item, number, place, what == "enter"))
        elif what == "take":
            assert numbers.take(item, place) == simple.take(item, place)
        else:
            times = 2 if what == "twice" else 0
            numbers.multiply(item, times, place)
            if any(one[0] is item for one in simple.on_their_way):
                taken = simple.take(item, place)
                simple.on_their_way += [(item, taken, place, False)] * times
        assert len(numbers) == len({id(one[0]) for one in simple.on_their_way})
