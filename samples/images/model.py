"""The model of the pipeline: its phases wait instead of working, so that every computer gives the same figures."""

# The pictures are made before the run, so that they still come out. During the run nothing is computed, and no thread
# is used: a busy computer would delay it.
#
# The waits keep to a timetable. If a wait ends late because the computer is busy, the next wait counts from the time at
# which it should have ended. So delays do not add up from image to image.

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import attrs
import numpy as np
import trio

from penstock.samples.images.clock import clock
from penstock.samples.images.output import write_whole
from penstock.samples.images.phases import work_of
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError, Stamp
from penstock.samples.images.settings import PhaseTimes, Settings

__all__ = ["MadePicture", "Model", "make_beforehand"]

_NO_PIXELS = np.empty((0, 0, 3), np.uint8)


@attrs.frozen
class MadePicture:
    """The file of a thumbnail that was made before the run."""

    jpeg: bytes = attrs.field(repr=False)
    digest: str
    note: str = ""


async def make_beforehand(
    jobs: Iterable[Job], settings: Settings, tell: Callable[[int], None] = lambda number: None
) -> dict[Path, MadePicture | Failure]:
    """Make the thumbnails of `jobs`, one after the other, or find out why one cannot be made.

    Args:
        jobs: a job for each picture.
        settings: the settings of the run.
        tell: called before each picture with its number, from 1.
    """
    made: dict[Path, MadePicture | Failure] = {}
    for number, job in enumerate(jobs, 1):
        tell(number)
        made[job.path] = await trio.to_thread.run_sync(_make, job, settings, abandon_on_cancel=True)
    return made


def _make(job: Job, settings: Settings) -> MadePicture | Failure:
    item: Job | ImageInfo = job
    try:
        for phase in Phase:
            item = work_of(phase, settings)(item)
    except PhaseError as error:
        return error.failure
    assert isinstance(item, ImageInfo)
    assert item.written is not None
    assert item.digest is not None
    jpeg = item.written.read_bytes()
    item.written.unlink()
    return MadePicture(jpeg, item.digest, item.note)


class Model:
    """The phases of one run.

    Args:
        times: how long each phase waits.
        made: the thumbnails, or the reasons for their failures, by the picture's file.
    """

    def __init__(self, times: PhaseTimes, made: Mapping[Path, MadePicture | Failure]) -> None:
        self.times = times
        self._made = made
        self._now: float | None = None  # by the timetable: when the latest wait should have ended

    async def work(self, phase: Phase, item: Job | ImageInfo) -> ImageInfo:
        """Wait as long as `phase` takes.

        Raises:
            PhaseError: the picture has failed in this phase when it was made.
        """
        started = clock.now()
        await self._wait(self.times.of(phase))
        made = self._made[item.path]
        if isinstance(made, Failure):
            if made.phase is phase:
                raise PhaseError(attrs.evolve(made, sequence=item.sequence))
            digest, note = None, ""
        else:
            digest, note = made.digest, made.note
        if isinstance(item, Job):
            item = ImageInfo(item.sequence, item.path, item.name, item.number, _NO_PIXELS, (0, 0, 0, 0))
        stamps = (*item.stamps, Stamp(phase, started, clock.now()))
        return attrs.evolve(item, stamps=stamps, digest=digest, note=note)

    async def _wait(self, seconds: float) -> None:
        end = (trio.current_time() if self._now is None else self._now) + seconds
        await trio.sleep_until(end)
        self._now = end if self._now is None else max(self._now, end)

    def publish(self, info: ImageInfo, settings: Settings) -> ImageInfo:
        """Write the thumbnail to its place, on the loop: it is small, and a thread would wait for a free processor.

        Raises:
            OSError: the file cannot be written; nothing is left behind.
        """
        made = self._made[info.path]
        assert isinstance(made, MadePicture)
        path = settings.output / info.name
        write_whole(path, made.jpeg, settings.unfinished)
        return attrs.evolve(info, written=path)
