"""The results of a pipeline in a plain program: an iterator, with the loop in a thread of its own."""

from __future__ import annotations

import sys
import threading
import warnings
import weakref
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

import trio

from penstock.agents.tasks.one_error import depth_of, reraise
from penstock.blocks import LoopHeldWarning, Network
from penstock.blocks.base.error_info import annotate
from penstock.blocks.base.in_trio import in_asyncio

from .built import RunOptions
from .driving import ThreadDrive
from .sources import Items
from .stage import Stage
from .steps import Step

Out = TypeVar("Out", covariant=True)
STREAM = "`async with pipeline.stream(items) as results`, or `await pipeline.collect(items)`"
"""What to use in an asynchronous program."""


class Run(Generic[Out]):
    """The results of one run of a pipeline, as an iterator for plain Python. Made by `Pipeline.run`.

    The run starts with the first result that is asked for. It ends with the last result; with `break`, `close()`, the
    end of a `with` block or of the program; or when nothing refers to the iterator any more. In each case the source is
    closed, calls that run in threads are waited for, and nothing is left running. The only exception is a source that
    waits in a thread, for example for a network: the thread ends as soon as it has its next item.

    If a stage has failed that the loop has not come to, or the source cannot be closed, `close()` and the end of a
    `with` block raise that exception; an exception of the block gets a note about it instead.

    Only one thread can iterate over a run.
    """

    __slots__ = ("__weakref__", "_drive", "_results")  # assigning to a wrong name is an error

    def __init__(
        self,
        steps: Sequence[Step],
        items: Items[Any],
        options: RunOptions,
        uses_asyncio: bool,
    ) -> None:
        check_place()
        self._drive = ThreadDrive(steps, items, options, uses_asyncio)
        self._results: Generator[Out] = results_of(self._drive)

    def __repr__(self) -> str:
        return f"<Run {self._drive}>"

    def __iter__(self) -> Iterator[Out]:
        return self._results  # its `next` is quicker than a method of a class

    def __next__(self) -> Out:
        return next(self._results)

    def __enter__(self) -> Run[Out]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._results.close()
        error = self._drive.take_error()
        if value is None:
            reraise_any(error)
        elif error is not None:
            annotate(value, f"the run failed, too: {error!r}")

    def close(self) -> None:
        """Stop the run at once; results that were not taken are discarded. A second call does nothing.

        Raises:
            BaseException: What the run has failed with, if the loop has not raised it.
        """
        self.__exit__(None, None, None)

    def finish(self) -> None:
        """Read no more items. The results of those that were read still come, and then the run ends.

        To discard them, leave the loop or call `close()`. If the source waits for its next item in a thread, this item
        still comes, and the run waits for it.
        """
        self._drive.finish()

    @property
    def network(self) -> Network:
        """The network of the run, for its statistics, balance and report, during the run and after it."""
        return self._drive.network

    @property
    def limit(self) -> float | None:
        """The limit of the run: a number of items, or of bytes with a `MemoryBudget`; None if there is none.

        It can be changed at any time, in any thread. If it is raised, items that wait come in. If it is lowered,
        nothing that is in flight is stopped, and nothing new comes in until less than the new limit is in flight. A
        limit that was set no longer depends on how quick the items are. After the end, a change has no effect.

        Raises:
            ValueError: The new limit is out of its range, or smaller than a batch.
            RuntimeError: The run was started with `limit=None`.
        """
        return self._drive.limit.limit

    @limit.setter
    def limit(self, limit: float | None) -> None:
        self._drive.change_limit("Run.limit", limit)

    def stage(self, name: str) -> Stage:
        """Return a stage of the run, whose `concurrency` and `rate` can be changed at any time, in any thread.

        `results.stage("load").concurrency = 8` is for this run only; the pipeline stays as it is.

        Args:
            name: The name of the stage, as in reports: that of its function, or its option `name`.

        Raises:
            KeyError: There is no such stage.
        """
        return self._drive.stages.find(name)


def reraise_any(error: BaseException | None) -> None:
    """Raise an exception, if there is one."""
    if error is not None:
        reraise(error, depth_of(error))  # a frame of its own, which does not refer to it any more


class Owner:
    """Lives as long as the frame of the consumer."""


def results_of(drive: ThreadDrive) -> Generator[Any]:
    """Yield the results of a run; it must not refer to the `Run`, which may be collected in the middle."""
    owner = Owner()
    hand_over = drive.hand_over
    consumer = threading.get_ident()
    drive.start(weakref.ref(owner))
    try:
        while (items := hand_over.take()) is not None:
            yield from items
            del items  # what refers to a result may hold a lease, for which the next item waits
            consumer = threading.get_ident()
        drive.join()
        reraise_any(drive.take_error())
    finally:
        drive.stop()
        if threading.get_ident() == consumer:  # the collector may run this anywhere, also in a thread of this very run
            drive.join()


def check_place(method: str = "run()", remedy: str = STREAM) -> None:
    """Refuse to block a loop of trio, and warn in a loop of asyncio.

    Args:
        method: The method that blocks.
        remedy: What to use in an asynchronous program.

    Raises:
        RuntimeError: The caller runs in trio.
    """
    if trio.lowlevel.in_trio_run():
        raise RuntimeError(f"{method} would hold this loop of trio until its end; in trio, use {remedy}")
    if in_asyncio() and "ipykernel" not in sys.modules:
        warnings.warn(
            f"{method} holds the event loop of asyncio until its end; in asyncio, use {remedy}",
            LoopHeldWarning,
            stacklevel=4,
        )
