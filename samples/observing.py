"""The options of the samples for observing a run: recording, report, diagram and time limit."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
from collections.abc import Sequence
from pathlib import Path

from penstock.blocks import Recording
from penstock.samples.command.parser import OptionGroup

__all__ = ["add_observing_options", "diagram_file", "file_of_mode", "record_file", "seconds", "why_unusable"]

DIAGRAMS = (".mmd", ".dot")


def add_observing_options(group: OptionGroup, *, note: str = "") -> None:
    """Add `--record`, `--report`, `--diagram` and `--time-limit`.

    Args:
        group: where to add them.
        note: added to the help for files; `{}` stands for the suffix of an example.
    """
    group.add_argument(
        "--record",
        type=record_file,
        action="append",
        metavar="FILE",
        default=[],
        help="record who worked on what, and when: a chart (*.svg, *.png), or a trace for "
        f"https://ui.perfetto.dev (*.json); can be given several times{note.format('.svg')}",
    )
    group.add_argument(
        "--report",
        action="store_true",
        help="print at the end what each block and agent has done, how long it waited, and the bottleneck",
    )
    group.add_argument(
        "--diagram",
        type=diagram_file,
        action="append",
        metavar="FILE",
        default=[],
        help="write the blocks, agents and links with the numbers of the run, for Mermaid (*.mmd) or Graphviz (*.dot); "
        f"can be given several times{note.format('.mmd')}",
    )
    group.add_argument(
        "--time-limit",
        type=seconds,
        metavar="SECONDS",
        help="stop a run that takes longer, and print where its items were",
    )


def record_file(text: str) -> Path:
    """Return the path of a file for a recording, after checking that it can probably be written."""
    return _file(text, Recording.forms)


def diagram_file(text: str) -> Path:
    """Return the path of a file for a diagram, after checking that it can probably be written."""
    return _file(text, DIAGRAMS)


def _file(text: str, forms: Sequence[str]) -> Path:
    path = Path(text)
    if path.suffix.lower() not in forms:
        expected = f"a file called {', '.join(f'*{form}' for form in forms[:-1])} or *{forms[-1]}"
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    problem = why_unusable(path)
    if problem is not None:
        raise argparse.ArgumentTypeError(f"cannot write {text!r}: {problem}")
    return path


def why_unusable(path: Path) -> str | None:
    """Return the reason why a recording or a diagram cannot be written to `path`, or None."""
    if "\0" in str(path) or not path.parent.is_dir():
        return "there is no such folder"
    if path.exists() and not path.is_file():
        return "it is not a plain file"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return "the file system can only be read" if _is_read_only(path.parent) else "permission denied"
    if path.suffix.lower() == ".png" and importlib.util.find_spec("PIL") is None:
        return "Pillow is not installed; try: pip install 'penstock[png]'"
    return None


def _is_read_only(folder: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def seconds(text: str) -> float:
    """Return a number of seconds > 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds > 0, got {text!r}")
    return value


def file_of_mode(path: Path, mode: str) -> Path:
    """Return the file for one of several modes: `run.svg` becomes `run-data-flow.svg`."""
    return path.with_stem(f"{path.stem}-{mode}")
