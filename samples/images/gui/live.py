"""Watches one run while it goes on: counts, times, the chart, and the newest thumbnails."""

# Each image is reported on the trio thread, where this only adds numbers. All work that takes longer is done when a
# page asks for the figures, up to ten times per second.

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from penstock.agents import Plan
from penstock.blocks import Activity, Network, Node, Recording, Span, Statistics
from penstock.blocks.dashboard import NetworkState, Timeline
from penstock.samples.images.clock import clock
from penstock.samples.images.gui.cut_view import CutView
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.graph import governor_row, network_of, phases_as_network, queues_of, row_name
from penstock.samples.images.gui.holds import Holds
from penstock.samples.images.gui.model import (
    ModelRun,
    PhaseRow,
    Picture,
    QueueRow,
    Slots,
    Snapshot,
    Trouble,
)
from penstock.samples.images.names import printable, shown_name
from penstock.samples.images.observer import Observer
from penstock.samples.images.predict import PHASE_LABELS, Prediction, predict, schedule
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.settings import Mode
from penstock.samples.watch import Watch

__all__ = ["Live", "LiveWatch"]

_KEPT_PICTURES, _KEPT_TROUBLES, _KEPT_SPANS = 300, 200, 4000
_KEPT_PIXELS = 300_000_000  # the most pixels of the thumbnails that are kept; with much noise, a pixel takes a byte
_FEW = 5  # from this many images on, the time per image is known
_INDEX = {phase: number for number, phase in enumerate(Phase)}


@attrs.define(eq=False)
class LiveWatch(Watch):
    """Records the newest spans of a run, and gives access to its network.

    Args:
        began: when the network was made (`clock.now()`).
        running: the network.
    """

    began: float = 0.0
    running: Network | None = None

    def network(self, *nodes: Node, name: str) -> Network:
        """Return a network that records its run."""
        self.began = clock.now()
        self.recording = Recording(_KEPT_SPANS)
        self.running = Network(*nodes, name=name, recording=self.recording)
        return self.running


