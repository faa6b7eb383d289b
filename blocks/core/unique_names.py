"""Makes names unique by numbers."""

from __future__ import annotations

from collections.abc import Iterable


class UniqueNames:
    """Keeps the names in use; a name that is in use already gets a number at the end.

    Args:
        taken: The names that are in use from the beginning.
    """

    __slots__ = ("_numbers", "_taken")

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        for name in taken:
            self.take(name)

    def take(self, name: str) -> str:
        """Return the name if it is free, else the name with the next number; the cost is constant per call.

        Args:
            name: The wanted name.
        """
        unique = name
        while unique in self._taken:
            self._numbers[name] = number = self._numbers.get(name, 1) + 1
            unique = f"{name}-{number}"
        self._taken.add(unique)
        return unique

    def release(self, name: str) -> None:
        """Make a name free again."""
        self._taken.discard(name)
