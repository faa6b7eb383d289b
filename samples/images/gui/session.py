"""The program behind the pages: commands in, state out. Another front end could replace the pages.

States: idle → running or comparing → stopping → idle, and quitting from each state (`status.py` has the table).
Commands are plain functions that only place an order; `run` carries out the orders, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, cast

import attrs
import trio

from penstock.agents import Plan
from penstock.blocks import Processes, Threads
from penstock.blocks.dashboard import as_json
from penstock.samples.images.cut import find_plan
from penstock.samples.images.gui import comparison
from penstock.samples.images.gui.folders import FolderError
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.live import Live
from penstock.samples.images.gui.model import Progress, Snapshot, Trouble
from penstock.samples.images.gui.source import Pictures
from penstock.samples.images.gui.status import Event, Status, controls_of, next_status
from penstock.samples.images.gui.thumbnails import Thumbnails
from penstock.samples.images.jobs import list_jobs
from penstock.samples.images.load import get_ready
from penstock.samples.images.model import MadePicture, Model, make_beforehand
from penstock.samples.images.record import Failure, Job
from penstock.samples.images.run import Outcome, RunResult, run
from penstock.samples.images.settings import CHAPTER_MODES, Mode, Settings, Workers, usable_cpus
from penstock.samples.images.stop import Stop

__all__ = ["MODE_LABELS", "Audience", "Session"]

MODE_LABELS = {
    Mode.SEQUENTIAL: "Sequential",
    Mode.CONTROL_FLOW: "Control flow",
    Mode.DATA_FLOW: "Data flow",
    Mode.LOAD_BALANCED: "Load balanced",
    Mode.PLANNED: "Planned",
}
_KEPT_RESULTS = 1000
Made = dict[Path, MadePicture | Failure]


class Audience:
    """Gets the events of a session, on the trio thread. This class ignores them all."""

    def on_state(self) -> None:
        """The status or the message has changed."""

    def on_run(self) -> None:
        """A run begins."""

    def on_picture(self) -> None:
        """A thumbnail is done: `session.live.latest`."""

    def on_trouble(self, trouble: Trouble) -> None:
        """An image has failed."""

    def on_invalid(self, field: str, message: str) -> None:
        """A control turned out to have a wrong value."""

    def on_comparison(self) -> None:
        """A row of the comparison has changed."""


@attrs.define(eq=False)
class _Order:
    """The modes to run."""

    form: Form
    modes: tuple[Mode, ...]
    compares: bool
    stop: Stop = attrs.field(factory=Stop)


class Session:
    """Runs the pipelines on command.

    Args:
        pictures: finds the pictures.
        root: a temporary folder, for thumbnails.
        output: the folder for thumbnails; None for the temporary folder, which an endless slideshow always uses.
    """

    def __init__(self, pictures: Pictures, root: Path, output: Path | None = None) -> None:
        self.pictures = pictures
        self.status = Status.IDLE
        self.audience = Audience()
        self.live: Live | None = None
        self.comparison: comparison.Rows = ()
        self.message = "Ready."
        self.progress: Progress | None = None
        self.outcome: str | None = None
        self.reason = ""
        self._thumbnails = Thumbnails(root, output)
        self._number = 0
        self._order: _Order | None = None
        self._news = trio.Event()
        self._is_comparing = False

    # Commands

    def start(self, form: Form) -> bool:
        """Run the mode of a form; False if something runs already."""
        return self._take(Event.START, _Order(form, (form.mode,), compares=False))

    def compare(self, form: Form) -> bool:
        """Run all modes, one after the other, the model in those of the chapter; False if something runs already."""
        modes = CHAPTER_MODES if form.model else tuple(Mode)
        return self._take(Event.COMPARE, _Order(attrs.evolve(form, endless=False), modes, compares=True))

    def stop(self) -> bool:
        """End the run; False if there is none."""
        return self._happens(Event.STOP) and self._stop("Stopping …")

    def quit(self, reason: str) -> bool:
        """End the run, if there is one, and the session."""
        self.reason = self.reason or reason
        return self._happens(Event.QUIT) and self._stop(f"Ending: {self.reason}")

    def _take(self, event: Event, order: _Order) -> bool:
        if next_status(self.status, event) is None:
            return False
        self._order, self._is_comparing = order, order.compares
        self.outcome, self.message = None, "Starting …"
        return self._happens(event)

    def _stop(self, message: str) -> bool:
        self.message = message
        if self._order is not None:
            self._order.stop.request()
        self.audience.on_state()
        return True

    def _happens(self, event: Event) -> bool:
        status = next_status(self.status, event)
        if status is None:
            return False
        self.status = status
        self._news.set()
        self.audience.on_state()
        return True

    # State

    def snapshot(self) -> Snapshot:
        """Return the figures of the latest run."""
        return Snapshot() if self.live is None else self.live.snapshot()

    def state(self) -> dict[str, Any]:
        """Return the state that pages show, as values for JSON."""
        snapshot = self.snapshot()
        calm = self.status is Status.COMPARING
        state: dict[str, Any] = as_json(attrs.evolve(snapshot, network=attrs.evolve(snapshot.network, calm=calm)))
        return state | {
            "status": "stopping" if self.status is Status.QUITTING else self.status.value,
            "message": self.message,
            "outcome": self.outcome,
            "controls": controls_of(self.status),
            "processors": usable_cpus(),
            "progress": as_json(self.progress),
            "compared": self._is_comparing,
        }

    # The work

    async def run(self) -> None:
        """Carry out orders until `quit` is called."""
        while self.status is not Status.QUITTING:
            self._news = trio.Event()
            if self._order is None:
                await self._news.wait()
                continue
            await self._perform(self._order)
            self._order = self.progress = None
            self._happens(Event.ENDED)

    async def _perform(self, order: _Order) -> None:
        """Run the modes of an order; errors become messages."""
        self.live = None  # the state must not show the run before
        self.audience.on_run()
        try:
            with order.stop.watched():
                pictures = await self.pictures.find(order.form, self._prepares)
                made = await self._made(order.form, pictures) if order.form.model else None
                await self._run_all(order, pictures, made)
            if order.stop.requested:
                self.outcome = "stopped"
                self.message = f"Stopped. {self._came_out()}"
        except FolderError as error:
            self.outcome, self.message = "failed", str(error)
            self.audience.on_invalid("folder", str(error))
        except Exception as error:  # not of one image: a disk is gone, or a worker cannot be started
            self.outcome, self.message = "failed", f"Failed: {_leaf(error)}"
            if self.live is not None:
                self.live.broke(f"{type(_leaf(error)).__name__}: {_leaf(error)}")
        if self.comparison and order.compares:
            self._compared(comparison.end(self.comparison, order.stop.requested))

    async def _made(self, form: Form, pictures: Sequence[Path]) -> Made:
        """Make the thumbnails of the model, before any mode runs."""

        def tell(number: int) -> None:
            self._prepares(Progress("Making the thumbnails beforehand", number, len(pictures)))

        folder = await self._thumbnails.make_drafts()
        return await make_beforehand(list_jobs(pictures), form.settings(folder), tell)

    async def _run_all(self, order: _Order, pictures: Sequence[Path], made: Made | None) -> None:
        if order.compares:
            self._compared(comparison.begin(order.modes))
        for number, mode in enumerate(order.modes):
            if order.compares:
                self._compared(comparison.change(self.comparison, number, status="running"))
            result, live = await self._run_one(order, attrs.evolve(order.form, mode=mode), pictures, made)
            if result.outcome is Outcome.STOPPED:
                return
            if order.compares:
                figures, status = comparison.figures_of(live), "done" if result.finished else "failed"
                self._compared(comparison.change(self.comparison, number, status=status, **figures))
        self.outcome = "done"
        self.message = f"Done. {self._came_out()}"

    async def _run_one(
        self, order: _Order, form: Form, pictures: Sequence[Path], made: Made | None
    ) -> tuple[RunResult, Live]:
        """Run one mode: make what it needs, run it, and clean up."""
        self._number += 1
        self.progress = None
        jobs = list_jobs(pictures, None, None if form.endless else form.repeat)
        folder = await self._thumbnails.make(self._number, form, order.compares)
        total = None if form.endless else len(jobs)
        settings = form.settings(folder)
        plan = await self._plan(jobs, settings, form) if form.mode is Mode.PLANNED else None
        live = Live(self._number, form, total, self.audience.on_picture, self.audience.on_trouble, plan)
        self.live = live
        self._say(f"{MODE_LABELS[form.mode]} over {len(pictures)} pictures")
        self.audience.on_run()
        settings = attrs.evolve(settings, plan=plan)
        if made is not None:
            settings = attrs.evolve(settings, model=Model(form.phase_times, made))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._thumbnails.sweep, folder, live)
            live.begin()
            try:
                result = await run(
                    form.mode, jobs, settings, live, order.stop, _workers(form), live.watch, _KEPT_RESULTS
                )
            finally:
                live.end()
            nursery.cancel_scope.cancel()
        return result, live

    async def _plan(self, jobs: Sequence[Job], settings: Settings, form: Form) -> Plan:
        """Measure the phases, and find the best stages for as many processors as there are workers."""
        self._prepares(Progress("Measuring the phases"))
        cores = min(form.workers, usable_cpus())
        plan = await find_plan(jobs, settings, cores, form.executor is Workers.PROCESSES)
        self.progress = None
        return plan

    def _compared(self, rows: comparison.Rows) -> None:
        self.comparison = rows
        self.audience.on_comparison()

    def _prepares(self, progress: Progress) -> None:
        self.progress = progress
        self._say(str(progress))

    def _say(self, message: str) -> None:
        if self.status in (Status.RUNNING, Status.COMPARING):
            self.message = message
            self.audience.on_state()

    def _came_out(self) -> str:
        snapshot = self.snapshot()
        of = "" if snapshot.total is None else f" of {snapshot.total}"
        failed = f", {snapshot.failed} failed" if snapshot.failed else ""
        return f"{snapshot.images}{of} images came out{failed}."


def _workers(form: Form) -> Executor | None:
    """Return the executor for the phases; its workers live as long as the run.

    A stopped run does not wait for its workers: many layers of noise on a large thumbnail can take many seconds, and
    the result would not be used.
    """
    if form.model or not form.mode.uses_executor or form.mode is Mode.PLANNED:  # a plan has its own workers
        return None
    if form.executor is Workers.THREADS:
        return Threads(form.workers, abandon_on_cancel=True)
    return Processes(form.workers, worker_init=get_ready, abandon_on_cancel=True)


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
