"""The program of a worker process: it waits for jobs, calls the function with each item, and records the results.

While the function returns small results, and the outputs of an item leave together, the results are written as answers,
which costs little per item. The first exception, the first big result or a full journal ends this: the rest of the
request is done item by item.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
import pickle
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from time import perf_counter, thread_time
from typing import Any

from ..base.callables import NOT_RUN, not_run
from ..base.cpus import pin
from ..base.error_info import annotate
from ..base.lending import passage
from .journal import BEGUN, FAILURE, IN_SLOTS, RESULT, VERSION, Journal
from .packing import PLAIN, Packed, Packer, unpack
from .process_group import own_group
from .remote import ErrorRecord
from .setup import Setup
from .slots import Place, Shared, Span, slot_size
from .stream import CHUNK_SECONDS, expand
from .wire import DONE, END, EXITED, FUNCTION, GO, NEED, PART, READY, RECORD, REFUSED, Lost, Wire
from .work import listed, stop_iteration
from .worker_state import set_up, tear_down
from .worker_wire import WorkerWire, send_logs_home

UNPACKING, CALLING, PACKING, NOTING = range(4)
SENT = frozenset({bytes, tuple})
"""The types of packed objects."""


def main(connection: Connection[Any, Any], setup: Setup) -> None:
    """Run a worker process."""
    ignore_interrupts()
    own_group.lead()
    multiprocessing.current_process().daemon = False  # it may have children
    threading.Thread(target=end_with_parent, name="end with parent", daemon=True).start()
    WorkerProcess(connection).serve(setup)


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent; the signal has been blocked since before this process began."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_parent() -> None:
    """Wait until the parent has ended, then exit at once with all children, even if a call is running."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    own_group.end()


