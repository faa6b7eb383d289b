"""The common part of what can be asked: mailboxes and services."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar, cast

import trio

from penstock.blocks import Declined
from penstock.blocks.base.in_trio import check_in_trio
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core.block import Block

from .asked import AskStatistics, Question
from .asked_core import AskedCore
from .message import NORMAL, check_priority, numbers
from .not_answered import NotAnswered
from .request import Request, core_of, question_of

Q = TypeVar("Q")
R = TypeVar("R")


class Askable(Block, Generic[Q, R]):
    """A block that takes questions and gives answers: a `Mailbox` or a `Service`."""

    __slots__ = ()
    _core: Any

    async def ask(self, body: Q, *, priority: int = NORMAL, correlation_id: object = None) -> R:
        """Ask a question and wait for its answer.

        The call ends in exactly one way: it returns the answer, or raises the exception of the answering code, or
        raises `NotAnswered`, or is cancelled. If it is cancelled before work on the question has begun, the question is
        taken out of the queue. For a time limit, use `trio.fail_after`.

        Args:
            body: The question.
            priority: 0 … 255; the highest number is answered first, and equal ones in the order in which they came.
            correlation_id: Names the conversation; by default a number.

        Raises:
            NotAnswered: There will be no answer; its `reason` says why.
            ValueError: `priority` is not an int from 0 to 255.
            RuntimeError: A service is in no network.
        """
        core: AskedCore = self._core
        check_in_trio("ask at", self)
        core.check_runs()
        if priority != NORMAL:
            check_priority(f"ask at {self}", priority)
        if core.is_free() and time_slice.clock() >= time_slice.until:
            await time_slice.pause()
        if core.is_free():
            return cast("R", core.answer_now(body))
        question = Question(core.asked, next(numbers))
        try:
            await hand_in(core, Request(question, body, priority, correlation_id))
            answer: R = await question.answer()
        except NotAnswered:
            question.give_up("not_answered")
            await trio.lowlevel.checkpoint_if_cancelled()  # with what should answer: this is no error of the asker
            raise
        except BaseException:
            question.give_up("cancelled")
            withdraw(question)
            raise
        return answer

    @property
    def asked(self) -> AskStatistics:
        """What became of the questions so far."""
        core: AskedCore = self._core
        return core.asked.statistics()

    async def take_over(self, request: Request[Any, R], body: Q) -> None:
        """Take a request that another mailbox or service forwards."""
        core: AskedCore = self._core
        core.check_runs()
        question = question_of(request)
        before, holder, question.holder = question.place, question.holder, None
        follower = Request[Q, R](question, body, request.priority, request.correlation_id)
        question.moves(core.asked)
        try:
            await hand_in(core, follower)
        except BaseException:
            question.moves(before)
            question.holder = holder
            core_of(follower).forwarded_to = self
            question.request = weakref.ref(request)
            raise


async def hand_in(core: AskedCore, request: Request[Any, Any]) -> None:
    """Send a request to a mailbox or service; raise `NotAnswered` if it is not taken."""
    try:
        await core.inbox.send(request)
    except Declined as error:
        if core.rejects and not core.inbox.closed:
            raise NotAnswered(
                f"{question_of(request)} gets no answer: it is full, and rejects", "overflowed"
            ) from error
        raise NotAnswered(f"{question_of(request)} gets no answer: it takes no more", "ended") from error
    except trio.BrokenResourceError as error:
        raise NotAnswered(f"{question_of(request)} gets no answer: {error}", "stopped") from error


def withdraw(question: Question) -> None:
    """Take the request of a question out of its queue, if it is in one, because its asker was cancelled."""
    request: Any = None if question.request is None else question.request()
    if request is not None:
        queues, question.queues = question.queues, []
        for queue in queues:
            queue.owner.take_back(request)
