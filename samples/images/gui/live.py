"""Watches one run while it goes on: counts, times, spans, and the newest thumbnails."""

# It hears of every image on the trio thread, so it does no more there than to add numbers; everything that takes longer
# is done when somebody asks, some ten times a second.

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import attrs

from penstock.blocks import Network, Node, Recording
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.graph import links_of, nodes_of, phases_as_nodes, queues_of
from penstock.samples.images.gui.model import (
    PHASE_LABELS,
    PhaseRow,
    Picture,
    Prediction,
    Slots,
    Snapshot,
    Trouble,
)
from penstock.samples.images.gui.predict import predict
from penstock.samples.images.gui.reel import Reel
from penstock.samples.images.names import printable, shown_name
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Failure, ImageInfo, Phase
from penstock.samples.images.settings import Mode
from penstock.samples.watch import Watch

__all__ = ["Live", "LiveWatch"]

_KEPT_PICTURES, _KEPT_TROUBLES, _KEPT_SPANS = 300, 200, 4000
_KEPT_PIXELS = 300_000_000  # of the pictures that are kept; where there is much noise, a byte each
_INDEX = {phase: number for number, phase in enumerate(Phase)}


@attrs.define(eq=False)
class LiveWatch(Watch):
    """Records the newest of a run, and knows its network.

    Args:
        began: when the network was made, by `time.perf_counter()`.
        running: the network.
    """

    began: float = 0.0
    running: Network | None = None

    def network(self, *nodes: Node, name: str) -> Network:
        """Return a network that is recorded."""
        self.began = time.perf_counter()
        self.recording = Recording(_KEPT_SPANS)
        self.running = Network(*nodes, name=name, recording=self.recording)
        return self.running


class Live(Observer):
    """Watches one run.

    Args:
        number: of the run.
        form: its settings; `mode` is that of the run.
        total: how many images there will be; None if there is no end.
        on_picture: called whenever a thumbnail is done.
        on_trouble: called whenever an image has failed.
    """

    def __init__(
        self,
        number: int,
        form: Form,
        total: int | None,
        on_picture: Callable[[], None] = lambda: None,
        on_trouble: Callable[[Trouble], None] = lambda trouble: None,
    ) -> None:
        self.number, self.form, self.total = number, form, total
        self.watch = LiveWatch()
        self.reel = Reel(_stages(form))
        self.latest: Picture | None = None
        self.troubles = deque[Trouble](maxlen=_KEPT_TROUBLES)
        self.thumbnails: dict[int, str] = {}
        self.stale: list[str] = []
        self.started = time.perf_counter()
        self._on_picture, self._on_trouble = on_picture, on_trouble
        self._kept = min(_KEPT_PICTURES, 1 + _KEPT_PIXELS // (form.size[0] * form.size[1]))
        self._ended: float | None = None
        self._counts, self._wall, self._cpu = [0] * 4, [0.0] * 4, [0.0] * 4
        self._images = self._failed = 0
        self._first_out = self._last_out = 0.0
        self._most = [0, 0, 0]
        self._stamped = form.mode in (Mode.SEQUENTIAL, Mode.CONTROL_FLOW)  # told of each phase as it ends

    # What it hears

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Add the times of a phase."""
        number = _INDEX[phase]
        stamp = info.stamps[number]
        self._counts[number] += 1
        self._wall[number] += stamp.finished - stamp.started
        self._cpu[number] += stamp.cpu
        if self._stamped:
            start = stamp.started - self.started
            self.reel.work(phase.value, info.sequence, start, stamp.finished - self.started)

    def on_image(self, info: ImageInfo) -> None:
        """Show the newest thumbnail."""
        self._last_out = time.perf_counter()
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
        """Tell of an image that failed."""
        self._failed += 1
        exception = ": ".join(filter(None, (failure.exception, printable(failure.reason))))
        name = shown_name(failure.path)
        self._tell(Trouble(self.number, failure.phase.value, name, exception, failure.sequence))

    def broke(self, reason: str) -> None:
        """Tell of what ended the run."""
        self._tell(Trouble(self.number, "", "", printable(reason), 0, fatal=True))

    def _tell(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)
        self._on_trouble(trouble)

    def begin(self) -> None:
        """Let the clock run."""
        self.started = time.perf_counter()

    def end(self) -> None:
        """Stop the clock."""
        self._ended = time.perf_counter()
        self.collect()

    # What it tells

    def collect(self) -> None:
        """Take the newest spans from the recording."""
        if self.watch.recording is not None:
            self.reel.collect(self.watch.recording, self.watch.began - self.started, works=not self._stamped)

    @property
    def seconds(self) -> float:
        """How long the run has taken, or took."""
        return (time.perf_counter() if self._ended is None else self._ended) - self.started

    @property
    def per_image(self) -> float | None:
        """Seconds of the whole run for each image that came out."""
        return self.seconds / self._images if self._images else None

    @property
    def steady(self) -> float | None:
        """Seconds an image between the first that came out and the last: without filling the pipeline."""
        return (self._last_out - self._first_out) / (self._images - 1) if self._images > 1 else None

    @property
    def prediction(self) -> Prediction | None:
        """What the chapter predicts for the steady time, from what the phases have taken so far."""
        return predict(self.form, self._means())

    def _means(self) -> dict[Phase, float]:
        return {
            phase: wall / count for phase, wall, count in zip(Phase, self._wall, self._counts, strict=True) if count
        }

    def snapshot(self) -> Snapshot:
        """Return everything that there is to be said of the run now."""
        means = self._means()
        slowest = max(means, key=lambda phase: means[phase] / self._shares(phase)) if means else None
        network = self.watch.running
        report = None if network is None else network.report()
        statistics = None if report is None else report.statistics
        mode = self.form.mode
        if statistics is None:
            nodes = phases_as_nodes(self._counts, means, slowest, self.seconds)
        else:
            nodes = nodes_of(statistics, means, slowest)
        governors = () if statistics is None else statistics.governors
        return Snapshot(
            run=self.number,
            mode=mode.value,
            images=self._images,
            total=self.total,
            failed=self._failed,
            seconds=self.seconds,
            per_image=self.per_image,
            steady=self.steady,
            prediction=self.prediction,
            phases=self._phase_rows(means, slowest),
            queues=() if statistics is None else queues_of(mode, statistics, self._most),
            nodes=nodes,
            links=links_of(report, self._counts),
            governor=Slots(int(governors[0].in_flight), int(governors[0].limit)) if governors else None,
        )

    def _shares(self, phase: Phase) -> int:
        if not self.form.mode.uses_executor:
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


def _stages(form: Form) -> dict[str, int]:
    """Return the rows of the diagram: by stage, how many images it can have in work at a time."""
    if not form.mode.uses_executor:
        return {phase.value: 1 for phase in Phase}
    stages = {phase.value: form.concurrency for phase in Phase}
    if form.mode is not Mode.LOAD_BALANCED:
        return stages
    filters = {f"noise {number}": 1 for number in range(1, form.filters + 1)}
    return {"load": stages["load"], "scale": stages["scale"], **filters, "output": stages["output"]}