class WorkerProcess:
    """Serves one thread of the parent until this closes the pipe.

    Args:
        connection: The pipe.
    """

    __slots__ = ("_functions", "_journal", "_kept", "_packer", "_shared", "_sink", "_stock", "_wire", "_worker_exit")

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._shared = Shared()
        self._wire = WorkerWire(connection, self._shared)
        self._packer = Packer(self._put)
        self._functions: dict[int, Callable[[Any], Any] | ErrorRecord] = {}
        self._stock: defaultdict[int, list[Place]] = defaultdict(list)
        self._kept = 0
        self._worker_exit: Callable[[], Any] | None
        self._journal: Journal
        self._sink: Parts

    def serve(self, setup: Setup) -> None:
        """Work until the end is sent, or the pipe is closed."""
        passage.leads_home = True
        if setup.levels is not None:
            send_logs_home(self._wire, setup.levels)
        try:
            if self._wire.receive()[0] == END:  # instead of the start: it is not needed any more
                return
            self._journal = Journal(self._shared.arenas[0])
            is_ready = self._get_ready(setup)
            # even if it is not ready: the parent must be able to read the reason
            while (message := self._wire.receive())[0] != END:
                if is_ready:
                    self._obey(*message)
                del message
            self._wire.send(EXITED, self._call_exit() if is_ready else None)
        except Lost:
            pass
        finally:
            self._wire.close()

    def _call_exit(self) -> ErrorRecord | None:
        """Call `worker_exit`; return the record of an exception that it raises."""
        try:
            tear_down(self._worker_exit)
        except BaseException as error:
            return ErrorRecord.of(error)
        return None

    def _get_ready(self, setup: Setup) -> bool:
        try:
            pin(setup.cpus, setup.number)
            self._worker_exit = pickle.loads(setup.worker_exit)
            set_up(pickle.loads(setup.worker_init), setup.number, setup.seed)
        except BaseException as error:
            self._wire.send(REFUSED, ErrorRecord.of(error))
            return False
        self._wire.send(READY)
        return True

    def _obey(self, kind: str, number: int, *rest: Any) -> None:
        if kind == FUNCTION:
            self._learn(number, *rest)
            return
        function = self._functions[number]
        if isinstance(function, ErrorRecord):
            self._wire.send(REFUSED, function)
        else:
            self._work(function, *rest)

    def _learn(self, number: int, data: bytes) -> None:
        try:
            self._functions[number] = pickle.loads(data)
        except Exception as error:
            self._functions[number] = ErrorRecord.of(error)

    def _work(
        self,
        function: Callable[[Any], Any],
        expands: bool,
        is_strict: bool,
        limit: float,
        name: str,
        items: bytes | Sequence[Packed],
        places: Sequence[Place],
        room: int,
    ) -> None:
        """Do a request."""
        started, cpu_started = perf_counter(), thread_time()
        sink = self._sink = Parts(self._wire, self._packer, room)
        call = function
        if expands:
            call = partial(expand, name, function, sink=sink) if room else listed(name, function)
        journal = self._journal
        journal.rewind()
        self._stock.clear()
        for place in places:
            self._stock[place[2]].append(place)
        is_plain = isinstance(items, bytes)
        until = started + limit
        queue = iter(pickle.loads(items) if isinstance(items, bytes) else items)
        answers: list[Any] | None = None
        goes_on = True
        if not room:
            answers, error_type = self._answer(call, queue, is_plain, until, name)
            goes_on = perf_counter() < until and not ends(error_type, is_strict)
        for item in queue if goes_on else ():
            journal.begin()
            error_type = self._do(call, item, name, is_plain)
            if ends(error_type, is_strict):
                break
            if room and perf_counter() >= sink.due:
                sink.put([])
            if perf_counter() >= until or not sink.is_wanted:
                break
        sink.wait()
        seconds, cpu = perf_counter() - started - sink.waited, thread_time() - cpu_started
        if answers is not None and len(answers) < journal.begun:
            answers = None
        self._wire.send(DONE, seconds, cpu, self._unused(), answers)

    def _unused(self) -> list[Place]:
        """The slots, and the buffers of pools, that objects of this process no longer use."""
        places = self._shared.take_back()
        if self._shared.on_loan > self._kept:  # a circle of references may keep them
            gc.collect()
            places += self._shared.take_back()
        self._kept = self._shared.on_loan
        return places

    def _answer(
        self, call: Callable[[Any], Any], queue: Iterator[Any], is_plain: bool, until: float, name: str
    ) -> tuple[list[Any], type[BaseException] | None]:
        """Work on items until one ends with anything but a small result, or the time is up.

        Return the answers and the type of an exception that was raised.
        """
        journal, pack, lend = self._journal, self._packer.pack, self._shared.lend
        loads, dump, memory, numbers = pickle.loads, marshal.dump, journal.memory, journal.numbers
        answers: list[Any] = []
        begun, stage = 0, UNPACKING
        answer: Any = None
        error_type: type[BaseException] | None = None
        journal.begin_answers()
        try:
            for item in queue:
                numbers[BEGUN] = begun = begun + 1
                if not is_plain:
                    stage = UNPACKING
                    item = loads(item) if type(item) is bytes else unpack(item, lend)
                stage = CALLING
                answer = call(item)
                if type(answer) not in PLAIN:
                    if type(answer) in NOT_RUN:
                        raise not_run(name, answer)
                    stage = PACKING
                    answer = pack(answer)
                stage = NOTING
                dump(answer, memory, VERSION)
                answers.append(answer)
                item = answer = None
                if perf_counter() >= until:
                    break
            journal.end_answers(len(answers))
        except Lost:
            raise
        except BaseException as error:
            journal.end_answers(len(answers))
            if stage == NOTING and isinstance(error, ValueError):  # the journal is full
                self._record(answer if type(answer) in SENT else pickle.dumps(answer, 5))
            else:
                if isinstance(error, StopIteration):
                    error = caused(stop_iteration(name), error)
                error_type = self._fail(error, stage, name)
        return answers, error_type

    def _do(self, call: Callable[[Any], Any], item: Any, name: str, is_plain: bool) -> type[BaseException] | None:
        """Work on one item; return the type of an exception that was raised. Afterwards nothing here holds the item."""
        stage = UNPACKING
        try:
            if not is_plain:
                item = unpack(item, self._shared.lend)
            stage = CALLING
            result = call(item)
            if type(result) in NOT_RUN:
                raise not_run(name, result)
            stage = PACKING
            data = self._packer.pack(result)
        except Lost:
            raise
        except StopIteration as error:
            return self._fail(caused(stop_iteration(name), error), stage, name)
        except BaseException as error:
            return self._fail(error, stage, name)
        self._record(data)
        return None

    def _record(self, data: Packed) -> None:
        if isinstance(data, bytes):
            self._write(RESULT, data)
        else:
            self._write(IN_SLOTS, pickle.dumps(data, 5))

    def _fail(self, error: BaseException, stage: int, name: str) -> type[BaseException]:
        if isinstance(error, MemoryError):
            annotate(error, f"a worker process of {name} is short of memory")
        elif stage == UNPACKING:
            annotate(
                error, f"the item was sent to a worker of {name}, but could not be made again from its pickle there"
            )
        elif stage == PACKING or self._sink.has_failed:
            annotate(
                error,
                f"the result of the function of {name} could not be pickled, which Processes needs: return plain "
                "data (numbers, text, bytes, arrays and records of them), or use Threads",
            )
        self._write(FAILURE, pickle.dumps(ErrorRecord.of(error), 5))
        return type(error)

    def _write(self, kind: int, data: bytes) -> None:
        if not self._journal.append(kind, data):
            self._wire.send(RECORD, kind, data)
        self._sink.ended += 1

    def _put(self, buffers: Sequence[memoryview]) -> Sequence[Span] | None:
        """Copy buffers of a result into slots."""
        spans: list[Span] = []
        for raw in buffers:
            stock = self._stock[slot_size(raw.nbytes)]
            place = stock.pop() if stock else self._ask(raw.nbytes)
            if place is None:
                return None
            try:
                spans.append(self._shared.write(place, raw))
            except MemoryError:  # the arena cannot be mapped here
                return None
        return spans

    def _ask(self, count: int) -> Place | None:
        self._wire.send(NEED, count)
        message = self._wire.receive()
        if message[0] == GO:
            self._sink.go(message[1])
            message = self._wire.receive()
        place: Place | None = message[1]
        return place


