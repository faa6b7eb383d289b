"""The parent's side of a worker process: starts it, ends it and talks to it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Callable
from multiprocessing import process as process_module
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Any

from ..base.error_info import annotate
from ..base.errors import WorkerDied
from .by_value import pickled
from .fork_servers import fork_servers
from .forked import forkable
from .forked_process import ForkedProcess
from .journal import SIZE, Journal
from .keeper import Keeper
from .loans import Loans
from .log_records import RecordsOfWorker
from .packing import Packer
from .process_group import end_group
from .process_worker import main
from .remote import ErrorRecord
from .setup import Setup
from .slots import Pool, Shared
from .starting import interrupts_blocked, starting
from .wire import END, FUNCTION, REFUSED, START, Lost, Wire
from .worker import NotStarted

GRACE = 2.0
"""Seconds to wait for a process to end by itself."""
MOST_FUNCTIONS = 16
"""The number of functions that a worker process keeps."""
EXIT_SECONDS = 30.0
"""Seconds that `worker_exit` may take."""
_exiting = threading.Event()
_living: weakref.WeakSet[Child] = weakref.WeakSet()
never_ended: list[Loans] = []
"""The loans of processes of which it is not known that they have ended: these buffers must not be used again."""


class Child:
    """A worker process, from its start to its end.

    Args:
        who: The pool, for messages.
        process: The process, which is running.
        wire: The pipe to it.
        number: The number of the worker.

    Attributes:
        records: Handles its log records.
    """

    __slots__ = (
        "__weakref__",
        "_ended",
        "_functions",
        "_handle",
        "_lock",
        "_numbers",
        "_process",
        "_was_killed",
        "journal",
        "loans",
        "packer",
        "pid",
        "pool",
        "records",
        "who",
        "wire",
    )

    def __init__(self, who: str, process: BaseProcess | ForkedProcess, wire: Wire, number: int = 1) -> None:
        self.who: str = who
        self.wire: Wire = wire
        self.records: RecordsOfWorker = RecordsOfWorker(number)
        wire.on_record = self.records.handle
        self.pool: Pool = Pool(wire.shared, wire.announce)
        self.loans: Loans = Loans(wire)
        self.packer: Packer = Packer(self.pool.put, self.loans.lend)
        self.pid: int = process.pid or 0
        self._process = process
        self._handle: int | None = None if isinstance(process, ForkedProcess) else handle_of(self.pid)
        self._lock = threading.Lock()  # after a wait, the pid may belong to another process
        self._ended: str | None = None
        self._was_killed = False
        self._functions: list[Callable[..., Any]] = []
        self._numbers: dict[int, int] = {}
        self.journal: Journal
        _living.add(self)
        forkable.add(self)

    def begin_anew(self) -> None:
        """Release a process that belongs to the parent; called in a forked child."""
        if self._ended is not None:
            return
        self._lock = threading.Lock()
        self._ended = "it is the parent's"
        _living.discard(self)
        self.wire.close()  # otherwise the other end would not notice that the pipe is closed
        self._close_handle()
        if isinstance(self._process, ForkedProcess):
            self._process.begin_anew()
            return
        known: set[BaseProcess] = getattr(process_module, "_children", set())
        known.discard(self._process)  # otherwise it would be ended when the forked child exits

    def greet(self) -> None:
        """Wait until the process is ready.

        Raises:
            CannotFork: It was to be forked, and the fork server cannot do that.
            NotStarted: The process was killed before that, or the system has not given it the resources it needs.
            WorkerDied: The process has ended by itself.
            BaseException: The exception that `worker_init` has raised.
        """
        try:
            if isinstance(self._process, ForkedProcess):
                self._process.begin()
                self.pid = self._process.pid or 0
            self.pool.add_arena(SIZE)
            self.journal = Journal(self.wire.shared.arenas[0])
            self.wire.send(START)
            kind, *rest = self.wire.receive()
        except OSError as missing:
            raise NotStarted(missing) from None
        except Lost:
            raise self._not_ready() from None
        if kind == REFUSED:
            self.reap()
            record: ErrorRecord = rest[0]
            error = record.revive()
            annotate(error, f"in worker_init of {self.who}, in a worker process")
            raise error

    def _not_ready(self) -> Exception:
        """The reason why it was not ready: it was killed, for example for lack of memory, or it ended by itself."""
        how = self.reap()
        if self._was_killed:
            killed = WorkerDied(
                f"{self.who}: a worker process was {how} before it was ready; the system does this when memory runs "
                "out (see its log): use fewer workers, or a smaller worker_init"
            )
            return NotStarted(killed)
        return WorkerDied(
            f"{self.who}: a worker process ended before it was ready ({how}); see its output on stderr. "
            "Most often the program does not start its work below "
            "`if __name__ == '__main__':`, or is not a file (it is piped in): each worker process imports it again"
        )

    def send_function(self, function: Callable[..., Any], name: str, keeper: Keeper | None = None) -> int:
        """Send a function, unless it was sent already; return its number. Raises `Lost`."""
        number = self._numbers.get(id(function))
        if number is not None:
            return number
        if keeper is not None:
            keeper.check_is_sent()
        data = pickled(function, name)
        number = len(self._functions)
        if number == MOST_FUNCTIONS:
            del self._numbers[id(self._functions.pop(0))]
            number = next(number for number in range(MOST_FUNCTIONS) if number not in self._numbers.values())
        self._functions.append(function)
        self._numbers[id(function)] = number
        self.wire.send(FUNCTION, number, data)
        return number

    def kill(self) -> None:
        """End the process at once; from any thread."""
        with self._lock:
            if self._ended is None:
                self._process.kill()

    def terminate(self) -> None:
        """Ask the process to end; from any thread."""
        with self._lock:
            if self._ended is None:
                self._process.terminate()

    def end_by(self, deadline: float) -> None:
        """Wait until a process that was asked to end has ended; kill it at the deadline."""
        with self._lock:
            if self._ended is None and wait([self._sentinel()], max(0.0, deadline - monotonic())):
                _ = self._process.exitcode  # the fork server, which knows it, ends next
        self.kill()
        end_group(self.pid)

    def leave(self, calls_exit: bool = False) -> BaseException | None:
        """Let the process end in an orderly way, after its last log records have come.

        Args:
            calls_exit: Whether it calls a `worker_exit`, for which there is more time.

        Returns:
            The exception of `worker_exit`, or the reason why this was not called to its end.
        """
        seconds = EXIT_SECONDS if calls_exit else GRACE
        last: tuple[Any, ...] | None = None
        started = monotonic()
        try:
            self.wire.send(END)
            last = self.wire.drain(seconds)
        except (Lost, MemoryError):  # it was killed while it had nothing to do, or cannot be told
            calls_exit = False
        is_late = calls_exit and last is None and monotonic() - started >= seconds
        if is_late:
            self.kill()
        how = self.reap()
        if last is not None:
            record: ErrorRecord | None = last[1]
            return None if record is None else record.revive()
        if not calls_exit:
            return None
        why = f"did not end within {seconds:g} s, and was killed" if is_late else f"ended ({how})"
        return WorkerDied(f"{self.who}: worker process {self.pid} {why} while it called worker_exit")

    def reap(self) -> str:
        """Close the pipe, which ends the process; wait for the end, kill it if needed, and return how it ended."""
        if self._ended is not None:
            return self._ended
        self.wire.drain(0)
        self.wire.close()
        if not wait([self._sentinel()], GRACE):
            self.kill()
        if not isinstance(self._process, ForkedProcess):  # otherwise the fork server does this
            wait([self._sentinel()], GRACE)
            end_group(self.pid)
        with self._lock:
            self._process.join(GRACE)
            code = self._process.exitcode
            if code is None and not wait([self._sentinel()], 0):
                never_ended.append(self.loans)
            else:
                self.loans.end_all()
            self._ended, self._was_killed = describe(code), code is not None and code < 0
            if isinstance(self._process, ForkedProcess):
                self._process.close()
            del self._process  # this closes it; after `close`, other waits for it (at exit) would fail
            self._close_handle()
        return self._ended

    def _sentinel(self) -> int:
        """A handle that is ready to be read when the process has ended; its children may keep the usual one open."""
        return self._process.sentinel if self._handle is None else self._handle

    def _close_handle(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@atexit.register
def end_all() -> None:
    """End all worker processes when the interpreter exits.

    This runs before `multiprocessing` does the same without a time limit, which waits forever if a process ignores the
    signal.
    """
    _exiting.set()
    children = list(_living)
    for child in children:
        child.terminate()
    deadline = monotonic() + GRACE
    for child in children:
        child.end_by(deadline)
    fork_servers.end()


def start(who: str, setup: Setup) -> Child:
    """Start a worker process; it is not ready yet."""
    if _exiting.is_set():
        raise RuntimeError(f"{who}: the interpreter is about to exit, no worker process can be started")
    if multiprocessing.current_process().daemon:
        raise RuntimeError(
            f"{who}: this process is a daemon of multiprocessing, which cannot have processes of its own; use Threads "
            "here, or start the process with daemon=False"
        )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    name = f"{who} worker {setup.number}"
    process: BaseProcess | ForkedProcess
    try:
        with starting.lock:
            if fork_servers.are_possible():
                process = fork_servers.start(name, ours, theirs, (setup,))
            else:
                process = context.Process(target=main, args=(theirs, setup), name=name, daemon=True)
                with interrupts_blocked():
                    process.start()
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return Child(who, process, Wire(ours, Shared()), setup.number)


def handle_of(pid: int) -> int | None:
    """Return a handle of a process, if the system has handles of processes."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def describe(code: int | None) -> str:
    """Describe how a process ended."""
    if code is None:
        return "exit code unknown"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
