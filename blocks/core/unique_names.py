"""Names of which no two are the same."""

from __future__ import annotations

from collections.abc import Iterable


class UniqueNames:
    """The names in use; whoever asks for one of them gets it with a number behind.

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
        """Give the name if it is free, else the name with the next number; the same name over and over costs the same.

        Args:
            name: What somebody wants to be called.
        """
        unique = name
        while unique in self._taken:
            self._numbers[name] = number = self._numbers.get(name, 1) + 1
            unique = f"{name}-{number}"
        self._taken.add(unique)
        return unique

    def release(self, name: str) -> None:
        """A name is not in use any more."""
        self._taken.discard(name)
