"""The base of objects that use an executor: it opens a lane, takes finished jobs back, and cleans up at the end."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Protocol

import trio

from ..base.error_info import annotate
from ..base.log import fields, log
from ..executors.client_lane import ClientLane, is_client_executor
from ..executors.lane import CompletionQueue, FutureLane, Job, Lane
from ..executors.process_pool_lane import ProcessPoolLane
from .patience import Patience


class Sleeper(Protocol):
    """The pump of a network, which sleeps while executors or tasks work."""

    def wake(self) -> None:
        """Check again whether there is something to do."""
        ...


class Employer(Protocol):
    """The part of a network that must know of work in executors."""

    name: str
    busy_count: int

    @property
    def pump(self) -> Sleeper: ...

    def spawn(self, work: Callable[..., Awaitable[None]], *args: object, name: str, phase: str) -> None: ...

    def after(self, seconds: float, callback: Callable[[], None]) -> trio.CancelScope: ...


class Owner(Protocol):
    """The block whose work is done in an executor."""

    name: str

    @property
    def host(self) -> Employer | None: ...

    def wake(self) -> None: ...


class LaneUser:
    """Submits jobs of a block to an executor, and waits for them at the end.

    Attributes:
        is_open: Whether jobs can be submitted.
        in_flight: The number of jobs in flight.
        paused: How many of these wait for a block or until their outputs are taken.
        over: Set when no more jobs will be submitted.
        patience: The wait, after that, for all jobs in flight.
    """

    __slots__ = (
        "completions",
        "concurrency",
        "executor",
        "in_flight",
        "is_open",
        "lane",
        "over",
        "owner",
        "patience",
        "paused",
    )

    def __init__(self, owner: Owner, executor: Executor, concurrency: int) -> None:
        self.owner: Owner = owner
        self.executor: Executor = executor
        self.concurrency: int = concurrency
        self.in_flight: int = 0
        self.paused: int = 0
        self.is_open: bool = False
        self.over: trio.Event = trio.Event()
        self.patience: Patience = Patience(self._say_what_runs)
        self.completions: CompletionQueue
        self.lane: Lane

    def open(self) -> None:
        """Open a lane to the executor."""
        network = self.owner.host
        assert network is not None
        self.is_open = True
        self.completions = CompletionQueue(self.wake, self._call_waits)
        self.lane = open_lane(self.executor, self.owner.name, self.concurrency, self.completions)
        network.spawn(self._attend, name=f"executor of {self.owner.name}", phase=self.owner.name)

    async def _attend(self) -> None:
        """Release the executor at the end; if the network stops, only after the running calls have returned."""
        try:
            await self._wait_until_over()
        finally:
            with trio.CancelScope(shield=True):
                self.over.set()
                self.is_open = False
                self._hurry()
                await self._linger()
                has_to_wait = self.lane.stop()
                self._discard()
                if has_to_wait and self.in_flight:
                    await self._wait_for_calls()
                try:
                    if not self.patience.was_interrupted:
                        await self._clean_up()
                finally:
                    await self._release()

    async def _release(self) -> None:
        """Give the executor back."""
        interrupt = self._interrupt() if self.patience.was_interrupted else None
        wait = self.lane.close()
        try:
            if wait is not None:
                await trio.to_thread.run_sync(wait, limiter=trio.CapacityLimiter(1))
        finally:
            if interrupt is not None:
                raise interrupt

    def _hurry(self) -> None:
        """Tell running work to stop early, if it supports that."""

    async def _linger(self) -> None:
        """Give running calls a moment to return, before those that may be abandoned are."""

    async def _clean_up(self) -> None:
        """Do the last work in the executor, if there is any."""

    async def _wait_until_over(self) -> None:
        await self.over.wait()

    async def _wait_for_calls(self) -> None:
        await self.patience.wait()

    def _say_what_runs(self) -> None:
        log.warning(
            "%s still waits for the calls that run in its executor, %s: %d; Ctrl-C ends the wait; Threads and "
            "Processes do not wait with abandon_on_cancel=True",
            self.owner,
            self.executor,
            self.in_flight,
            extra=self._fields("calls_still_run"),
        )

    def _fields(self, event: str) -> dict[str, object]:
        """The fields of a log record about the block."""
        network = self.owner.host
        return fields(event, network=None if network is None else network.name, block=self.owner.name)

    def _interrupt(self) -> KeyboardInterrupt:
        """Stop waiting for the running calls; return the exception to raise."""
        in_flight = self.in_flight
        what = "the processes were killed" if self.lane.abandon() else "these are left to themselves"
        message = f"{self.owner} waited for the calls that run in its executor, {self.executor}: {in_flight}; {what}"
        log.warning("Ctrl-C: %s", message, extra=self._fields("calls_left"))
        error = KeyboardInterrupt()
        annotate(error, message)
        return error

    def wake(self) -> None:
        """React to finished jobs: wake the block or, at the end, count them off."""
        if not self.over.is_set():
            self.owner.wake()
            return
        self._discard()
        if not self.in_flight:
            self.patience.is_over.set()

    def _call_waits(self, begins: bool) -> None:
        """Count a call as paused while it waits for a block."""
        if not self.over.is_set():  # afterwards the network does not count calls
            self._count(paused=1 if begins else -1)

    def _discard(self) -> None:
        """Count off the jobs that finish after the network has stopped; their items were discarded."""
        while (job := self.completions.take()) is not None:
            self.in_flight -= 1
            self._discarded(job)

    def _discarded(self, job: Job) -> None:
        """Deal with a job that has finished too late."""

    def _count(self, in_flight: int = 0, paused: int = 0) -> None:
        """Change the counts, and tell the network whether any call works for the block."""
        network = self.owner.host
        assert network is not None
        was_busy = self.in_flight > self.paused
        self.in_flight += in_flight
        self.paused += paused
        is_busy = self.in_flight > self.paused
        network.busy_count += is_busy - was_busy
        if was_busy and not is_busy:
            network.pump.wake()


def open_lane(executor: Executor, name: str, concurrency: int, completions: CompletionQueue) -> Lane:
    """Open the lane of a block to its executor; Penstock's executors make their own kind of lane."""
    make: Callable[[str, int, CompletionQueue], Lane] | None = getattr(executor, "open_lane", None)
    if make is not None:
        return make(name, concurrency, completions)
    check_not_inside(executor, name)
    return kind_of_lane(executor)(executor, concurrency, completions)


def kind_of_lane(executor: Executor) -> type[FutureLane]:
    """Return the lane for an executor of others."""
    if is_client_executor(executor):
        return ClientLane
    from concurrent.futures.process import ProcessPoolExecutor  # late: most programs need no executor

    return ProcessPoolLane if isinstance(executor, ProcessPoolExecutor) else FutureLane


def check_not_inside(executor: Executor, name: str) -> None:
    """Check that a network does not run in a worker of the thread pool that is to work for it; if it does, warn.

    Raises:
        RuntimeError: The pool has no other worker.
    """
    if threading.current_thread() in getattr(executor, "_threads", ()):
        workers: int = getattr(executor, "_max_workers", 1)
        message = (
            f"block {name!r}: its network runs in a worker of the executor that is to call its function, "
            f"{type(executor).__name__} with {workers} workers, and holds that worker until its end; use Threads(n), "
            "in which another worker can go on, or another executor"
        )
        if workers < 2:
            raise RuntimeError(message)
        found = fields("network_in_its_executor", block=name)
        log.warning("%s; if all workers are held like that, the networks wait forever", message, extra=found)
