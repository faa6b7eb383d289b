"""A network of blocks in a program of asyncio."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import trio

from penstock.agents.tasks.one_error import loop_has_ended, only_error, raise_both
from penstock.blocks import Network, Node, Source, Target
from penstock.blocks.base.callables import callable_name
from penstock.blocks.base.error_info import is_cancellation

from .hosting import AsyncioHost, check_asynchronous
from .portal import Portal, outlast, portal_here

P = ParamSpec("P")
T = TypeVar("T")
Result = TypeVar("Result")
host_here: ContextVar[AsyncioHost | None] = ContextVar("penstock_asyncio", default=None)
"""The asyncio loop of the network in which the code runs."""


def asyncio_function(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Let a block in an `AsyncioNetwork` call an asynchronous function of asyncio, in the loop of the program.

    Can be used as a decorator. Functions of a `Pipeline` do not need it.

    Raises:
        TypeError: It is not an asynchronous function.
    """
    check_asynchronous("asyncio_function", function)
    name = callable_name(function)

    @functools.wraps(function)
    async def call(*args: P.args, **options: P.kwargs) -> T:
        host = host_here.get()
        if host is None:
            raise RuntimeError(f"{name!r} is a function of asyncio: run its block in an AsyncioNetwork")
        return await host.call(function(*args, **options), name)

    return call


class AsyncioNetwork:
    """Runs blocks and agents in a program of asyncio, as `Network` does in trio: for a service with one network.

    Use it as `async with AsyncioNetwork(first) as network`, and send and receive through it. The blocks run in a loop
    of trio, in a thread that all pipelines and networks of the program share. So a plain function that takes long needs
    an `executor`, and an asynchronous function of asyncio needs `asyncio_function`.

    Leaving the block ends the input of the network and waits until everything has drained. If the body raises or is
    cancelled, the network is cancelled. If a block or an agent fails, the body is cancelled, and the exception comes
    out: as it is if it is the only one, else in an `ExceptionGroup`.

    Args:
        nodes: Blocks and agents; one of each connected set is enough.
        options: The options of `Network`.
    """

    def __init__(self, *nodes: Node, **options: Any) -> None:
        self._network = Network(*nodes, **options)
        self._end = trio.Event()
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._portal: Portal
        self._body: asyncio.Task[Any] | None = None
        self._cancelling = 0  # how often the body had been cancelled before
        self._has_interrupted = False

    @property
    def network(self) -> Network:
        """The network, for its statistics, balance and report, during the run and after it."""
        return self._network

    async def __aenter__(self) -> AsyncioNetwork:
        self._loop = asyncio.get_running_loop()
        self._portal = await portal_here()
        self._body = asyncio.current_task()
        self._cancelling = 0 if self._body is None else self._body.cancelling()
        token = host_here.set(AsyncioHost(self._loop))
        self._portal.start_soon(self._run, self._network.name)
        host_here.reset(token)
        try:
            await self._begun.wait()
        except BaseException as error:  # it could not begin: then the body, which waits here, is cancelled
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def _run(self) -> None:
        """Run the network; in trio."""
        try:
            async with self._network:
                self._loop.call_soon_threadsafe(self._begun.set)
                await self._end.wait()
        except BaseException as raised:
            self._error = only_error(raised)
            if is_cancellation(raised):
                self._error = loop_has_ended()
                raise
        finally:
            with suppress(RuntimeError):  # the asyncio loop is closed
                self._loop.call_soon_threadsafe(self._has_ended)

    def _has_ended(self) -> None:
        self._ended.set()
        if self._body is not None:
            self._has_interrupted = True
            self._body.cancel()

    async def send(self, target: Target[T], item: T) -> None:
        """Send an item to a block; wait while it has no room. See `Target.send`."""
        await self._portal.call(target.send, item)

    async def receive(self, source: Source[T]) -> T:
        """Receive a message of a block; wait if there is none. See `Source.receive`.

        A cancelled receive has taken nothing. If the message was taken already, it is returned, and the next wait is
        cancelled instead.

        Raises:
            trio.EndOfChannel: The block has ended and has no more messages.
        """
        return await self._portal.call(source.receive)

    async def messages(self, source: Source[T]) -> AsyncIterator[T]:
        """Iterate over the messages of a block, until it has ended."""
        while True:
            try:
                message = await self.receive(source)
            except trio.EndOfChannel:
                return
            yield message

    async def call(self, function: Callable[..., Awaitable[Result]], *args: Any) -> Result:
        """Call an asynchronous function of trio in the loop of the network, and return its result.

        Several sends or receives in one call cost one crossing between the threads, of about 50 µs.
        """
        return await self._portal.call(function, *args)

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        body, self._body = self._body, None
        if value is None:
            self._portal.call_soon(self._end.set)
        else:
            self._portal.call_soon(self._network.cancel)
        was_cancelled = await outlast(self._ended, lambda: self._portal.call_soon(self._network.cancel))
        if self._has_interrupted and body is not None:
            is_only_ours = body.uncancel() <= self._cancelling
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # the cancellation may not have come yet
            if not is_only_ours:
                was_cancelled = True
            elif isinstance(value, asyncio.CancelledError):
                value = None
        if was_cancelled:
            raise asyncio.CancelledError
        return raise_both("the network", self._error, value) or value is None
