"""Functions that the tests run in worker processes, which import this file too; and a process that is none."""

import itertools
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from penstock.blocks import Processes, worker_number, worker_seed, worker_state

ROOT = str(Path(__file__).parents[3])
"""Has to be on the path of the worker processes."""
SECONDS = 60.0
"""How long a test waits for a thread or a process before it fails."""
KEPT: list[Any] = []


def die(code: int) -> NoReturn:
    os._exit(code)


def die_by_signal(item: Any) -> Any:
    """Kill the process at an item that is negative."""
    if item < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_at_zero(array: Any) -> Any:
    if not array[0]:
        os._exit(3)
    return array


def keep(item: Any) -> list[float]:
    """Keep the item, and give what those that were kept begin with."""
    KEPT.append(item)
    return [kept[0] for kept in KEPT]


def forget(_: Any) -> int:
    KEPT.clear()
    return 0


def view(array: Any) -> Any:
    return array[::2][1:]


def double_in_place(array: Any) -> Any:
    array *= 2
    return array


def halves(array: Any) -> list[Any]:
    middle = len(array) // 2
    return [array[:middle], array[middle:]]


def halves_of_both(arrays: Any) -> list[Any]:
    return [part for array in arrays for part in halves(array)]


def lock(_: Any) -> Any:
    return threading.Lock()


def up_to(count: int) -> Generator[int]:
    yield from range(count)


async def answer(item: Any) -> Any:
    return item


def coroutine(item: int) -> Any:
    return answer(item) if item < 0 else item


def stop(_: Any) -> NoReturn:
    raise StopIteration


def leave(code: Any) -> NoReturn:
    sys.exit(code)


class Fussy(Exception):
    """Cannot be made again from its pickle."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} because of {why}")


def fussy(item: int) -> NoReturn:
    raise Fussy(item, "this")


def refuse_to_be_made() -> NoReturn:
    raise ValueError("not here")


class Unmakeable:
    """Can be pickled, but not be made again from that."""

    def __reduce__(self) -> Any:
        return refuse_to_be_made, ()


def unmakeable(_: Any) -> Unmakeable:
    return Unmakeable()


class MakeableThere:
    """Can be made again only in another process."""

    def __reduce__(self) -> Any:
        return made_elsewhere, (os.getpid(),)


def made_elsewhere(pid: int) -> str:
    if pid == os.getpid():
        raise ValueError("not here")
    return "made"


def text(length: int) -> str:
    return "x" * length


def die_by_signal_after(length: int, item: int) -> str:
    return text(length) if die_by_signal(item) else ""


def zeros(length: int) -> bytes:
    return bytes(length)


def state(_: Any) -> Any:
    return worker_state()


def model() -> str:
    return "model"


def number_and_seed() -> tuple[int, int]:
    return worker_number(), worker_seed()


def broken_init() -> NoReturn:
    raise KeyError("model")


def deadly_init() -> NoReturn:
    os._exit(7)


def parent_number(_: Any) -> int:
    return os.getppid()


def folder(_: Any) -> str:
    return os.getcwd()


def identity(_: Any) -> tuple[str, bool, int | None]:
    """The name of the process, whether it may have no processes of its own, and its parent."""
    here, parent = multiprocessing.current_process(), multiprocessing.parent_process()
    return here.name, here.daemon, None if parent is None else parent.pid


def random_numbers(_: Any) -> list[float]:
    return [random.random(), np.random.random()]


def process_number(_: Any) -> int:
    return os.getpid()


def affinity(_: Any) -> set[int]:
    return os.sched_getaffinity(0)


def begin_and_wait(path: str) -> None:
    """Tell the reader of a named pipe that the call runs, and wait for ever."""
    with open(path, "w") as file:
        file.write("begun")
    threading.Event().wait()


def named_pipe(folder: Path) -> Path:
    """Make one for `begin_and_wait`."""
    path = folder / "begun"
    os.mkfifo(path)
    return path


def little_memory() -> None:
    """Allow this process half of what `HUGE` takes more than it has."""
    import resource

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28) - (1 << 22), resource.RLIM_INFINITY))


def never_ready() -> None:
    threading.Event().wait()


def ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class NotPickled:
    """Its pickling fails, for a reason of its own."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> NoReturn:
        raise self.error


class ThreadProcess:
    """Stands for a worker process, which runs in a thread of the test."""

    def __init__(self, target: Any, args: Any) -> None:
        self.pid = -1
        self.exitcode: int | None = None
        self.sentinel, self._end = Pipe(duplex=False)
        self._target = target
        self._thread = threading.Thread(target=self._run, args=args, daemon=True)
        self._thread.start()

    def _run(self, connection: Connection, *args: Any) -> None:
        try:
            self._target(connection, *args)
        finally:
            self.exitcode = 0
            self._end.close()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def kill(self) -> NoReturn:
        raise AssertionError("a thread cannot be killed: the test would have waited for it")

    def close(self) -> None:
        self.sentinel.close()


def process_of(item: Any) -> tuple[Any, int]:
    return item, os.getpid()


def process_of_each(start: int) -> Iterator[tuple[int, int]]:
    """Give three outputs with the process, slowly enough that they may leave in parts."""
    for n in range(3):
        yield start + n, os.getpid()
        time.sleep(0.003)


def hold(mebibytes: int) -> int:
    """Hold that much more memory."""
    KEPT.append(b"x" * (mebibytes << 20))
    return os.getpid()


# Children of a worker

CHILD = "import os, sys, time; os.write(int(sys.argv[1]), b'p'); time.sleep(1000)"