class Parts:
    """Sends outputs of an item to the parent before the item has ended.

    Attributes:
        room: The largest number of outputs in the next part.
        is_wanted: Whether more outputs are wanted.
        due: When the next part has to be sent.
        ended: How many items have ended in this request.
        waited: Seconds spent waiting for the parent to take parts.
        has_failed: Whether some outputs could not be packed.
    """

    __slots__ = ("_is_out", "_packer", "_wire", "due", "ended", "has_failed", "is_wanted", "room", "waited")

    def __init__(self, wire: Wire, packer: Packer, room: int) -> None:
        self._wire = wire
        self._packer = packer
        self._is_out = False
        self.room: int = room
        self.is_wanted: bool = True
        self.waited: float = 0.0
        self.ended: int = 0
        self.has_failed: bool = False
        self.due: float = perf_counter() + CHUNK_SECONDS

    def put(self, outputs: list[Any]) -> None:
        """Send a part after the last one was taken, if more outputs are wanted then."""
        self.wait()
        if not self.is_wanted:
            return
        self.has_failed = True
        data = self._packer.pack(outputs)
        self.has_failed = False
        self._wire.send(PART, self.ended, data)
        self._is_out = True
        self.due = perf_counter() + CHUNK_SECONDS

    def wait(self) -> None:
        """Wait until the parent has taken the last part."""
        if self._is_out:
            start = perf_counter()
            self.go(self._wire.receive()[1])
            self.waited += perf_counter() - start

    def go(self, room: int) -> None:
        """Record that the parent has taken the last part."""
        self._is_out = False
        self.room = room
        self.is_wanted = room > 0


def ends(error_type: type[BaseException] | None, is_strict: bool) -> bool:
    """Whether a failure ends the request."""
    return error_type is not None and (is_strict or not issubclass(error_type, Exception))


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """Give an exception its cause. (If `_do` held the exceptions, they would hold its frame, and so the item.)"""
    error.__cause__ = cause
    return error
