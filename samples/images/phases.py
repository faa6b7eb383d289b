"""The four phases as the pipelines call them: plain functions with time stamps and one class of error."""

from __future__ import annotations

import contextlib
import errno
import sys
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import attrs
import trio

from penstock.samples.images.clock import clock
from penstock.samples.images.contact_sheet import SheetEntry
from penstock.samples.images.load import UnreadableError, load
from penstock.samples.images.noise import add_noise
from penstock.samples.images.observer import Observer
from penstock.samples.images.output import output, publish
from penstock.samples.images.record import Failure, ImageInfo, Job, Phase, PhaseError, Stamp
from penstock.samples.images.scale import scale
from penstock.samples.images.settings import Settings
from penstock.samples.images.sheet_keeper import SheetKeeper

__all__ = ["FUNCTIONS", "Work", "do_phase", "explain", "published", "work_of", "work_of_all"]

# Errors that concern the whole output folder; other errors there concern one file.
_NO_MORE_OUTPUT = {
    number
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EIO", "ENOENT", "ENOTDIR", "EACCES", "EPERM", "ESTALE", "ENOTCONN")
    if (number := getattr(errno, name, None)) is not None and not (sys.platform == "win32" and name == "EACCES")
}

Work = Callable[[Job | ImageInfo], ImageInfo]
"""A phase with its settings; the first phase takes a job, the others take the result of the phase before."""

FUNCTIONS: dict[Phase, Callable[[Any, Settings], ImageInfo]] = {
    Phase.LOAD: load,
    Phase.SCALE: scale,
    Phase.NOISE: add_noise,
    Phase.OUTPUT: output,
}
"""The functions of the phases."""


def work_of(phase: Phase, settings: Settings) -> Work:
    """Return `phase` as a function of one item that can be called in any thread and sent to any process.

    The function raises PhaseError if the work fails.
    """
    return partial(_work, phase, settings)


def work_of_all(phases: Sequence[Phase], settings: Settings) -> Work:
    """Return several phases as one function; the same worker does them for an image, one after the other."""
    return partial(_work_all, tuple(phases), settings)


def _work_all(phases: Sequence[Phase], settings: Settings, item: Job | ImageInfo) -> ImageInfo:
    first, *others = phases
    info = _work(first, settings, item)
    for phase in others:
        info = _work(phase, settings, info)
    return info


def _work(phase: Phase, settings: Settings, item: Job | ImageInfo) -> ImageInfo:
    started, cpu = clock.now(), time.thread_time()
    with _explained(phase, item):
        settings.halt.check()
        info = FUNCTIONS[phase](item, settings)
    stamp = Stamp(phase, started, clock.now(), time.thread_time() - cpu)
    return attrs.evolve(info, stamps=(*info.stamps, stamp))


async def do_phase(phase: Phase, settings: Settings, observer: Observer, item: Job | ImageInfo) -> ImageInfo:
    """Do `phase` in a thread of trio, or wait in the model, and report it to the observer; for modes without blocks.

    A cancellation abandons the work at once if it changes only memory. A file that is being written is finished first.
    """
    if settings.model is not None:
        info = await settings.model.work(phase, item)
    else:
        work = work_of(phase, settings)
        info = await trio.to_thread.run_sync(work, item, abandon_on_cancel=phase is not Phase.OUTPUT)
    observer.on_progress(phase, info)
    return info


async def published(
    info: ImageInfo, settings: Settings, observer: Observer, sheet: SheetKeeper | None
) -> list[SheetEntry]:
    """After `output`, move the thumbnail to its place and report it to the observer; call this for images in order.

    A cancellation waits for both steps, so that each moved thumbnail is reported.

    Returns:
        The entries for the contact sheet; none if there is no sheet.

    Raises:
        PhaseError: the file cannot be moved.
    """
    with trio.CancelScope(shield=True):
        with _explained(Phase.OUTPUT, info):
            if settings.model is not None:
                info = settings.model.publish(info, settings)
            else:
                info = await trio.to_thread.run_sync(publish, info, settings)
        observer.on_image(info)
    return [] if sheet is None else sheet.place(info)


@contextlib.contextmanager
def _explained(phase: Phase, item: Job | ImageInfo) -> Generator[None]:
    try:
        yield
    except Exception as error:
        ends_run = phase is Phase.OUTPUT and isinstance(error, OSError) and error.errno in _NO_MORE_OUTPUT
        name = type(error).__name__
        is_gone = phase is Phase.OUTPUT and isinstance(error, FileNotFoundError)
        reason = "the output folder is gone" if is_gone else explain(error)
        raise PhaseError(Failure(item.sequence, item.path, phase, reason, name, ends_run)) from error


def explain(error: Exception) -> str:
    """Return the reason for a failure in plain words, on one line."""
    match error:
        case UnreadableError():
            return str(error)
        case FileNotFoundError():
            return "no such file (or a link to nowhere)"
        case OSError(errno=errno.EROFS):
            return "the file system can only be read"
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
            # Pillow's own messages: "image file is truncated (12 bytes not processed)", "broken PNG file", ...
            text = " ".join(str(error).split())
            if text and not isinstance(error, LookupError):
                return text
            return f"{type(error).__name__}: {text}" if text else type(error).__name__
