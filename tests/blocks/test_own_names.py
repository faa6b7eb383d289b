"""A buffer of a user's own whose private names clash with those of the library is refused."""

from typing import Any

import pytest

from penstock.blocks import Buffer, Network
from penstock.blocks.base.own_names import names_set


class Mine(Buffer[str]):
    """Has private names of its own that harm nobody."""

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


def test_an_attribute_that_the_library_uses_is_refused() -> None:
    class Counting(Mine):
        def __init__(self, waits: int) -> None:
            super().__init__()
            self._counts: Any = {}
            self._waits: Any = waits

    with pytest.raises(TypeError, match=r"^Counting: Buffer keeps something of its own under _counts, _waits; choose"):
        Counting(1)


def test_a_method_that_the_library_uses_is_refused() -> None:
    class Stepping(Mine):
        def _step(self) -> None: ...

    class Derived(Stepping):
        """Derived from one that does."""

    for kind in (Stepping, Derived):
        with pytest.raises(TypeError, match=r"Buffer keeps something of its own under _step; choose another name"):
            kind()


def test_only_what_is_given_to_the_object_itself_counts() -> None:
    def method(self: Any, other: Any) -> None:
        other._counts = 1
        self.name, self._mine = other, other
        print(self._waits)

    def no_method() -> None: ...

    assert names_set(method.__code__) == {"name", "_mine"}
    assert names_set(no_method.__code__) == set()
