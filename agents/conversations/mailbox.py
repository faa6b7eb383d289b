"""A buffer of requests: tasks ask, and an agent answers."""

from __future__ import annotations

import dis
import inspect
import sys
import weakref
from collections.abc import AsyncIterator, Callable
from types import CodeType
from typing import Any, ClassVar, TypeVar

import trio

from penstock.blocks.base.checks import check_capacity
from penstock.blocks.base.frames import variables_of
from penstock.blocks.base.message_status import MessageStatus
from penstock.blocks.buffer import SortingOutbox
from penstock.blocks.core.inbox import Inbox
from penstock.blocks.core.outbox import Outbox
from penstock.blocks.core.storing import StoringCore
from penstock.blocks.core.storing_block import StoringBlock

from .askable import Askable
from .asked import Asked
from .asked_core import AskedCore, WhenFull
from .request import Request, question_of
from .request_queue import AnyRequest

Q = TypeVar("Q")
R = TypeVar("R")


class RejectingInbox(Inbox[AnyRequest]):
    """An inbox that declines what finds no room."""

    __slots__ = ()

    def refuse(self, message: AnyRequest, link: Any) -> MessageStatus:
        """Decline an offer when there is no room; a link may try again."""
        super().refuse(message, link)
        return MessageStatus.DECLINED


class MailboxCore(AskedCore, StoringCore[AnyRequest]):
    """The core of a mailbox."""

    __slots__ = ("asked", "rejects")

    def __init__(
        self, facade: Any, capacity: int | None, overflow: WhenFull, ageing: float | None, name: str | None
    ) -> None:
        super().__init__(facade, name)
        check_capacity(str(self), capacity)
        queue = self.make_queue(ageing, overflow)
        self.rejects = overflow == "reject"
        self.inbox: Inbox[AnyRequest] = (RejectingInbox if self.rejects else Inbox)(self, queue, capacity=capacity)
        self.outbox: Outbox[AnyRequest] = SortingOutbox(self, queue)
        self.asked = Asked(self)

    @property
    def may_overtake(self) -> bool:
        """Return True: the most urgent request goes first."""
        return True

    def readers_left(self, reader: object) -> None:
        """If no agent is left that reads, and nothing is linked, take no more; the askers get no answer."""
        outbox = self.outbox
        if outbox.links or outbox.receivers.waiters or not all(agent.is_done for agent in outbox.readers):
            return
        queue: Any = self.inbox.queue
        for request in tuple(queue):
            question_of(request).not_answered(f"{reader} has ended", "ended")
        self.counts["dropped:not answered"] += self.inbox.discard()
        self.inbox.close()


class Mailbox(Askable[Q, R], StoringBlock[Request[Q, R]]):
    """Keeps requests until they are taken: tasks ask questions of type Q, and an agent gives answers of type R.

    Name it in the `inputs` of the agent that answers. An `async for` loop over it gives the requests. If the loop goes
    on to the next request without an answer to the last one, and nothing else has kept the request, its asker gets a
    `NotAnswered`.

    - Inputs and outputs: takes questions from tasks (`ask`); each request goes to a receiver, or to the first linked
      target that accepts it.
    - Order: by priority, the higher number first; requests of the same priority in the order in which they came.
    - Holds: up to `capacity` requests that nothing has taken.
    - Back-pressure: when it is full, askers wait for room, or get `NotAnswered` with `overflow="reject"`.
    - Ends: when the body of its network has ended and everything has drained, or after its last producer; or when the
      last agent that reads it has ended: then its askers get `NotAnswered`.
    - Fails: calls no user function; when its network stops, its askers get `NotAnswered`.

    Args:
        capacity: Up to this many requests wait, >= 1. Default: None, no bound.
        overflow: What happens to a question that finds the mailbox full: it has to "wait" (default), or is rejected
            ("reject").
        ageing: Seconds of waiting that are worth one level of priority, > 0, so that no request waits for ever behind
            more urgent ones. Default: None, a request stays at its level.
        name: The name of the mailbox in reports; by default its class and a number.

    Raises:
        ValueError: A number is out of its range, or `overflow` is not one of the two words.
    """

    __slots__ = ()
    kind: ClassVar[str] = "mailbox"
    _core: MailboxCore

    def __init__(
        self,
        *,
        capacity: int | None = None,
        overflow: WhenFull = "wait",
        ageing: float | None = None,
        name: str | None = None,
    ) -> None:
        self._core = MailboxCore(self, capacity, overflow, ageing, name)

    async def receive(self, filter: Callable[[Request[Q, R]], bool] | None = None) -> Request[Q, R]:
        """Take the first request; wait if there is none. See `Source.receive`."""
        request = await super().receive(filter)
        question_of(request).holder = trio.lowlevel.current_task()
        return request

    def receive_nowait(self, filter: Callable[[Request[Q, R]], bool] | None = None) -> Request[Q, R]:
        """Take the first request, or raise an error at once. See `Source.receive_nowait`."""
        request = super().receive_nowait(filter)
        question_of(request).holder = trio.lowlevel.current_task() if trio.lowlevel.in_trio_task() else None
        return request

    def __aiter__(self) -> Requests[Q, R]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return Requests(self._core.outbox)


