"""Bounds the items between the source of a pipeline and its consumer, without a number from the user.

A small bound keeps memory low, and a large one makes quick items cheap, because more of them cross a thread at once. So
the bound is large only while items come in at a high rate: items that are so quick are seldom large.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from penstock.agents.governor import PipelineGovernor
from penstock.agents.governor_core import GovernorCore
from penstock.blocks.base.timing import time_slice

LARGEST = 256
"""The limit while items are quick."""
QUICK = 0.0001
"""Seconds per item, below which items are quick."""


class FlowCore(GovernorCore):
    """The core of a governor whose limit depends on the rate at which items come in."""

    def __init__(self, least: int, name: str) -> None:
        super().__init__(least, None, name)
        self._least = least
        self._left: float = least  # how many items come in until the rate is known
        self._since = -math.inf  # the first ones only fill the pipeline, as quickly as the source gives them

    def admit(self, items: Iterable[Any], most: int) -> int:
        """Let in the first items, up to the number of free slots and up to `most`; return how many."""
        count = super().admit(items, most)
        self._left -= count
        if self._left <= 0:
            now = time_slice.clock()
            window = self._least
            is_quick = now - self._since < QUICK * (window - self._left)
            self.limit = max(LARGEST, self._least) if is_quick else self._least
            self._left = window
            self._since = now
        return count

    def fit(self, least: int) -> None:
        """Let in `least` items while they are slow, unless the limit is kept."""
        if self._left < math.inf:
            self._least = least
            self.limit = max(self.limit, least)  # it falls when the rate is known again

    def fix(self) -> None:
        """Keep the limit from now on."""
        self._left = math.inf


class FlowLimit(PipelineGovernor):
    """Lets in `least` items, and more while items are quick.

    Args:
        least: The limit while items are slow, >= 1.
        name: The name in reports.
    """

    def __init__(self, least: int, name: str) -> None:
        self._core: FlowCore = FlowCore(least, name)

    def fit(self, least: int) -> None:
        """Let in another number of items while they are slow."""
        self._core.fit(least)

    def fix(self) -> None:
        """Keep the limit from now on, whether items are quick or slow."""
        self._core.fix()
