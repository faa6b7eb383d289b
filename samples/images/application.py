"""Runs the command, from its arguments to its exit status."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import cast

import trio
from rich.console import Console

from penstock.blocks import LoopHeldWarning, WorkerDied
from penstock.samples.command.foreign import foreign_lines_kept
from penstock.samples.command.signals import stopped_by_signals
from penstock.samples.command.streams import show, why
from penstock.samples.images.executors import UnusableWorkersError, open_executor
from penstock.samples.images.failures import write_failures
from penstock.samples.images.files import NoPicturesError
from penstock.samples.images.formats import get_ready
from penstock.samples.images.gui_options import GuiChoice
from penstock.samples.images.inputs import Input, opened_input
from penstock.samples.images.jobs import Jobs
from penstock.samples.images.mode_run import files_of, run_mode, settings_of
from penstock.samples.images.model import MadePicture, make_beforehand
from penstock.samples.images.names import printable
from penstock.samples.images.options import Options, parse_options
from penstock.samples.images.progress import Reported
from penstock.samples.images.record import Failure
from penstock.samples.images.report import RunReport, print_networks, print_report, what_went_wrong
from penstock.samples.images.run import Outcome
from penstock.samples.images.settings import Mode
from penstock.samples.images.stop import Stop
from penstock.samples.observing import why_unusable

__all__ = ["run_command"]

_ALL_CAME_OUT, _SOME_FAILED, _WRONG_USE, _CANNOT_WRITE, _TOO_LATE = 0, 1, 2, 2, 124
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _UnusableOutputError(Exception):
    """Something cannot be written; the message says why, on one line."""


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` and return the exit status."""
    with stopped_by_signals() as stopped:
        try:
            options = parse_options(arguments)
            return _run(options) if options.gui is None else _show(options, options.gui)
        except SystemExit as end:  # argparse has printed the message
            return end.code if isinstance(end.code, int) else _ALL_CAME_OUT
        except (NoPicturesError, UnusableWorkersError, _UnusableOutputError) as error:
            _complain(printable(str(error)))
            return _WRONG_USE
        except KeyboardInterrupt:
            pass
        except BaseExceptionGroup as group:
            if group.split(WorkerDied)[1] is None:
                _complain(str(_first_of(group)))
                return _SOME_FAILED
            if group.split(KeyboardInterrupt)[1] is not None:
                raise
        _complain("stopped")
        return stopped.exit_status


def _complain(text: str) -> None:
    print(f"penstock-images: {text}", file=sys.stderr)


def _show(options: Options, choice: GuiChoice) -> int:
    """Serve the page, and return the exit status."""
    try:
        from penstock.samples.images.gui.program import run_gui
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in ("starlette", "hypercorn", "wsproto", "h11", "anyio"):
            raise
        _complain(f"{name} is not installed; try: pip install 'penstock[gui]'")
        return _WRONG_USE
    return run_gui(options, choice)


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _run(options: Options) -> int:
    """Run the modes over the pictures, print the report, and return the exit status."""
    screen = Console(stderr=True, quiet=options.quiet)
    _check_files(options)
    folders = {mode: options.output / mode.value if options.compare else options.output for mode in options.modes}
    received: list[int] = []
    with contextlib.ExitStack() as stack:
        # Pillow warns about things that users cannot change: odd EXIF entries, many pixels below the limit.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
        warnings.simplefilter("ignore", LoopHeldWarning)  # it is meant for people who write programs
        given = stack.enter_context(opened_input(options, screen, list(folders.values())))
        _make_output_folders(folders.values(), given)
        get_ready()
        foreign = stack.enter_context(foreign_lines_kept())
        executor = stack.enter_context(_executor(options, screen))
        reports = trio.run(_run_modes, options, given.jobs, folders, screen, received, executor)
    if str(foreign):
        _complain(printable(str(foreign)))
    status = _status_of(reports, received)
    return _status_of_files(options, reports, given.left_out) or status


