"""The command line of `penstock-images`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from penstock.samples.images.settings import Mode, OnError

__all__ = ["Options", "parse_options"]

_DESCRIPTION = """\
Makes framed thumbnails of a folder of pictures, with Gaussian noise over them, and a contact sheet.
The same four phases (load, scale, noise, output) run in one of four modes:

  sequential     one image after the other; what the others are measured by
  control-flow   one agent a phase, buffers between them
  data-flow      one block a phase, linked into a line (the default)
  load-balanced  as data-flow, with several filter blocks that share the noise phase

Thumbnails come out in the order of the file names, and are the same, byte for byte, in every mode.
"""

_EPILOG = """\
examples:
  penstock-images                              paint some pictures and run them through the blocks
  penstock-images ~/Pictures --output thumbs   thumbnails of all the pictures in a folder
  penstock-images ~/Pictures --compare --limit 50
                                               all four modes over the first 50, in one table
exit status:
  0 all images came out; 1 some failed; 2 wrong use; 130 ended by Ctrl-C
"""

_SMALLEST, _LARGEST = 32, 4096


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
    on_error: OnError


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Raises:
        SystemExit: it makes no sense, which was said on stderr, or it asks for help, which was given.
    """
    given = _parser().parse_args(arguments)
    modes = tuple(Mode) if given.compare else (Mode(given.mode),)
    return Options(
        folder=given.folder,
        output=given.output,
        modes=modes,
        compare=given.compare,
        size=given.size,
        noise=given.noise,
        limit=given.limit,
        repeat=given.repeat,
        filters=given.filters,
        governor=given.governor,
        on_error=OnError(given.on_error),
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
        default=Path("out") / "thumbnails",
        help="folder for thumbnails and contact sheet, made if need be; files of the same names are replaced "
        "(default: %(default)s)",
    )
    _add_what(parser)
    _add_how(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is made")
    group.add_argument(
        "--size",
        type=_size,
        metavar="WxH",
        default=(320, 240),
        help="width and height of the thumbnails with their frames, in pixels (default: 320x240)",
    )
    group.add_argument(
        "--noise",
        type=_sigma,
        metavar="SIGMA",
        default=16.0,
        help="standard deviation of the noise, from 0 (none) to 255 (default: %(default)g)",
    )
    group.add_argument("--limit", type=_at_least_one, metavar="N", help="take only the first N pictures of the folder")
    group.add_argument(
        "--repeat",
        type=_at_least_one,
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
    group.add_argument(
        "--filters",
        type=_at_least_one,
        metavar="N",
        default=2,
        help="filter blocks in the load-balanced mode (default: %(default)s)",
    )
    group.add_argument(
        "--governor",
        type=_at_least_one,
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


def _whole(text: str, allowed: Callable[[int], bool], expected: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or not allowed(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value


def _at_least_one(text: str) -> int:
    return _whole(text, lambda value: value >= 1, "a whole number from 1")


def _size(text: str) -> tuple[int, int]:
    expected = f"WIDTHxHEIGHT such as 320x240, each from {_SMALLEST} to {_LARGEST}"
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    width, height = int(parts[0]), int(parts[1])
    if not (_SMALLEST <= width <= _LARGEST and _SMALLEST <= height <= _LARGEST):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return width, height


def _sigma(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 255:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 255, got {text!r}")
    return value
