"""The common part of the cores of mailboxes and services."""

from __future__ import annotations

from typing import Any, Literal, get_args

from penstock.blocks.base.checks import check_number
from penstock.blocks.core.block_core import BlockCore
from penstock.blocks.core.waiting import ANSWER, Waiter

from .asked import Asked, describe_answer
from .request_queue import AnyRequest, RequestQueue

WhenFull = Literal["wait", "reject"]


class AskedCore(BlockCore):
    """The core of a block that can be asked: it has a queue of requests, and tells the askers how it ends.

    Attributes:
        asked: The questions that are asked here.
        rejects: Whether a request that finds no room is declined.
    """

    __slots__ = ()
    stays_open = True
    asked: Asked
    rejects: bool

    def make_queue(self, ageing: float | None, overflow: WhenFull) -> RequestQueue:
        """Check two options, and make the queue of the requests.

        Raises:
            ValueError: `ageing` is out of its range, or `overflow` is not one of the two words.
        """
        if ageing is not None:
            check_number(str(self), "ageing", ageing, above=True)
        if overflow not in get_args(WhenFull):
            raise ValueError(f"{self}: overflow must be 'wait' or 'reject', got {overflow!r}")
        return RequestQueue(self, ageing)

    def check_runs(self) -> None:
        """Raise a `RuntimeError` if nothing could answer; by default, a network is not needed."""

    def is_free(self) -> bool:
        """Whether it can answer at once, in the task of the asker."""
        return False

    def answer_now(self, body: Any) -> Any:
        """Answer at once; by default do nothing, because it is never free."""

    def take_back(self, request: AnyRequest) -> None:
        """Take a request out of the queue, because its asker was cancelled."""
        queue: Any = self.inbox.queue
        queue.withdraw(request)
        self.count_dropped("cancelled", (request,))
        self.item_taken()

    def recall(self) -> None:
        """Let go the requests that only reference cycles keep, so that their askers hear of it."""
        super().recall()
        self.asked.recall()

    def describe_wait(self, waiter: Waiter[Any]) -> str:
        return describe_answer(waiter) if waiter.doing == ANSWER else super().describe_wait(waiter)

    def abort(self, reason: str) -> None:
        self.asked.give_up(reason, "stopped")
        super().abort(reason)

    def leave(self) -> None:
        super().leave()
        self.asked.give_up("its network has ended", "ended")
