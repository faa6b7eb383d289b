"""The command `python -m penstock.blocks.recording run.json`: replays a recorded run, or draws it."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from .player import HELP, Player
from .recording import Recording


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 2 (a file that cannot be used) or 130 (Ctrl-C)."""
    options = parser().parse_args(arguments)
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="replace")  # names may have letters that the terminal lacks
    try:
        recording = Recording.load(options.file)
        if options.svg or options.png:
            draw(recording, options)
        else:
            replay(recording, options.delay)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m penstock.blocks.recording",
        description="Go through a recorded run step by step, or draw it.",
        epilog=f"On a terminal: {HELP}. Elsewhere all steps are printed.",
    )
    parser.add_argument("file", help="a file written by recording.save('run.json')")
    parser.add_argument("--delay", type=seconds, metavar="SECONDS", help="play by itself, with a pause after each step")
    parser.add_argument("--svg", metavar="FILE", help="draw the run as an SVG file")
    parser.add_argument("--png", metavar="FILE", help="draw the run as a PNG file")
    parser.add_argument("--width", type=int, default=1280, metavar="PIXELS", help="width of the drawing (1280)")
    parser.add_argument("--from", dest="start", type=seconds, metavar="SECONDS", help="where the drawing begins")
    parser.add_argument("--to", dest="end", type=seconds, metavar="SECONDS", help="where the drawing ends")
    return parser


def seconds(text: str) -> float:
    """Read a number of seconds."""
    number = float(text)
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, got {text!r}")
    return number


def draw(recording: Recording, options: argparse.Namespace) -> None:
    """Write the files that the options ask for."""
    picture = {"width": options.width, "start": options.start, "end": options.end}
    if options.svg:
        Path(options.svg).write_text(recording.to_svg(**picture), encoding="utf-8")
    if options.png:
        Path(options.png).write_bytes(recording.to_png(**picture))


def replay(recording: Recording, delay: float | None) -> None:
    """Show the steps; on a terminal, ask after each what to do next."""
    player = Player(recording, Console(highlight=False), input, time.sleep)
    if delay is None and sys.stdin.isatty() and sys.stdout.isatty():
        print(HELP)
        player.browse()
    else:
        player.play(delay or 0.0)


if __name__ == "__main__":
    sys.exit(main())
