"""Finds pictures in folders, files and lists, and counts the files and folders that it leaves out."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from penstock.samples.images import left_out
from penstock.samples.images.formats import EXTENSIONS
from penstock.samples.images.left_out import LeftOut
from penstock.samples.images.natural import natural_order

__all__ = ["Found", "NoPicturesError", "find_all", "find_pictures"]


class NoPicturesError(Exception):
    """There are no pictures to work on; the message says why, on one line."""


@attrs.frozen
class Found:
    """The pictures that were found, and counts of what was left out.

    Args:
        pictures: the pictures, in the order in which they are worked on.
        left_out: the counts of files that are not pictures and of folders that were not searched.
    """

    pictures: list[Path]
    left_out: LeftOut = attrs.field(factory=LeftOut)


def find_pictures(folder: Path) -> list[Path]:
    """Return the pictures in `folder`, in natural order of their names; sub-folders are not searched.

    A picture is a file with one of `EXTENSIONS`, in upper or lower case, that is not hidden. Only loading it shows
    whether it can be read.

    Raises:
        NoPicturesError: the folder does not exist, cannot be listed, or has no pictures.
    """
    out = LeftOut()
    pictures = sorted(_in_folder(folder, out), key=natural_order)
    if not pictures:
        raise NoPicturesError(f"no pictures in {folder}{_but(out)}")
    return pictures


def find_all(
    sources: Sequence[Path], listed: Iterable[Path] = (), *, recursive: bool, outputs: Sequence[Path]
) -> Found:
    """Return the pictures of several sources, each picture once.

    Args:
        sources: folders, files, and patterns such as `*.jpg`, in the order in which they are worked on. A file that is
            named itself may have any extension.
        listed: the files of a list, which may have any extension too. A missing file is only noticed when it is loaded.
        recursive: whether to search sub-folders.
        outputs: the folders for thumbnails; a search leaves them out.

    Raises:
        NoPicturesError: something does not exist or cannot be listed, or there are no pictures at all.
    """
    found, seen = Found([]), set[str]()
    taken = {os.path.realpath(folder) for folder in outputs}
    for path in (*_of_sources(sources, found.left_out, recursive, taken), *listed):
        known = os.path.abspath(path)
        if known in seen:
            found.left_out.add(left_out.TWICE)
        else:
            seen.add(known)
            found.pictures.append(path)
    if not found.pictures:
        where = f"in {sources[0]}" if len(sources) == 1 else "anywhere"
        raise NoPicturesError(f"no pictures {where}{_but(found.left_out)}")
    return found


def _but(what: LeftOut) -> str:
    return f"; left out: {what}" if what else ""


def _of_sources(sources: Sequence[Path], out: LeftOut, recursive: bool, taken: set[str]) -> Iterator[Path]:
    for source in sources:
        if os.path.isdir(source):
            folders = _tree(source, out, taken) if recursive else [_in_folder(source, out)]
            yield from sorted((path for folder in folders for path in folder), key=natural_order)
        elif os.path.lexists(source):
            yield source
        else:
            matches = [Path(match) for match in glob.glob(str(source), recursive=True)]
            if not matches:
                raise NoPicturesError(f"no such file or folder: {source}")
            pictures = [path for path in matches if _is_picture(path, out)]
            yield from sorted(pictures, key=natural_order)


def _in_folder(folder: Path, out: LeftOut) -> list[Path]:
    """Return the pictures directly in a folder, and count everything else."""
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        raise NoPicturesError(f"no such folder: {folder}") from None
    except NotADirectoryError:
        raise NoPicturesError(f"not a folder: {folder}") from None
    except OSError as error:
        raise NoPicturesError(f"cannot read the folder {folder}: {error.strerror}") from None
    return [path for path in entries if _is_picture(path, out)]


def _is_picture(path: Path, out: LeftOut) -> bool:
    if path.name.startswith("."):
        out.add(left_out.HIDDEN)
    elif os.path.isdir(path):  # pathlib's is_dir can raise
        out.add(left_out.FOLDERS)
    elif path.suffix.lower() in EXTENSIONS:
        return True
    else:
        out.add_file(path)
    return False


def _tree(top: Path, out: LeftOut, taken: set[str]) -> Iterator[list[Path]]:
    """Return the pictures in a folder and below it; hidden folders, linked folders and thumbnails are left out."""
    with_error: list[OSError] = []
    for folder, names, files in os.walk(top, onerror=with_error.append):
        below: list[str] = []
        for name in names:
            path = os.path.join(folder, name)
            if name.startswith("."):
                out.add(left_out.HIDDEN)
            elif os.path.islink(path):
                out.add(left_out.LINKED_FOLDERS)
            elif os.path.realpath(path) in taken:
                out.add(left_out.OUTPUT, _count_in(path))
            else:
                below.append(name)
        names[:] = below
        yield [path for path in (Path(folder, name) for name in files) if _is_picture(path, out)]
    if with_error and not os.access(top, os.R_OK | os.X_OK):
        raise NoPicturesError(f"cannot read the folder {top}: {with_error[0].strerror}")
    if with_error:
        out.add(left_out.UNREADABLE, len(with_error))


def _count_in(folder: str) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))
