"""Items together with the context variables of who sent them, on their way through blocks that hand them on unchanged.

Which blocks do so is found out backwards from those that want contexts, when these start or are linked: a block that
hands on what it gets, and from which one of them can be reached, gets queues that keep contexts. All other blocks keep
plain queues, and pay nothing. An item that waited in a block before that gets the context of that moment.
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
    """Items without what goes with them."""
    return [plain(item) for item in items]


class Indexed(Protocol):
    """Some items in order."""

    def __getitem__(self, index: int, /) -> Any: ...
    def __len__(self) -> int: ...


class Carrier(Protocol):
    """A block, as far as contexts go through it."""

    def carry_contexts(self) -> bool:
        """Keep contexts from now on, if messages are handed on; give whether that is so."""
        ...

    def contexts_from(self) -> Iterable[Carrier]:
        """The blocks from which messages come with their contexts."""
        ...


class ContextQueue:
    """A queue of items, each stored with the context in which it came; who takes items does not see the contexts.

    Args:
        items: What is in it from the beginning, in the context that is there now.
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
        """That of the first item; `last` is that of the one that was taken last."""
        return self._carried[0].context

    def append(self, item: Any) -> None:
        """Store an item with the context that is there now."""
        self._carried.append(Carried(item, copy_context()))

    def extend(self, carried: Iterable[Carried]) -> None:
        """Store items that have their contexts."""
        self._carried.extend(carried)

    def appendleft(self, item: Any) -> None:
        """Put the item back that was taken last."""
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
    """Have contexts kept by those from which messages come to a block or agent, as far as they hand on what they get.

    Args:
        sources: These blocks; those before them are found.
    """
    waiting = list(sources)
    seen: set[Carrier] = set()
    while waiting:
        block = waiting.pop()
        if block not in seen and block.carry_contexts():
            seen.add(block)
            waiting.extend(block.contexts_from())


class Adoption:
    """The context variables that a task has taken over from the item which it received last.

    Attributes:
        context: Those of the item that was handed to it while it waited.
    """

    __slots__ = ("_tokens", "context")

    def __init__(self) -> None:
        self._tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
        self.context: Context | None = None

    def take_over(self, context: Context) -> None:
        """Have the variables of an item in the task, and none of those of the item before."""
        self.context = None
        while self._tokens:
            variable, token = self._tokens.pop()
            variable.reset(token)
        own = copy_context()
        for variable, value in context.items():
            if variable not in own or own[variable] is not value:
                self._tokens.append((variable, variable.set(value)))


adopting: WeakKeyDictionary[trio.lowlevel.Task, Adoption] = WeakKeyDictionary()
"""The tasks that take over the variables of what they receive."""


def hand_over(task: trio.lowlevel.Task, context: Context) -> None:
    """A task that waits for an item has got one."""
    adoption = adopting.get(task)
    if adoption is not None:
        adoption.context = context


def adopt(context: Context | None = None) -> None:
    """Have the running task take over the variables of an item, if it does so; without one, of the one handed over."""
    if adopting and (adoption := adopting.get(trio.lowlevel.current_task())) is not None:
        context = adoption.context if context is None else context
        if context is not None:
            adoption.take_over(context)
