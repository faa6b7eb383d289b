"""The part of the disk that the page may see: folders below the start folder, and the pictures in them."""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from penstock.samples.images.files import NoPicturesError, find_pictures
from penstock.samples.images.formats import EXTENSIONS

__all__ = ["FolderError", "Folders", "Listing"]

_MAX_LISTED, _MAX_LOOKED_AT, _MAX_SHOWN = 500, 20_000, 200


class FolderError(Exception):
    """This folder cannot be used; the message says why, on one line."""


@attrs.frozen
class Listing:
    """The content of a folder.

    Args:
        path: the path of the folder from the start folder; "" for the start folder itself.
        parts: the parts of the path.
        folders: the names of the folders in it; hidden folders are left out.
        pictures: the number of pictures in it.
        start: the start folder.
        more: whether there are more folders or entries than are listed.
    """

    path: str
    parts: tuple[str, ...]
    folders: tuple[str, ...]
    pictures: int
    start: str
    more: bool = False


class Folders:
    """The folders below `start`. The methods wait for the disk, so call them in threads."""

    def __init__(self, start: Path) -> None:
        self.start = start.resolve()

    def find(self, text: str) -> Path:
        """Return the folder for a text that the user has typed: a path from the start folder, or an absolute path.

        Raises:
            FolderError: the folder does not exist, is hidden, or, after following links, is not below the start folder.
        """
        try:
            path = (self.start / text).resolve()
            inside = path.relative_to(self.start)
        except (ValueError, OSError, RuntimeError):
            raise FolderError(f"folder: expected a folder below {self.start}, got {_shown(text)}") from None
        if any(part.startswith(".") for part in inside.parts):
            raise FolderError(f"folder: expected a folder that is not hidden, got {_shown(text)}")
        try:
            if not path.is_dir():
                if text != text.strip():  # a name may begin or end with a space, but users rarely mean that
                    return self.find(text.strip())
                raise FolderError(f"folder: expected a folder below {self.start}, but there is no {_shown(text)}")
        except OSError as error:
            raise FolderError(f"folder: cannot look at {_shown(text)}: {error.strerror}") from None
        return path

    def pictures(self, text: str) -> list[Path]:
        """Return the pictures in a folder, except links that point out of the start folder.

        Raises:
            FolderError: there is no such folder, or there are no pictures in it.
        """
        folder = self.find(text)
        try:
            found = [path for path in find_pictures(folder) if self._is_inside(path)]
        except NoPicturesError as error:
            raise FolderError(f"folder: {error}") from None
        if not found:
            raise FolderError(f"folder: all pictures in {folder} are links that point out of {self.start}")
        return found

    def listing(self, text: str) -> Listing:
        """Return the content of a folder.

        Raises:
            FolderError: there is no such folder, or it cannot be read.
        """
        folder = self.find(text)
        names: list[str] = []
        pictures = looked_at = 0
        try:
            with os.scandir(folder) as entries:
                for looked_at, entry in enumerate(entries, start=1):
                    if looked_at > _MAX_LOOKED_AT:
                        break
                    if entry.name.startswith(".") or (entry.is_symlink() and not self._is_inside(Path(entry.path))):
                        continue
                    if entry.is_dir():
                        names.append(entry.name)
                    elif Path(entry.name).suffix.lower() in EXTENSIONS:
                        pictures += 1
        except OSError as error:
            raise FolderError(f"folder: cannot read {_shown(text)}: {error.strerror}") from None
        names.sort(key=str.casefold)
        parts = folder.relative_to(self.start).parts
        more = len(names) > _MAX_LISTED or looked_at > _MAX_LOOKED_AT
        return Listing("/".join(parts), parts, tuple(names[:_MAX_LISTED]), pictures, str(self.start), more)

    def _is_inside(self, path: Path) -> bool:
        """Whether a path, after following links, is below the start folder and not hidden."""
        try:
            # strict: since Python 3.13, a link to itself would otherwise resolve to itself
            inside = path.resolve(strict=True).relative_to(self.start) if os.path.islink(path) else Path()
        except (OSError, RuntimeError, ValueError):  # it cannot be read, or is elsewhere
            return False
        return not any(part.startswith(".") for part in inside.parts)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")
