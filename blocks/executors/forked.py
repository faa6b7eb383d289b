"""What a forked child makes of executors that its parent uses.

Threads are not there in the child, and worker processes are the parent's. So in the child an executor has no workers
and no users, and hires workers of its own when it is used. Its locks are made anew, since they may have been held by a
thread that is not there.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """What has to begin anew in a forked child."""

    def begin_anew(self) -> None:
        """Forget what belongs to the parent."""
        ...


forkable: WeakSet[Forkable] = WeakSet()


def begin_anew() -> None:
    """Have everything begin anew; called in a forked child, where no other thread runs."""
    for each in list(forkable):
        each.begin_anew()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows
    os.register_at_fork(after_in_child=begin_anew)
