"""A block that answers questions with a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, ClassVar, TypeVar, overload

import attrs
import trio

from penstock.blocks import Fail, Rate, Retry, Skip
from penstock.blocks.base.callables import NOT_RUN, check_runs, is_async
from penstock.blocks.base.checks import check_function
from penstock.blocks.base.error_info import annotate
from penstock.blocks.base.loop_held import LOOP_HELD
from penstock.blocks.base.message_status import MessageStatus
from penstock.blocks.call import CallCore
from penstock.blocks.core.target import Target
from penstock.blocks.executors.work import Outcome
from penstock.blocks.functions.checks import check_concurrency
from penstock.blocks.functions.concurrent_block import ConcurrentBlock
from penstock.blocks.functions.function_block import FunctionInbox
from penstock.blocks.functions.inline_runner import InlineRunner, refuse
from penstock.blocks.functions.item_limit import ItemTimeout, awaited_in_time, called_in_time
from penstock.blocks.functions.policies import Attempt
from penstock.blocks.functions.runners import in_executor, in_tasks

from .askable import Askable
from .asked import NOTE, Asked, End, is_noted
from .asked_core import AskedCore, WhenFull
from .request import Request, question_of
from .request_queue import AnyRequest, RequestQueue

Q = TypeVar("Q")
R = TypeVar("R")
KIND: type[Any] = Request
"""The class of requests, without its parameters."""


class ServiceInbox(FunctionInbox[AnyRequest]):
    """The requests that wait for the function of a service."""

    block: ServiceCore  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    __slots__ = ("taken",)

    def __init__(self, block: ServiceCore, queue: RequestQueue, capacity: int) -> None:
        super().__init__(block, queue, capacity=capacity)
        self.taken: int = 0

    def take(self, count: int) -> Sequence[AnyRequest]:
        """Take requests; remember them by their number, because an executor lets them go."""
        requests = super().take(count)
        for request in requests:
            self.taken += 1
            if self.block.is_elsewhere:
                self.block.out[self.taken] = request
        return requests

    def refuse(self, message: AnyRequest, link: Any) -> MessageStatus:
        """Answer an offer when there is no room."""
        status = super().refuse(message, link)
        return MessageStatus.DECLINED if self.block.rejects else status


class ServiceCore(AskedCore, CallCore[AnyRequest]):
    """The core of a service: a call whose items are requests, and whose results go to the askers."""

    __slots__ = ("answered_here", "asked", "error", "out", "rejects")

    def __init__(self, facade: Any, function: Callable[..., Any], capacity: int | None, **options: Any) -> None:
        super().__init__(facade, function, capacity=capacity, filter=None, **options)
        self.asked = Asked(self)
        self.error: Exception | None = None
        self.rejects = False
        self.answered_here: Answered | None = None  # if nothing but the function decides about an answer
        self.out: dict[int, AnyRequest] = {}  # the requests that are in the executor, by the number of the item

    def check_runs(self) -> None:
        """Raise a `RuntimeError` if the service is in no network."""
        if self.host is None:
            raise RuntimeError(f"{self} is in no network, and cannot answer; enter a Network with it before you ask")

    def is_free(self) -> bool:
        """Whether the function can be called at once, in the task of the asker: it is plain, and nothing waits."""
        host, inbox = self.host, self.inbox
        return (
            self.answered_here is self.function
            and host is not None
            and host.is_open
            and self.paused is None
            and not (host.is_stopping or inbox.closed or inbox.queue or self.runner.busy or inbox.gate)
            and host.measures.tracer is None
        )

    def answer_now(self, body: Any) -> Any:
        """Answer at once."""
        assert self.answered_here is not None
        assert self.host is not None
        actor = self.host.current_actor(self)
        if actor is not None:
            actor.emitted += 1
        self.inbox.passes()
        self.counts["consumed"] += 1
        self.asked.asked += 1
        self.call_meter.start(1)
        end: End = "failed"
        try:
            result = self.answered_here.function(body)
            if type(result) in NOT_RUN:
                raise refuse(self, [result])
            end = "answered"
        except Exception as error:
            self.counts["failed"] += 1
            if not is_noted(error):
                annotate(error, f"{NOTE} a request to {self}")
            raise
        finally:
            self.asked.ends[end] += 1
            elapsed = self.call_meter.stop(1)
            if elapsed > LOOP_HELD and isinstance(self.runner, InlineRunner):
                self.runner.report_held(elapsed)
        return result

    @property
    def is_elsewhere(self) -> bool:
        """Whether an executor calls the function."""
        return self.runner.place not in ("loop", "tasks")

    def take_requests(self, ageing: float | None, overflow: WhenFull) -> None:
        """Take requests, the most urgent one first."""
        self.rejects = overflow == "reject"
        self.inbox = ServiceInbox(self, self.make_queue(ageing, overflow), self.inbox.capacity)

    def job_done(self, first: int, places: Sequence[int], outcome: Outcome) -> None:
        failed = {number for number, _ in outcome.failures}
        begun = (first + place for number, place in enumerate(places[: outcome.done]) if number not in failed)
        for number, result in zip(begun, outcome.results, strict=True):
            request = self.out.pop(number)
            question_of(request).answer_with(result)

    def handle(self, error: BaseException, item: AnyRequest, number: int, last: Attempt | None) -> Attempt | None:
        if isinstance(error, Exception):
            self.error = error.with_item(str(self), item.body, number) if isinstance(error, ItemTimeout) else error
        again: Attempt | None = None
        try:
            again = super().handle(error, item, number, last)
        finally:
            self.error = None
            if again is None:
                self.out.pop(number, None)
        return again

    def drop(self, reason: str, items: Iterable[AnyRequest], places: Sequence[int] = ()) -> None:
        """Give the askers the exception of the function; nothing is dropped."""
        assert self.error is not None
        for request in items:
            self.counts["consumed"] += 1
            question_of(request).fail(self.error)

    def abort(self, reason: str) -> None:
        super().abort(reason)
        self.out.clear()


@attrs.frozen
class Answered:
    """Calls a plain function on the loop with the question of a request, and gives the asker its result."""

    function: Callable[[Any], Any]

    @property
    def __wrapped__(self) -> Callable[[Any], Any]:
        return self.function

    def __call__(self, request: AnyRequest) -> Any:
        if not request.is_wanted:
            return None
        result = self.function(request.body)
        if type(result) in NOT_RUN:
            return result  # the runner refuses it
        question_of(request).answer_with(result)
        return None


@attrs.frozen
class OfBody:
    """Calls a plain function in an executor with the question of a request; in another process only that has come."""

    function: Callable[[Any], Any]

    @property
    def __wrapped__(self) -> Callable[[Any], Any]:
        return self.function

    def __call__(self, request: Any) -> Any:
        return self.function(request.body if isinstance(request, KIND) else request)


def answered_later(function: Callable[[Any], Awaitable[Any]]) -> Callable[[AnyRequest], Awaitable[None]]:
    """Wrap an async function, so that it takes a request and gives its asker the result."""

    async def answer(request: AnyRequest) -> None:
        if request.is_wanted:
            question_of(request).holder = trio.lowlevel.current_task()
            question_of(request).answer_with(await function(request.body))

    return answer


class Service(Askable[Q, R], ConcurrentBlock, Target[Request[Q, R]]):
    """Answers questions with a function. Works in a network only.

    A task asks with `await service.ask(question)`, and gets the result of the function, or its exception. Any number of
    tasks may ask at once, and each gets the answer to its own question.

    - Inputs and outputs: takes questions from tasks (`ask`), and requests that are forwarded or come along links; has
      no output.
    - Order: by priority, the higher number first; requests of the same priority in the order in which they came.
    - Holds: up to `capacity` requests, including those in work.
    - Back-pressure: when it is full, askers wait for room, or get `NotAnswered` with `overflow="reject"`.
    - Ends: when the body of its network has ended and everything has drained, or after its last producer.
    - Fails: an exception of the function goes to the asker, and the service goes on. When its network stops, its askers
      get `NotAnswered`.

    Args:
        function: A plain function, which runs on the loop and should be quick, unless there is an `executor`; or an
            `async def` function, which runs in tasks of the loop and takes no executor.
        concurrency: Up to this many calls run at once, >= 1; more than 1 needs an executor or an async function. It
            can be changed while the service runs.
        executor: Where a plain function is called instead of on the loop, as for `Call`.
        key: Returns the key of a question: questions with the same key are answered one at a time, in order. Default:
            None, no keys.
        capacity: Up to this many requests wait or are in work, >= concurrency. Default: None, no bound.
        overflow: What happens to a question that finds the service full: it has to "wait" (default), or is rejected
            ("reject").
        on_error: A `Retry` calls the function again with the same question, before the exception goes to the asker.
            Default: None, the first exception goes to the asker.
        time_limit: Seconds that one call may take, > 0, as for `Call`; the asker of a late one gets
            `TimeLimitExceeded`. Default: None, no limit.
        rate: A `Rate`, or the number of calls per second, as for `Call`. Default: None, no limit.
        ageing: Seconds of waiting that are worth one level of priority, > 0. Default: None, a request stays at its
            level.
        name: The name of the service in reports; by default the name of the function.

    Raises:
        ValueError: A number is out of its range; `overflow` is not one of the two words; or `on_error` is a `Retry`
            with a `then`.
        TypeError: `function` cannot be called, or not by the executor, or is a generator function; or `on_error` is
            not a `Retry`.
    """

    __slots__ = ()
    kind: ClassVar[str] = "service"
    _core: ServiceCore

    @overload
    def __init__(
        self,
        function: Callable[[Q], Awaitable[R]],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        key: Callable[[Q], Hashable] | None = ...,
        capacity: int | None = ...,
        overflow: WhenFull = ...,
        on_error: Retry | None = ...,
        time_limit: float | None = ...,
        rate: Rate | float | None = ...,
        ageing: float | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        function: Callable[[Q], R],
        *,
        concurrency: int = ...,
        executor: Executor | None = ...,
        key: Callable[[Q], Hashable] | None = ...,
        capacity: int | None = ...,
        overflow: WhenFull = ...,
        on_error: Retry | None = ...,
        time_limit: float | None = ...,
        rate: Rate | float | None = ...,
        ageing: float | None = ...,
        name: str | None = ...,
    ) -> None: ...
    def __init__(
        self,
        function: Callable[..., Any],
        *,
        concurrency: int = 1,
        executor: Executor | None = None,
        key: Callable[[Q], Hashable] | None = None,
        capacity: int | None = None,
        overflow: WhenFull = "wait",
        on_error: Retry | None = None,
        time_limit: float | None = None,
        rate: Rate | float | None = None,
        ageing: float | None = None,
        name: str | None = None,
    ) -> None:
        policy = policy_for(f"service {name!r}" if name else "service", on_error)
        self._core = core = ServiceCore(self, function, capacity, on_error=policy, time_limit=time_limit, name=name)
        check_runs(core, function)
        runs_async = is_async(function)
        check_concurrency(core, concurrency, None, capacity, runs_async, executor)
        check_function(core, "key", key)
        core.take_requests(ageing, overflow)
        core.pace_by(rate)
        by_body = None if key is None else OfBody(key)
        if runs_async:
            core.time_limit = None  # the function is timed, and not the answer
            core.function = answered_later(awaited_in_time(function, time_limit))
            core.use(in_tasks(core, by_body, concurrency, False, None))
        elif executor is not None:
            core.function = OfBody(function)
            core.use(in_executor(core, by_body, executor, concurrency, False, None))
        else:
            core.time_limit = None
            core.function = answered = Answered(called_in_time(function, time_limit))
            if on_error is None and time_limit is None and rate is None:
                core.answered_here = answered
            core.use(InlineRunner(core))


def policy_for(who: str, on_error: object) -> Retry | Skip:
    """The policy of the block: the exception of the last try goes to the asker."""
    if on_error is None:
        return Skip()
    if not isinstance(on_error, Retry):
        raise TypeError(f"{who}: on_error must be a Retry or None, got {on_error!r}; exceptions go to the askers")
    if on_error.then not in ("fail", Fail()):
        raise ValueError(f"{who}: give its Retry no `then`: after the last try, the exception goes to the asker")
    return attrs.evolve(on_error, then=Skip())
