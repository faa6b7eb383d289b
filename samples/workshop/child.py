"""The process in which a learner's file is checked: `python -m …workshop.child N FILE REPORT SECONDS`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
import warnings
from pathlib import Path
from types import FrameType

from penstock.blocks import LoopHeldWarning
from penstock.samples.workshop.exercise import find_exercise
from penstock.samples.workshop.judging import judge, place
from penstock.samples.workshop.verdict import Outcome, Verdict

if sys.platform != "win32":
    import resource

MOST_BYTES = 4 << 30


def main(number: str, file: str, report: str, seconds: str) -> None:
    """Check a file and write the verdict; a check that takes too long reports where it is, and ends."""
    _limit_memory()
    warnings.simplefilter("ignore", LoopHeldWarning)  # a busy machine can make any function slow
    watch = threading.Timer(float(seconds), _give_up, (threading.get_ident(), file, report, float(seconds)))
    watch.daemon = True
    watch.start()
    exercise = find_exercise(int(number))
    assert exercise is not None
    sys.path.insert(0, str(Path(file).parent))
    verdict = judge(exercise, Path(file))
    watch.cancel()
    _end(report, verdict)


def _limit_memory() -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ValueError, OSError):  # the system allows less, or knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def _give_up(thread: int, file: str, report: str, seconds: float) -> None:
    frames: dict[int, FrameType] = getattr(sys, "_current_frames")()  # noqa: B009  # documented, with this name
    stack = traceback.extract_stack(frames[thread])
    where = place(str(Path(file).resolve()), stack)
    seen = f"after {seconds:g} s it is still at {where}" if where else f"after {seconds:g} s it still runs"
    hint = (
        "Does this loop end? A loop of an async function needs an `await` in which others can run."
        if where
        else "Something waits for ever, or goes round for ever, without being in your lines. What would end it?"
    )
    _end(report, Verdict(Outcome.REFUSED, seen, hint, "the check ends in its time"))


def _end(report: str, verdict: Verdict) -> None:
    """Write the verdict, and end: also threads and processes that the learner's code may have left."""
    draft = Path(f"{report}.new")
    draft.write_text(verdict.to_json(), "utf-8")
    draft.replace(report)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
