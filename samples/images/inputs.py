"""Finds the pictures of a run in folders, files, patterns or a list on standard input, or paints some."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import attrs
from rich.console import Console
from rich.progress import track

from penstock.samples.images.files import NoPicturesError, find_all
from penstock.samples.images.jobs import Jobs, list_jobs
from penstock.samples.images.options import LIST, Options
from penstock.samples.images.pictures import make_pictures

__all__ = ["Input", "opened_input", "read_list"]

_PAINTED = 15  # the number of pictures that are painted if none are named; `--limit` can lower it
_SHRINK = 2  # to compare modes, their sides are this many times smaller, so that they fit into the thumbnails unscaled


@attrs.frozen
class Input:
    """The input of a run.

    Args:
        jobs: one or more jobs.
        folders: the folders of the pictures.
        left_out: a text about files that were left out; empty if there are none.
    """

    jobs: Jobs
    folders: frozenset[str]
    left_out: str = ""


@contextlib.contextmanager
def opened_input(options: Options, screen: Console, outputs: Sequence[Path]) -> Generator[Input]:
    """Find the user's pictures, or paint some into a temporary folder.

    Raises:
        NoPicturesError: there are no pictures.
    """
    if options.sources:
        named = [source for source in options.sources if source != LIST]
        listed = read_list(_standard_input()) if LIST in options.sources else []
        found = find_all(named, listed, recursive=options.recursive, outputs=outputs)
        jobs = list_jobs(found.pictures, options.limit, options.repeat)
        yield Input(jobs, _folders_of(found.pictures), str(found.left_out))
        return
    count = min(_PAINTED, options.limit or _PAINTED)
    with tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        painted = make_pictures(folder, count, shrink=_SHRINK if options.compare else 1)
        pictures = list(track(painted, "     painting", total=count, console=screen, transient=True))
        yield Input(list_jobs(pictures, None, options.repeat, root=folder), _folders_of(pictures))


def _standard_input() -> bytes:
    """Return the content of standard input; nothing if it is closed."""
    try:
        return b"" if sys.stdin is None else sys.stdin.buffer.read()
    except OSError:
        return b""


def read_list(data: bytes) -> list[Path]:
    """Return the files of a list: one name per line, or separated by null characters, as `find -print0` writes them.

    Raises:
        NoPicturesError: the list is empty.
    """
    names = data.split(b"\0") if b"\0" in data else data.replace(b"\r\n", b"\n").split(b"\n")
    paths = [Path(os.fsdecode(name)) for name in names if name]
    if not paths:
        raise NoPicturesError("no pictures: the list on standard input is empty")
    return paths


def _folders_of(pictures: Iterable[Path]) -> frozenset[str]:
    return frozenset(os.path.realpath(folder) for folder in {path.parent for path in pictures})
