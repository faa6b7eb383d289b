"""Checks a learner's file in a process of its own, so that nothing in the file can harm this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

import attrs

from penstock.samples.workshop.exercise import Exercise
from penstock.samples.workshop.verdict import Outcome, Verdict

__all__ = ["GRACE", "check_file"]

GRACE = 5.0  # seconds after the limit until a process that does not report is killed
MOST_PRINTED = 2_000  # characters


def check_file(exercise: Exercise, file: Path, seconds: float) -> Verdict:
    """Check a file and return the verdict; when this returns or raises, the process and its children have ended.

    Args:
        exercise: the exercise that the file answers.
        file: the learner's file.
        seconds: the limit for the whole check.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as folder:
        report = Path(folder, "verdict.json")
        command = [sys.executable, "-m", "penstock.samples.workshop.child"]
        process = subprocess.Popen(
            [*command, str(exercise.number), str(file.absolute()), str(report), str(seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=file.parent,
            env=os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        assert process.stdout is not None
        printed: list[bytes] = []
        reader = threading.Thread(target=_read, args=(process.stdout, printed), daemon=True)
        reader.start()
        try:
            was_killed = _is_late(process, seconds + GRACE)
        finally:
            _kill(process)
            reader.join(1.0)
        text = b"".join(printed).decode("utf-8", "replace")
        return attrs.evolve(_verdict(report, process.returncode, was_killed, seconds), printed=text)


def _is_late(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end of a process; whether it still runs after some seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _read(stream: IO[bytes], printed: list[bytes]) -> None:
    """Keep the first characters, and take the rest, so that the process never waits for this one."""
    room = MOST_PRINTED
    with stream:
        while piece := os.read(stream.fileno(), 1 << 16):
            printed.append(piece[:room])
            room -= len(printed[-1])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process, if it still runs, and the processes that it has started."""
    if process.poll() is None:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def _verdict(report: Path, status: int, was_killed: bool, seconds: float) -> Verdict:
    if report.exists():
        return Verdict.from_json(report.read_text("utf-8"))
    if was_killed:
        seen = f"it did not end in {seconds:g} s and had to be killed"
        return Verdict(Outcome.BROKEN, seen, "Does your code catch every exception, or hold the interpreter for long?")
    how = f"signal {signal.Signals(-status).name} has ended Python" if status < 0 else f"Python ended, status {status}"
    return Verdict(Outcome.BROKEN, how, "Your code ends the whole process; leave that out.")
