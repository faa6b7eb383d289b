"""The four phases as the pipelines call them: in a worker thread, with time stamps, errors in one form."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

import attrs
import trio

from penstock.samples.images.load import UnreadableError, load
from penstock.samples.images.noise import add_noise
from penstock.samples.images.observer import Observer
from penstock.samples.images.output import output
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError, Stamp
from penstock.samples.images.scale import scale
from penstock.samples.images.settings import Settings

__all__ = ["Phases", "explain"]


class Phases:
    """The phases with the settings of a run; each is an async function from one record to the next.

    A phase that is cancelled is left behind at once: it works on memory alone, and its result goes nowhere.
    Only `output` is waited for, so that a file which was begun is finished and reported.
    """

    def __init__(self, settings: Settings, observer: Observer) -> None:
        self._settings = settings
        self._observer = observer

    async def load(self, job: Job) -> ImageInfo:
        """Read the file; raises PhaseError if it cannot be read."""
        return await self._run(Phase.LOAD, job, lambda: load(job, self._settings))

    async def scale(self, info: ImageInfo) -> ImageInfo:
        """Make the framed thumbnail."""
        return await self._run(Phase.SCALE, info, lambda: scale(info, self._settings))

    async def noise(self, info: ImageInfo) -> ImageInfo:
        """Add the Gaussian noise."""
        return await self._run(Phase.NOISE, info, lambda: add_noise(info, self._settings))

    async def output(self, info: ImageInfo) -> None:
        """Write the thumbnail and tell the observer; raises PhaseError if it cannot be written."""
        done = await self._run(Phase.OUTPUT, info, lambda: output(info, self._settings))
        self._observer.on_image(done)

    async def _run(self, phase: Phase, item: Job | ImageInfo, work: Callable[[], ImageInfo]) -> ImageInfo:
        info = await trio.to_thread.run_sync(_stamped, phase, item, work, abandon_on_cancel=phase is not Phase.OUTPUT)
        self._observer.on_progress(phase, info)
        return info


def _stamped(phase: Phase, item: Job | ImageInfo, work: Callable[[], ImageInfo]) -> ImageInfo:
    started = time.perf_counter()
    try:
        info = work()
    except Exception as error:
        raise PhaseError(Failure(item.sequence, item.path, phase, explain(error))) from error
    stamp = Stamp(phase, started, time.perf_counter())
    return attrs.evolve(info, stamps=(*info.stamps, stamp))


def explain(error: Exception) -> str:
    """Return the reason for a failure in words for people, on one line."""
    match error:
        case UnreadableError():
            return str(error)
        case FileNotFoundError():
            return "no such file (or a link to nowhere)"
        case PermissionError():
            return "permission denied"
        case MemoryError():
            return "not enough memory"
        case OSError(errno=errno.ENOSPC):
            return "no space left on the device"
        case OSError(strerror=str(text)):
            return text
        case OSError() if str(error).startswith("decoder error"):
            return f"the file is damaged ({error})"
        case _:
            # Pillow's own words: "image file is truncated (12 bytes not processed)", "broken PNG file", ...
            text = " ".join(str(error).split())
            if text and not isinstance(error, LookupError):
                return text
            return f"{type(error).__name__}: {text}" if text else type(error).__name__
