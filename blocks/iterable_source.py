"""A block that feeds a network from an iterable."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Executor
from contextlib import suppress
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import attrs
import trio

from .base.error_info import is_cancellation
from .base.loop_held import LOOP_HELD, Holder, loop_held
from .base.statistics import BlockStatistics
from .base.timing import LARGEST_BATCH, BatchSize, time_slice
from .core.block import OF_TARGETS, Block, no_attribute
from .core.block_core import BlockCore
from .core.outbox import Outbox
from .core.pausable import block_is_paused, pause_block, resume_block
from .core.pause import Pause
from .core.pausing import PausableCore
from .core.shape import Shape
from .core.source import Source
from .core.waiting import WaitList
from .functions.call_meter import NO_OUTPUT, WORKING, CallMeter, with_times
from .functions.reader import Chunk

if TYPE_CHECKING:
    from .functions.executor_reading import ExecutorReading

T = TypeVar("T")
REMEDY = "its asynchronous iterable does not wait in between"


class SourceCore(PausableCore, BlockCore, Generic[T]):
    """The core of a source that reads an iterable."""

    __slots__ = (
        "_away",
        "_has_warned",
        "_is_unwanted",
        "_iterator",
        "_scope",
        "_size",
        "_task",
        "call_meter",
        "outbox",
        "paused",
        "place",
        "space",
        "total",
    )

    def __init__(
        self,
        facade: IterableSource[T],
        items: Iterable[T] | AsyncIterable[T],
        executor: Executor | None,
        name: str | None,
    ) -> None:
        super().__init__(facade, name)
        self.made = None  # it would keep all items
        self.outbox: Outbox[T] = Outbox(self, deque())
        self.paused: Pause | None = None
        self.call_meter: CallMeter = CallMeter()
        self.space: WaitList[None] = WaitList()
        self._size = BatchSize()
        self._has_warned = False
        self._is_unwanted = False  # the targets need nothing more
        self._task: trio.lowlevel.Task | None = None
        self._scope: trio.CancelScope | None = None
        self.total: int | None = length_of(items)
        self.place = "tasks" if isinstance(items, AsyncIterable) else "loop"
        self._iterator: Iterator[T] | AsyncIterator[T] | None
        if isinstance(items, AsyncIterable):
            self._iterator = aiter(items)
        elif isinstance(items, Iterable):
            self._iterator = iter(items)
        else:
            hint = "; call it, and give what it returns" if callable(items) else ""
            raise TypeError(f"{self}: items must be an iterable or asynchronous iterable, got {items!r}{hint}")
        self._away: ExecutorReading | None = None
        if executor is not None:
            if not isinstance(self._iterator, Iterator):
                raise TypeError(f"{self}: an asynchronous iterable is read in a task; leave out executor=")
            from .functions.executor_reading import ExecutorReading, check_reading_executor  # late: few need it

            check_reading_executor(str(self), executor)
            self._away = ExecutorReading(self, self._iterator, executor, self._discard)
            self.place = type(executor).__name__

    @property
    def shape(self) -> Shape:
        """The block makes messages of its own."""
        return Shape(brings=least_of(self._iterator), reads=True, total=self.total)

    def measured(self, seconds: float) -> BlockStatistics:
        """The statistics of the block over `seconds` of running time."""
        statistics = attrs.evolve(super().measured(seconds), place=self.place)
        return with_times(self.call_meter, statistics, seconds)

    def begin(self) -> None:
        if self.tracer is not None:
            self.call_meter.on_wait = self.tracer.waits_of(self.name)
        self.call_meter.change(WORKING)
        if isinstance(self._iterator, AsyncIterator):
            assert self.host is not None
            self.host.spawn(self._read_async, self._iterator, name=self.name, phase=self.name, is_awake=True)
        if self._iterator is None:
            self._away = None  # the iterable was closed before
        if self._away is not None:
            self._away.open()
        self.wake()

    def step(self) -> None:
        if self.host is None or self.finished:
            return
        outbox = self.outbox
        if self.paused is None and self._away is not None and not self._is_unwanted:
            chunk = self._away.take()
            if chunk is not None:
                self._take_chunk(chunk)
        outbox.flush()
        self.settle()
        if outbox.queue or (self.paused is not None and not self._is_unwanted):
            return
        if self._away is not None and self._iterator is not None:
            self._away.ask(self.room(LARGEST_BATCH))
        elif isinstance(self._iterator, Iterator):
            self._read(self._iterator)
            if not outbox.queue and self._iterator is not None:
                self.wake()
        for waiter in self.space:
            self.space.wake(waiter)
        if self._iterator is None and self._task is None and not outbox.queue:  # the task may still bring an item
            self.finish()

    def room(self, most: int) -> int:
        """How many items to read at a time, up to `most`."""
        links = self.outbox.links
        if len(links) != 1 or not (inbox := links[0].inbox).takes_runs:
            return most
        if inbox.gate is not None and type(self._iterator) not in SURE:  # else the items are in memory already
            most = min(most, inbox.gate.free())
        return max(1, min(most, inbox.room()))

    def _take_chunk(self, chunk: Chunk) -> None:
        """Hand on a chunk that was read in an executor."""
        now, seconds = time_slice.clock(), chunk.end - chunk.start
        end = min(chunk.end, now)
        self.call_meter.add(len(chunk.items), seconds, chunk.cpu, now)
        if self.tracer is not None:
            self.tracer.made(self.name, chunk.items, end - seconds, end)
        self._take_in(chunk.items)
        if chunk.is_last:
            self._iterator = None
        if chunk.error is not None:
            self._fault(chunk.error)

    def _read(self, iterator: Iterator[T]) -> None:
        count = self.room(self._size.items)
        items: list[T] = []
        self.call_meter.start()
        try:
            items.extend(islice(iterator, count))
        except BaseException as error:
            self._take_in(items)
            self._iterator = None
            self._fault(error)
        elapsed, start = self.call_meter.stop(len(items)), self.call_meter.started
        self._size.learn(len(items), elapsed)
        if elapsed > LOOP_HELD:
            loop_held.explain(elapsed)
            self._report_held(elapsed)
        if self.tracer is not None:
            self.tracer.made(self.name, items, start, start + elapsed)
        if items:
            self._take_in(items)
        if len(items) < count:
            self._iterator = None

    def _take_in(self, items: list[T]) -> None:
        self.counts["produced"] += len(items)
        self.outbox.emit(items)
        self.settle()

    def _discard(self, count: int) -> None:
        """Count items that were read after the network had stopped."""
        self.counts["produced"] += count
        self.counts["discarded"] += count

    def settle(self) -> None:
        """Record whether the block waits for its targets to take its items."""
        state = NO_OUTPUT if self.outbox.queue else WORKING
        if state is not self.call_meter.state:
            self.call_meter.change(state)

    async def _read_async(self, iterator: AsyncIterator[T]) -> None:
        if self._iterator is None:  # it was closed before the task began
            return
        self._task = trio.lowlevel.current_task()
        loop_held.holders[self._task] = Holder(str(self), self.name, REMEDY)
        try:
            with trio.CancelScope() as scope:
                self._scope = scope
                start = time_slice.clock()
                async for item in iterator:
                    await self._until_resumed()
                    if self._is_unwanted or self.broken is not None:  # since the item was on its way
                        self._discard(1)
                        break
                    now = time_slice.clock()
                    self.call_meter.add(1, now - start, 0.0, now)
                    if self.tracer is not None:
                        self.tracer.made(self.name, (item,), start, now)
                    self._take_in([item])
                    del item  # the source waits for the next one now
                    if scope.cancel_called:
                        break
                    if time_slice.clock() >= time_slice.until:
                        await time_slice.pause()
                    if self.outbox.queue:
                        await self.space.park(self, "hand an item on", None)
                    start = time_slice.clock()
        except BaseException as error:
            if is_cancellation(error):
                raise
            self._fault(error)
        finally:
            self._task = self._scope = None
            if inspect.isasyncgen(iterator):
                await iterator.aclose()
        self._iterator = None
        self.wake()

    async def _until_resumed(self) -> None:
        """Keep an item that came while the source is paused; hand it on if the source is closed meanwhile."""
        try:
            while self.paused is not None:
                await self.space.park(self, "hand an item on", None)
        except BaseException:
            assert self._scope is not None
            if not self._scope.cancel_called:
                self._discard(1)
                raise

    def _report_held(self, seconds: float) -> None:
        """Warn, once, that reading blocks the loop."""
        if not self._has_warned:
            self._has_warned = True
            loop_held.report(self, seconds, "give it executor=Threads(1)")

    def _fault(self, error: BaseException) -> None:
        assert self.host is not None
        self.host.fault(error, phase=self.name, item=None, number=None)
        raise error

    def stop_reading(self) -> None:
        """Read no further; items that were read can still be taken."""
        if self._away is not None and self._away.is_open and self._iterator is not None:
            self._away.stop()  # the worker closes it and returns what it has read
            self._away.ask(1)
            return
        iterator, self._iterator = self._iterator, None
        if self._scope is not None:
            self._scope.cancel()
        if inspect.isgenerator(iterator):
            iterator.close()
        self.wake()

    def end_early(self) -> None:
        """Read no further, and discard the items that were read."""
        outbox = self.outbox
        self._is_unwanted = True
        if outbox.holder is None:
            self.counts["discarded"] += len(outbox.queue)
            outbox.queue.clear()
        if self._away is not None and self._away.is_open:
            self._iterator = None  # at the end it is closed where it was read; a read that waits is not waited for
        try:
            self.stop_reading()
        except Exception as error:  # from a generator's clean-up
            self._fault(error)

    def receiver_comes(self) -> None:
        self.wake()

    def finish(self) -> None:
        super().finish()
        self.call_meter.change(WORKING)
        if self._away is not None:
            self._away.end()
        self.outbox.end()

    def abort(self, reason: str) -> None:
        self.mark_broken(reason)
        self.call_meter.change(WORKING)
        self.counts["discarded"] += self.outbox.abort(reason)
        if self._away is not None:
            self._iterator = None  # it was closed before, where it was read
        self.stop_reading()

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        return () if self._task is None else (self._task,)

    def held(self) -> int:
        return len(self.outbox)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,)


class IterableSource(Block, Source[T]):
    """Hands on the items of an iterable or asynchronous iterable, as fast as they are taken; works in a network only.

    - Inputs and outputs: has no input; each item goes to the first linked target that accepts it, or to a receiver.
    - Order: the order of the iterable.
    - Holds: the items that it has read and that are not taken yet: up to one batch, whose size depends on the room in
      its target and on the time that reading takes (a millisecond in an executor, where an item that takes longer is
      handed on alone); one item of an asynchronous iterable.
    - Back-pressure: reads on only when all earlier items were taken. While it waits, it occupies no worker.
    - Ends: when the iterable is exhausted and every item was taken.
    - Fails: an exception of the iterable is always a fault. A generator is always closed, where it is read: at the end,
      after a fault, a cancellation, and `aclose()`. If a worker is just making an item, the block waits for it.

    Args:
        items: The iterable. It is read on the loop. If it waits (for a disk, a database, a device), give an `executor`,
            or make it asynchronous.
        executor: Where an iterable is read instead of on the loop, one batch at a time: `Threads(1)`, which always
            reads in the same thread, or another executor with threads. It is never read in two threads at once. With
            several threads, each batch may be read in another thread.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        TypeError: `items` is not iterable; or `items` is asynchronous and there is an executor; or the executor works
            in other processes.
    """

    __slots__ = ()
    kind: ClassVar[str] = "source"
    _core: SourceCore[T]
    pause = pause_block
    resume = resume_block
    is_paused = property(block_is_paused)

    def __init__(
        self, items: Iterable[T] | AsyncIterable[T], *, executor: Executor | None = None, name: str | None = None
    ) -> None:
        self._core = SourceCore(self, items, executor, name)

    if not TYPE_CHECKING:  # pragma: no branch  # type checkers know what there is

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(
                self, name, OF_TARGETS, "a source only reads its iterable; send to an UnboundedBuffer instead"
            )

    @property
    def total(self) -> int | None:
        """The number of items, if the iterable has a length; else None."""
        return self._core.total

    @property
    def place(self) -> str:
        """Where the iterable is read: "loop", "tasks" (on the loop), or the class of the executor."""
        return self._core.place

    async def aclose(self) -> None:
        """Read no further; items that were read can still be taken. Never waits."""
        self._core.stop_reading()


def length_of(items: object) -> int | None:
    """Return the length of `items`; None if it has none, or if `len` raises, as for an endless data loader."""
    if isinstance(items, Sized):
        with suppress(Exception):
            return len(items)
    return None


SURE: frozenset[type] = frozenset(type(iter(items)) for items in (list[int](), (), range(0)))
"""Types of iterators whose length hint is always exact."""


def least_of(iterator: object) -> int:
    """Return how many items an iterator will give at least; 0 if this is not certain."""
    return length_hint(iterator) if type(iterator) in SURE else 0
