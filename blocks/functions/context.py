"""Carries the context variables of an item's sender through the function of a block, and on to its results.

An item is stored with a copy of its context: that of the task or thread that sent it, or that of the item from which
the block before it made it. The function is called in this context, and its results are offered in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, cast

import attrs

from ..base.callables import NOT_ITERABLE, NOT_RUN, is_async, is_async_generator
from ..core.carried import Carried
from ..core.contexts import ContextQueue
from ..core.outbox import Outbox
from .function_block import FunctionCore, FunctionInbox

if TYPE_CHECKING:
    pass

Function = Callable[[Any], Any]
END = object()


class CarryingQueue:
    """The items that have come into a block, each with its context."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: deque[Carried] = deque()

    def append(self, item: Any) -> None:
        """Store an item with a copy of the current context."""
        self._items.append(Carried(item, copy_context()))

    def appendleft(self, item: Carried) -> None:
        """Put an item back."""
        self._items.appendleft(item)

    def popleft(self) -> Carried:
        """Take the first item, with its context."""
        return self._items.popleft()

    def take(self, count: int) -> list[Carried]:
        """Take several items."""
        return [self._items.popleft() for _ in range(min(count, len(self._items)))]

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()

    def __getitem__(self, index: int) -> Carried:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)


class CarryingInbox(FunctionInbox[Any]):
    """Stores each item with the context in which it was sent."""

    __slots__ = ()

    def __init__(self, block: FunctionCore[Any], *, capacity: int | None, filter: Callable[[Any], bool] | None) -> None:
        super().__init__(block, CarryingQueue(), capacity=capacity, filter=filter)
        self.contexts = {}


def carry(
    block: FunctionCore[Any],
    *,
    capacity: int | None,
    filter: Callable[[Any], bool] | None,
    executor: Executor | None,
    expands: bool = False,
) -> None:
    """Make a block call its function in the contexts of its items.

    Raises:
        TypeError: The executor works in other processes.
    """
    check_carries(block, executor)
    function = block.function
    if is_async_generator(function):
        carried: Function = generated_in_context(function)
    elif is_async(function):
        carried = listed_in_context(function) if expands else awaited_in_context(function)
    else:
        carried = ExpandedInContext(function) if expands else InContext(function)
    use_ports(block, capacity, filter, carried)


def carry_filter(block: FunctionCore[Any], *, capacity: int | None, executor: Executor | None) -> None:
    """Make a block call its predicate in the contexts of its items.

    Raises:
        TypeError: The executor works in other processes.
    """
    check_carries(block, executor)
    function = block.function
    use_ports(block, capacity, None, answered_later(function) if is_async(function) else AnsweredInContext(function))


def use_ports(
    block: FunctionCore[Any], capacity: int | None, filter: Callable[[Any], bool] | None, carried: Function
) -> None:
    """Give a block ports that carry contexts."""
    outbox: Outbox[Any] = Outbox(block, ContextQueue())
    outbox.carries = True
    block.carry_by(CarryingInbox(block, capacity=capacity, filter=filter), outbox, carried)


def check_carries(block: FunctionCore[Any], executor: Executor | None) -> None:
    """Raise a `TypeError` that says what to do if an executor works in other processes."""
    if executor is None:
        return
    from ..executors.threads import Threads  # late: most programs need no executor

    if not isinstance(executor, (Threads, ThreadPoolExecutor)):
        raise TypeError(
            f"{block}: context=True needs an executor with threads (Threads, ThreadPoolExecutor), because a context "
            f"cannot be sent to another process; put what the function needs into the item. Got {executor!r}"
        )


# Functions


@attrs.frozen
class InContext:
    """A plain function that is called in the context of its item."""

    function: Function

    @property
    def __wrapped__(self) -> Function:
        return self.function

    def __call__(self, carried: Carried) -> Any:
        result = carried.context.run(self.function, carried.item)
        return result if type(result) in NOT_RUN else Carried(result, carried.context)


@attrs.frozen
class AnsweredInContext:
    """A plain predicate that is called in the context of its item; its answer is not an item."""

    function: Function

    @property
    def __wrapped__(self) -> Function:
        return self.function

    def __call__(self, carried: Carried) -> Any:
        return carried.context.run(self.function, carried.item)


@attrs.frozen
class ExpandedInContext:
    """A plain function that returns an iterable; it is called, and the iterable is read, in the context of the item."""

    function: Function

    @property
    def __wrapped__(self) -> Function:
        return self.function

    def __call__(self, carried: Carried) -> Any:
        outputs = carried.context.run(self.function, carried.item)
        return outputs if type(outputs) in NOT_ITERABLE else self._read(outputs, carried.context)

    def _read(self, outputs: Any, context: Context) -> Iterator[Carried]:
        iterator = context.run(iter, outputs)
        try:
            while (output := context.run(next, iterator, END)) is not END:
                yield Carried(output, context)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                context.run(close)


class Steps:
    """Awaits an object and runs each of its steps in a context."""

    __slots__ = ("_context", "_inner")

    def __init__(self, context: Context, inner: Awaitable[Any]) -> None:
        self._context = context
        self._inner = inner

    def __await__(self) -> Generator[Any, Any, Any]:
        run = self._context.run
        steps: Any = self._inner.__await__()
        step, argument = steps.send, None
        while True:
            try:
                wanted = run(step, argument)
            except StopIteration as end:
                return end.value
            try:
                step, argument = steps.send, (yield wanted)
            except BaseException as error:
                step, argument = steps.throw, cast("Any", error)


def awaited_in_context(function: Function) -> Function:
    """Wrap an async function, so that it is called in the context of its item."""

    async def call(carried: Carried) -> Carried:
        return Carried(await Steps(carried.context, carried.context.run(function, carried.item)), carried.context)

    return call


def answered_later(function: Function) -> Function:
    """Wrap an async predicate, so that it is called in the context of its item."""

    async def call(carried: Carried) -> Any:
        return await Steps(carried.context, carried.context.run(function, carried.item))

    return call


def listed_in_context(function: Function) -> Function:
    """Wrap an async function that returns an iterable, so that both run in the context of the item."""

    async def call(carried: Carried) -> Any:
        outputs = await Steps(carried.context, carried.context.run(function, carried.item))
        if type(outputs) in NOT_ITERABLE:
            return outputs
        return [Carried(output, carried.context) for output in carried.context.run(list, outputs)]

    return call


def generated_in_context(function: Function) -> Callable[[Carried], AsyncGenerator[Carried, None]]:
    """Wrap an asynchronous generator function, so that it runs in the context of its item."""

    async def generate(carried: Carried) -> AsyncGenerator[Carried, None]:
        context = carried.context
        outputs: AsyncIterator[Any] = context.run(function, carried.item)
        try:
            while True:
                try:
                    output = await Steps(context, cast("Any", anext(outputs)))
                except StopAsyncIteration:
                    return
                yield Carried(output, context)
        finally:
            close = getattr(outputs, "aclose", None)
            if close is not None:
                await Steps(context, close())

    return generate
