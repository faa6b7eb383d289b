"""Context variables of senders: items carry them through blocks that hand items on unchanged.

The search for these blocks goes upstream from each block or agent that uses contexts, when it starts or is linked.
Each block found on the way that hands items on unchanged gets queues that keep contexts. All other blocks keep plain
queues, at no cost. An item that is already in a queue at that moment gets the context of that moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextvars import Context, ContextVar, Token, copy_context
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import trio

from .carried import Carried, plain


def plain_all(items: Iterable[Any]) -> list[Any]:
    """The items alone, without contexts and leases."""
    return [plain(item) for item in items]


class Indexed(Protocol):
    """A sequence of items that can be indexed."""

    def __getitem__(self, index: int, /) -> Any: ...
    def __len__(self) -> int: ...


class Carrier(Protocol):
    """A block through which contexts may pass."""

    def carry_contexts(self) -> bool:
        """Keep contexts from now on, if the block hands messages on unchanged; return whether it does."""
        ...

    def contexts_from(self) -> Iterable[Carrier]:
        """The blocks that send messages with contexts to this one."""
        ...


class ContextQueue:
    """A queue that stores each item with the context in which it came; the queue methods show only the items.

    Args:
        items: The first content; it gets the current context.
    """

    __slots__ = ("_carried", "last")

    def __init__(self, items: Indexed | None = None) -> None:
        self._carried: deque[Carried] = deque()
        self.last: Context = copy_context()
        if items is not None:
            for index in range(len(items)):
                self.append(items[index])

    @property
    def context(self) -> Context:
        """The context of the first item; `last` is the context of the item that was taken last."""
        return self._carried[0].context

    def append(self, item: Any) -> None:
        """Store an item with the current context."""
        self._carried.append(Carried(item, copy_context()))

    def extend(self, carried: Iterable[Carried]) -> None:
        """Store items that already have contexts."""
        self._carried.extend(carried)

    def appendleft(self, item: Any) -> None:
        """Put back the item that was taken last."""
        self._carried.appendleft(Carried(item, self.last))

    def popleft(self) -> Any:
        """Take the first item."""
        carried = self._carried.popleft()
        self.last = carried.context
        return carried.item

    def take(self, count: int) -> list[Carried]:
        """Take several items, with their contexts."""
        return [self._carried.popleft() for _ in range(min(count, len(self._carried)))]

    def clear(self) -> None:
        """Forget everything."""
        self._carried.clear()

    def __getitem__(self, index: int) -> Any:
        return self._carried[index].item

    def __delitem__(self, index: int) -> None:
        del self._carried[index]

    def __len__(self) -> int:
        return len(self._carried)


def context_of(queue: object) -> Context | None:
    """The context of the first item of a queue, if it keeps contexts."""
    context: Context | None = getattr(queue, "context", None)
    return context


def carry_on(sources: Iterable[Carrier]) -> None:
    """Make the blocks before a block or agent keep contexts, if they hand messages on unchanged.

    Args:
        sources: The blocks directly before it; the search goes on upstream from them.
    """
    waiting = list(sources)
    seen: set[Carrier] = set()
    while waiting:
        block = waiting.pop()
        if block not in seen and block.carry_contexts():
            seen.add(block)
            waiting.extend(block.contexts_from())


class Adoption:
    """The context variables that a task has taken over from its last received item.

    Attributes:
        context: The context of an item that was handed to the task while it waited.
    """

    __slots__ = ("_tokens", "context")

    def __init__(self) -> None:
        self._tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
        self.context: Context | None = None

    def take_over(self, context: Context) -> None:
        """Set the variables of an item in the running task, and reset those of the item before."""
        self.context = None
        while self._tokens:
            variable, token = self._tokens.pop()
            variable.reset(token)
        own = copy_context()
        for variable, value in context.items():
            if variable not in own or own[variable] is not value:
                self._tokens.append((variable, variable.set(value)))


adopting: WeakKeyDictionary[trio.lowlevel.Task, Adoption] = WeakKeyDictionary()
"""The tasks that take over the variables of the items they receive."""


def hand_over(task: trio.lowlevel.Task, context: Context) -> None:
    """Store the context of an item for the waiting task that gets it."""
    adoption = adopting.get(task)
    if adoption is not None:
        adoption.context = context


def adopt(context: Context | None = None) -> None:
    """Set an item's variables in the running task, if it is in `adopting`; the default is the context handed over."""
    if adopting and (adoption := adopting.get(trio.lowlevel.current_task())) is not None:
        context = adoption.context if context is None else context
        if context is not None:
            adoption.take_over(context)
