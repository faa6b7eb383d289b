"""Many messages at once go along links with filters, exactly as if each were offered alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import PipelineGovernor
from penstock.blocks import BoundedBuffer, Buffer, Call, IterableSource, Network, Transformer, UnboundedBuffer
from penstock.blocks.core.link import Link
from tests.blocks.tools import contents

Taken = list[tuple[str, int]]


def filled(numbers: range = range(10)) -> UnboundedBuffer[int]:
    """Make a buffer that holds some numbers."""
    buffer = UnboundedBuffer[int](name="source")
    for number in numbers:
        buffer.send_nowait(number)
    return buffer


def calls(link: Link[Any], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many messages go along a link at a time."""
    sizes: list[int] = []
    push: Callable[[Any, Any], int] = Link[Any].push_all

    def spy(self: Link[Any], items: Any) -> int:
        if self is link:
            sizes.append(len(items))
        return push(self, items)

    monkeypatch.setattr(Link, "push_all", spy)
    return sizes


async def test_what_is_accepted_before_the_first_that_is_not_goes_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = filled(), UnboundedBuffer[int]()
    asked: list[int] = []

    def is_small(number: int) -> bool:
        asked.append(number)
        return number < 7

    async with Network(source):
        sizes = calls(source.link_target(target, is_small), monkeypatch)
        await trio.testing.wait_all_tasks_blocked()
        assert sizes == [7]
        assert asked == [*range(8), 7]  # the head is offered once more by itself
        source.link_target(Call(abs))
    assert contents(target) == list(range(7))


async def test_two_links_share_the_messages_in_link_order(monkeypatch: pytest.MonkeyPatch) -> None:
    source, even, odd = filled(), UnboundedBuffer[int](), UnboundedBuffer[int]()
    async with Network(source):
        sizes = calls(source.link_target(even, lambda number: number % 2 == 0), monkeypatch)
        source.link_target(odd)
    assert sizes == [5]
    assert (contents(even), contents(odd)) == ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9])


async def test_an_error_of_a_filter_comes_out_behind_what_was_accepted_before() -> None:
    source, target = filled(), UnboundedBuffer[int](name="target")

    def fussy(number: int) -> bool:
        if number == 4:
            raise ValueError("4")
        return True

    network = Network(source)
    with pytest.raises(ExceptionGroup) as caught:
        async with network:
            source.link_target(target, fussy)
    assert [str(error) for error in caught.value.exceptions] == ["4"]
    assert network.balance()["target"].accepted == 4
    assert network.balance()["source"].delivered == 4


async def test_answers_that_are_no_bool_count_by_their_truth_and_calls_that_did_not_run_are_refused() -> None:
    source, target, rest = filled(), UnboundedBuffer[int](), UnboundedBuffer[int]()
    async with Network(source):
        source.link_target(target, lambda number: number % 3)  # type: ignore[arg-type, return-value]
        source.link_target(rest)
    assert contents(target) == [1, 2, 4, 5, 7, 8]

    async def later(number: int) -> bool:
        return True

    other = filled()
    with pytest.raises(ExceptionGroup) as caught:
        async with Network(other):
            other.link_target(Call(abs), lambda number: later(number))  # type: ignore[arg-type, return-value]
    assert "filter returned a coroutine" in str(caught.value.exceptions[0])


@pytest.mark.parametrize("change", ["unlink", "complete", "refuse", "other link", "send", "receive"])
@pytest.mark.parametrize("is_in_network", [True, False])
async def test_a_filter_that_changes_something_acts_from_its_message_on(change: str, is_in_network: bool) -> None:
    source, target, rest = (
        filled(range(1, 11)),
        BoundedBuffer[int](10),
        UnboundedBuffer[int](name="rest"),
    )
    received: list[int] = []

    def accepts(number: int) -> bool:
        if number == 4 and not received:
            received.append(number)
            act()
        return True

    def act() -> None:
        if change == "unlink":
            link.unlink()
        elif change == "complete":
            target.complete()
        elif change == "refuse":
            target.filter = lambda number: number < 4
        elif change == "other link":
            source.link_target(Call(abs, name="other"))
        elif change == "send":
            for number in range(7):
                target.send_nowait(100 + number)
        else:
            received.append(rest.receive_nowait())

    rest.send_nowait(0)
    if is_in_network:
        async with Network(source, target, rest):
            link = source.link_target(target, accepts)
            source.link_target(rest)
    else:
        late = UnboundedBuffer[int]()
        link = late.link_target(target, accepts)
        late.link_target(rest)
        source.link_target(late)
    got = sorted(number for number in contents(target) if number < 100)
    others = contents(rest)
    assert set(got) >= {1, 2, 3}
    assert sorted(got + others + received[1:]) in (list(range(11)), list(range(1, 11)))


