"""The command line of `penstock-images`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import attrs

from penstock.samples.images.gui_options import GuiChoice, add_gui_options, gui_choice
from penstock.samples.images.option_types import at_least_one, concurrency, deviation, size
from penstock.samples.images.settings import AtOnce, Mode, OnError, Workers, usable_cpus
from penstock.samples.observing import add_observing_options

__all__ = ["Options", "parse_options"]

_OUTPUT = Path("out") / "thumbnails"

_DESCRIPTION = """\
Makes framed thumbnails of a folder of pictures, with Gaussian noise over them, and a contact sheet.
The same four phases (load, scale, noise, output) run in one of four modes:

  sequential     one image after the other; what the others are measured by
  control-flow   one agent a phase, buffers between them
  data-flow      one block a phase, linked into a line (the default)
  load-balanced  as data-flow, with several filter blocks that share the noise phase

Blocks call the phases in threads, in processes or in a Dask cluster, several images of a phase at a time; the
two other modes call the same functions in a thread, one image of a phase at a time. Thumbnails come out in the
order of the file names, and are the same, byte for byte, in every mode and with all workers.
"""

_EPILOG = """\
examples:
  penstock-images                              paint some pictures and run them through the blocks
  penstock-images ~/Pictures --output thumbs   thumbnails of all the pictures in a folder
  penstock-images ~/Pictures --compare --limit 50
                                               all four modes over the first 50, in one table
  penstock-images ~/Pictures --executor processes --workers 4 --concurrency load=4,noise=2
                                               in four processes, at most two images in noise
  penstock-images --compare --record run.svg --record run.json
                                               charts and traces, run-data-flow.svg and so on
  penstock-images --gui                        all of it on a page in the browser
exit status:
  0 all images came out; 1 some failed; 2 wrong use; 124 ended by the time limit; 130 ended by Ctrl-C
"""


@attrs.frozen
class Options:
    """What the user asked for, checked."""

    folder: Path | None
    output: Path
    modes: tuple[Mode, ...]
    compare: bool
    size: tuple[int, int]
    noise: float
    limit: int | None
    repeat: int
    filters: int
    governor: int
    executor: Workers
    workers: int
    at_once: AtOnce
    on_error: OnError
    record: tuple[Path, ...] = ()
    report: bool = False
    diagram: tuple[Path, ...] = ()
    time_limit: float | None = None
    gui: GuiChoice | None = None


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Raises:
        SystemExit: it makes no sense, which was said on stderr, or it asks for help, which was given.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    modes = tuple(Mode) if given.compare else (Mode(given.mode),)
    if modes == (Mode.SEQUENTIAL,) and (given.report or given.diagram):
        parser.error("--report and --diagram are for a network, and the mode sequential has none")
    workers = usable_cpus() if given.workers is None else given.workers
    return Options(
        folder=given.folder,
        output=given.output or _OUTPUT,
        modes=modes,
        compare=given.compare,
        size=given.size,
        noise=given.noise,
        limit=given.limit,
        repeat=given.repeat,
        filters=given.filters,
        governor=given.governor,
        executor=Workers(given.executor),
        workers=workers,
        at_once=attrs.evolve(AtOnce.all(workers), **given.concurrency),
        on_error=OnError(given.on_error),
        record=tuple(given.record),
        report=given.report,
        diagram=tuple(given.diagram),
        time_limit=given.time_limit,
        gui=gui_choice(parser, given),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock-images",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="folder of pictures; without it, some are painted",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for thumbnails and contact sheet, made if need be; files of the same names are replaced "
        f"(default: {_OUTPUT})",
    )
    _add_what(parser)
    _add_how(parser)
    group = parser.add_argument_group("how it is looked at")
    add_observing_options(group, note="; with --compare there is one file a mode, such as run-data-flow.svg")
    add_gui_options(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is made")
    group.add_argument(
        "--size",
        type=size,
        metavar="WxH",
        default=(320, 240),
        help="width and height of the thumbnails with their frames, in pixels (default: 320x240)",
    )
    group.add_argument(
        "--noise",
        type=deviation,
        metavar="SIGMA",
        default=16.0,
        help="standard deviation of the noise, from 0 (none) to 255 (default: %(default)g)",
    )
    group.add_argument("--limit", type=at_least_one, metavar="N", help="take only the first N pictures of the folder")
    group.add_argument(
        "--repeat",
        type=at_least_one,
        metavar="N",
        default=1,
        help="go through these pictures N times, for a longer run (default: %(default)s)",
    )


def _add_how(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it is run")
    modes = group.add_mutually_exclusive_group()
    names = [mode.value for mode in Mode]
    modes.add_argument(
        "--mode",
        choices=names,
        metavar="MODE",
        default=Mode.DATA_FLOW.value,
        help=f"{', '.join(names[:-1])} or {names[-1]} (default: %(default)s)",
    )
    modes.add_argument(
        "--compare",
        action="store_true",
        help="run all four modes, each into a folder of its own below DIR, and compare them in one table",
    )
    _add_workers(group)
    group.add_argument(
        "--filters",
        type=at_least_one,
        metavar="N",
        default=2,
        help="filter blocks in the load-balanced mode (default: %(default)s)",
    )
    group.add_argument(
        "--governor",
        type=at_least_one,
        metavar="N",
        default=20,
        help="images in the pipeline at a time (default: %(default)s)",
    )
    group.add_argument(
        "--on-error",
        choices=[choice.value for choice in OnError],
        default=OnError.SKIP.value,
        help="what to do when a picture cannot be worked on (default: %(default)s)",
    )


def _add_workers(group: argparse._ArgumentGroup) -> None:
    kinds = [kind.value for kind in Workers]
    group.add_argument(
        "--executor",
        choices=kinds,
        metavar="KIND",
        default=Workers.THREADS.value,
        help=f"what blocks call the phases in: {', '.join(kinds[:-1])} or {kinds[-1]} (default: %(default)s); Dask "
        "takes the cluster of DASK_SCHEDULER_ADDRESS or starts one",
    )
    group.add_argument(
        "--workers",
        type=at_least_one,
        metavar="N",
        help=f"how many threads or processes (default: one a usable processor, {usable_cpus()} here)",
    )
    group.add_argument(
        "--concurrency",
        type=concurrency,
        metavar="PHASE=N,...",
        default={},
        help="how many images a block has in work at a time, by phase, such as load=2,noise=1 (default: as many as "
        "there are workers)",
    )
