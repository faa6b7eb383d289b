"""What whoever has work done in an executor does about it: open a lane, bring jobs home, and leave nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Protocol

import trio

from ..base.error_info import annotate
from ..base.log import log
from ..executors.client_lane import ClientLane, is_client_executor
from ..executors.lane import FutureLane, Homecoming, Job, Lane
from .patience import Patience


class Sleeper(Protocol):
    """The pump of a network, which sleeps while others are at work."""

    def wake(self) -> None:
        """Look again whether there is something to do."""
        ...


class Employer(Protocol):
    """The network, as far as it has to know of work in executors."""

    busy_count: int

    @property
    def pump(self) -> Sleeper: ...

    def spawn(self, work: Callable[..., Awaitable[None]], *args: object, name: str, phase: str) -> None: ...


class Owner(Protocol):
    """The block that has work done."""

    name: str

    @property
    def _network(self) -> Employer | None: ...

    def _wake(self) -> None: ...


class LaneUser:
    """Hands jobs of a block to an executor, and waits for them in the end.

    Attributes:
        is_open: Whether jobs can be handed over.
        out: How many jobs are out.
        paused: How many of them go on only when something that they have given is taken.
        over: Set when nothing more is handed over.
        patience: The wait for all that was out then to come home.
    """

    __slots__ = (
        "concurrency",
        "executor",
        "home",
        "is_open",
        "lane",
        "out",
        "over",
        "owner",
        "patience",
        "paused",
    )

    def __init__(self, owner: Owner, executor: Executor, concurrency: int) -> None:
        self.owner: Owner = owner
        self.executor: Executor = executor
        self.concurrency: int = concurrency
        self.out: int = 0
        self.paused: int = 0
        self.is_open: bool = False
        self.over: trio.Event = trio.Event()
        self.patience: Patience = Patience(self._say_what_runs)
        self.home: Homecoming
        self.lane: Lane

    def open(self) -> None:
        """Open a lane to the executor."""
        network = self.owner._network
        assert network is not None
        self.is_open = True
        self.home = Homecoming(self._wake, self._call_waits)
        self.lane = open_lane(self.executor, self.owner.name, self.concurrency, self.home)
        network.spawn(self._attend, name=f"executor of {self.owner.name}", phase=self.owner.name)

    async def _attend(self) -> None:
        """Let go of the executor in the end; if the network stops, only after what runs has returned."""
        try:
            await self._wait_until_over()
        finally:
            with trio.CancelScope(shield=True):
                self.over.set()
                self.is_open = False
                self._hurry()
                has_to_wait = self.lane.stop()
                self._discard()
                if has_to_wait and self.out:
                    await self._wait_for_calls()
                if not self.patience.was_interrupted:
                    await self._clean_up()
                interrupt = self._interrupt() if self.patience.was_interrupted else None
                wait = self.lane.close()
                if wait is not None:
                    await trio.to_thread.run_sync(wait, limiter=trio.CapacityLimiter(1))
                if interrupt is not None:
                    raise interrupt

    def _hurry(self) -> None:
        """Tell what runs that nobody wants it any more, if it listens."""

    async def _clean_up(self) -> None:
        """Do what is left to do in the executor."""

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
            self.out,
        )

    def _interrupt(self) -> KeyboardInterrupt:
        """Wait no longer for what runs; gives what is raised."""
        out = self.out
        what = "the processes were killed" if self.lane.abandon() else "these are left to themselves"
        message = f"{self.owner} waited for the calls that run in its executor, {self.executor}: {out}; {what}"
        log.warning("Ctrl-C: %s", message)
        error = KeyboardInterrupt()
        annotate(error, message)
        return error

    def _wake(self) -> None:
        """Jobs have come home."""
        if not self.over.is_set():
            self.owner._wake()
            return
        self._discard()
        if not self.out:
            self.patience.is_over.set()

    def _call_waits(self, begins: bool) -> None:
        """A call that is out begins, or ends, to wait for a block: it is not at work meanwhile."""
        if not self.over.is_set():  # afterwards nobody counts what is out
            self._count(paused=1 if begins else -1)

    def _discard(self) -> None:
        """Count the jobs that come home when the network has stopped; their items were discarded."""
        while (job := self.home.take()) is not None:
            self.out -= 1
            self._discarded(job)

    def _discarded(self, job: Job) -> None:
        """A job has come home too late."""

    def _count(self, out: int = 0, paused: int = 0) -> None:
        """Keep the network informed whether anything is at work for the block."""
        network = self.owner._network
        assert network is not None
        was_busy = self.out > self.paused
        self.out += out
        self.paused += paused
        is_busy = self.out > self.paused
        network.busy_count += is_busy - was_busy
        if was_busy and not is_busy:
            network.pump.wake()


def open_lane(executor: Executor, name: str, concurrency: int, home: Homecoming) -> Lane:
    """Get a block access to its executor; ours bring a lane of their own."""
    make: Callable[[str, int, Homecoming], Lane] | None = getattr(executor, "_open_lane", None)
    if make is not None:
        return make(name, concurrency, home)
    check_not_inside(executor, name)
    return (ClientLane if is_client_executor(executor) else FutureLane)(executor, concurrency, home)


def check_not_inside(executor: Executor, name: str) -> None:
    """Look whether a network runs in a worker of a pool of threads that is to work for it.

    Raises:
        RuntimeError: It has no other worker.
    """
    if threading.current_thread() in getattr(executor, "_threads", ()):
        workers: int = getattr(executor, "_max_workers", 1)
        message = (
            f"block {name!r}: its network runs in a worker of the executor that is to call its function, "
            f"{type(executor).__name__} with {workers} workers, and holds that worker until its end; use Threads(n), "
            "where another one works meanwhile, or another executor"
        )
        if workers < 2:
            raise RuntimeError(message)
        log.warning("%s; when all of them are held like that, the networks wait for ever", message)
