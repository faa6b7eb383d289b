"""Streams carry outputs from a running call to the loop, one chunk at a time.

A worker hands a chunk over and makes the next one; before it goes on after that, the loop must grant the first. So up
to two chunks are on the way, or three if the call runs in another process. The loop sets the size of the next chunk.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter, thread_time
from typing import Any, Protocol, cast

from ..base.callables import NOT_ITERABLE, not_run
from .work import Outcome, Task, stop_iteration

CHUNK_SECONDS = 0.002
"""Seconds of work per chunk, unless one output takes longer: twice as long as a job, so quick jobs need no chunks."""
MOST_AHEAD = 2
"""The number of chunks without a grant at which the worker waits."""

Piece = tuple[int, list[Any]]
"""The place of an item in its job, and some of its outputs."""


class Sink(Protocol):
    """Takes the chunks of a call.

    Attributes:
        room: The largest number of outputs in the next chunk.
        is_wanted: Whether more outputs are wanted.
        due: When the next chunk has to be handed over.
    """

    due: float

    @property
    def room(self) -> int: ...

    @property
    def is_wanted(self) -> bool: ...

    def put(self, outputs: list[Any]) -> None:
        """Hand over a chunk of the current item, and wait until the next chunk is wanted."""
        ...


class Stream:
    """The chunks of one job.

    Args:
        on_chunk: Tells the loop that there is a chunk; called in the worker.
        room: The largest number of outputs in the first chunk.

    Attributes:
        pauses: Called by the worker when it begins and ends to wait.
        chunks: The chunks that the loop has not taken.
    """

    __slots__ = ("_grants", "_on_chunk", "chunks", "is_wanted", "pauses", "room", "waited")

    def __init__(self, on_chunk: Callable[[], None], room: int) -> None:
        self._on_chunk = on_chunk
        self._grants = threading.Semaphore(MOST_AHEAD - 1)
        self.chunks: deque[list[Piece]] = deque()
        self.pauses: Callable[[bool], None] = lambda waits: None
        self.room: int = room
        self.is_wanted: bool = True
        self.waited: float = 0.0

    def put(self, chunk: list[Piece]) -> None:
        """Hand a chunk over, in the worker; wait until the next chunk is wanted."""
        self.chunks.append(chunk)
        self._on_chunk()
        if self.is_wanted and not self._grants.acquire(blocking=False):
            start = perf_counter()
            self.pauses(True)
            self._grants.acquire()
            self.pauses(False)
            self.waited += perf_counter() - start

    def grant(self, room: int) -> None:
        """Allow the next chunk, of up to `room` outputs; called on the loop."""
        self.room = room
        self._grants.release()

    def stop(self) -> None:
        """Ask for no more outputs: the worker closes its generator at the next output."""
        self.is_wanted = False
        self._grants.release()


class Chunks:
    """Makes chunks of a job's outputs, in the worker: outputs of finished items, and early ones of the current item.

    Args:
        stream: Takes the chunks.
        outcome: The outcome of the job; outputs that were handed over are removed from it.
    """

    __slots__ = ("_gone", "_outcome", "_stream", "due")

    def __init__(self, stream: Stream, outcome: Outcome) -> None:
        self._stream = stream
        self._outcome = outcome
        self._gone = 0
        self.due: float = perf_counter() + CHUNK_SECONDS

    @property
    def room(self) -> int:
        """The largest number of outputs in the next chunk."""
        return self._stream.room

    @property
    def is_wanted(self) -> bool:
        """Whether more outputs are wanted."""
        return self._stream.is_wanted

    def put(self, outputs: list[Any]) -> None:
        """Hand over outputs of the current item, after the remaining outputs of the items before it."""
        results = self._outcome.results
        done = len(results)
        chunk = [(place, results[place]) for place in range(self._gone, done) if results[place]]
        results[self._gone : done] = [[] for _ in range(self._gone, done)]
        self._gone = done
        if outputs:
            chunk.append((done, outputs))
        if chunk:
            self._stream.put(chunk)
        self.due = perf_counter() + CHUNK_SECONDS


def perform_stream(task: Task, items: Sequence[Any], stream: Stream) -> Outcome:
    """Call a function that returns an iterable with each item, until one fails; hand over chunks as they are made."""
    if task.context is None:
        return stream_each(task, items, stream)
    return task.context.copy().run(stream_each, task, items, stream)


def stream_each(task: Task, items: Sequence[Any], stream: Stream) -> Outcome:
    """Do the work of `perform_stream` in the current context."""
    started, cpu_started = perf_counter(), thread_time()
    outcome = Outcome([], [])
    sink = Chunks(stream, outcome)
    waited = stream.waited
    for item in items:
        try:
            outcome.results.append(expand(task.name, task.function, item, sink))
        except BaseException as error:
            outcome.failures.append((len(outcome.results), error))
            break
        if perf_counter() >= sink.due:
            sink.put([])
        if not stream.is_wanted:
            break
    outcome.seconds = perf_counter() - started - (stream.waited - waited)
    outcome.cpu = thread_time() - cpu_started
    return outcome


def expand(name: str, function: Callable[[Any], Iterable[Any]], item: Any, sink: Sink) -> list[Any]:
    """Call a function that returns an iterable; hand outputs over in chunks, and return the remaining ones."""
    try:
        outputs: Any = function(item)
    except StopIteration as error:
        raise stop_iteration(name) from error
    if type(outputs) in NOT_ITERABLE:
        raise not_run(name, outputs, is_read=True)
    if isinstance(outputs, (list, tuple)):
        return list(cast("Iterable[Any]", outputs))  # all outputs are there already
    iterator = iter(outputs)
    rest: list[Any] = []
    try:
        for output in iterator:
            rest.append(output)
            if len(rest) >= sink.room or perf_counter() >= sink.due:
                sink.put(rest)
                rest = []
            if not sink.is_wanted:
                break
    finally:
        close = getattr(iterator, "close", None)  # of a generator, or of a file
        if close is not None:
            close()
    return rest
