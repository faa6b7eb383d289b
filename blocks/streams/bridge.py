"""Calls into the loop for a file object that a worker thread uses.

Between two calls, the deadlock detection cannot see what a thread will do with its file. It sees the task that waits
for a thread of trio, and the open end of a writer. A reader that another thread uses would look like one that was left.
So the network counts as busy while such a file is open and its thread is not in a call: from the opening in a running
network, or the first call, until the end.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import outcome
import trio

from ..base.errors import Declined
from ..base.threads import Loop, hold_up
from ..core.ports import Host
from ..core.threads import loop_of, settle
from .ends import first_fault

T = TypeVar("T")


class Bridge:
    """Calls into the loop of a block from other threads.

    Args:
        who: The file object.
        block: The core of the block.
        reads: Whether it reads from the block.
    """

    def __init__(self, who: str, block: Any, *, reads: bool) -> None:
        self.who = who
        self.block = block
        self._reads = reads
        self._loop = Loop.running()
        self._busy: Host | None = None
        self.leaves_call(None)

    def enters_call(self) -> None:
        """Note, on the loop, that the thread waits in a call from now on, or uses the file no more."""
        host, self._busy = self._busy, None
        if host is not None:
            host.busy_count -= 1
            host.pump.wake()

    def leaves_call(self, result: object) -> None:
        """Note, on the loop, that the thread goes on after a call; at the end of the data it was the last one."""
        host: Host | None = self.block.host
        if self._reads and result != b"" and host is not None and host.is_open:
            host.busy_count += 1
            self._busy = host

    def call(self, what: str, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Call an async function in the loop, and wait for it.

        In a thread that `trio.to_thread` has started, the call runs in the task that waits for the thread, and is
        cancelled with it.

        Raises:
            BrokenPipeError: The block was stopped, or takes no more.
            RuntimeError: This is the thread of a loop, or no loop is known.
        """
        if Loop.running() is not None:
            raise RuntimeError(
                f"{self.who}: {what}() was called in the thread of the loop, which would wait for itself; use the "
                "file in another thread, for example with trio.to_thread.run_sync; or use send_stream or receive_stream"
            )
        try:
            if is_of_trio():
                return trio.from_thread.run(self._in_task, threading.current_thread(), function, args)
            return Visit(self, function, args).run(self._known())
        except (trio.BrokenResourceError, Declined) as error:
            raise BrokenPipeError(str(error)) from error
        except trio.RunFinishedError as error:
            raise BrokenPipeError(f"{self.who}: the loop has ended") from error

    async def _in_task(
        self, thread: threading.Thread, function: Callable[..., Awaitable[T]], args: tuple[object, ...]
    ) -> T:
        self.enters_call()
        return await held_up_in(thread, function, args)

    def tell(self, function: Callable[..., object], *args: object) -> None:
        """Call a function in the loop soon; at once if this is its thread, or if it has none."""
        loop = loop_of(self.block) or self._loop
        if loop is None or loop.is_here:
            function(*args)
        else:
            with suppress(trio.RunFinishedError):
                loop.token.run_sync_soon(function, *args)

    def _known(self) -> Loop:
        loop = loop_of(self.block) or self._loop
        if loop is None:
            raise RuntimeError(f"{self.who}: it is not known in which loop its block will run; open it in the loop")
        return loop


def is_of_trio() -> bool:
    """Whether `trio.to_thread` has started this thread; raises `trio.Cancelled` if its task is cancelled."""
    try:
        trio.from_thread.check_cancelled()
    except RuntimeError:
        return False
    return True


async def held_up_in(thread: threading.Thread, function: Callable[..., Awaitable[T]], args: tuple[object, ...]) -> T:
    """Call a function for a thread; the deadlock detection knows that the thread waits meanwhile."""
    hold_up(thread, True)
    try:
        return await function(*args)
    finally:
        hold_up(thread, False)


class Visit(Generic[T]):
    """One call of a thread that trio does not know. It runs in a task of the network, and ends with it.

    Args:
        bridge: The bridge of the file object.
        function: The async function.
        args: Its arguments.
    """

    def __init__(self, bridge: Bridge, function: Callable[..., Awaitable[T]], args: tuple[object, ...]) -> None:
        self._bridge = bridge
        self._function = function
        self._args = args
        self._thread = threading.current_thread()
        self._scope = trio.CancelScope()
        self._result: outcome.Outcome[T] | None = None
        self._settled = threading.Lock()
        self._settled.acquire()

    def run(self, loop: Loop) -> T:
        """Make the call, and wait for its end."""
        settle(loop, self._arrive, self._settled, self._scope)
        assert self._result is not None
        return self._result.unwrap()

    def _arrive(self) -> None:
        host = self._bridge.block.host
        name = f"thread {self._thread.name!r}"
        if host is not None and host.is_open:
            host.spawn(self._work, name=name, phase=self._bridge.block.name, is_awake=True)
        else:
            trio.lowlevel.spawn_system_task(self._work, name=name)

    async def _work(self) -> None:
        self._bridge.enters_call()
        try:
            with self._scope:
                self._result = await self._made()
        finally:
            if self._result is None:
                what = f"{self._bridge.who}: its network was stopped{first_fault(self._bridge.block.host)}"
                self._result = outcome.Error(trio.BrokenResourceError(what))
            self._settled.release()

    async def _made(self) -> outcome.Outcome[T]:
        try:
            result = await held_up_in(self._thread, self._function, self._args)
            self._bridge.leaves_call(result)
            return outcome.Value(result)
        except Exception as error:
            return outcome.Error(error)
