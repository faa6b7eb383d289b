"""Loops of trio and other threads: which thread is which, and what to say to one that is in the wrong place."""

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
    """A worker of the library, in the middle of a call."""

    def waits(self, begins: bool) -> None:
        """Its call begins, or ends, to wait for a block."""
        ...

    def stand_aside(self, begins: bool) -> None:
        """Its call begins, or ends, to wait for another call: others may work in its place."""
        ...


resident: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
"""Threads of the library itself: they do nothing of their own accord, but for what they call."""
at_work: dict[threading.Thread, Caller] = {}
"""Those of them that are in a call, which may do anything."""
held_up: set[threading.Thread] = set()
"""Threads that wait until a target takes what they send."""
IDLE = "Trio thread "
"""How trio calls its threads while they wait for work."""


@attrs.frozen(eq=False)
class Loop:
    """One run of trio.

    Attributes:
        thread: The thread in which it runs.
        token: Has something called there.
    """

    thread: int
    token: LoopToken

    @classmethod
    def running(cls) -> Loop | None:
        """The one that runs in this thread, if there is one."""
        try:
            return cls(threading.get_ident(), loop_token())
        except RuntimeError:
            return None

    @property
    def is_here(self) -> bool:
        """Whether this thread is its thread."""
        return self.thread == threading.get_ident()


WORKER_CODE = getattr(getattr(pools, "_worker", None), "__code__", None)
"""What an idle worker of a `ThreadPoolExecutor` runs: one that has something to do is in a function further on."""


def others_move() -> bool:
    """Whether there is a thread besides this one that may do something of its own accord."""
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
    """A thread begins, or ends, to wait until a target takes what it sends."""
    (held_up.add if begins else held_up.discard)(thread)
    caller = at_work.get(thread)
    if caller is not None:
        caller.waits(begins)


def is_idle_worker(thread: threading.Thread) -> bool:
    """Whether a thread is a worker of a `ThreadPoolExecutor` that waits, and nothing waits for it.

    If a Python keeps that elsewhere, the answer is no, and the verdict errs on the side of patience.
    """
    frames: dict[int | None, FrameType] = getattr(sys, "_current_frames", dict)()
    frame = frames.get(thread.ident)
    if frame is None or frame.f_code is not WORKER_CODE:
        return False
    variables = variables_of(frame)
    is_empty = getattr(variables.get("work_queue"), "empty", bool)
    return variables.get("work_item") is None and bool(is_empty())


def wrong_thread(doing: str) -> RuntimeError:
    """Explain that something belongs to the loop of another thread."""
    return RuntimeError(
        f"{doing}: called in thread {threading.current_thread().name!r}, but the loop runs in another one; nothing was "
        "done. To send from a thread, use send_from_thread of a handle that producer() gave; have the loop do anything "
        "else, with trio.from_thread.run_sync"
    )
