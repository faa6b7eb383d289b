"""The state of one question, and the accounts of those that were asked at one place.

States of a question: open → answered, failed, not answered or cancelled, exactly once. While it is open, its asker
waits for it: first for room at the place, then for the answer. The asker and the wait never refer to the request, so a
request that nothing else refers to is let go, and says so.
"""

from __future__ import annotations

import gc
import weakref
from contextlib import suppress
from typing import Any, Literal

import attrs
import outcome
import trio

from penstock.blocks.base.error_info import Shown, annotate
from penstock.blocks.base.log import fields, log
from penstock.blocks.core.block_core import BlockCore
from penstock.blocks.core.threads import check_thread, loop_of
from penstock.blocks.core.waiting import ANSWER, Waiter, WaitList, parked

from .not_answered import NotAnswered, Reason

End = Literal["answered", "failed", "not_answered", "cancelled"]


NOTE = "raised by what was asked:"


def is_noted(error: BaseException) -> bool:
    """Whether an exception was given to an asker before; further ones get it as it is."""
    return any(note.startswith(NOTE) for note in getattr(error, "__notes__", ()))


@attrs.frozen
class AskStatistics:
    """What became of the questions that were asked at a mailbox or service.

    Attributes:
        asked: All questions so far.
        answered: Those with an answer.
        failed: Those whose asker got the exception of the answering code.
        not_answered: Those whose asker got a `NotAnswered`.
        cancelled: Those whose asker was cancelled.
        late: Answers and exceptions that came when their asker no longer waited. They are not used.
    """

    asked: int
    answered: int
    failed: int
    not_answered: int
    cancelled: int
    late: int

    @property
    def open(self) -> int:
        """Those whose askers wait."""
        return self.asked - self.answered - self.failed - self.not_answered - self.cancelled


class Asked:
    """The questions that are asked at one mailbox or service.

    Args:
        core: The core of the mailbox or service.

    Attributes:
        waits: The askers that wait for an answer.
    """

    __slots__ = ("_recalled", "asked", "core", "ends", "late", "waits")

    def __init__(self, core: BlockCore) -> None:
        self.core: BlockCore = core
        self.waits: WaitList[Question] = WaitList()
        self.asked: int = 0
        self._recalled: int = 0
        self.late: int = 0
        self.ends: dict[End, int] = {"answered": 0, "failed": 0, "not_answered": 0, "cancelled": 0}

    def statistics(self) -> AskStatistics:
        """What became of the questions so far."""
        return AskStatistics(self.asked, **self.ends, late=self.late)

    def recall(self) -> None:
        """Run the garbage collector once for the questions that are open now, if any waits here."""
        if self.waits and self._recalled != self.asked:
            self._recalled = self.asked
            gc.collect()

    def give_up(self, why: str, reason: Reason) -> None:
        """Tell all askers that wait here that they get no answer."""
        for waiter in self.waits:
            waiter.payload.not_answered(why, reason)


