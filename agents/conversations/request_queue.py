"""The requests that wait in a mailbox or service."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

from penstock.blocks.base.timing import time_slice

from .request import Request, question_of

AnyRequest = Request[Any, Any]
KIND: type[Any] = Request


class HasRequests(Protocol):
    """The core of a mailbox or service."""

    def take_back(self, request: AnyRequest) -> None:
        """Take a request out of the queue, because its asker was cancelled."""
        ...


class RequestQueue:
    """Requests by priority, and those of the same priority in the order in which they came.

    Ageing works as in a `PriorityQueue`. A request that was withdrawn stays in the heap and is skipped, until half of
    the heap was withdrawn. Invariant: a question knows the queues in which its request waits; the length counts the
    requests here that were not withdrawn. A request on its way along a link is in the queue of the target before it
    leaves the queue of the source.

    Args:
        owner: The core of the mailbox or service.
        ageing: Seconds of waiting that are worth one level of priority; None if a request stays at its level.
    """

    __slots__ = ("_ageing", "_arrivals", "_count", "_heap", "_returned", "owner")

    def __init__(self, owner: HasRequests, ageing: float | None) -> None:
        self.owner: HasRequests = owner
        self._ageing = ageing
        self._arrivals = 0
        self._count = 0
        self._heap: list[tuple[float, int, AnyRequest]] = []
        self._returned: deque[AnyRequest] = deque()

    def append(self, request: AnyRequest) -> None:
        """Store a request."""
        if not isinstance(request, KIND):  # a link or a sender may bring anything
            raise TypeError(f"{self.owner} takes questions only, got {request!r}; use `await ask(…)`")
        self._arrivals += 1
        key = -request.priority if self._ageing is None else time_slice.clock() / self._ageing - request.priority
        heappush(self._heap, (key, self._arrivals, request))
        question_of(request).queues.append(self)
        self._count += 1

    def appendleft(self, request: AnyRequest) -> None:
        """Put a request back; it stays the first."""
        self._returned.appendleft(request)
        question_of(request).queues.append(self)
        self._count += 1

    def popleft(self) -> AnyRequest:
        """Take the first request."""
        while True:
            request = self._returned.popleft() if self._returned else heappop(self._heap)[2]
            question = question_of(request)
            if not question.is_withdrawn:
                question.queues.remove(self)
                self._count -= 1
                return request

    def take(self, count: int) -> list[AnyRequest]:
        """Take several requests."""
        return [self.popleft() for _ in range(min(count, self._count))]

    def withdraw(self, request: AnyRequest) -> None:
        """Take a request out, wherever it is."""
        question_of(request).is_withdrawn = True
        self._count -= 1
        if self._count <= len(self._heap) // 2:
            self._returned = deque(request for request in self._returned if not question_of(request).is_withdrawn)
            self._heap = [entry for entry in self._heap if not question_of(entry[2]).is_withdrawn]
            heapify(self._heap)

    def clear(self) -> None:
        """Forget everything."""
        for request in self:
            question_of(request).queues.remove(self)
        self._returned.clear()
        self._heap.clear()
        self._count = 0

    def __getitem__(self, index: int) -> AnyRequest:
        if index == 0 and not self._returned and not question_of(self._heap[0][2]).is_withdrawn:
            return self._heap[0][2]
        return next(request for place, request in enumerate(self) if place == index)

    def __iter__(self) -> Iterator[AnyRequest]:
        requests = [*self._returned, *(entry[2] for entry in sorted(self._heap, key=lambda entry: entry[:2]))]
        return (request for request in requests if not question_of(request).is_withdrawn)

    def __len__(self) -> int:
        return self._count
