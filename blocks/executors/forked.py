"""Resets the parent's executors in a forked child.

The child has no copies of the threads, and the worker processes belong to the parent. So an executor in the child has
no workers and no users, and starts its own workers when it is used. Its locks are new, because a thread that does not
exist in the child may have held the old ones.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """An object that has to be reset in a forked child."""

    def begin_anew(self) -> None:
        """Forget everything that belongs to the parent."""
        ...


forkable: WeakSet[Forkable] = WeakSet()


def begin_anew() -> None:
    """Reset all forkable objects; called in a forked child, where no other thread runs."""
    for each in list(forkable):
        each.begin_anew()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows
    os.register_at_fork(after_in_child=begin_anew)
