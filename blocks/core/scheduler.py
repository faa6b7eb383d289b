"""Schedulers run the next step of a block: the pump of its network or, outside a network, the caller at once.

A block with work to do is put into a queue of ready blocks, at most once. Steps are plain synchronous calls and never
call other steps. So a chain of a thousand blocks needs no deeper stack than a chain of two, and no step sees the
half-changed state of another one.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Protocol


class Source(Protocol):
    """A source of messages that its targets may hold up."""

    def is_held_up(self) -> bool:
        """Whether there is a head that only links can take."""
        ...

    def messages_gone(self) -> int:
        """How many messages have left the source so far."""
        ...

    def where(self) -> tuple[str | None, str]:
        """The names of its network, if it runs, and of its block."""
        ...

    def describe_head(self) -> str:
        """Describe the head, and the reasons why no link takes it."""
        ...

    def head_remedy(self) -> str:
        """Advice for a head that no link takes."""
        ...


class Steppable(Protocol):
    """A block, as its scheduler sees it."""

    name: str
    queued: bool

    def step(self) -> None: ...


class Scheduler(Protocol):
    """Runs the steps of blocks that are ready."""

    def add(self, block: Steppable) -> None:
        """Run the block's step soon; the block has marked itself as queued."""
        ...

    def add_later(self, block: Steppable) -> None:
        """Run the block's step after the tasks that can run now; the block has marked itself as queued."""
        ...

    def parked(self) -> None:
        """Note that a task has just begun to wait at one of the blocks."""
        ...

    def ended(self, block: Any) -> None:
        """Note that a block has ended, or that an ended block has lost a link."""
        ...

    def declined(self, source: Source) -> None:
        """Note that every target of a source has declined its head."""
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
            block.queued = False
            try:
                block.step()
            except Exception as error:  # from a filter, for example; the other blocks still get their step
                failure = failure or error
            except BaseException:  # Ctrl-C
                self._running = False
                raise
        self._running = False
        if failure is not None:
            raise failure

    def add_later(self, block: Steppable) -> None:
        """Run the block's step now, because nothing runs it later."""
        self.add(block)

    def ended(self, block: Any) -> None:
        """Do nothing, because blocks outside a network need no action."""

    def parked(self) -> None:
        """Do nothing, because blocks outside a network are not checked for a standstill."""

    def declined(self, source: Source) -> None:
        """Do nothing, because blocks outside a network are not checked for a standstill."""


detached: Detached = Detached()
