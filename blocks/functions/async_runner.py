"""Runs async functions in up to `concurrency` tasks, and puts their results back in order.

Invariants: items are started in the order in which they came; up to `concurrency` are being worked on; up to `window`
are started and not yet handed on. So the next item to hand on was always started, and a slow item makes no worker idle
until the window is full. Workers are long-lived tasks: after an item, a worker takes the next one itself,
and parks only when there is none. If the concurrency is lowered, no item is started while there are more workers than
that, and a worker that is done ends.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

import outcome
import trio

from ..base.callables import NOT_ITERABLE, NOT_RUN, not_awaited
from ..base.error_info import forget_frames, is_cancellation, not_cancelled
from ..base.loop_held import Holder, loop_held
from ..base.timing import time_slice, turns_of
from ..core.carried import for_fallback
from ..core.waiting import WaitList, goes_to_sleep, idle_tasks, moves, wakes_up
from .checks import default_window
from .function_block import FunctionCore
from .item_limit import allowed, awaited_in_time
from .leasing import Leasing
from .pacing import Pacing
from .policies import Attempt
from .reorder import Reorder

Job = tuple[int, Any]
GIVEN_UP: list[Any] = []
"""The results of an item that has failed for good."""
REMEDY = "its async function does not wait in between; make it a plain function with executor=Threads(n)"


class AsyncRunner:
    """Calls an async function with several items at once.

    Attributes:
        fixed_window: The window that was asked for; None if it depends on the concurrency.
        most_open: The number of open items at which no further one is started; 0 if there are too many workers.
    """

    is_eager = True
    waits_for_room = False
    place = "tasks"
    __slots__ = (
        "at_once",
        "block",
        "busy",
        "call",
        "concurrency",
        "fixed_window",
        "free_numbers",
        "idle",
        "in_work",
        "leasing",
        "most_open",
        "order",
        "ordered",
        "starting",
        "unnamed",
        "waiting",
        "window",
        "workers",
    )

    def __init__(self, block: FunctionCore[Any], concurrency: int, ordered: bool, window: int | None) -> None:
        self.block: FunctionCore[Any] = block
        self.call: Callable[[Any], Any] = block.function
        self.at_once: int = concurrency
        self.concurrency: int = concurrency
        self.ordered: bool = ordered
        self.fixed_window: int | None = window
        self.window: int = window or default_window(concurrency)
        self.most_open: int = self.window
        self.leasing: Leasing | Pacing | None = block.leasing
        self.busy: int = 0
        self.waiting: int = 0
        self.workers: int = 0
        self.free_numbers: list[int] = []
        self.starting: int = 0  # the number of the item whose call began last
        self.unnamed: set[trio.lowlevel.Task] | None = None  # workers of a recorded run that began as the only one
        self.order: Reorder[list[Any]] = Reorder(ordered)
        self.idle: list[trio.lowlevel.Task] = []
        self.in_work: set[trio.lowlevel.Task] = set()

    # Giving out items

    def start(self) -> None:
        """Take the function of the block; workers start when there is work."""
        self.bind()

    def bind(self) -> None:
        """Call the function that the block has now; wrap it to record its calls if the run is recorded."""
        self.call = self._callable()
        if (tracer := self.block.tracer) is not None:
            self.unnamed = set() if self.unnamed is None else self.unnamed
            self.call = tracer.async_calls(self.block.name, self.call, self._gives(), self.unnamed)

    def _callable(self) -> Callable[[Any], Any]:
        """What is awaited for each item."""
        return awaited_in_time(self.block.function, self.block.time_limit)

    def _gives(self) -> bool:
        """Whether the result of a call is handed on unchanged."""
        return self.block.gives

    def step(self) -> None:
        """Hand results on, and give items to free workers."""
        self.block.flush()
        self.give_out()
        self.block.inbox.serve_waiting()

    def give_out(self) -> None:
        """Give items to free workers."""
        while (self.idle or self.workers < self.concurrency) and (job := self._next()) is not None:
            if self.idle:
                task = self.idle.pop()
                self.in_work.add(task)
                idle_tasks.discard(task)
                wakes_up(task)
                trio.lowlevel.reschedule(task, outcome.Value(job))
            else:
                network = self.block.host
                assert network is not None
                self.workers += 1
                number = self.free_numbers.pop() if self.free_numbers else self.workers
                name = f"{self.block.name} worker {number}"
                network.spawn(self._work, [job], number, name=name, phase=self.block.name, is_awake=True)

    def wanted(self) -> int:
        """An item for each worker that has none."""
        return self.concurrency - self.busy

    def change_concurrency(self, concurrency: int) -> None:
        """Let more or fewer calls run at once from now on; calls that run are not ended."""
        self.at_once = self.concurrency = concurrency
        self.window = self.fixed_window or default_window(concurrency)
        while self.idle and self.workers > concurrency:
            self.workers -= 1
            trio.lowlevel.reschedule(self.idle.pop(), outcome.Value(None))
        self._set_most_open()

    def _set_most_open(self) -> None:
        self.most_open = 0 if self.workers > self.concurrency else self.window

    def _next(self) -> Job | None:
        """The next item, if it may be started now."""
        block = self.block
        queue = block.inbox.queue
        order = self.order
        open_items = order.started - order.handed_on + len(block.outbox.queue)
        if not queue or open_items >= self.most_open or block.has_dead_letters() or block.paused is not None:
            return None
        leasing = self.leasing
        if leasing is not None and not leasing.ready(queue, 1):
            return None
        self.busy += 1  # before the item leaves the queue, so that it is always counted
        number = order.start()
        block.inbox.note_depth()
        item = queue.popleft()
        return number, item if leasing is None else leasing.give(item)

    # Working

    async def _work(self, first: list[Job], worker: int) -> None:
        """Work until there is nothing more to do. A worker that waits here keeps no item or result alive."""
        task = trio.lowlevel.current_task()
        loop_held.holders[task] = Holder(str(self.block), self.block.name, REMEDY, self.block.function)
        job: Job | None = first.pop()
        inbox = self.block.inbox
        if self.unnamed is not None and self.concurrency == 1:
            self.unnamed.add(task)
        self.in_work.add(task)
        while job is not None:
            number, item = job
            job = None
            turns = turns_of(task)
            start = time_slice.clock()
            self.starting = number
            try:
                results = self._results(await self.call(item))
                self.busy -= 1
                self._called(start)
            except BaseException as error:
                results = await self._failed(number, item, error, start)
            self._hand_on(number, results)
            del item, results
            if time_slice.clock() >= time_slice.until:
                if turns_of(task) == turns:  # the function never waited
                    await time_slice.pause()
                elif trio.current_effective_deadline() == -math.inf:  # cancelled, while the function was shielded
                    await trio.lowlevel.checkpoint()
            job = self._next()
            if inbox.senders.waiters or inbox.postponed:
                inbox.serve_waiting()
                job = job or self._next()
            if job is None:
                self.block.settle()
                if self.workers > self.concurrency:
                    self._leave(task)
                else:
                    job = await self._idle(task)
        self.free_numbers.append(worker)

    def _called(self, start: float) -> None:
        """Record how long a call took."""
        now = time_slice.clock()
        self.block.call_meter.add(1, now - start, 0.0, now)

    async def _failed(self, number: int, item: Any, error: BaseException, start: float) -> list[Any]:
        """Apply the policy to a failed item; return the results of a successful retry, if there is one."""
        last: Attempt | None = None
        while True:
            if is_cancellation(error) and not_cancelled(error) is None:
                raise error
            forget_frames(error)
            self._called(start)
            self.busy -= 1  # the block counts the item from here on
            last = self.block.handle(error, item, number, last)
            del error  # its frames refer to this frame, which would keep the error alive
            if last is None:
                return GIVEN_UP
            self.busy += 1
            item = item if last.cause is None else for_fallback(item)
            await trio.sleep(last.delay)
            if self.block.leasing is not None:
                await self.block.leasing.wait_to_try_again()
            start = time_slice.clock()
            self.starting = number
            try:
                results = self._results(await self.call(item))
            except BaseException as again:
                error = again
            else:
                self.busy -= 1
                self._called(start)
                return results

    def _leave(self, task: trio.lowlevel.Task) -> None:
        """Let a worker end, because there are too many."""
        self.workers -= 1
        self._set_most_open()
        self._rest(task)
        self.block.wake()

    def _rest(self, task: trio.lowlevel.Task) -> None:
        """Note that a worker has no item."""
        self.in_work.discard(task)
        goes_to_sleep(task)
        if not any(map(moves, self.in_work)):
            self.block.parked()

    async def _idle(self, task: trio.lowlevel.Task) -> Job | None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self.idle.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        self.idle.append(task)
        self._rest(task)
        idle_tasks.add(task)
        try:
            job: Job | None = await trio.lowlevel.wait_task_rescheduled(abort)
        finally:
            idle_tasks.discard(task)
        return job

    def _results(self, result: Any) -> list[Any]:
        if type(result) in NOT_RUN:
            raise not_awaited(self.block, result)
        return [result]

    # Handing results on

    def _hand_on(self, number: int, results: list[Any]) -> None:
        block = self.block
        self.waiting += len(results)
        for ready in self.order.done(number, results):
            self.waiting -= len(ready)
            self._emit(ready)
        inbox = block.inbox
        more = (self.idle or self.workers < self.concurrency) and (
            inbox.queue or inbox.postponed or inbox.senders.waiters
        )
        if more or inbox.closed or block.governed:
            block.wake()

    def _emit(self, results: list[Any]) -> None:
        if results:
            self.block.emit(results)

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        """The workers that have an item."""
        return self.in_work

    def close(self) -> None:
        """Let the idle workers go."""
        self.order.clear()
        self.busy = self.waiting = 0
        idle, self.idle = self.idle, []
        for task in idle:
            trio.lowlevel.reschedule(task, outcome.Value(None))


class AsyncExpandingRunner(AsyncRunner):
    """Calls an async function that returns an iterable per item, or an async generator function.

    Outputs are handed on as they come if every failure is a fault and no other item's outputs have to come first.
    Otherwise the outputs of an item are collected until all are there.
    """

    __slots__ = ("endings", "generate", "is_ending", "is_generator", "space")

    def __init__(
        self, block: FunctionCore[Any], concurrency: int, ordered: bool, window: int | None, is_generator: bool
    ) -> None:
        super().__init__(block, concurrency, ordered, window)
        self.space: WaitList[None] = WaitList()
        self.endings: set[trio.CancelScope] = set()  # of the generators that are read now
        self.is_ending: bool = False
        self.generate: Callable[[Any], AsyncGenerator[Any, None]] = block.function
        self.is_generator: bool = is_generator

    def _callable(self) -> Callable[[Any], Any]:
        if not self.is_generator:
            return super()._callable()
        self.generate = self.block.function
        return self._read if self.block.time_limit is None else self._read_in_time

    def _may_stream(self) -> bool:
        """Whether an item that starts now may hand its outputs on as they come.

        If ordered, it has to be the only open item. Items that start later wait for it.
        """
        order = self.order
        is_first = self.concurrency == 1 and order.started - order.handed_on == 1
        return self.block.failures.is_strict and (is_first or not self.ordered) and self.block.ends is None

    async def _read_in_time(self, item: Any) -> list[Any]:
        assert self.block.time_limit is not None
        with allowed(self.block.time_limit) as scope:
            return await self._read(item, scope)

    async def _read(self, item: Any, scope: trio.CancelScope | None = None) -> list[Any]:
        outputs: list[Any] = []
        streams = self._may_stream()
        generator = self.generate(item)
        ending = trio.CancelScope()
        self.endings.add(ending)
        try:
            with ending:
                async for output in generator:
                    if streams:
                        self.block.counts["produced"] += 1
                        self._trace((output,))
                        self._emit([output])
                        await self._wait_for_room(scope)
                    else:
                        outputs.append(output)
                    del output
        finally:
            self.endings.discard(ending)
            await generator.aclose()
        return outputs

    def _next(self) -> Job | None:
        return None if self.is_ending else super()._next()

    def stop_expanding(self) -> None:
        """End the generators that are read; the calls of other functions go on to their end."""
        self.is_ending = True
        for ending in self.endings:
            ending.cancel()

    def _gives(self) -> bool:
        return False

    def _trace(self, outputs: Iterable[Any]) -> None:
        """Record outputs of the item on which the running task works."""
        if (tracer := self.block.tracer) is not None:
            tracer.gave(outputs, tracer.current[trio.lowlevel.current_task()])

    def _results(self, result: Any) -> list[Any]:
        if type(result) in NOT_ITERABLE:
            raise not_awaited(self.block, result)
        outputs = list(result)
        self._trace(outputs)
        self.block.counts["consumed"] += 1
        return outputs

    async def _wait_for_room(self, scope: trio.CancelScope | None) -> None:
        outbox = self.block.outbox
        if time_slice.clock() >= time_slice.until:
            await time_slice.pause()
        if len(outbox.queue) < self.window:
            return
        left = 0.0
        if scope is not None:
            left, scope.deadline = scope.deadline - trio.current_time(), math.inf  # the wait is not the item's time
        while len(outbox.queue) >= self.window:
            await self.space.park(self.block, "hand its outputs on", None)
        if scope is not None:
            scope.deadline = trio.current_time() + left

    def step(self) -> None:
        """Hand results on; wake generators that waited for room; give items to free workers."""
        super().step()
        if len(self.block.outbox.queue) < self.window:
            for waiter in self.space:
                self.space.wake(waiter)

    def _hand_on(self, number: int, results: list[Any]) -> None:
        self.block.counts["produced"] += len(results)
        super()._hand_on(number, results)

    def _emit(self, results: list[Any]) -> None:
        if results is not GIVEN_UP:
            self.block.tell_ends((len(results),))
        super()._emit(results)
