"""The command, from its arguments to its exit status."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import warnings
from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import cast

import trio
from rich.console import Console
from rich.progress import track

from penstock.blocks import WorkerDied
from penstock.samples.images.executors import UnusableWorkersError, open_executor
from penstock.samples.images.files import NoPicturesError, find_pictures, list_jobs
from penstock.samples.images.gui_options import GuiChoice
from penstock.samples.images.load import get_ready
from penstock.samples.images.mode_run import files_of, run_mode
from penstock.samples.images.names import printable
from penstock.samples.images.options import Options, parse_options
from penstock.samples.images.pictures import make_pictures
from penstock.samples.images.progress import ProgressDisplay, Reported
from penstock.samples.images.record import Job
from penstock.samples.images.report import RunReport, print_report
from penstock.samples.images.run import Outcome, Stop
from penstock.samples.images.settings import Mode
from penstock.samples.observing import why_unusable

__all__ = ["run_command"]

_ALL_CAME_OUT, _SOME_FAILED, _WRONG_USE, _TOO_LATE, _INTERRUPTED = 0, 1, 2, 124, 130

_PAINTED = 15  # pictures, when no folder is given; fewer with a lower limit


class _UnusableOutputError(Exception):
    """The output folder cannot be used; the message says why, on one line."""


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Do what `arguments` say and return the exit status."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # a terminal that lacks a character must not end the run
        reconfigure(errors="replace")
    try:
        options = parse_options(arguments)
        return _run(options) if options.gui is None else _show(options, options.gui)
    except SystemExit as end:  # argparse has said what there is to say
        return end.code if isinstance(end.code, int) else _ALL_CAME_OUT
    except (NoPicturesError, UnusableWorkersError, _UnusableOutputError) as error:
        print(f"penstock-images: error: {printable(str(error))}", file=sys.stderr)
        return _WRONG_USE
    except KeyboardInterrupt:
        pass
    except BaseExceptionGroup as group:
        if group.split(WorkerDied)[1] is None:
            print(f"penstock-images: error: {_first_of(group)}", file=sys.stderr)
            return _SOME_FAILED
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
    print("penstock-images: interrupted", file=sys.stderr)
    return _INTERRUPTED


def _show(options: Options, choice: GuiChoice) -> int:
    """Serve the page, and return the exit status."""
    try:
        from penstock.samples.images.gui.program import run_gui
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in ("starlette", "hypercorn", "wsproto", "h11", "anyio"):
            raise
        print(f"penstock-images: {name} is not installed; try: pip install 'penstock[gui]'", file=sys.stderr)
        return _WRONG_USE
    return run_gui(options, choice)


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _run(options: Options) -> int:
    """Run the modes over the pictures, print the report, and return the exit status."""
    screen = Console(stderr=True)
    _check_files(options)
    with contextlib.ExitStack() as stack:
        # Pillow warns of what a user cannot change: odd EXIF entries, many pixels, yet below the limit.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
        pictures = stack.enter_context(_pictures(options, screen))
        folders = _output_folders(options, pictures)
        jobs = list_jobs(pictures, options.limit, options.repeat)
        get_ready()
        executor = stack.enter_context(_executor(options, screen))
        stop = Stop()
        reports = trio.run(_run_modes, options, jobs, folders, screen, stop, executor)
    print_report(Console(), reports)
    if stop.requested:
        return _INTERRUPTED
    if any(report.result.outcome is Outcome.LATE for report in reports):
        return _TOO_LATE
    went_well = all(
        report.result.outcome is Outcome.DONE
        and not report.result.failures
        and not any(page.problem for page in report.result.pages)
        and not report.saved.problems
        for report in reports
    )
    return _ALL_CAME_OUT if went_well else _SOME_FAILED


@contextlib.contextmanager
def _pictures(options: Options, screen: Console) -> Generator[list[Path]]:
    """The user's pictures, or painted ones in a temporary folder."""
    if options.folder is not None:
        yield find_pictures(options.folder)
        return
    count = min(_PAINTED, options.limit or _PAINTED)
    with tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as folder:
        painted = make_pictures(Path(folder), count)
        yield list(track(painted, "     painting", total=count, console=screen, transient=True))


def _output_folders(options: Options, pictures: Sequence[Path]) -> dict[Mode, Path]:
    """Make a folder for each mode; each can be written to and is not the folder of the pictures."""
    folders = {mode: options.output / mode.value if options.compare else options.output for mode in options.modes}
    for folder in folders.values():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _UnusableOutputError(f"cannot write to the output folder {folder}: {error.strerror}") from None
        if folder.samefile(pictures[0].parent):
            raise _UnusableOutputError(f"the output folder must not be the folder of the pictures: {folder}")
    return folders


def _check_files(options: Options) -> None:
    for mode in options.modes:
        for file in files_of((*options.record, *options.diagram), mode, options):
            problem = why_unusable(file)
            if problem is not None:
                raise _UnusableOutputError(f"cannot write {file}: {problem}")


@contextlib.contextmanager
def _executor(options: Options, screen: Console) -> Generator[Executor | None]:
    """The workers of the blocks, or None if no block will run."""
    if not any(mode.uses_executor for mode in options.modes):
        yield None
        return
    with contextlib.ExitStack() as stack:
        with screen.status(f"starting workers ({options.executor.value})"):
            executor = stack.enter_context(open_executor(options.executor, options.workers))
        yield executor


async def _run_modes(
    options: Options,
    jobs: Sequence[Job],
    folders: dict[Mode, Path],
    screen: Console,
    stop: Stop,
    executor: Executor | None,
) -> list[RunReport]:
    """Run one mode after the other, until they are through or somebody presses Ctrl-C."""
    reports: list[RunReport] = []
    reported = Reported()
    async with trio.open_nursery() as nursery:
        await nursery.start(_stop_on_interrupt, stop)
        for mode, folder in folders.items():
            if stop.requested:
                break
            with ProgressDisplay(screen, mode, len(jobs), reported) as display:
                reports.append(await run_mode(mode, options, jobs, folder, display, stop, executor))
        nursery.cancel_scope.cancel()
    return reports


async def _stop_on_interrupt(stop: Stop, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Turn the first Ctrl-C into the stop command; a second one ends the process as Python does."""
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            break
    stop.request()
