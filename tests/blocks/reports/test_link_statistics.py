"""Who feeds whom, and how many messages went that way."""

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent
from penstock.blocks import (
    Call,
    DeadLetter,
    ErrorInfo,
    Join,
    LinkKind,
    LinkStatistics,
    Network,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import Fussy, is_even, never


class Copier(Agent):
    """Hands on what it reads, to all of its outputs."""

    def __init__(self, source: UnboundedBuffer[int], *targets: UnboundedBuffer[int], name: str) -> None:
        super().__init__(inputs=[source], outputs=targets, name=name)
        self.source, self.targets = source, targets

    async def run(self) -> None:
        async for item in self.source:
            for target in self.targets:
                await target.send(item)


def buffers(*names: str) -> list[UnboundedBuffer[Any]]:
    return [UnboundedBuffer(name=name) for name in names]


async def test_links_tell_their_filters_limits_and_dead_letters() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer(name="dead")
    work: Transformer[int, int] = Transformer(Fussy(3), on_error=DeadLetter(dead), name="work")
    even, some, rest = buffers("even", "some", "rest")
    work.link_target(even, filter=is_even)
    work.link_target(some, max_messages=7)
    work.link_target(rest, filter=Fussy())
    async with Network(work) as network:
        for item in range(4):
            await work.send(item)
    assert network.report().links == (
        LinkStatistics("work", "even", passed=3, filter="is_even"),
        LinkStatistics("work", "some", passed=0, remaining=7),
        LinkStatistics("work", "rest", passed=0, filter="Fussy"),
        LinkStatistics("work", "dead", LinkKind.DEAD_LETTERS, 1),
        LinkStatistics("", "work", LinkKind.BY_HAND, 4),
    )


async def test_agents_and_those_who_send_and_receive_by_hand_are_told_apart() -> None:
    first, left, right = buffers("first", "left", "right")
    one, two = Copier(first, left, name="one"), Copier(left, right, name="two")
    async with Network(one, two) as network:
        for item in range(3):
            await first.send(item)
        await right.receive()
    assert network.report().links == (
        LinkStatistics("first", "one", LinkKind.INPUT, 3),
        LinkStatistics("one", "left", LinkKind.OUTPUT, 3),
        LinkStatistics("left", "two", LinkKind.INPUT, 3),
        LinkStatistics("two", "right", LinkKind.OUTPUT, 3),
        LinkStatistics("", "first", LinkKind.BY_HAND, 3),
        LinkStatistics("right", "", LinkKind.BY_HAND, 1),
    )


async def test_what_cannot_be_told_is_not_made_up() -> None:
    first, left, right, other = buffers("first", "left", "right", "other")
    both = Copier(first, left, right, name="both")
    pair: Join[Any] = Join(left, right, name="pair")
    pair.link_target(other)
    async with Network(both) as network:
        await first.send(1)
    links = {str(link) for link in network.report().links}
    assert links == {
        "left → pair: 1 passed",
        "right → pair: 1 passed",
        "pair → other: 1 passed",
        "first → both: input, 1 passed",
        "both → left: output",
        "both → right: output",
        "body → first: by hand, 1 passed",
    }


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (LinkStatistics("a\n", "b"), "a\\n → b"),
        (LinkStatistics("a", "", LinkKind.BY_HAND, 3), "a → body: by hand, 3 passed"),
        (LinkStatistics("a", "b", passed=3, filter="big", remaining=2), "a → b: 3 passed, only big, 2 more"),
    ],
)
def test_a_link_can_be_read(link: LinkStatistics, text: str) -> None:
    assert str(link) == text


async def test_before_the_start_nothing_has_passed() -> None:
    call: Call[int] = Call(never, name="c")
    assert Network(call).report().links == ()


async def test_a_reader_that_was_just_given_a_message_is_not_taken_for_the_body() -> None:
    first, second = buffers("first", "second")
    async with Network(Copier(first, second, name="reader")) as network:
        await wait_all_tasks_blocked()
        first.send_nowait(1)  # it wakes the reader, which has not run since
        assert not [link for link in network.report().links if not link.target]
