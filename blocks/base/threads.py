"""Tells apart the threads of a program: those of trio, of the library and of the user; and explains a wrong thread."""

from __future__ import annotations

import sys
import threading
import weakref
from concurrent.futures import thread as pools
from types import FrameType
from typing import Protocol

import attrs

from .frames import variables_of
from .loop_token import LoopToken, loop_token


class Caller(Protocol):
    """A worker of the library that is in a call."""

    def waits(self, begins: bool) -> None:
        """Note that its call starts or stops waiting for a block."""
        ...

    def stand_aside(self, begins: bool) -> None:
        """Note that its call starts or stops waiting for another call, so that another worker may run instead."""
        ...


resident: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
"""Threads of the library: they act only when they call a user's function."""
at_work: dict[threading.Thread, Caller] = {}
"""The threads of the library that are in a user's function, which may do anything."""
held_up: set[threading.Thread] = set()
"""Threads that wait until a target takes what they send."""
IDLE = "Trio thread "
"""The start of the name of trio's threads while they wait for work."""


@attrs.frozen(eq=False)
class Loop:
    """One run of trio.

    Attributes:
        thread: The identifier of the thread in which it runs.
        token: Lets other threads call functions there.
    """

    thread: int
    token: LoopToken

    @classmethod
    def running(cls) -> Loop | None:
        """Return the run of trio in this thread, if there is one."""
        try:
            return cls(threading.get_ident(), loop_token())
        except RuntimeError:
            return None

    @property
    def is_here(self) -> bool:
        """Whether it runs in the calling thread."""
        return self.thread == threading.get_ident()


WORKER_CODE = getattr(getattr(pools, "_worker", None), "__code__", None)
"""The code that an idle worker of a `ThreadPoolExecutor` runs; a busy worker has called another function from there."""


def others_move() -> bool:
    """Whether another thread may still act by itself."""
    here = threading.current_thread()
    others = [
        thread
        for thread in threading.enumerate()
        if thread is not here
        and (thread not in resident or thread in at_work)
        and thread not in held_up
        and not thread.name.startswith(IDLE)
    ]
    return bool(others) and not all(map(is_idle_worker, others))


def hold_up(thread: threading.Thread, begins: bool) -> None:
    """Note that a thread starts or stops waiting until a target takes what it sends."""
    (held_up.add if begins else held_up.discard)(thread)
    caller = at_work.get(thread)
    if caller is not None:
        caller.waits(begins)


def is_idle_worker(thread: threading.Thread) -> bool:
    """Whether a thread is an idle worker of a `ThreadPoolExecutor` with no work in its queue.

    If a version of Python keeps this elsewhere, the answer is False, and a standstill may be noticed later or not at
    all.
    """
    frames: dict[int | None, FrameType] = getattr(sys, "_current_frames", dict)()
    frame = frames.get(thread.ident)
    if frame is None or frame.f_code is not WORKER_CODE:
        return False
    variables = variables_of(frame)
    is_empty = getattr(variables.get("work_queue"), "empty", bool)
    return variables.get("work_item") is None and bool(is_empty())


def wrong_thread(doing: str) -> RuntimeError:
    """Explain that a call must be made in another thread, where the loop runs."""
    return RuntimeError(
        f"{doing}: called in thread {threading.current_thread().name!r}, but the loop runs in another one; nothing was "
        "done. To send from a thread, use send_from_thread of a handle that producer() gave; have the loop do anything "
        "else, with trio.from_thread.run_sync"
    )