async def test_a_target_with_a_capacity_is_never_overfilled() -> None:
    source, target, rest = filled(range(100)), BoundedBuffer[int](7), UnboundedBuffer[int]()
    async with Network(source):
        source.link_target(target, lambda number: number % 2 == 0)
        source.link_target(rest)
        await trio.testing.wait_all_tasks_blocked()
        assert contents(target) == [0, 2, 4, 6, 8, 10, 12]
    assert contents(rest) == [number for number in range(100) if number % 2 or number > 12]


async def test_a_filter_that_is_taken_away_from_a_dropping_buffer_leaves_it_dropping() -> None:
    source = UnboundedBuffer[int]()
    target = BoundedBuffer[int](3, overflow="drop_oldest", filter=lambda number: number > 0)
    target.filter = None
    source.link_target(target)
    async with Network(source):
        for number in range(10):
            source.send_nowait(number)
    assert contents(target) == [7, 8, 9]


class Sorted(Buffer[int]):
    """Gives the smallest first."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.items: list[int] = []

    def put(self, item: int) -> None:
        self.items = sorted([*self.items, item])

    def pop(self) -> int:
        return self.items.pop(0)

    def peek(self) -> int:
        return self.items[0]

    def size(self) -> int:
        return len(self.items)


TARGETS: list[Callable[[], Any]] = [
    UnboundedBuffer[int],
    lambda: BoundedBuffer[int](3),
    lambda: UnboundedBuffer[int](filter=lambda number: number % 5 > 0),
    lambda: BoundedBuffer[int](2, overflow="drop_newest"),
    lambda: BoundedBuffer[int](2, overflow="reject"),
    Sorted,
    lambda: Transformer[int, int](abs, capacity=2),
]
FILTERS: list[Callable[[int], bool] | None] = [None, lambda number: number % 2 == 0, lambda number: number % 3 == 1]


def held(block: Any) -> list[int]:
    """The messages in a block that runs in no network."""
    queue: deque[int] = block._core.inbox.queue
    return list(queue) if isinstance(block, Transformer) else contents(block)


@given(
    ways=st.lists(
        st.tuples(st.sampled_from(TARGETS), st.sampled_from(FILTERS), st.sampled_from([None, 1, 5])),
        min_size=1,
        max_size=4,
    ),
    count=st.integers(0, 40),
    at_once=st.booleans(),
)
def test_runs_decide_as_single_offers_do(ways: list[tuple[Any, Any, Any]], count: int, at_once: bool) -> None:
    """The same links, once with runs and once without them, give the same messages to the same targets."""
    results: list[list[list[int]]] = []
    for runs in (True, False):
        source = UnboundedBuffer[int]()
        targets: list[Any] = [make() for make, _, _ in ways]
        if at_once:
            for number in range(count):
                source.send_nowait(number)
        for target, (_, accepts, most) in zip(targets, ways, strict=True):
            if not runs:
                target._core.inbox.takes_one_by_one()
            source.link_target(target, accepts, max_messages=most)
        for number in range(0 if at_once else count):
            source.send_nowait(number)
        source.unlink_targets()
        results.append([contents(source), *(held(target) for target in targets)])
    assert results[0] == results[1]


async def test_a_governed_target_lets_in_no_more_than_its_limit() -> None:
    source, first, last = IterableSource(range(50)), Transformer[int, int](abs), Call[int](lambda _: None)
    most = 0

    def note(number: int) -> bool:
        nonlocal most
        most = max(most, int(governor.in_flight))
        return True

    source.link_target(first, note)
    first.link_target(last)
    governor = PipelineGovernor(3)
    governor.govern(first, last)
    async with Network(source) as network:
        pass
    assert most <= 3
    assert network.balance()[last.name].consumed == 50


@pytest.mark.parametrize("at", [1, 5])
async def test_a_filter_that_adds_a_link_decides_about_later_messages_with_it(at: int) -> None:
    source, target, other = filled(), UnboundedBuffer[int](), UnboundedBuffer[int]()

    def accepts(number: int) -> bool:
        if number == at and other not in [link.target for link in source._core.outbox.links]:
            source.link_target(other)
        return number < at + 2

    async with Network(source):
        source.link_target(target, accepts)
    assert contents(target) == list(range(at + 2))
    assert contents(other) == list(range(at + 2, 10))
