"""The program of a fork server: a process that has imported the main module, and forks itself for each worker.

A fork is safe only if no other thread runs. So the server has one thread and calls no function of the user. If the main
module has started threads, the server refuses to fork. This includes threads of other languages, except those that a
library ends at a fork, like the library in NumPy. So the threads are counted right after the fork.

A request comes with two handles: the worker's end of its pipe, and a socket for answers about the worker. The answer is
a number and a process id: the number is 0 with a handle of the worker (a pidfd), or says why there is no worker. When
the worker has ended, its exit code follows. The server ends when the parent closes the socket of the requests.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
import sys
import warnings
from contextlib import suppress
from multiprocessing import process, util
from multiprocessing.connection import Connection
from struct import Struct
from typing import Any

from .process_group import end_group
from .process_worker import ignore_interrupts, main

FORKED, HAS_THREADS = 0, -1
"""Special numbers of answers; all others are error numbers of the system."""
ANSWER = Struct("=iq")
CODE = Struct("=i")
TASKS = "/proc/self/task"
LONGEST_NAME = 1000
"""The maximum number of bytes of a worker's name."""


def serve(control: socket.socket) -> None:
    """Run a fork server, and a worker in each process that it forks."""
    ignore_interrupts()
    with suppress(Exception):  # flush now, or each worker would print the same text again at its end
        sys.stdout.flush()
        sys.stderr.flush()
    gc.freeze()  # a collection in a worker would copy all of this memory
    worker = ForkServer(control).run()
    if worker is None:
        leave()
    else:
        work(worker)


def leave() -> None:
    """End the server at once; the exit functions of the main module run in each worker instead."""
    end_processes = getattr(util, "_exit_function")  # noqa: B009  # it has no public name
    end_processes()  # those that the main module may have started
    os._exit(0)


def work(connection: Connection[Any, Any]) -> None:
    """Run a worker; its first message says how to get ready."""
    try:
        arguments = connection.recv()
    except (OSError, EOFError):  # the parent does not need the worker any more
        connection.close()
        return
    main(connection, *arguments)


class ForkServer:
    """Forks workers.

    Args:
        control: The socket on which requests come.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._has_threads = len(getattr(sys, "_current_frames")()) > 1  # noqa: B009  # documented, with this name
        self._workers: dict[int, tuple[int, socket.socket]] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def run(self) -> Connection[Any, Any] | None:
        """Serve; return the worker's end of the pipe in a forked process, and None in the server at its end."""
        while True:
            for handle, _ in self._poll.poll():
                if handle != self._control.fileno():
                    self._reap(handle)
                    continue
                name, handles, *_ = socket.recv_fds(self._control, LONGEST_NAME, 2)
                if not name:
                    for pid, _ in self._workers.values():
                        end_group(pid)  # the program has ended
                    return None
                connection = self._answer(name.decode(errors="replace"), handles)
                if connection is not None:
                    return connection

    def _answer(self, name: str, handles: list[int]) -> Connection[Any, Any] | None:
        """Fork a worker; return its end of the pipe in the worker itself, and None in the server."""
        if len(handles) < 2:  # the system had no handle for it; the parent sees that there will be no answer
            for handle in handles:
                os.close(handle)
            return None
        for handle in handles:
            os.set_inheritable(handle, False)
        pipe, answer = Connection(handles[0]), socket.socket(fileno=handles[1])
        try:
            pid = self._fork()
        except OSError as error:
            tell(answer, error.errno or errno.EAGAIN)
        else:
            if not pid:
                answer.close()
                self._become(name)
                return pipe
            self._watch(pid, answer)
        pipe.close()
        return None

    def _fork(self) -> int:
        if self._has_threads:
            raise OSError(HAS_THREADS, "the main module has started threads")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads are counted here
            pid = os.fork()
        if pid and count_threads() > 1:
            os.kill(pid, signal.SIGKILL)  # it has not run any code of the user yet
            os.waitpid(pid, 0)
            self._has_threads = True
            return self._fork()
        return pid

    def _become(self, name: str) -> None:
        """Release the resources of the server; called in the forked process."""
        self._control.close()
        for handle, (_, answer) in self._workers.items():
            os.close(handle)
            answer.close()
        process.current_process().name = name
        renew = getattr(util, "_run_after_forkers")  # noqa: B009  # it has no public name
        renew()
        reseed()

    def _watch(self, pid: int, answer: socket.socket) -> None:
        try:
            handle = os.pidfd_open(pid)
        except OSError as error:  # the worker sees that its pipe is closed, and ends
            tell(answer, error.errno or errno.EMFILE)
            return
        self._workers[handle] = pid, answer
        self._poll.register(handle, select.POLLIN)
        with suppress(OSError):  # the parent does not wait for the answer any more
            socket.send_fds(answer, [ANSWER.pack(FORKED, pid)], [handle])

    def _reap(self, handle: int) -> None:
        """End the children of a worker that has ended, and report its exit code."""
        self._poll.unregister(handle)
        pid, answer = self._workers.pop(handle)
        end_group(pid)
        os.close(handle)
        with answer, suppress(OSError):  # the system may keep no exit codes, and the parent may have stopped waiting
            answer.send(CODE.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def count_threads() -> int:
    """Return the number of threads of this process, including those of other languages; 1 if it is not known."""
    try:
        return len(os.listdir(TASKS))
    except OSError:
        return 1


def tell(answer: socket.socket, number: int) -> None:
    """Answer that there is no worker."""
    with answer, suppress(OSError):
        answer.send(ANSWER.pack(number, 0))


def reseed() -> None:
    """Let NumPy's global random numbers differ in each worker, like Python's, unless the program has seeded them."""
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None and numpy.get_bit_generator().seed_seq is not None:
        numpy.seed()