def stay(handle: int) -> NoReturn:
    """Tell that this process runs, and stay."""
    os.write(handle, b"m")
    while True:
        time.sleep(1000)


def start_children(path: str) -> int:
    """Start a process with multiprocessing and one with subprocess, which both stay and hold a named pipe open."""
    handle = os.open(path, os.O_WRONLY)
    child = multiprocessing.get_context("fork").Process(target=stay, args=(handle,))
    child.start()
    KEPT.extend([child, subprocess.Popen([sys.executable, "-c", CHILD, str(handle)], pass_fds=[handle])])
    os.close(handle)
    return os.getpid()


def start_children_and_stay(path: str) -> NoReturn:
    start_children(path)
    never_ready()
    raise AssertionError


def sum_of_squares(count: int) -> int:
    """Use processes of its own."""
    with Processes(2) as processes:
        return sum(processes.map(square, range(count)))


def square(number: int) -> int:
    return number * number


# The end of a worker


def exit_broken() -> NoReturn:
    raise KeyError("exit")


def exit_logged() -> None:
    log.warning("worker %d with %s ends", worker_number(), worker_state())


def exit_deadly() -> NoReturn:
    os._exit(7)


def exit_never() -> NoReturn:
    threading.Event().wait()
    raise AssertionError


# Logs

log = logging.getLogger("tests.worker")


class Handless:
    """Cannot be sent."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("it stays")

    def __str__(self) -> str:
        return "a thing"


def logging_init() -> None:
    log.info("ready")


def log_item(item: int) -> int:
    """Log an item at each level; a negative one with the traceback, and zero dies."""
    log.debug("item %d", item)
    log.info("item %d of %s", item, Handless(), extra={"tag": item})
    if item == 0:
        die_by_signal(-1)
    if item < 0:
        try:
            raise KeyError(item)
        except KeyError:
            log.exception("below zero")
    return item


def log_items(start: int) -> Iterator[int]:
    """Log and give 30 items, slowly enough that they leave in parts."""
    for item in range(start, start + 30):
        yield log_item(item)
        time.sleep(0.0003)


def log_much(count: int) -> None:
    for n in range(count):
        log.warning("%0500d", n)


class Left:
    """A thread that a function has left behind, which logs when it is told so.

    Attributes:
        may_log: Set when it may.
        text: What it logs.
    """

    def __init__(self, text: str) -> None:
        self.may_log = threading.Event()
        self.text = text
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        """Wait, and log."""
        self.may_log.wait()
        log.warning(self.text)


def log_from_a_thread(text: str) -> None:
    """Leave a thread behind that logs in a later call."""
    KEPT.append(Left(text))


def let_threads_log(_: Any) -> None:
    for left in KEPT:
        left.may_log.set()
        left.thread.join()
    KEPT.clear()


def log_from_a_thread_after_this_job(path: str) -> None:
    """Leave a thread behind that logs when the worker has nothing to do, and then tells the reader of a named pipe."""
    main = threading.main_thread().ident or 0

    def log_later() -> None:
        while sys._current_frames()[main].f_code.co_name != "_recv":
            time.sleep(0.001)
        log.warning("after the job")
        with open(path, "w") as file:
            file.write("logged")

    left = threading.Thread(target=log_later)
    left.start()
    KEPT.append(left)


def log_in_a_child(text: str) -> int:
    """Log in a process that this process forks, and say how it ended."""
    pid = os.fork()
    if not pid:
        log.warning(text)
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Generators


def pairs(count: int) -> Iterator[tuple[int, int]]:
    for n in range(count):
        yield count, n


def pairs_slowly(count: int) -> Iterator[tuple[int, int]]:
    for pair in pairs(count):
        if count > 10 and not pair[1] % 10:
            time.sleep(0.003)
        yield pair


def endless(start: int) -> Iterator[int]:
    yield from itertools.count(start)


def fails_late(count: int) -> Iterator[int]:
    for n in range(count):
        if n == 5:
            raise ValueError("enough")
        yield n


def hangs_late(seconds: float) -> Iterator[int]:
    yield 0
    time.sleep(0.003)
    yield 1
    time.sleep(seconds)
    yield 2


def dies_late(count: int) -> Iterator[int]:
    for n in range(count):
        time.sleep(0.003)
        yield n
    time.sleep(0.2)
    os._exit(3)


def gives_a_lock(count: int) -> Iterator[Any]:
    for _ in range(count):
        time.sleep(0.003)
        yield threading.Lock()


class Unloadable:
    """Can be pickled and not made again."""

    def __reduce__(self) -> Any:
        return int, ("x",)


def gives_what_cannot_be_loaded(count: int) -> Iterator[Any]:
    for _ in range(count):
        time.sleep(0.003)
        yield Unloadable()


def gives_one_that_cannot_be_loaded(count: int) -> Iterator[Any]:
    for n in range(count):
        yield Unloadable() if n == 2 else n


def big_parts(count: int) -> Iterator[bytes]:
    for n in range(count):
        yield bytes([n]) * 300_000


def stops(count: int) -> Iterator[int]:
    raise StopIteration(count)


def anything(what: Any) -> Any:
    """End in the way that the item names."""
    match what:
        case "fail":
            raise ValueError(what)
        case "stop":
            raise StopIteration
        case "coroutine":
            return answer(what)
        case "lock":
            return threading.Lock()
        case "big":
            return bytes(300_000)
        case "text":
            return "x" * 60_000
        case "unmakeable":
            return Unmakeable()
        case "die":
            os._exit(3)
        case _:
            return what


def keep_growing(item: list[int]) -> list[int]:
    item.append(len(item))
    return item
