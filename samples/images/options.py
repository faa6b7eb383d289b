"""The command line of `penstock-images`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import attrs

from penstock.samples.command.parser import (
    CommandParser,
    OptionGroup,
    file_path,
    folder_path,
    option_names,
    whole_number,
)
from penstock.samples.images.gui_options import GuiChoice, add_gui_options, gui_choice
from penstock.samples.images.option_types import concurrency, deviation, size, times
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import CHAPTER_MODES, AtOnce, Mode, OnError, PhaseTimes, Workers, usable_cpus
from penstock.samples.observing import add_observing_options

__all__ = ["LIST", "Options", "parse_options"]

LIST = Path("-")
"""Stands for the list of files on standard input."""

_OUTPUT = Path("out") / "thumbnails"

_DESCRIPTION = """\
Makes framed thumbnails of pictures, with Gaussian noise over them, and a contact sheet.
The same four phases (load, scale, noise, output) run in one of four modes:

  sequential     one image after the other; the other modes are compared with it
  control-flow   one agent per phase, with buffers between them
  data-flow      one block per phase, linked into a line (the default)
  load-balanced  as data-flow, but several filter blocks share the noise phase

Blocks run the phases in threads, in processes or in a Dask cluster, on several images per phase at once. The other two
modes run the same functions in threads, on one image per phase at a time. Thumbnails come out in the natural order of
the file names, and are the same, byte for byte, in every mode and with all kinds of workers.

With --plan, the phases are measured first, and run in the best stages, which may do several phases each.
With --model, the phases wait instead of working, so that every computer gives the chapter's figures.
"""

_EPILOG = """\
examples:
  penstock-images                              paint some pictures and run them through the blocks
  penstock-images ~/Pictures --output thumbs   thumbnails of all the pictures in a folder
  penstock-images ~/Pictures --recursive --resume
                                               also of the folders below it, but only of new or changed pictures
  find . -size +1M -name '*.jpg' | penstock-images -
                                               of the files in a list, one per line
  penstock-images ~/Pictures --compare --limit 50
                                               all four modes over the first 50, in one table
  penstock-images ~/Pictures --executor processes --workers 4 --concurrency load=4,noise=2
                                               in four processes, with up to two images in noise
  penstock-images --compare --record run.svg --record run.json
                                               charts and traces, such as run-data-flow.svg
  penstock-images --compare --model --times noise=300
                                               the chapter's model: six pictures, four phases of 300 ms each
  penstock-images ~/Pictures --plan            measure the phases, and run them in the best stages
  penstock-images --gui                        all of it on a page in the browser

exit status:
  0 all images came out; 1 some failed; 2 wrong use, or something cannot be written; 124 ended by the time limit;
  130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP
"""

_OF_BLOCKS = ("executor", "workers", "concurrency")
_OF_A_NETWORK = ("governor", "report", "diagram")
_OF_PICTURES = ("recursive", "resume")
_OF_WORK = ("executor", "workers", "resume")
_MODEL_PICTURES = 6  # as in the chapter's figures


@attrs.frozen
class Options:
    """The checked options of the user.

    Args:
        sources: folders, files and patterns; `LIST` stands for the list on standard input. If empty, some are painted.
        times: how long the phases of the model wait; they are used if `model` is set.
    """

    sources: tuple[Path, ...]
    output: Path
    modes: tuple[Mode, ...]
    compare: bool
    size: tuple[int, int]
    noise: float
    layers: int
    limit: int | None
    repeat: int
    filters: int
    governor: int
    executor: Workers
    workers: int
    at_once: AtOnce
    on_error: OnError
    recursive: bool = False
    resume: bool = False
    errors: Path | None = None
    record: tuple[Path, ...] = ()
    report: bool = False
    diagram: tuple[Path, ...] = ()
    time_limit: float | None = None
    quiet: bool = False
    model: bool = False
    times: PhaseTimes = attrs.field(factory=PhaseTimes)
    gui: GuiChoice | None = None


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Raises:
        SystemExit: an error or the help was printed.
    """
    parser = _parser()
    found = parser.parse_args(arguments)
    given = {name for name, value in vars(found).items() if value not in (None, False, [])}
    modes = CHAPTER_MODES if found.compare else (_mode_of(found),)
    if found.times and not found.model:
        parser.error("--times is for --model")
    if found.plan and found.model:
        parser.error("--plan is for phases that work, and those of the model wait")
    gui = gui_choice(parser, found)
    if gui is None:
        _refuse_what_is_not_used(parser, found, given, modes)
    return _options(found, modes, gui)


