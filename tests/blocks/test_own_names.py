"""A buffer of a user's own may use any names but the public ones and `_core`."""

from collections.abc import Callable

import pytest

from penstock.agents import Agent
from penstock.blocks import Batch, Buffer, Call, Network, UnboundedBuffer


class Mine(Buffer[str]):
    """Has private names of its own, which disturb nothing."""

    def __init__(self) -> None:
        super().__init__(name="mine")
        self._items: list[str] = []
        self._seen = 0

    def put(self, item: str) -> None:
        """Store a message."""
        self._items.append(item)
        self._seen += 1

    def pop(self) -> str:
        """Take the head."""
        return self._items.pop(0)

    def peek(self) -> str:
        """Look at the head."""
        return self._items[0]

    def size(self) -> int:
        """How many there are."""
        return len(self._items)


async def test_names_of_its_own_are_fine() -> None:
    buffer = Mine()
    async with Network(buffer):
        await buffer.send("x")
        assert await buffer.receive() == "x"


async def test_names_that_the_library_uses_inside_are_free() -> None:
    class Counting(Mine):
        def __init__(self) -> None:
            super().__init__()
            self._counts: dict[str, int] = {}
            self._waits = 0
            self.counts = self.host = self.queued = self.inbox = "mine"

        def _step(self) -> None: ...

        def step(self) -> str:
            return "mine"

        def put(self, item: str) -> None:
            self._counts[item] = self._counts.get(item, 0) + 1
            super().put(item)

    buffer = Counting()
    async with Network(buffer) as network:
        await buffer.send("x")
        await buffer.send("x")
        buffer.complete()
        assert [item async for item in buffer] == ["x", "x"]
        assert network.balance().ok
    assert (buffer._counts, buffer.counts, buffer.step()) == ({"x": 2}, "mine", "mine")


class Half(Mine):
    """Does not call the `__init__` of its base class."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]
        self._items = ["x"]


class HalfAnAgent(Agent):
    """The same, of an agent."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.mine = 1


class HalfACall(Call[int]):
    """The same, of a block that explains what it has not."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.mine = 1


@pytest.mark.parametrize(
    "use",
    [
        lambda: Half().send_nowait("x"),
        lambda: Half().name,
        lambda: len(Half()),
        lambda: UnboundedBuffer[str]().link_target(Half()),
        lambda: Network(Half()),
        lambda: HalfAnAgent().status,
        lambda: Network(HalfAnAgent()),
    ],
)
async def test_a_class_that_forgets_the_init_of_its_base_is_told_so(use: Callable[[], object]) -> None:
    with pytest.raises(AttributeError, match=r"Half.* is used before it is made: call super\(\).__init__\(...\) first"):
        use()


def test_the_repr_of_a_block_that_is_not_made_yet_names_its_class() -> None:
    assert repr(Half()) == "<Half object, not made yet>"
    assert repr(HalfAnAgent()) == "<HalfAnAgent object, not made yet>"
    with pytest.raises(AttributeError, match="HalfACall is used before it is made"):
        HalfACall().name = "mine"
    with pytest.raises(AttributeError, match="HalfACall is used before it is made"):
        _ = HalfACall().name


def test_a_block_says_what_becomes_of_messages_in_it() -> None:
    assert Batch[int](3).shape.group == 3
