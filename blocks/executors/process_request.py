"""One request to a worker process: the items that it is to work on, and their results."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any, cast

from ..base.error_info import annotate, forget_frames
from ..base.errors import WorkerDied
from ..base.lending import passage
from .journal import ANSWER, FAILURE, IN_SLOTS
from .packing import PLAIN, Packed, spans_of, unpack
from .process_child import Child
from .remote import ErrorRecord
from .slots import Place
from .stream import Chunks
from .wire import DONE, GO, NEED, PART, RECORD, REFUSED, SLOT, WORK, Lost
from .work import Outcome, Task

FULL = 1 << 20
"""Bytes of pickles in one request; a larger job takes several requests."""
SLICE = 32
"""The number of items that are pickled without a look at the size of the request."""
SLOT_SHARE = 64
"""The number of bytes in slots that count as one byte of pickle."""


class Request:
    """The items of a job that go to the child together.

    Args:
        child: The worker process.
        task: What to do with each item.
        outcome: The outcome of the job so far; results and failures are added to it.
        wanted: Estimated sizes of the slots that the results will need.
        chunks: Takes outputs that come before their item ends, if this is allowed.

    Attributes:
        used: Sizes of the slots that the results have used.
    """

    __slots__ = (
        "_broken",
        "_child",
        "_chunks",
        "_done",
        "_failed",
        "_lent",
        "_outcome",
        "_started",
        "_task",
        "_wanted",
        "used",
    )

    def __init__(
        self, child: Child, task: Task, outcome: Outcome, wanted: Sequence[int], chunks: Chunks | None = None
    ) -> None:
        self._child = child
        self._task = task
        self._outcome = outcome
        self._wanted = wanted
        self._chunks = chunks
        self._broken: Exception | None = None
        self._lent: set[Place] = set()
        self._done = outcome.done
        self._failed = len(outcome.failures)
        self._started = 0.0
        self.used: list[int] = []

    def run(self, items: Sequence[Any]) -> bool:
        """Let the child do items; return whether the next ones may be begun; raises `Lost` if the child has died."""
        outcome = self._outcome
        number = self._child.send_function(self._task.function, self._task.name, self._task.keeper)
        try:
            passage.loans = self._child.packer.loans
            packed, error = self._pack(items)
        finally:
            passage.loans = None
        if packed and (no_memory := self._work(number, packed)) is not None:
            error = None if packed else no_memory  # the item left out is sent alone, or cannot be sent
        asked = len(items) - self._done if isinstance(packed, bytes) else len(packed)
        if outcome.done < self._done + asked:  # stopped by a failure, or its time was up
            return False
        if error is not None and not self._is_over():
            outcome.failures.append((outcome.done, error))
        return not self._is_over()

    def _is_over(self) -> bool:
        if self._chunks is not None and not self._chunks.is_wanted:
            return True
        failures = self._outcome.failures[self._failed :]
        return any(self._task.is_strict or not isinstance(error, Exception) for _, error in failures)

    def _pack(self, items: Sequence[Any]) -> tuple[bytes | list[Packed], Exception | None]:
        """Pack items until the request is full or one cannot be packed; return them and the exception, or None."""
        rest = items[self._outcome.done :]
        if PLAIN.issuperset(map(type, rest)):
            stream = pickle.dumps(list(rest), 5)
            if len(stream) <= FULL:
                return stream, None
        packer = self._child.packer
        ready: list[Packed] = []
        load = 0
        for start in range(0, len(rest), SLICE):
            some = rest[start : start + SLICE]
            streams = packer.pack_small(some)
            if streams is not None:
                ready += streams
                load += sum(map(len, streams))
                if load > FULL:
                    break
                continue
            for item in some:
                try:
                    packed = packer.pack(item)
                except Lost:
                    raise
                except Exception as error:
                    return ready, self._not_packed(error)
                ready.append(packed)
                load += weight(packed)
                if load > FULL:
                    return ready, None
        return ready, None

    def _not_packed(self, error: Exception) -> Exception:
        forget_frames(error)
        annotate(
            error,
            f"there is no memory to send the item to a worker of {self._task.name}"
            if isinstance(error, MemoryError)
            else f"the item could not be pickled, which Processes needs to send it to a worker of "
            f"{self._task.name}: send plain data (numbers, text, bytes, arrays and records of them), or use Threads",
        )
        return error

    def _work(self, number: int, packed: bytes | list[Packed]) -> MemoryError | None:
        """Let the child do packed items, and take the results.

        If there is no memory to send all of them, items are removed from the end, and the error is returned.
        """
        child, outcome = self._child, self._outcome
        for size in self._wanted:
            self._lend(size)
        child.loans.forget()
        child.journal.rewind()
        no_memory = self._send(number, packed)
        if not packed:
            self._give_back(self._lent)
            return no_memory
        while (message := child.wire.receive())[0] != DONE:
            self._take(message)
        _, seconds, cpu, returned, answers = message
        if answers is None:
            self._read()
        else:
            self._take_answers(answers)
        outcome.seconds += seconds
        outcome.cpu += cpu
        not_begun = [] if isinstance(packed, bytes) else packed[outcome.done - self._done :]
        self._give_back([*returned, *self._lent, *places_of(not_begun)])
        return no_memory

    def _send(self, number: int, packed: bytes | list[Packed]) -> MemoryError | None:
        """Send as many packed items as there is memory for; return the error if these are not all."""
        task = self._task
        room = 0 if self._chunks is None else self._chunks.room
        how = (number, task.expands, task.is_strict, task.limit, task.name)
        no_memory: MemoryError | None = None
        self._started = perf_counter()
        while packed:
            try:
                self._child.wire.send(WORK, *how, packed, list(self._lent), room)
            except MemoryError as error:  # nothing has been sent
                if isinstance(packed, bytes):
                    raise
                self._give_back(places_of([packed.pop()]))
                forget_frames(error)
                annotate(error, f"there is no memory to send the item to a worker of {task.name}")
                no_memory = error
            else:
                break
        return no_memory

    def _take_answers(self, answers: list[Any]) -> None:
        """Add the results of all items to the outcome, except those that were read from the journal before."""
        outcome = self._outcome
        if outcome.done > self._done:
            del answers[: outcome.done - self._done]
        if not PLAIN.issuperset(map(type, answers)):
            try:
                answers = [pickle.loads(answer) if type(answer) is bytes else self._of(answer) for answer in answers]
            except Exception:  # one by one, so that the others are saved
                for answer in answers:
                    self._record(ANSWER, answer)
                return
        outcome.results += answers

    def _of(self, answer: Any) -> Any:
        """Return the result that an answer stands for, if the answer is not bytes."""
        return self._unpack(cast("Packed", answer)) if type(answer) is tuple else answer

    def _give_back(self, places: Iterable[Place]) -> None:
        child = self._child
        for place in places:
            if place[0] < 0:
                child.loans.end(place)
            else:
                child.pool.give(place)

    def _take(self, message: tuple[Any, ...]) -> None:
        """Handle a message that is not the last one."""
        kind, *rest = message
        if kind == REFUSED:
            self._refuse(*rest)
        if kind == PART:
            self._put(*rest)
            return
        self._read()
        if kind == NEED:
            self._child.wire.send(SLOT, self._lend(*rest))
        else:
            assert kind == RECORD
            self._record(*rest)

    def _put(self, ended: int, data: Packed) -> None:
        """Hand on some outputs of an item that may have more, after the results of the items that had ended before."""
        self._read(ended)
        chunks = self._chunks
        assert chunks is not None
        try:
            outputs = self._unpack(data)
        except Exception as error:
            self._broken = self._annotated(error)
            self._child.wire.send(GO, 0)
            return
        chunks.put(outputs)
        self._child.wire.send(GO, chunks.room if chunks.is_wanted else 0)

    def _lend(self, count: int) -> Place | None:
        place = self._child.pool.take(count)
        if place is not None:
            self._lent.add(place)
        return place

    def _refuse(self, record: ErrorRecord) -> None:
        task = self._task
        error = record.revive()
        annotate(
            error,
            f"a worker process could not load the function of {task.name}, {task.function!r}: define it at the top "
            "level of a module which the process can import (a script, not an interactive session), or use Threads",
        )
        raise error

    def _read(self, ended: int | None = None) -> None:
        """Read the records in the journal; if `ended` is given, only those of the first `ended` items."""
        records = self._child.journal.read()
        while ended is None or self._outcome.done - self._done < ended:
            record = next(records, None)
            if record is None:
                return
            self._record(*record)

    def _record(self, kind: int, data: Any) -> None:
        """Add the result or the failure of one item to the outcome."""
        outcome = self._outcome
        if kind == FAILURE:
            outcome.failures.append((outcome.done, pickle.loads(data).revive()))
            return
        result: Any = None
        try:
            if kind == ANSWER:
                result = pickle.loads(data) if type(data) is bytes else self._of(data)
            else:
                result = self._unpack(pickle.loads(data)) if kind == IN_SLOTS else pickle.loads(data)
        except Exception as error:
            self._broken = self._annotated(error)
        if self._broken is None:
            outcome.results.append(result)
        else:
            outcome.failures.append((outcome.done, self._broken))
            self._broken = None

    def _annotated(self, error: Exception) -> Exception:
        forget_frames(error)
        annotate(
            error,
            f"the result of the function of {self._task.name} in a worker process could not be made again from its "
            "pickle",
        )
        return error

    def _unpack(self, packed: Packed) -> Any:
        for place, _ in spans_of(packed):
            self._lent.discard(place)
            self.used.append(place[2])
        return unpack(packed, self._child.pool.shared.lend)

    def reap(self) -> bool:
        """Save the results of a child that has died; return whether the next items may be begun."""
        outcome = self._outcome
        how = self._child.reap()
        if self._started:
            self._read()
            outcome.seconds += perf_counter() - self._started
            if self._child.journal.count_begun() > outcome.done - self._done:
                outcome.failures.append((outcome.done, self._died(how)))
                return False
        return not self._is_over()

    def _died(self, how: str) -> WorkerDied:
        return WorkerDied(
            f"{self._task.name}: worker process {self._child.pid} of {self._child.who} ended ({how}) while it had this "
            "item; the system's log says whether memory ran out (then use fewer workers, or smaller items), and "
            "`python -X faulthandler` shows where native code crashed"
        )


def places_of(packed: Sequence[Packed]) -> list[Place]:
    """The slots that packed objects use."""
    return [place for one in packed for place, _ in spans_of(one)]


def weight(packed: Packed) -> int:
    """The share of a request that a packed object takes up, in bytes."""
    if isinstance(packed, bytes):
        return len(packed)
    stream, _ = packed
    slots = sum(place[2] for place, _ in spans_of(packed)) // SLOT_SHARE
    return slots + (len(stream) if isinstance(stream, bytes) else 0)
