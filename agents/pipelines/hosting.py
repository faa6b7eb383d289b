"""Runs asynchronous functions and iterables of asyncio for blocks, which run in trio.

A call crosses to the thread of the asyncio loop and back, in about 50 µs. If the block cancels the call, the task in
asyncio is cancelled and awaited. A task that is cancelled by anything else is an error of its stage.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from contextvars import copy_context
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import trio

from penstock.blocks.base.callables import callable_name, is_async, is_async_generator

P = ParamSpec("P")
T = TypeVar("T")
SOURCE = "the source"
"""What messages call the items of a run."""


class TrioFunction(Generic[P, T]):
    """An asynchronous function of trio in a program of asyncio."""

    def __init__(self, function: Callable[P, Awaitable[T]]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    async def __call__(self, *args: P.args, **options: P.kwargs) -> T:
        return await self._function(*args, **options)


class TrioGenerator(Generic[P, T]):
    """An asynchronous generator function of trio in a program of asyncio."""

    def __init__(self, function: Callable[P, AsyncIterator[T]]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    async def __call__(self, *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        async with aclosing(cast("AsyncGenerator[T]", self._function(*args, **options))) as outputs:
            async for output in outputs:
                yield output


@overload
def trio_function(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]: ...
@overload
def trio_function(function: Callable[P, AsyncIterator[T]]) -> Callable[P, AsyncIterator[T]]: ...
def trio_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an asynchronous function that uses trio, for a pipeline that runs in a program of asyncio.

    There, the asynchronous functions of a pipeline run in asyncio, unless they are marked. Can be used as a decorator,
    also for an asynchronous generator function.

    Raises:
        TypeError: It is not an asynchronous function.
    """
    if callable(function) and is_async_generator(function):
        return TrioGenerator(function)
    check_asynchronous("trio_function", function)
    return TrioFunction(function)


def check_asynchronous(who: str, function: object) -> None:
    """Raise a `TypeError` if a value is not an asynchronous function."""
    if not callable(function) or not is_async(function):
        raise TypeError(f"{who}: needs an asynchronous function, got {function!r}")


