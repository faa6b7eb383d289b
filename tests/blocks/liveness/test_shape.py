"""A block of a user's own that says its shape gets the advice that a block of the library gets."""

from collections import deque

from penstock.agents import PipelineGovernor
from penstock.blocks import BoundedBuffer, Buffer, Call, Network, Shape, Stalled, UnboundedBuffer
from tests.blocks.tools import faults


class Own(Buffer[int]):
    """A buffer of a user's own."""

    kind = "own block"
    says = Shape()

    def __init__(self, *, capacity: int | None = None, name: str | None = None) -> None:
        super().__init__(capacity=capacity, name=name)
        self.items: deque[int] = deque()

    @property
    def shape(self) -> Shape:
        """What the test wants."""
        return self.says

    def put(self, item: int) -> None:
        """Store a message."""
        self.items.append(item)

    def pop(self) -> int:
        """Take the head."""
        return self.items.popleft()

    def peek(self) -> int:
        """Look at the head."""
        return self.items[0]

    def size(self) -> int:
        """How many there are."""
        return len(self.items)


class Grouping(Own):
    """Says that five messages make one."""

    says = Shape(group=5, needs_taker=False)


class Expanding(Own):
    """Says that more may come out than goes in."""

    says = Shape(expands=True, needs_taker=False)


class Needing(Own):
    """Says that something must take the output."""

    says = Shape(needs_taker=True)


def test_a_group_that_a_governor_never_lets_in_is_found() -> None:
    entry = UnboundedBuffer[int](name="entry")
    group = Grouping(name="group")
    entry.link_target(group)
    group.link_target(Call(str))
    PipelineGovernor(3, name="g").govern(entry, group)
    assert Network(entry).check() == (
        "governor 'g' lets in 3 at once, but own block 'group' waits for 5 messages: raise the limit to at least 5, "
        "let fewer messages make a group",
    )


def test_what_nobody_takes_is_found() -> None:
    assert Network(Own(name="own")).check() == Network(Needing(name="own")).check()
    assert Network(Expanding(name="own")).check() == ()


async def test_in_a_circle_more_room_is_not_the_advice_for_a_block_that_expands() -> None:
    first = BoundedBuffer[int](1, name="first")
    second = Expanding(capacity=1, name="second")
    first.link_target(second)
    second.link_target(first)
    with faults(Stalled) as found:
        async with Network(first):
            for item in range(4):
                await first.send(item)
    (advice,) = found[0].diagnosis.advice
    assert advice.startswith("let no more come out of own block 'second' than goes in")


def test_a_block_without_calls_has_no_advice_about_them() -> None:
    assert Own()._core.remedy_for_calls() == ""