class Live(Observer):
    """Watches one run.

    Args:
        number: the number of the run.
        form: the settings of the run.
        total: the number of images; None if the run has no end.
        on_picture: called when a thumbnail is done.
        on_trouble: called when an image has failed.
        plan: the plan that the run follows; None if it has none.
    """

    def __init__(
        self,
        number: int,
        form: Form,
        total: int | None,
        on_picture: Callable[[], None] = lambda: None,
        on_trouble: Callable[[Trouble], None] = lambda trouble: None,
        plan: Plan | None = None,
    ) -> None:
        self.number, self.form, self.total = number, form, total
        self._settings = form.settings(Path())
        times = form.phase_times.by_phase
        is_known = form.model and total is not None
        self._schedule = schedule(form.mode, self._settings, times, total or 0) if is_known else None
        self.watch = LiveWatch()
        self._cut = None if plan is None else CutView(plan)
        self._stages = _stages(form) if self._cut is None else self._cut.names
        self._row_name = row_name if self._cut is None else self._cut.row_name
        self.timeline = Timeline(number, self._stages, self._row_name, is_held=self._is_held)
        self.latest: Picture | None = None
        self.troubles = deque[Trouble](maxlen=_KEPT_TROUBLES)
        self.thumbnails: dict[int, str] = {}
        self.stale: list[str] = []
        self.started = clock.now()
        self._on_picture, self._on_trouble = on_picture, on_trouble
        self._kept = min(_KEPT_PICTURES, 1 + _KEPT_PIXELS // (form.size[0] * form.size[1]))
        self._ended: float | None = None
        self._counts, self._wall, self._cpu = [0] * 4, [0.0] * 4, [0.0] * 4
        self._images = self._failed = 0
        self._first_out = self._last_out = 0.0
        self._most = [0, 0, 0]
        self._numbers = _Numbers()
        self._holds = Holds()
        self._loaded = 0  # the spans of the first phase with work

    # Events of the run

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Add the times of a phase."""
        number = _INDEX[phase]
        stamp = info.stamps[number]
        self._counts[number] += 1
        self._wall[number] += stamp.finished - stamp.started
        self._cpu[number] += stamp.cpu
        if self.form.mode is Mode.SEQUENTIAL:  # which has no network that could be recorded
            start, end = stamp.started - self.started, stamp.finished - self.started
            self.timeline.add(Span(phase.value, phase.value, info.sequence, start, end))

    def on_image(self, info: ImageInfo) -> None:
        """Show the newest thumbnail."""
        self._last_out = clock.now()
        if not self._images:
            self._first_out = self._last_out
        self._images += 1
        width, height = self.form.size
        file = str(info.written)
        self.latest = Picture(self.number, info.sequence, shown_name(info.path), width, height, self.total, file)
        self.thumbnails[info.sequence] = file
        if len(self.thumbnails) > self._kept:
            self.stale.append(self.thumbnails.pop(next(iter(self.thumbnails))))
        self._on_picture()

    def on_error(self, failure: Failure) -> None:
        """Report an image that failed."""
        self._failed += 1
        if self.form.mode is Mode.CONTROL_FLOW and failure.phase is Phase.LOAD:
            self._numbers.skip(failure.sequence)
        exception = ": ".join(filter(None, (failure.exception, printable(failure.reason))))
        name = shown_name(failure.path)
        self._tell(Trouble(self.number, failure.phase.value, name, exception, failure.sequence))

    def on_hold(self, is_held: bool) -> None:
        """Note that the governor holds the first agent back, or lets it go on."""
        self._holds.change(is_held, clock.now() - self.started)

    def _is_held(self, span: Span) -> bool:
        """Whether the governor has caused a wait.

        Between its first and its last image, the first block has none only if the governor lets none in, because all
        pictures are known from the start.
        """
        if span.stage != self._stages[0]:
            return False
        if span.activity is Activity.WORK:
            self._loaded += 1
            return False
        if not self.form.mode.uses_executor:
            return self._holds.cover(span.start, span.end)
        return span.activity is Activity.WAIT_FOR_INPUT and self._loaded not in (0, self.total)

    def broke(self, reason: str) -> None:
        """Report the error that ended the run."""
        self._tell(Trouble(self.number, "", "", printable(reason), 0, fatal=True))

    def _tell(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)
        self._on_trouble(trouble)

    def begin(self) -> None:
        """Start the clock."""
        self.started = clock.now()

    def end(self) -> None:
        """Stop the clock."""
        self._ended = clock.now()
        self.collect()

    # Figures of the run

    def collect(self) -> None:
        """Take the newest spans from the recording."""
        if self.watch.recording is not None:
            self.timeline.follow(self.watch.recording, self.watch.began - self.started, self._numbers.of)

    @property
    def seconds(self) -> float:
        """Seconds from the start of the run until now or until its end."""
        return (clock.now() if self._ended is None else self._ended) - self.started

    @property
    def per_image(self) -> float | None:
        """Seconds of the whole run per finished image."""
        return self.seconds / self._images if self._images else None

    @property
    def steady(self) -> float | None:
        """Seconds per image from the first finished image to the last: without the time to fill the pipeline."""
        return (self._last_out - self._first_out) / (self._images - 1) if self._images > 1 else None

    @property
    def prediction(self) -> Prediction | None:
        """The chapter's prediction of the steady time, from the times of the phases so far; or that of the plan.

        Few images do not show all of the chapter's time: three at a time, for example, leave in groups of three.
        """
        if self._cut is not None:
            return self._cut.prediction
        means = self.form.phase_times.by_phase if self.form.model else self._means()
        law = predict(self.form.mode, self._settings, means, None if self.form.model else self.form.workers)
        few = None if self._schedule is None else self._schedule.steady
        if law is None or few is None or abs(few - law.seconds) < 0.02 * law.seconds:
            return law
        return Prediction(few, f"{law.text} = {1000 * law.seconds:.1f} ms for many images")

    @property
    def model(self) -> ModelRun | None:
        """What is known beforehand about a run of the model."""
        if not self.form.model:
            return None
        seconds = None if self._schedule is None else self._schedule.last
        return ModelRun(seconds, min(self.form.phase_times.by_phase.values()))

    def _means(self) -> dict[Phase, float]:
        return {
            phase: wall / count for phase, wall, count in zip(Phase, self._wall, self._counts, strict=True) if count
        }

    def snapshot(self) -> Snapshot:
        """Return all figures of the run."""
        means = self._means()
        slowest = self._slowest(means)
        report = None if self.watch.running is None else self.watch.running.report()
        if report is None:
            state = phases_as_network(self._counts, means, slowest, self.seconds)
        elif self._cut is None:
            state = network_of(report, means, slowest)
        else:
            state = self._cut.network(network_of(report, means, None), means)
        held = self.timeline.held_seconds
        governors = () if report is None else report.statistics.governors
        return Snapshot(
            run=self.number,
            mode=self.form.mode.value,
            images=self._images,
            total=self.total,
            failed=self._failed,
            seconds=self.seconds,
            per_image=self.per_image,
            steady=self.steady,
            prediction=self.prediction,
            model=self.model,
            phases=self._phase_rows(means, slowest),
            queues=() if report is None else self._queues(report.statistics),
            governor=Slots(int(governors[0].in_flight), int(governors[0].limit), held) if governors else None,
            network=self._timed(state),
        )

    def _slowest(self, means: Mapping[Phase, float]) -> Phase | None:
        """Return the slowest phase; None if it is not known, or if two phases of the model take the same time."""
        if self.form.model:
            means = self.form.phase_times.by_phase
        if not means:
            return None
        times = {phase: seconds / self._shares(phase) for phase, seconds in means.items()}
        slowest = max(times, key=lambda phase: times[phase])
        is_tied = self.form.model and list(times.values()).count(times[slowest]) > 1
        return None if is_tied else slowest

    def _queues(self, statistics: Statistics) -> tuple[QueueRow, ...]:
        rows = [governor_row(governor, self.timeline.held_seconds) for governor in statistics.governors]
        stages = [phase.value for phase in Phase] if self._cut is None else self._cut.names
        return *rows, *queues_of(self.form.mode, statistics, self._most, stages, self._row_name)

    def _timed(self, state: NetworkState) -> NetworkState:
        """Give the state of a network the clock of the run, which starts before the network does."""
        per_item = (self.steady or self.per_image) if self._images >= _FEW else None
        running = self._ended is None
        return attrs.evolve(state, run=self.number, running=running, seconds=self.seconds, per_item=per_item)

    def _shares(self, phase: Phase) -> int:
        if not self.form.mode.uses_executor or self._cut is not None:
            return 1
        is_shared = phase is Phase.NOISE and self.form.mode is Mode.LOAD_BALANCED
        return self.form.filters if is_shared else self.form.concurrency

    def _phase_rows(self, means: dict[Phase, float], slowest: Phase | None) -> tuple[PhaseRow, ...]:
        return tuple(
            PhaseRow(
                id=phase.value,
                label=PHASE_LABELS[phase],
                mean=means.get(phase),
                cpu=self._cpu[number] if self._counts[number] else None,
                wall=self._wall[number] if self._counts[number] else None,
                slowest=phase is slowest,
            )
            for number, phase in enumerate(Phase)
        )


class _Numbers:
    """Finds the sequence number of an image by its number in the recording.

    In the control-flow mode an agent loads the images, so the recording counts only those that could be loaded.
    """

    def __init__(self) -> None:
        self._gaps: list[int] = []  # for each skipped image: the number of the next item in the recording

    def skip(self, sequence: int) -> None:
        """Note an image that could not be loaded; call this in the order of the sequence numbers."""
        self._gaps.append(sequence - len(self._gaps))

    def of(self, item: int) -> int:
        """Return the sequence number of an item of the recording."""
        return item + bisect_right(self._gaps, item)


def _stages(form: Form) -> list[str]:
    """Return the stages that have rows in the chart: the phases, or the blocks that share one."""
    if form.mode is not Mode.LOAD_BALANCED:
        return [phase.value for phase in Phase]
    return ["load", "scale", *(f"noise {number}" for number in range(1, form.filters + 1)), "output"]