class Requests(AsyncIterator[Request[Q, R]]):
    """Iterates over the requests of a mailbox, and notices when the loop has forgotten to answer one."""

    __slots__ = ("_last", "_outbox")

    def __init__(self, outbox: Outbox[Request[Q, R]]) -> None:
        self._outbox = outbox
        self._last: weakref.ref[Request[Q, R]] | None = None

    async def __anext__(self) -> Request[Q, R]:
        last = None if self._last is None else self._last()
        if last is not None and last.is_wanted:
            if references(last) > ALONE:
                await trio.lowlevel.checkpoint()  # trio keeps what it has sent into a task until the task waits
            if last.is_wanted and references(last) <= ALONE and is_overwritten(last):
                question_of(last).not_answered("the loop over its mailbox went on without a reply", "forgotten")
        del last
        outbox = self._outbox
        task = trio.lowlevel.current_task()
        if outbox.loop is None:
            outbox.loop = task
        try:
            request: Request[Q, R] = await outbox.receive(is_loop=True)
        except trio.EndOfChannel:
            outbox.loop = None
            raise StopAsyncIteration from None
        question_of(request).holder = task
        self._last = weakref.ref(request)
        return request


def is_overwritten(last: object) -> bool:
    """Whether what the loop stores next is the next request, in the variable that has the last one."""
    here = inspect.currentframe()
    try:
        frame = here.f_back.f_back if here and here.f_back else None  # the one that waits for `__anext__`
        if frame is None:  # pragma: no cover  # a Python without frames
            return False
        names = [name for name, value in variables_of(frame).items() if value is last]
        return names == [stored_next(frame.f_code, frame.f_lasti)]
    finally:
        del here  # it refers to itself, and so would keep the next request
        frame = None


def stored_next(code: CodeType, place: int) -> str | None:
    """The local variable that a function stores next, after a place in its code; None if it stores something else."""
    for instruction in dis.get_instructions(code):
        if instruction.offset > place and instruction.opname.startswith("STORE_"):
            names = [name.strip(" ()") for name in instruction.argrepr.split(",")]  # one instruction may store two
            return names[0] if instruction.opname.startswith(("STORE_FAST", "STORE_DEREF")) else None
    return None


def references(thing: object) -> int:
    """The number of references to an object; it depends on the version of Python how the call itself counts."""
    return sys.getrefcount(thing)


class Probe:
    """Stands for a request."""


def count_of_one_variable() -> int:
    """What `references` says in a loop whose variable is the only reference to the last request."""
    variable = Probe()

    def look(known: weakref.ref[Probe]) -> int:
        last = known()
        return references(last)

    return look(weakref.ref(variable))


ALONE: int = count_of_one_variable()