def _status_of(reports: Sequence[RunReport], received: Sequence[int]) -> int:
    if received:
        return 128 + received[0]
    if any(report.result.outcome is Outcome.LATE for report in reports):
        return _TOO_LATE
    if not all(report.all_was_written for report in reports):
        return _CANNOT_WRITE
    return _ALL_CAME_OUT if all(report.all_came_out for report in reports) else _SOME_FAILED


def _status_of_files(options: Options, reports: Sequence[RunReport], left_out: str) -> int:
    """Print the report and write the failures; return an exit status if one of them cannot be done."""
    problems: list[str] = []
    if options.errors is not None:
        try:
            write_failures(options.errors, [failure for report in reports for failure in report.result.failures])
        except OSError as error:
            problems.append(f"cannot write {printable(str(options.errors))}: {why(error)}")
    if options.quiet:
        for line in what_went_wrong(reports):
            _complain(line)
    tell = print_networks if options.quiet else partial(print_report, left_out=left_out)
    unshown = show(Console(), partial(tell, reports=reports))
    if unshown is not None:
        problems.append(f"cannot write the report to standard output: {unshown}")
    for problem in problems:
        _complain(problem)
    return _CANNOT_WRITE if problems else 0


def _make_output_folders(folders: Iterable[Path], given: Input) -> None:
    """Make the folders. Each must be writable, and must not be a folder with the pictures."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _UnusableOutputError(f"cannot write to the output folder {folder}: {error.strerror}") from None
        if os.path.realpath(folder) in given.folders:
            raise _UnusableOutputError(f"the output folder must not be the folder of the pictures: {folder}")


def _check_files(options: Options) -> None:
    for mode in options.modes:
        for file in files_of((*options.record, *options.diagram), mode, options):
            problem = why_unusable(file)
            if problem is not None:
                raise _UnusableOutputError(f"cannot write {file}: {problem}")


@contextlib.contextmanager
def _executor(options: Options, screen: Console) -> Generator[Executor | None]:
    """Yield the workers of the blocks, or None if no mode has blocks."""
    if options.model or not any(mode.uses_executor for mode in options.modes):
        yield None
        return
    with contextlib.ExitStack() as stack:
        with screen.status(f"starting workers ({options.executor.value})"):
            executor = stack.enter_context(open_executor(options.executor, options.workers))
        yield executor


async def _run_modes(
    options: Options,
    jobs: Jobs,
    folders: dict[Mode, Path],
    screen: Console,
    received: list[int],
    executor: Executor | None,
) -> list[RunReport]:
    """Run one mode after the other, until all have run or a signal ends them."""
    reports: list[RunReport] = []
    reported, stop = Reported(are_counted=not options.quiet), Stop()
    async with trio.open_nursery() as nursery:
        await nursery.start(_stop_on_signal, stop, received)
        made = await _made(options, jobs, screen, stop) if options.model else None
        for mode, folder in folders.items():
            if stop.requested or any(report.result.outcome is Outcome.FAILED for report in reports):
                break
            reports.append(await run_mode(mode, options, jobs, folder, screen, reported, stop, executor, made))
        nursery.cancel_scope.cancel()
    return reports


def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True)


async def _made(options: Options, jobs: Jobs, screen: Console, stop: Stop) -> dict[Path, MadePicture | Failure]:
    """Make the pictures of the model, before any mode runs."""
    with screen.status("making the pictures beforehand"), stop.watched(), _temporary() as folder:
        return await make_beforehand(jobs.first_round, settings_of(options, Path(folder), 0))
    return {}  # it was stopped


async def _stop_on_signal(
    stop: Stop, received: list[int], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Turn the first signal into the stop command; a second Ctrl-C ends the process as Python does."""
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup ignores SIGHUP
    if not heeded:
        task_status.started()
        return
    with trio.open_signal_receiver(*heeded) as signals:
        task_status.started()
        async for number in signals:
            received.append(number)
            break
    stop.request()
