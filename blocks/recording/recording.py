"""What happened in a run, bar by bar, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from ..charts.gantt import lay_out
from ..charts.png import to_png
from ..charts.span import Span
from ..charts.svg import to_svg
from .chrome import to_chrome
from .replay import Replay
from .save import FORMS, load, save
from .step import Step


class Recording:
    """Keeps who worked on which item from when to when, while a network runs with `Network(…, recording=…)`.

    Recording makes every item cost some microseconds more. Only the newest spans are kept; `dropped` counts the
    others. A recording is of one run.

    Args:
        max_spans: So many are kept, >= 1.

    Attributes:
        forms: Endings of the names of files that `save` writes.
        max_spans: So many are kept.
        network: The name of the network.
        seconds: How long the network has run.
        stages: Blocks and agents that do something of their own, in the order in which items pass them. While the
            network runs: those that it began with.
        links: Which of them hands items to which; buffers between them are left out.
        dropped: How many spans were let go because there was no more room.

    Raises:
        ValueError: `max_spans` is out of its range.
    """

    forms: ClassVar[tuple[str, ...]] = FORMS

    def __init__(self, max_spans: int = 100_000) -> None:
        if not isinstance(max_spans, int) or isinstance(max_spans, bool) or max_spans < 1:
            raise ValueError(f"recording: max_spans must be an int >= 1, got {max_spans!r}")
        self.max_spans = max_spans
        self.network = ""
        self.seconds: float = 0.0
        self.stages: tuple[str, ...] = ()
        self.links: tuple[tuple[str, str], ...] = ()
        self.dropped: int = 0
        self._spans: deque[Span] = deque(maxlen=max_spans)

    def __repr__(self) -> str:
        let_go = f", {self.dropped} let go" if self.dropped else ""
        return f"<Recording of {self.network!r}, {len(self._spans)} spans{let_go}>"

    @property
    def spans(self) -> tuple[Span, ...]:
        """What was recorded, in the order in which it ended."""
        return tuple(self._spans)

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
            spans: In the order in which they ended.
            network: The name of the network.
            seconds: How long it ran; by default until the end of the last span.
            stages: In the order of the rows; by default in the order in which they have a span.
            links: Which stage hands items to which.
            dropped: How many spans are missing at the start.
        """
        given = tuple(spans)
        recording = cls(max(1, len(given)))
        recording._spans.extend(given)
        recording.network = network
        recording.seconds = max((span.end for span in given), default=0.0) if seconds is None else seconds
        recording.stages = tuple(dict.fromkeys(span.stage for span in given)) if stages is None else tuple(stages)
        recording.links = tuple(links)
        recording.dropped = dropped
        return recording

    def add(self, span: Span) -> None:
        """Take note of what somebody did."""
        if len(self._spans) == self._spans.maxlen:
            self.dropped += 1
        self._spans.append(span)

    def save(
        self, path: str | os.PathLike[str], *, width: int = 1280, start: float | None = None, end: float | None = None
    ) -> None:
        """Write the recording to a file, over what was there; the name of the file says in which form.

        - `*.json`: all of it, for Perfetto (https://ui.perfetto.dev), for chrome://tracing, and for `load`.
        - `*.svg`: a chart with a row a worker and a bar an item. 100,000 spans are no problem: what is too thin to be
          seen is put together, and says so.
        - `*.png`: the same chart, painted by Pillow (`pip install "penstock[png]"`).

        Args:
            path: The file.
            width: Of a chart, in pixels, 320 … 20 000; letters and rows grow with it.
            start: A chart begins at this second; by default with the network.
            end: A chart ends at this second; by default with the network.

        Raises:
            ValueError: The name of the file has another ending, `width` is out of its range, or `end` is not after
                `start`.
            ModuleNotFoundError: A PNG is asked for, and Pillow is not installed.
        """
        save(self, path, width, start, end)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recording:
        """Read a recording that `save` has written to a `.json` file; nothing is lost on the way.

        Raises:
            ValueError: The file is something else, damaged, or made to do harm.
            OSError: There is no such file, or it cannot be read.
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
        """What `save` writes to a `.json` file, in the Trace Event Format.

        The network is the process, each worker is a thread, each span a complete event with the stage as its category;
        flow events tie the work on an item together.
        """
        return to_chrome(self)

    def to_svg(self, *, width: int = 1280, start: float | None = None, end: float | None = None) -> str:
        """The chart that `save` writes to an `.svg` file; it suits light and dark screens."""
        return to_svg(lay_out(self, width, start, end))

    def to_png(self, *, width: int = 1280, start: float | None = None, end: float | None = None) -> bytes:
        """The chart that `save` writes to a `.png` file."""
        return to_png(lay_out(self, width, start, end))

    def steps(self) -> Iterator[Step]:
        """Go through the run moment by moment, to show it to people.

        `python -m penstock.blocks.recording run.json` does so on a terminal.
        """
        return Replay(self).steps()
