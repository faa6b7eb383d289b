"""Who runs a block's next step: the pump of its network, or, outside a network, the caller on the spot.

A block that has something to do is put into a queue of ready blocks, at most once. Steps are plain synchronous calls
and never call one another's steps, so a chain of a thousand blocks needs no deeper stack than a chain of two, and
no step sees another one's state half changed.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Protocol


class Source(Protocol):
    """What gives messages to targets, as far as it can be held up."""

    def is_held_up(self) -> bool:
        """Whether it has a message that only its targets are to take."""
        ...

    def messages_gone(self) -> int:
        """How many messages have left it so far."""
        ...

    def describe_head(self) -> str:
        """Say what its first message is, and why no target takes it."""
        ...

    def head_remedy(self) -> str:
        """Say what to do about that."""
        ...


class Steppable(Protocol):
    """What a scheduler runs."""

    name: str
    _queued: bool

    def _step(self) -> None: ...


class Scheduler(Protocol):
    """Runs the steps of blocks that are ready."""

    def add(self, block: Steppable) -> None:
        """Run the block's step soon; the block has marked itself as queued."""
        ...

    def parked(self) -> None:
        """Learn that a task has just begun to wait at one of the blocks."""
        ...

    def ended(self, block: Any) -> None:
        """Learn that a block has ended, or that one which has ended has lost a link."""
        ...

    def declined(self, source: Source) -> None:
        """Learn that every target of a source has declined its head."""
        ...


class Detached(threading.local):
    """Runs the steps of blocks that belong to no running network, before the call that made them ready returns."""

    def __init__(self) -> None:
        self._ready: deque[Steppable] = deque()
        self._running = False

    def add(self, block: Steppable) -> None:
        """Run the block's step now, or after the one that is running."""
        self._ready.append(block)
        if self._running:
            return
        self._running = True
        failure: BaseException | None = None
        while self._ready:
            block = self._ready.popleft()
            block._queued = False
            try:
                block._step()
            except Exception as error:  # a filter of the user's; the other blocks still get their step
                failure = failure or error
            except BaseException:  # Ctrl-C
                self._running = False
                raise
        self._running = False
        if failure is not None:
            raise failure

    def ended(self, block: Any) -> None:
        """Nothing is to be done for blocks outside a network."""

    def parked(self) -> None:
        """Nothing watches over blocks outside a network."""

    def declined(self, source: Source) -> None:
        """Nothing watches over blocks outside a network."""


detached: Detached = Detached()
