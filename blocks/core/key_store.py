"""Messages of several inputs that wait for those with the same key. Plain values without a loop."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

MOST_REPORTED = 10_000
"""Losses that are remembered while messages keep coming; older ones are most likely of no concern here."""


class KeyStore:
    """Pairs messages by key, whatever their order.

    Args:
        inputs: How many inputs there are; a key is complete when each of them has brought it.
    """

    __slots__ = ("_entries", "_is_increasing", "_last", "_reported", "counts", "ended")

    def __init__(self, inputs: int) -> None:
        self._entries: dict[Hashable, dict[int, Any]] = {}
        self._last: list[Any] = [None] * inputs
        self._is_increasing = True
        self._reported: dict[Hashable, None] = {}
        self.counts: list[int] = [0] * inputs
        self.ended: set[int] = set()

    def __len__(self) -> int:
        """How many messages wait."""
        return sum(self.counts)

    def put(self, index: int, key: Hashable, item: Any) -> tuple[Any, ...] | None:
        """Take a message of an input in; give the messages with its key, in the order of the inputs, if all are there.

        Raises:
            KeyError: A message with that key waits on the same input already.
            TypeError: The key cannot be hashed.
        """
        entry = self._entries.setdefault(key, {})
        if index in entry:
            raise KeyError(key)
        self._note_order(index, key)
        entry[index] = item
        self.counts[index] += 1
        if len(entry) < len(self.counts):
            return None
        return tuple(message for _, message in sorted(self.remove(key).items()))

    def remove(self, key: Hashable) -> dict[int, Any]:
        """Take out the messages with a key, by input."""
        entry = self._entries.pop(key)
        self._reported.pop(key, None)
        for index in entry:
            self.counts[index] -= 1
        return entry

    def clear(self) -> None:
        """Keep nothing."""
        self._entries.clear()
        self._reported.clear()
        self.counts = [0] * len(self.counts)

    def keys(self) -> list[Hashable]:
        """The keys that wait."""
        return list(self._entries)

    def first(self) -> tuple[Hashable, list[int]] | None:
        """The key that waits longest, and the inputs that have not brought it."""
        for key in self._entries:
            return key, self.lacking(key)
        return None

    def lacking(self, key: Hashable) -> list[int]:
        """The inputs that have not brought a key that waits."""
        entry = self._entries[key]
        return [index for index in range(len(self.counts)) if index not in entry]

    # What will never be complete

    def report(self, keys: Iterable[Hashable]) -> None:
        """A message with such a key was lost on its way here; the others with its key will wait in vain."""
        self._reported.update(dict.fromkeys(keys))
        while len(self._reported) > MOST_REPORTED:
            del self._reported[next(iter(self._reported))]

    def reported(self) -> list[Hashable]:
        """The keys of reported losses for which messages wait."""
        return [key for key in self._reported if key in self._entries]

    def forget_reports(self) -> None:
        """Nothing is on its way here: for the reported losses for which no message waits, none will."""
        self._reported = dict.fromkeys(self.reported())

    def end(self, index: int) -> list[Hashable]:
        """Nothing more will come to an input: give the keys that it has not brought, and never will."""
        self.ended.add(index)
        return [key for key, entry in self._entries.items() if index not in entry]

    def is_hopeless(self, key: Hashable) -> bool:
        """Whether an input that has ended has not brought a key that waits."""
        return not self.ended <= self._entries[key].keys()

    def passed(self) -> list[Hashable]:
        """The keys that some input has gone beyond, if the keys of each input have come in increasing order so far."""
        if not self._is_increasing:
            return []
        return [key for key in self._entries if any(self._is_behind(key, self._last[i]) for i in self.lacking(key))]

    def _note_order(self, index: int, key: Hashable) -> None:
        if self._is_increasing:
            last = self._last[index]
            self._is_increasing = last is None or self._is_behind(last, key)
            self._last[index] = key

    @staticmethod
    def _is_behind(key: Any, other: Any) -> bool:
        try:
            return bool(key < other)
        except Exception:  # keys need no order
            return False
