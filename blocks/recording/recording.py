"""A recording of a run, span by span, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from ..base.checks import check_count
from ..charts.gantt import lay_out
from ..charts.png import to_png
from ..charts.span import Span
from ..charts.svg import to_svg
from .chrome import to_chrome
from .kept_spans import KeptSpans
from .replay import Replay
from .save import FORMS, load, save
from .step import Step

SHOWN_SPANS = 10_000
"""The maximum number of spans that a notebook displays, so that it does not freeze."""
SHOWN_WIDTH = 1000
"""Pixels."""


class Recording:
    """Records which worker works on which item, with start and end, in a `Network(…, recording=…)`.

    Recording adds one or two microseconds per item and stage, and up to four in an agent or an executor. Only the
    newest spans are kept; `dropped` counts the others. A recording holds one run.

    Args:
        max_spans: The maximum number of spans to keep, >= 1.

    Attributes:
        forms: The file name endings that `save` accepts.
        max_spans: The maximum number of spans to keep.
        network: The name of the network.
        seconds: The seconds that the network has run.
        stages: The blocks and agents that do work, in the order in which items pass them. While the network runs:
            those that it began with.
        links: The pairs of stages of which the first hands items to the second; buffers between them are left out.

    Raises:
        ValueError: `max_spans` is out of its range.
    """

    forms: ClassVar[tuple[str, ...]] = FORMS

    def __init__(self, max_spans: int = 100_000) -> None:
        check_count("recording", "max_spans", max_spans)
        self.max_spans: int = max_spans
        self.network = ""
        self.seconds: float = 0.0
        self.stages: tuple[str, ...] = ()
        self.links: tuple[tuple[str, str], ...] = ()
        self.kept: KeptSpans = KeptSpans(max_spans)  # for those who write the recording

    def __repr__(self) -> str:
        let_go = f", {self.dropped} let go" if self.dropped else ""
        return f"<Recording of {self.network!r}, {len(self.kept)} spans{let_go}>"

    def _repr_svg_(self) -> str:
        return to_svg(lay_out(newest_of(self), SHOWN_WIDTH, None, None, "are not shown"))

    @property
    def spans(self) -> tuple[Span, ...]:
        """The recorded spans, in the order in which they ended."""
        return self.kept.spans()

    @property
    def dropped(self) -> int:
        """The number of spans that were dropped for lack of room."""
        return self.kept.dropped

    @classmethod
    def of(
        cls,
        spans: Iterable[Span],
        *,
        network: str = "",
        seconds: float | None = None,
        stages: Iterable[str] | None = None,
        links: Iterable[tuple[str, str]] = (),
        dropped: int = 0,
    ) -> Recording:
        """Make a recording by hand.

        Args:
            spans: The spans, in the order in which they ended.
            network: The name of the network.
            seconds: The length of the run; by default until the end of the last span.
            stages: The stages, in the order of the rows; by default in the order of their first spans.
            links: Pairs of stages of which the first hands items to the second.
            dropped: The number of spans that are missing at the start.
        """
        given = tuple(spans)
        recording = cls(max(1, len(given)))
        recording.kept = KeptSpans(recording.max_spans, given, dropped)
        recording.network = network
        recording.seconds = max((span.end for span in given), default=0.0) if seconds is None else seconds
        recording.stages = tuple(dict.fromkeys(span.stage for span in given)) if stages is None else tuple(stages)
        recording.links = tuple(links)
        return recording

    def add(self, span: Span) -> None:
        """Add a span; the oldest is dropped if there is no room."""
        self.kept.add_span(span)

    def save(
        self, path: str | os.PathLike[str], *, width: int = 1280, start: float | None = None, end: float | None = None
    ) -> None:
        """Write the recording to a file and replace an existing one; the file's ending decides the format.

        - `*.json`: the whole recording, for Perfetto (https://ui.perfetto.dev), chrome://tracing, and `load`.
        - `*.svg`: a chart with a row per worker and a bar per item. 100,000 spans are possible: bars that are too
          thin to see are merged, and marked as such.
        - `*.png`: the same chart, drawn by Pillow (`pip install "penstock[png]"`).

        Args:
            path: The file.
            width: The width of a chart, in pixels, 320 … 20 000; letters and rows grow with it.
            start: The second at which a chart begins; by default the first from which no span is missing.
            end: The second at which a chart ends; by default the end of the network.
            ModuleNotFoundError: A PNG is asked for, and Pillow is not installed.
        """
        save(self, path, width, start, end)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """Read a recording from a `.json` file that `save` has written; nothing is lost.

        Raises:
            ValueError: The file is not a recording, is damaged, or is harmful.
            OSError: The file does not exist or cannot be read.
        """
        read = load(path)
        return cls.of(
            read.spans,
            network=read.network,
            seconds=read.seconds,
            stages=read.stages,
            links=read.links,
            dropped=read.dropped,
        )

    def to_chrome(self) -> dict[str, Any]:
        """Return what `save` writes to a `.json` file, in the Trace Event Format.

        The network is the process, each worker is a thread, and each span is a "complete" event with the stage as its
        category. Flow events connect the work on an item.
        """
        return to_chrome(self)

    def to_svg(self, *, width: int = 1280, start: float | None = None, end: float | None = None) -> str:
        """Return the chart that `save` writes to an `.svg` file; it suits light and dark screens."""
        return to_svg(lay_out(self, width, start, end))

    def to_png(self, *, width: int = 1280, start: float | None = None, end: float | None = None) -> bytes:
        """Return the chart that `save` writes to a `.png` file."""
        return to_png(lay_out(self, width, start, end))

    def steps(self) -> Iterator[Step]:
        """Go through the run step by step, to show it to people.

        `python -m penstock.blocks.recording run.json` does so on a terminal.
        """
        return Replay(self).steps()


def newest_of(recording: Recording) -> Recording:
    """Return a recording with the newest spans, as many as a notebook displays."""
    missing = len(recording.kept) - SHOWN_SPANS
    if missing <= 0:
        return recording
    return Recording.of(
        recording.kept.newest(SHOWN_SPANS),
        network=recording.network,
        seconds=recording.seconds,
        stages=recording.stages,
        links=recording.links,
        dropped=recording.dropped + missing,
    )
