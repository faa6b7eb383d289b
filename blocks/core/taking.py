"""The shared core of blocks that hand on the first messages and then end the blocks that feed them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ..base.checks import check_capacity
from .early_end import end_before
from .inbox import Inbox
from .outbox import Outbox
from .storing import PassageCore, PassageInbox


class TakingCore(PassageCore):
    """The core of a block that hands on messages up to some place.

    Attributes:
        has_all: Whether nothing more is wanted.
    """

    __slots__ = ("has_all",)

    def __init__(
        self, facade: Any, capacity: int | None, filter: Callable[[Any], bool] | None, name: str | None
    ) -> None:
        super().__init__(facade, name)
        check_capacity(str(self), capacity)
        self.has_all: bool = False
        self.outbox: Outbox[Any] = Outbox(self, deque())
        self.inbox: Inbox[Any] = PassageInbox(self, deque(), capacity=capacity, filter=filter)

    @property
    def keeps_order(self) -> bool:
        """Return True: messages go out in the order in which they came in."""
        return True

    def wanted(self) -> int:
        """Return how many messages of the inbox are to be handed on now; set `has_all` after the last wanted one."""
        raise NotImplementedError

    def step(self) -> None:
        inbox, outbox = self.inbox, self.outbox
        inbox.begin_step()
        outbox.flush()
        if not (self.has_all or outbox.queue) and inbox.queue:
            outbox.emit(list(inbox.take(self.wanted())))
            if self.has_all and self.host is not None:
                end_before(inbox)
        if self.has_all:
            self.counts["discarded"] += inbox.discard()
            if not outbox.queue and not outbox.ended:
                outbox.end()
        inbox.serve_waiting()
        if not self.has_all and inbox.queue and not outbox.queue:
            self.wake()
        if inbox.closed and not self.held() and not self.finished:
            self.finish()

    def end_early(self) -> None:
        """End: hand on no more messages."""
        self.has_all = True
        super().end_early()