class AsyncioHost:
    """The asyncio loop in which the asynchronous functions of a pipeline run.

    Attributes:
        loop: The loop; it runs in another thread than the blocks. It may be set later than the functions are wrapped.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        if loop is not None:
            self.loop = loop

    def wrap(self, value: Any) -> Any:
        """Return a function that runs an asynchronous function there; any other value as it is."""
        if not callable(value) or type(value) in (TrioFunction, TrioGenerator):
            return cast("Any", value)
        function: Callable[..., Any] = value
        if is_async_generator(function):
            return self._wrap_generator(function)
        if not is_async(function):
            return function
        name = callable_name(function)

        @functools.wraps(function)
        async def call(*args: Any) -> Any:
            return await self.call(function(*args), name)

        return call

    def _wrap_generator(self, function: Callable[..., AsyncIterable[T]]) -> Callable[..., AsyncIterator[T]]:
        @functools.wraps(function)
        async def generate(*args: Any) -> AsyncIterator[T]:
            async with aclosing(self.iterate(function(*args), repr(callable_name(function)))) as outputs:
                async for output in outputs:
                    yield output

        return generate

    async def iterate(self, items: AsyncIterable[T] | asyncio.Queue[T], whose: str = SOURCE) -> AsyncGenerator[T]:
        """Iterate there over an asynchronous iterable, or over a queue of asyncio; close it there at the end."""
        iterator = aiter(items_of_queue(items) if isinstance(items, asyncio.Queue) else items)
        try:
            while found := await self.call(next_of(iterator), f"the next item of {whose}", keeps=True):
                yield found[0]
        finally:
            close: Callable[[], Awaitable[None]] | None = getattr(iterator, "aclose", None)
            if close is not None:
                with trio.CancelScope(shield=True):
                    await self.call(close(), f"the end of {whose}")

    async def call(self, awaitable: Awaitable[T], name: str, *, keeps: bool = False) -> T:
        """Await something in the asyncio loop, with the context variables of the caller.

        Args:
            awaitable: What is awaited.
            name: Its name in messages.
            keeps: Whether a result that was there before a cancellation is returned, because it would be lost.
        """
        crossing = Crossing(awaitable, self.loop)
        try:
            self.loop.call_soon_threadsafe(crossing.begin)
        except RuntimeError:  # the loop is closed
            crossing.close()
            raise RuntimeError(f"{name!r} cannot be called: the asyncio loop of the pipeline has ended") from None
        return await crossing.result(name, keeps)


class Crossing(Generic[T]):
    """One call on its way to asyncio and back.

    The task in asyncio is owned by this object; `_done` is set in trio, after the task has ended.
    """

    def __init__(self, awaitable: Awaitable[T], loop: asyncio.AbstractEventLoop) -> None:
        self._awaitable = awaitable
        self._loop = loop
        self._context = copy_context()
        self._token = trio.lowlevel.current_trio_token()
        self._done = trio.Event()
        self._task: asyncio.Task[T] | None = None

    def begin(self) -> None:
        """Start the task; runs in the asyncio loop."""
        task = self._task = self._loop.create_task(as_coroutine(self._awaitable), context=self._context)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[T]) -> None:
        self.close()  # it may have been cancelled before it began
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._done.set)

    def _cancel(self) -> None:
        assert self._task is not None  # the asyncio loop calls `begin` first
        self._task.cancel()

    def close(self) -> None:
        """Drop what is awaited, if it has not begun."""
        close: Callable[[], object] = getattr(self._awaitable, "close", lambda: None)
        close()

    async def result(self, name: str, keeps: bool) -> T:
        """Wait for the task; cancel and await it if the caller is cancelled."""
        try:
            await self._done.wait()
        except trio.Cancelled:
            await self._end_task()
            if self._error() is None and not (keeps and self._is_over()):
                raise
        assert self._task is not None
        if self._task.cancelled():
            raise RuntimeError(f"{name!r} was cancelled in asyncio by something else than its pipeline")
        error = self._error()
        if error is None:
            return self._task.result()
        if is_about_trio(error):
            what, remedy = repr(name), f"give trio_function({name}) to the pipeline"
            if name.endswith(SOURCE):
                what, remedy = SOURCE, "read it in a first stage, flat_map(trio_function(read))"
            raise RuntimeError(
                f"{what} is {'' if what == SOURCE else 'a function '}of trio, and this pipeline runs in a program of "
                f"asyncio: {remedy}"
            ) from error
        try:
            raise error
        finally:
            del error  # its traceback refers to this frame

    async def _end_task(self) -> None:
        """Cancel the task, and wait for its end."""
        with suppress(RuntimeError):  # the asyncio loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._cancel)
            with trio.CancelScope(shield=True):
                await self._done.wait()

    def _is_over(self) -> bool:
        """Whether the task has a result or an exception."""
        return self._task is not None and self._task.done() and not self._task.cancelled()

    def _error(self) -> BaseException | None:
        """The exception of the task; None if it has none, or was cancelled, or never began."""
        return self._task.exception() if self._task is not None and self._is_over() else None


def is_about_trio(error: BaseException) -> bool:
    """Whether an exception is what a function of trio raises in a loop of asyncio."""
    text = str(error)
    return (
        isinstance(error, RuntimeError)
        and (text.startswith("Task got bad yield") or text == "must be called from async context")
    ) or (isinstance(error, AttributeError) and text.startswith("'RunContext' object has no attribute"))


async def as_coroutine(awaitable: Awaitable[T]) -> T:
    """Await any awaitable in a coroutine, which a task needs."""
    return await awaitable


async def items_of_queue(items: asyncio.Queue[T]) -> AsyncGenerator[T]:
    """The items of a queue of asyncio, until it is shut down (Python 3.13); without this, an endless source."""
    ended: Any = getattr(asyncio, "QueueShutDown", ())
    while True:
        try:
            item = await items.get()
        except ended:
            return
        try:
            yield item
        finally:  # also if the run ends before it asks for the next item: who joins the queue must not wait for ever
            items.task_done()


async def next_of(iterator: AsyncIterator[T]) -> tuple[T] | None:
    """The next item, in a tuple; None at the end, because a task cannot raise `StopAsyncIteration`."""
    try:
        return (await anext(iterator),)
    except StopAsyncIteration:
        return None
