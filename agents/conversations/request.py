"""What an answering task gets: a question, and the way to answer it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from operator import attrgetter
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

import outcome

from penstock.blocks.base.error_info import shorten
from penstock.blocks.core.awaited import Awaited
from penstock.blocks.core.block import inside

from .asked import Question
from .message import numbers
from .not_answered import Reason

Q = TypeVar("Q")
R = TypeVar("R")


class RequestCore:
    """What the library keeps of a request.

    Attributes:
        question: The question.
        forwarded_to: The mailbox or service whose request has the question now; None if it is this one.
    """

    __slots__ = ("forwarded_to", "question")

    def __init__(self, question: Question) -> None:
        self.question: Question = question
        self.forwarded_to: object = None


@runtime_checkable
class CanAnswer(Protocol):
    """A mailbox or a service, to which a request can be forwarded."""

    async def take_over(self, request: Request[Any, Any], body: Any) -> None:
        """Take a request with a new question; raise `NotAnswered` if it is not taken."""
        ...


OVERFLOWED = frozenset({"oldest", "newest", "overwritten"})


class Request(Awaited, Generic[Q, R]):
    """A question that a task asks with `ask`, and for whose answer it waits. Made by `Mailbox.ask` and `Service.ask`.

    Answer it once, with `reply` or `fail`. In a block `with request:` it is answered in any case: an exception of the
    block goes to the asker and not further, and if the block ends without a reply, the asker gets a `NotAnswered`. A
    request that is let go without an answer, because nothing refers to it any more, gives that too.

    Only the loop's thread may answer.

    Attributes:
        body: The question.
        priority: 0 … 255, the higher number is the more urgent.
        id: Its number.
        correlation_id: Names the conversation; `forward` keeps it.
        sent_at: When it was asked or forwarded, in seconds since 1970 (`time.time()`).
    """

    __slots__ = (
        "__weakref__",
        "_core",
        "body",
        "correlation_id",
        "id",
        "priority",
        "sent_at",
    )

    def __init__(self, question: Question, body: Q, priority: int, correlation_id: object) -> None:
        self.body: Q = body
        self.priority: int = priority
        self.id: int = question.number if question.request is None else next(numbers)
        self.correlation_id: object = question.number if correlation_id is None else correlation_id
        self.sent_at: float = time.time()
        self._core = RequestCore(question)
        question.request = weakref.ref(self)

    def __repr__(self) -> str:
        state = "open" if self._core.question.end is None else self._core.question.end.replace("_", " ")
        return f"<Request {self.id}, {'forwarded' if self._core.forwarded_to else state}: {shorten(self.body)}>"

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return body_alone, (self.body,)  # an executor in another process gets the question only

    @property
    def is_wanted(self) -> bool:
        """Whether the asker still waits for an answer of this request."""
        return self._core.forwarded_to is None and self._core.question.end is None

    def reply(self, value: R) -> None:
        """Give the asker its answer. If the asker no longer waits, the answer is counted as late, and not used.

        Raises:
            RuntimeError: It was answered or forwarded already, or this is not the thread of the loop.
        """
        self._check_is_here()
        self._core.question.end_with("answered", outcome.Value(value))

    def fail(self, error: Exception) -> None:
        """Raise an exception in the asker. If the asker no longer waits, it is counted as late, and logged.

        Raises:
            TypeError: It is not an exception.
            RuntimeError: As for `reply`.
        """
        self._check_is_here()
        if not isinstance(error, Exception):
            raise TypeError(f"{self._core.question}: fail needs an exception, got {error!r}")
        self._core.question.fail(error)

    async def forward(self, to: CanAnswer, body: Any = None) -> None:
        """Let another mailbox or service answer. The asker goes on waiting; this request is done with.

        Args:
            to: The mailbox or service.
            body: The new question; by default the same.

        Raises:
            RuntimeError: It was answered or forwarded already.
            NotAnswered: The other one takes no more. The request is still open, and still here.
            TypeError: `to` is neither a mailbox nor a service.
        """
        self._check_is_here()
        if self._core.question.is_settled:
            raise RuntimeError(f"{self._core.question} has its answer already, and cannot be forwarded")
        if not isinstance(to, CanAnswer):  # pyright: ignore[reportUnnecessaryIsInstance]  # that is what users get wrong
            raise TypeError(f"{self._core.question}: forward needs a mailbox or a service, got {to!r}")
        await to.take_over(self, self.body if body is None else body)
        self._core.forwarded_to = to

    def _check_is_here(self) -> None:
        if self._core.forwarded_to is not None:
            raise RuntimeError(f"{self._core.question} was forwarded to {self._core.forwarded_to}, which answers it")

    def lost(self, where: str, reason: str) -> None:
        """Tell the asker that the request was dropped; the blocks of the library do so.

        Args:
            where: The block.
            reason: Why it was dropped, in a word.
        """
        kind: Reason = "overflowed" if reason in OVERFLOWED else "dropped"
        self._core.question.not_answered(f"it was dropped by {where} ({reason})", kind)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        question = self._core.question
        if self._core.forwarded_to is not None or question.is_settled:
            return False
        if isinstance(error, Exception):
            question.fail(error)
            return True
        if error is None:
            question.not_answered("its `with` block ended without a reply", "forgotten")
        else:
            question.not_answered("the task that worked on it was cancelled", "ended")
        return False

    def __del__(self) -> None:
        core: RequestCore | None = getattr(self, "_core", None)
        if core is not None and core.forwarded_to is None:
            core.question.is_let_go()


def body_alone(body: Any) -> Any:
    """Stand for a request in another process."""
    return body


def core_of(request: Request[Any, Any]) -> RequestCore:
    """What the library keeps of a request."""
    core: RequestCore = inside(request)
    return core


question_of: Callable[[Request[Any, Any]], Question] = attrgetter("_core.question")
"""The question of a request; each message of a conversation asks for it several times."""