def _mode_of(found: argparse.Namespace) -> Mode:
    return Mode.PLANNED if found.plan else Mode(found.mode or Mode.DATA_FLOW.value)


def _options(found: argparse.Namespace, modes: tuple[Mode, ...], gui: GuiChoice | None) -> Options:
    """Return the options, with defaults for those that were not given.

    To compare modes as the chapter does, the filter must be the slowest phase, each phase must have a concurrency of 1
    so that balancing helps, and there must be a worker for each block.
    """
    compares, filters, model = found.compare, found.filters or 2, found.model
    workers = found.workers or (len(Phase) - 1 + filters if compares else usable_cpus())
    each_once = compares or model
    size, layers, repeat = _amount_of_work(found)
    return Options(
        sources=tuple(found.sources),
        output=found.output or _OUTPUT,
        modes=modes,
        compare=compares,
        size=found.size or size,
        noise=16.0 if found.noise is None else found.noise,
        layers=found.layers or layers,
        limit=found.limit or (_MODEL_PICTURES if model and not found.sources else None),
        repeat=found.repeat or repeat,
        filters=filters,
        governor=found.governor or 20,
        executor=Workers(found.executor or Workers.THREADS.value),
        workers=workers,
        at_once=attrs.evolve(AtOnce.all(1 if each_once else workers), **(found.concurrency or {})),
        on_error=OnError(found.on_error or OnError.SKIP.value),
        recursive=found.recursive,
        resume=found.resume,
        errors=found.errors,
        record=tuple(found.record),
        report=found.report,
        diagram=tuple(found.diagram),
        time_limit=found.time_limit,
        quiet=found.quiet,
        model=model,
        times=attrs.evolve(PhaseTimes(), **(found.times or {})),
        gui=gui,
    )


def _amount_of_work(found: argparse.Namespace) -> tuple[tuple[int, int], int, int]:
    """Return the size, the layers and the rounds by default. A run that is compared or watched must not be short."""
    if found.model:
        return (640, 480) if found.gui else (320, 240), 1, 1
    if found.compare:
        return (1024, 768), 8, 1 if found.sources else 8
    if found.gui and not found.sources:
        return (640, 480), 10, 10
    return (320, 240), 1, 1


def _refuse_what_is_not_used(
    parser: CommandParser, found: argparse.Namespace, given: set[str], modes: tuple[Mode, ...]
) -> None:
    """End the program if an option has no effect."""

    def refuse(names: Sequence[str], what_for: str) -> None:
        useless = [name for name in names if name in given]
        if useless:
            parser.error(f"{option_names(useless)} {'is' if len(useless) == 1 else 'are'} for {what_for}")

    if found.plan:
        if found.executor == Workers.DASK.value:
            parser.error("--plan is for threads and processes on this machine")
        refuse(["concurrency"], "a block per phase, and a plan has its own workers")
    if found.model:
        refuse(_OF_WORK, "phases that work, and those of the model wait")
    if not found.sources:
        refuse(_OF_PICTURES, "pictures of yours, and none were named")
    if found.compare:
        refuse(["resume"], "one mode: a comparison runs all the work in each mode")
        return
    mode = modes[0]
    if mode is Mode.SEQUENTIAL:
        refuse(_OF_A_NETWORK, "a network, and the mode sequential has none")
    if not mode.uses_executor:
        refuse(_OF_BLOCKS, f"blocks, and the mode {mode.value} has none")
    if mode is not Mode.LOAD_BALANCED:
        refuse(["filters"], "the mode load-balanced")
    elif Phase.NOISE.value in (found.concurrency or {}):
        parser.error("--concurrency noise=N is for the mode data-flow; load-balanced has --filters for that")


