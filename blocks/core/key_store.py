"""Stores messages of several inputs until all messages with the same key are there. Plain code without a loop."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

MOST_REPORTED = 10_000
"""Maximum number of reported losses that are remembered; older reports most likely do not matter any more."""


class KeyStore:
    """Pairs messages by key, in any order.

    Args:
        inputs: The number of inputs; a key is complete when each input has a message with it.
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
        """Return how many messages wait."""
        return sum(self.counts)

    @property
    def holds_any(self) -> bool:
        """Whether any message waits."""
        return bool(self._entries)

    @property
    def has_reports(self) -> bool:
        """Whether any key was reported lost and not yet forgotten."""
        return bool(self._reported)

    def put(self, index: int, key: Hashable, item: Any) -> tuple[Any, ...] | None:
        """Store a message of an input; if its key is complete, return the messages with that key, in input order.

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
        """Remove the messages with a key and return them by input."""
        entry = self._entries.pop(key)
        self._reported.pop(key, None)
        for index in entry:
            self.counts[index] -= 1
        return entry

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._reported.clear()
        self.counts = [0] * len(self.counts)

    def keys(self) -> list[Hashable]:
        """The keys of the waiting messages."""
        return list(self._entries)

    def first(self) -> tuple[Hashable, list[int]] | None:
        """The key that waits longest, and the inputs without a message for it."""
        for key in self._entries:
            return key, self.lacking(key)
        return None

    def lacking(self, key: Hashable) -> list[int]:
        """The inputs without a message for a waiting key."""
        entry = self._entries[key]
        return [index for index in range(len(self.counts)) if index not in entry]

    # Keys that will never be complete

    def report(self, keys: Iterable[Hashable]) -> None:
        """Note that messages with these keys were lost on their way here, so the keys will not be complete."""
        self._reported.update(dict.fromkeys(keys))
        while len(self._reported) > MOST_REPORTED:
            del self._reported[next(iter(self._reported))]

    def reported(self) -> list[Hashable]:
        """The reported keys for which messages wait."""
        return [key for key in self._reported if key in self._entries]

    def forget_reports(self) -> None:
        """Forget the reported keys without a waiting message, because nothing is on its way here."""
        self._reported = dict.fromkeys(self.reported())

    def end(self, index: int) -> list[Hashable]:
        """Note that an input has ended; return the waiting keys that it will never have."""
        self.ended.add(index)
        return [key for key, entry in self._entries.items() if index not in entry]

    def is_hopeless(self, key: Hashable) -> bool:
        """Whether an ended input has no message for a waiting key."""
        return not self.ended <= self._entries[key].keys()

    def passed(self) -> list[Hashable]:
        """The waiting keys that an input has passed; none unless the keys of every input have come in rising order."""
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
