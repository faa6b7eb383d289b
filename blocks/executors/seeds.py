"""Seeds for the workers of a pool."""

from __future__ import annotations

import os
import random
import threading
from collections import Counter


class Seeds:
    """Makes a seed for each worker that is started: another one each time, and the same ones in the next program.

    Args:
        base: All seeds follow from it; None: another number each time.

    Attributes:
        base: The number that all seeds follow from.
    """

    __slots__ = ("_lock", "_started", "base")

    def __init__(self, base: int | None = None) -> None:
        self.base: int = int.from_bytes(os.urandom(4)) if base is None else base
        self._started: Counter[int] = Counter()
        self._lock = threading.Lock()

    def next(self, number: int) -> int:
        """Return the seed of a worker that is started with this number."""
        with self._lock:
            turn = self._started[number]
            self._started[number] += 1
        return random.Random(f"{self.base} {number} {turn}").getrandbits(32)
