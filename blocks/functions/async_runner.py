"""Runs async functions in up to `concurrency` tasks, and puts their results back in order.

Invariants: items are started in the order in which they came; up to `concurrency` are being worked on; up to `window`
are started and not yet handed on. So the next item to hand on was always started, and a slow item makes no worker idle
until the window is full. Workers are long-lived tasks: after an item, a worker takes the next one itself,
and parks only when there is none.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

import outcome
import trio

from ..base.callables import NOT_ITERABLE, NOT_RUN, not_awaited
from ..base.error_info import forget_frames, is_cancellation
from ..base.loop_held import Holder, loop_held
from ..base.timing import time_slice, turns_of
from ..core.waiting import WaitList, goes_to_sleep, idle_tasks, moves, wakes_up
from .function_block import FunctionCore
from .item_limit import allowed, awaited_in_time
from .reorder import Reorder

Job = tuple[int, Any]
REMEDY = "its async function does not wait in between; make it a plain function with executor=Threads(n)"


class AsyncRunner:
    """Calls an async function with several items at once."""

    is_eager = True
    waits_for_room = False
    place = "tasks"
    __slots__ = (
        "at_once",
        "block",
        "busy",
        "call",
        "concurrency",
        "idle",
        "in_work",
        "order",
        "ordered",
        "waiting",
        "window",
        "workers",
    )

    def __init__(self, block: FunctionCore[Any], concurrency: int, ordered: bool, window: int) -> None:
        self.block: FunctionCore[Any] = block
        self.call: Callable[[Any], Any] = awaited_in_time(block.function, block.time_limit)
        self.at_once: int = concurrency
        self.concurrency: int = concurrency
        self.ordered: bool = ordered
        self.window: int = window
        self.busy: int = 0
        self.waiting: int = 0
        self.workers: int = 0
        self.order: Reorder[list[Any]] = Reorder(ordered)
        self.idle: list[trio.lowlevel.Task] = []
        self.in_work: set[trio.lowlevel.Task] = set()

    # Giving out items

    def start(self) -> None:
        """Wrap the function to record its calls if the run is recorded; workers start when there is work."""
        if (tracer := self.block.tracer) is not None:
            self.call = tracer.async_calls(self.block.name, self.call, self._gives(), self.concurrency > 1)

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
                wakes_up(task)
                trio.lowlevel.reschedule(task, outcome.Value(job))
            else:
                network = self.block.host
                assert network is not None
                self.workers += 1
                name = f"{self.block.name} worker {self.workers}"
                network.spawn(self._work, [job], name=name, phase=self.block.name, is_awake=True)

    def _next(self) -> Job | None:
        """The next item, if it may be started now."""
        block = self.block
        queue = block.inbox.queue
        order = self.order
        open_items = order.started - order.handed_on + len(block.outbox.queue)
        if not queue or open_items >= self.window or block.has_dead_letters():
            return None
        leasing = block.leasing
        if leasing is not None and not leasing.ready(queue, 1):
            return None
        self.busy += 1  # before the item leaves the queue, so that it is always counted
        number = order.start()
        block.inbox.note_depth()
        item = queue.popleft()
        return number, item if leasing is None else leasing.give(item)

    # Working

    async def _work(self, first: list[Job]) -> None:
        """Work until there is nothing more to do. A worker that waits here keeps no item or result alive."""
        task = trio.lowlevel.current_task()
        loop_held.holders[task] = Holder(str(self.block), self.block.name, REMEDY, self.block.function)
        job: Job | None = first.pop()
        inbox = self.block.inbox
        call = self.call
        self.in_work.add(task)
        while job is not None:
            number, item = job
            job = None
            turns = turns_of(task)
            start = time_slice.clock()
            try:
                results = self._results(await call(item))
                self.busy -= 1
                self._called(start)
            except BaseException as error:
                results = await self._failed(number, item, error, start)
            self._hand_on(number, results)
            del item, results
            if turns_of(task) == turns and time_slice.clock() >= time_slice.until:  # the function never waited
                await time_slice.pause()
            job = self._next()
            if inbox.senders.waiters or inbox.postponed:
                inbox.serve_waiting()
                job = job or self._next()
            if job is None:
                self.block.settle()
                job = await self._idle(task)

    def _called(self, start: float) -> None:
        """Record how long a call took."""
        now = time_slice.clock()
        self.block.call_meter.add(1, now - start, 0.0, now)

    async def _failed(self, number: int, item: Any, error: BaseException, start: float) -> list[Any]:
        """Apply the policy to a failed item; return the results of a successful retry, if there is one."""
        attempt = 0
        while True:
            if is_cancellation(error):
                raise error
            forget_frames(error)
            self._called(start)
            self.busy -= 1  # the block counts the item from here on
            delay = self.block.handle(error, item, number, attempt)
            del error  # its frames refer to this frame, which would keep the error alive
            if delay is None:
                return []
            self.busy += 1
            attempt += 1
            await trio.sleep(delay)
            start = time_slice.clock()
            try:
                results = self._results(await self.call(item))
            except BaseException as again:
                error = again
            else:
                self.busy -= 1
                self._called(start)
                return results

    async def _idle(self, task: trio.lowlevel.Task) -> Job | None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self.idle.remove(task)
            return trio.lowlevel.Abort.SUCCEEDED

        self.in_work.discard(task)
        self.idle.append(task)
        goes_to_sleep(task)
        if not any(map(moves, self.in_work)):
            self.block.parked()
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
        if self.idle or self.workers < self.concurrency or block.inbox.closed or block.governed:
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

    __slots__ = ("generate", "space", "streams")

    def __init__(
        self, block: FunctionCore[Any], concurrency: int, ordered: bool, window: int, is_generator: bool
    ) -> None:
        super().__init__(block, concurrency, ordered, window)
        self.space: WaitList[None] = WaitList()
        self.generate: Callable[[Any], AsyncGenerator[Any, None]] = block.function
        self.streams: bool = block.failures.is_strict and (concurrency == 1 or not ordered)
        if is_generator:
            self.call: Callable[[Any], Any] = self._read if block.time_limit is None else self._read_in_time

    async def _read_in_time(self, item: Any) -> list[Any]:
        assert self.block.time_limit is not None
        with allowed(self.block.time_limit) as scope:
            return await self._read(item, scope)

    async def _read(self, item: Any, scope: trio.CancelScope | None = None) -> list[Any]:
        outputs: list[Any] = []
        generator = self.generate(item)
        try:
            async for output in generator:
                if self.streams:
                    self.block.counts["produced"] += 1
                    self._trace((output,))
                    self._emit([output])
                    await self._wait_for_room(scope)
                else:
                    outputs.append(output)
                del output
        finally:
            await generator.aclose()
        return outputs

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
