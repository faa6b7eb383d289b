"""A block that writes to a file or a stream of trio."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import outcome
import trio
from trio.abc import SendStream

from ..base.checks import check_capacity
from ..base.error_info import is_cancellation
from ..base.names import given_name
from ..base.statistics import BlockStatistics
from ..base.timing import time_slice
from ..core.block import OF_SOURCES, Block, no_attribute
from ..core.block_core import BlockCore
from ..core.inbox import Inbox
from ..core.outbox import Outbox
from ..core.shape import Shape
from ..core.target import Target
from ..core.waiting import goes_to_sleep, idle_tasks, wakes_up
from ..functions.call_meter import NO_INPUT, WORKING, CallMeter, with_times
from .chunks import CAPACITY, Data
from .files import Path, WritableFile, check_file
from .sinks import FileSink, PathSink, Sink, StreamSink


class WritingInbox(Inbox[Data]):
    """An inbox that also counts the chunks that are being written."""

    __slots__ = ()
    block: StreamTargetCore  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """Return how many more chunks fit in."""
        return self.capacity - len(self.queue) - self.block.in_work


class StreamTargetCore(BlockCore):
    """The core of a stream target: one task writes all chunks that wait, and then waits for more.

    States of the task: opens → idle ⇄ writes → finishes. On every other way out it discards what was written. It is the
    only one that uses the sink.

    Attributes:
        in_work: How many chunks are being written.
        call_meter: The measurements of the writing.
        place: Where the writing is done.
    """

    __slots__ = ("_idle", "_sink", "_task", "call_meter", "in_work", "inbox", "place")

    def __init__(self, facade: StreamTarget, sink: Sink, capacity: int | None, name: str) -> None:
        super().__init__(facade, name)
        self.made = None  # a file is written once
        self.in_work: int = 0
        self.call_meter: CallMeter = CallMeter()
        self.place: str = "tasks" if isinstance(sink, StreamSink) else "Threads"
        self.inbox: Inbox[Data] = WritingInbox(self, deque(), capacity=capacity)
        self._sink = sink
        self._task: trio.lowlevel.Task | None = None  # while it works
        self._idle: trio.lowlevel.Task | None = None  # while it waits for chunks

    @property
    def shape(self) -> Shape:
        """No messages come out."""
        return Shape(needs_taker=False)

    def measured(self, seconds: float) -> BlockStatistics:
        """The statistics of the block over `seconds` of running time."""
        queued = len(self.inbox.queue)
        statistics = attrs.evolve(
            super().measured(seconds),
            place=self.place,
            queued=queued,
            most_queued=max(self.inbox.most_queued, queued),
            in_work=self.in_work,
        )
        return with_times(self.call_meter, statistics, seconds)

    def begin(self) -> None:
        assert self.host is not None
        if self.tracer is not None:
            self.call_meter.on_wait = self.tracer.waits_of(self.name)
        self.call_meter.change(WORKING)
        self.host.spawn(self._run, name=self.name, phase=self.name, is_awake=True)

    def step(self) -> None:
        self.inbox.begin_step()
        self.inbox.note_depth()
        task = self._idle
        if task is not None and (self.inbox.queue or self.inbox.closed):
            self._idle = None
            idle_tasks.discard(task)  # now: until it runs, another network may look at it
            wakes_up(task)
            trio.lowlevel.reschedule(task, outcome.Value(None))
        self.inbox.serve_waiting()

    # The task

    async def _run(self) -> None:
        self._task = task = trio.lowlevel.current_task()
        try:
            await self._sink.open()
            while chunks := await self._next(task):
                await self._write(chunks)
            await self._sink.finish()
        except BaseException as error:
            await self._discard(error)
            raise
        finally:
            self._task = None
        self.finish()

    async def _next(self, task: trio.lowlevel.Task) -> Sequence[Data]:
        """Take all chunks that wait; wait for one if there is none. At the end there is none."""
        await trio.lowlevel.checkpoint_if_cancelled()
        inbox = self.inbox
        while not inbox.queue and not inbox.closed:
            await self._rest(task)
        chunks = list(inbox.take(len(inbox.queue) or 1))
        self.in_work = len(chunks)
        return chunks

    async def _rest(self, task: trio.lowlevel.Task) -> None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self._idle = None
            return trio.lowlevel.Abort.SUCCEEDED

        self._idle, self._task = task, None
        self.call_meter.change(NO_INPUT)
        goes_to_sleep(task)
        self.parked()
        idle_tasks.add(task)
        try:
            await trio.lowlevel.wait_task_rescheduled(abort)
        finally:
            idle_tasks.discard(task)
            self._task = task
            self.call_meter.change(WORKING)

    async def _write(self, chunks: Sequence[Data]) -> None:
        start = time_slice.clock()
        await self._sink.write(chunks)
        now, count = time_slice.clock(), len(chunks)
        self.call_meter.add(count, now - start, 0.0, now)
        if (tracer := self.tracer) is not None:
            tracer.forget(self.name, chunks)
        self.counts["consumed"] += count
        self.in_work = 0
        self.wake()

    async def _discard(self, error: BaseException) -> None:
        with trio.CancelScope(shield=True):
            try:
                await self._sink.discard()
            except Exception as other:
                if is_cancellation(error):
                    raise
                raise BaseExceptionGroup(f"{self} could not discard its output", [error, other]) from None

    # Ending

    def finish(self) -> None:
        super().finish()
        self.call_meter.change(WORKING)

    def abort(self, reason: str) -> None:
        self.mark_broken(reason)
        self.call_meter.change(WORKING)
        self.counts["discarded"] += self.in_work + self.inbox.abort(reason)
        self.in_work = 0

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        return () if self._task is None else (self._task,)

    def held(self) -> int:
        return len(self.inbox.queue) + self.in_work

    def inboxes(self) -> Sequence[Inbox[Any]]:
        return (self.inbox,)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return ()


class StreamTarget(Block, Target[Data]):
    """Writes bytes to a file or to a stream of trio. Works in a network only.

    - Inputs and outputs: takes bytes from links and senders; has no output.
    - Order: that of the input.
    - Holds: up to `capacity` chunks, including those that are being written.
    - Back-pressure: when it is full, senders wait and links are postponed.
    - Ends: after its last producer, when everything was written.
    - Fails: every error is a fault.

    Half of an output never looks like a whole one. What is written to a path goes to a hidden file beside it, which
    takes the name, and the place of an older file, only at the end; after a fault or a cancellation it is removed. (If
    the process is killed, a file ".NAME.….part" stays.) A device or a named pipe is written directly.

    A file that was given is closed at the end, also after a fault or a cancellation; what was written to it stays. Only
    the standard streams of the process stay open. Files are written in a thread. A network that is stopped waits for
    it, so give the block a stream of trio for a pipe, a terminal or a socket.

    At the end, a stream in one direction is closed. The sending half of a stream in both directions is ended by
    `send_eof`, if it has that. After a fault or a cancellation each stream is closed; a TCP connection is reset, so the
    peer does not take what it has for the whole.

    Args:
        where: The path of a file, which is made when the network starts; or a binary file; or a `trio.abc.SendStream`.
        capacity: Up to this many chunks wait or are written, >= 1; None for no bound. Default: 16, which is 4 MiB if
            the chunks have 256 KiB.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is less than 1.
        TypeError: `where` is none of these, or a file for text.
    """

    __slots__ = ()
    kind: ClassVar[str] = "stream target"
    _core: StreamTargetCore

    def __init__(
        self,
        where: Path | WritableFile | SendStream,
        *,
        capacity: int | None = CAPACITY,
        name: str | None = None,
    ) -> None:
        name = given_name(type(self).__name__, name)
        who = f"{self.kind} {name!r}"
        check_capacity(who, capacity)
        sink: Sink
        if isinstance(where, SendStream):
            sink = StreamSink(who, where)
        elif isinstance(where, (str, os.PathLike)):
            sink = PathSink(who, where)
        else:
            check_file(who, where, "write")
            sink = FileSink(who, where)
        self._core = StreamTargetCore(self, sink, capacity, name)

    if not TYPE_CHECKING:  # pragma: no branch  # type checkers know what there is

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(
                self, name, OF_SOURCES, "a stream target hands nothing on; link a Tap before it to see the chunks"
            )