class Question:
    """One question, as its asker and its request know it.

    Args:
        at: Where it is asked; it counts there.
        number: Its number.

    Attributes:
        place: Where its request is now; another mailbox or service if it was forwarded.
        asker: The task that asks; None when the question is no longer open.
        holder: The task that has taken the request last.
        request: Refers to the request.
        queues: The queues of mailboxes and services in which the request waits; more than one behind a broadcast.
        is_withdrawn: Whether the request was taken out of its queue, because its asker was cancelled.
        end: How it has ended; None while it is open.
    """

    __slots__ = ("_answer", "asker", "at", "end", "holder", "is_withdrawn", "number", "place", "queues", "request")

    def __init__(self, at: Asked, number: int) -> None:
        self.at: Asked = at
        self.place: Asked = at
        self.number: int = number
        self.asker: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        self.holder: trio.lowlevel.Task | None = None
        self.request: weakref.ref[Any] | None = None
        self.queues: list[Any] = []
        self.is_withdrawn: bool = False
        self.end: End | None = None
        self._answer: outcome.Outcome[Any] | None = None
        at.asked += 1

    def __str__(self) -> str:
        return f"request {self.number} to {self.at.core}"

    @property
    def is_settled(self) -> bool:
        """Whether it was answered, with a value or an exception; otherwise a late answer is no error."""
        return self.end == "answered" or self.end == "failed"

    # For the asker

    async def answer(self) -> Any:
        """Wait for the answer, if it has not come yet."""
        if self._answer is None:
            return await self.place.waits.park(self.place.core, ANSWER, self)
        return self._answer.unwrap()

    def give_up(self, how: End) -> None:
        """End the question, because its asker does not wait."""
        if self.end is None:
            self._close(how)

    # For the request

    def end_with(self, how: End, answer: outcome.Outcome[Any]) -> bool:
        """Give the asker its answer; return whether it waits for one.

        Raises:
            RuntimeError: The question has ended already, or this is not the thread of the loop.
        """
        check_thread(self.at.core, "answer a question to")
        if self.is_settled:
            raise RuntimeError(f"{self} has its answer already; reply once")
        if self.end is not None:
            self.at.late += 1
            return False
        waiter = None if self.asker is None else parked.get(self.asker)
        self._close(how)
        if waiter is None or waiter.payload is not self:
            self._answer = answer  # the asker is on its way to the wait
        else:
            waiter.waits.end(waiter, answer)
        return True

    def _close(self, how: End) -> None:
        self.end = how
        self.at.ends[how] += 1
        self.asker = None

    def answer_with(self, value: object) -> None:
        """Give the asker an answer, unless another one was quicker: a broadcast gives a request to several."""
        if self.is_settled:
            self.at.late += 1
        else:
            self.end_with("answered", outcome.Value(value))

    def fail(self, error: Exception) -> None:
        """Give the asker an exception; one whose asker no longer waits is logged."""
        note = f"{NOTE} {self}"
        if self.end is None and not is_noted(error):
            annotate(error, note)
        how: End = "not_answered" if isinstance(error, NotAnswered) else "failed"
        if not self.end_with(how, outcome.Error(error)):
            network = self.at.core.host
            found = fields("late_answer", network=network and network.name, block=self.at.core.name, error=error)
            log.warning("%s: its asker no longer waits, and gets no exception: %s", self, Shown(error), extra=found)

    def moves(self, to: Asked) -> None:
        """Note that the request is at another mailbox or service now."""
        waiter = None if self.asker is None else parked.get(self.asker)
        if waiter is not None and waiter.payload is self:
            self.place.waits.move(waiter, to.waits, to.core)
        self.place = to

    def not_answered(self, why: str, reason: Reason) -> None:
        """Tell the asker that there will be no answer, if it waits for one."""
        if self.end is not None:
            return
        host = self.place.core.host
        if host is not None and host.is_stopping:
            why, reason = f"network {host.name!r} was stopped", "stopped"
        self.end_with("not_answered", outcome.Error(NotAnswered(f"{self} gets no answer: {why}", reason)))

    def is_let_go(self) -> None:
        """Tell the asker that the request is gone; callable from any thread, at any moment."""
        if self.end is not None:
            return
        loop = loop_of(self.at.core)
        why = "nothing refers to it any more, and it was not answered; use `with request:`, which answers in any case"
        if loop is None or loop.is_here:
            self.not_answered(why, "forgotten")
        else:
            with suppress(trio.RunFinishedError):
                loop.token.run_sync_soon(self.not_answered, why, "forgotten")


def describe_answer(waiter: Waiter[Question]) -> str:
    """Describe the wait for an answer."""
    question = waiter.payload
    holder = "nothing has taken yet" if question.holder is None else f"task {question.holder.name!r} has taken"
    return f"waits for the answer to {question}, which {holder}"
