"""A number of bytes that a part of a program may use, and the capacities and batch sizes that fit into it."""

from __future__ import annotations

from fractions import Fraction

import attrs

from ..base.byte_count import show_bytes, to_bytes
from ..base.checks import check_count, check_number
from .free_memory import free_memory

LEAST = 64 << 20
"""The minimum of an automatic budget, in bytes, even if less is free."""
WHO = "memory budget"


def to_limit(limit: float | str | None) -> int:
    """Return the bytes of a budget; None takes half of the free memory."""
    return max(LEAST, free_memory() // 2) if limit is None else to_bytes(WHO, "limit", limit)


@attrs.frozen
class MemoryBudget:
    """A number of bytes, for `PipelineGovernor(MemoryBudget())`, and to compute capacities and batch sizes.

    Args:
        limit: A number of bytes >= 1, or a text such as "2 GiB" or "500 MB". None takes half of the memory that is free
            when the budget is made (see `free_memory`), but at least 64 MiB.

    Raises:
        TypeError: `limit` is neither a number nor a text.
        ValueError: `limit` is less than one byte, or a text of another form.
    """

    limit: int = attrs.field(default=None, converter=to_limit)

    def __repr__(self) -> str:
        return f"<MemoryBudget {self}>"

    def __str__(self) -> str:
        return show_bytes(self.limit)

    def capacity(self, item_bytes: float | str, *, most: int | None = None) -> int:
        """Return how many items of one size fit into the budget; at least one, because otherwise nothing could move.

        Args:
            item_bytes: The size of one item, such as `size_of(item)` or "6 MiB".
            most: The maximum to return, >= 1; None for no maximum.
        """
        return self._count(to_bytes(WHO, "item_bytes", item_bytes), most)

    def batch_size(self, item_bytes: float | str, *, batches: int = 2, most: int | None = None) -> int:
        """Return how many items a batch may have if up to `batches` batches exist at once; at least one.

        Args:
            item_bytes: The size of one item.
            batches: The number of batches in memory at once, >= 1. The default, 2, is for one that is being filled and
                one that is being processed; with a concurrency of n, use n + 1.
            most: The maximum to return, >= 1; None for no maximum.
        """
        check_count(WHO, "batches", batches)
        return self._count(batches * to_bytes(WHO, "item_bytes", item_bytes), most)

    def split(self, *shares: float) -> tuple[MemoryBudget, ...]:
        """Divide the budget: `split(3, 1)` gives three quarters and one quarter. Their sum never exceeds the whole.

        Raises:
            ValueError: There are no shares, a share is not > 0, or a share would get less than one byte.
        """
        if not shares:
            raise ValueError(f"{WHO}: split() needs at least one share")
        for share in shares:
            check_number(WHO, "a share", share, above=True)
        whole = sum(map(Fraction, shares))  # exact, so that the parts are never more than the whole
        return tuple(MemoryBudget(int(self.limit * Fraction(share) / whole)) for share in shares)

    def _count(self, item_bytes: int, most: int | None) -> int:
        if most is not None:
            check_count(WHO, "most", most)
        count = max(1, self.limit // item_bytes)
        return count if most is None else min(count, most)