def _parser() -> CommandParser:
    parser = CommandParser("penstock-images", _DESCRIPTION, _EPILOG)
    parser.add_argument(
        "sources",
        nargs="*",
        type=file_path,
        metavar="PICTURES",
        help="folders of pictures, files, patterns such as 'a*.jpg', or - for a list of files on standard input, one "
        "per line or separated by null characters; if none are named, some are painted",
    )
    parser.add_argument("--recursive", action="store_true", help="search the sub-folders too")
    parser.add_argument(
        "--output",
        type=folder_path,
        metavar="DIR",
        help="folder for thumbnails, contact sheet and manifest; it is made if needed, and older files are replaced "
        f"(default: {_OUTPUT})",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave out pictures whose thumbnails are up to date according to the manifest in DIR, and name files that "
        "no longer belong there",
    )
    parser.add_argument(
        "--errors", type=file_path, metavar="FILE", help="write the pictures that failed, with reasons, one per line"
    )
    _add_what(parser)
    _add_how(parser)
    group = parser.add_argument_group("observing the run")
    group.add_argument("--quiet", action="store_true", help="no progress and no table, only errors")
    add_observing_options(group, note="; with --compare there is one file per mode, such as run-data-flow{}")
    add_gui_options(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("thumbnails")
    group.add_argument(
        "--size",
        type=size,
        metavar="WxH",
        help="width and height of the thumbnails with their frames, in pixels (default: 320x240; to compare: 1024x768)",
    )
    group.add_argument(
        "--noise",
        type=deviation,
        metavar="SIGMA",
        help="standard deviation of the noise, from 0 (none) to 255 (default: 16)",
    )
    group.add_argument(
        "--layers",
        type=whole_number(1),
        metavar="N",
        help="number of layers of noise; each takes the same time (default: 1; to compare: 8)",
    )
    group.add_argument("--limit", type=whole_number(1), metavar="N", help="take only the first N pictures")
    group.add_argument(
        "--repeat",
        type=whole_number(1),
        metavar="N",
        help="go through these pictures N times, for a longer run (default: 1; to compare painted pictures: 8)",
    )


def _add_how(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    modes = group.add_mutually_exclusive_group()
    names = [mode.value for mode in CHAPTER_MODES]
    modes.add_argument(
        "--mode", choices=names, metavar="MODE", help=f"{', '.join(names[:-1])} or {names[-1]} (default: data-flow)"
    )
    modes.add_argument(
        "--compare",
        action="store_true",
        help="run these four modes, each with its own folder below DIR, and compare them in one table; unless other "
        "options change that, each phase works on one image at a time, and the filter has most of the work",
    )
    _add_model(group)
    modes.add_argument(
        "--plan",
        action="store_true",
        help="measure the phases with up to 20 pictures, show how to put them together best for as many processors as "
        "there are workers, and run in these stages; with --executor processes, stages may run in processes",
    )
    _add_workers(group)
    group.add_argument(
        "--filters",
        type=whole_number(1),
        metavar="N",
        help="filter blocks in the mode load-balanced (default: 2)",
    )
    group.add_argument(
        "--governor", type=whole_number(1), metavar="N", help="the pipeline holds up to N images (default: 20)"
    )
    group.add_argument(
        "--on-error",
        choices=[choice.value for choice in OnError],
        help="what to do when a picture fails (default: skip)",
    )


def _add_model(group: OptionGroup) -> None:
    group.add_argument(
        "--model",
        action="store_true",
        help="the phases wait instead of working, each for its time, and the pictures are made beforehand: figures of "
        f"the chapter's model, on any computer ({_MODEL_PICTURES} pictures unless other options change that, one at a "
        "time per phase, no contact sheet)",
    )
    group.add_argument(
        "--times",
        type=times,
        metavar="PHASE=MS,...",
        help="milliseconds that the phases of the model wait (default: load=300,scale=300,noise=600,output=300)",
    )


def _add_workers(group: OptionGroup) -> None:
    kinds = [kind.value for kind in Workers]
    group.add_argument(
        "--executor",
        choices=kinds,
        metavar="KIND",
        help=f"the workers that run the phases: {', '.join(kinds[:-1])} or {kinds[-1]} (default: threads); Dask uses "
        "the cluster of DASK_SCHEDULER_ADDRESS or starts one",
    )
    group.add_argument(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help=f"number of threads or processes (default: one per usable processor, {usable_cpus()} here; to compare: "
        "one per phase and filter)",
    )
    group.add_argument(
        "--concurrency",
        type=concurrency,
        metavar="PHASE=N,...",
        help="number of images that a block works on at once, by phase, such as load=2,noise=1 (default: the number "
        "of workers; to compare: 1)",
    )
