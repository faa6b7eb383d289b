"""Keeps pictures that were dropped on the page, in a temporary folder, up to limits, under safe names."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path, PurePosixPath, PureWindowsPath

import attrs
import trio

from penstock.samples.images.formats import EXTENSIONS

__all__ = ["DropError", "Drops", "safe_name"]

_MIB = 1024 * 1024
_MAX_STEM = 80  # characters
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}  # Windows


class DropError(Exception):
    """This file is refused; the message says why, and `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def safe_name(name: str) -> str:
    """Return a file name that has no folders, is not hidden, and is valid on every system.

    Raises:
        DropError: the name is not the name of a picture.
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    kept = "".join(c if c.isprintable() and c not in '<>:"/\\|?*' else "_" for c in last)
    path = PurePosixPath(kept.lstrip(". ") or "_")
    if path.suffix.lower() not in EXTENSIONS:
        raise DropError(415, f"drop: expected a picture ({' '.join(sorted(EXTENSIONS))}), got {last[:80]!r}")
    stem = path.stem[:_MAX_STEM].rstrip(". ") or "_"
    while len(stem.encode("utf-8", "surrogatepass")) > 2 * _MAX_STEM:
        stem = stem[:-1]
    stem = stem.encode("utf-8", "replace").decode()  # JavaScript may send half a character
    return f"{stem}_{path.suffix}" if stem.lower() in _RESERVED else f"{stem}{path.suffix}"


@attrs.define(eq=False)
class _Drop:
    """The files of one drop.

    Args:
        folder: the folder of the files.
        names: the names of the files in lower case, because some systems ignore case.
        total: the bytes of the files, including those of files that are still being sent.
        count: the number of complete files.
    """

    folder: Path
    names: set[str] = attrs.Factory(set[str])
    total: int = 0
    count: int = 0

    def unique(self, name: str) -> str:
        """Return the name, with a number if it is taken."""
        path, number, unique = PurePosixPath(name), 1, name
        while unique.casefold() in self.names:
            number += 1
            unique = f"{path.stem} ({number}){path.suffix}"
        self.names.add(unique.casefold())
        return unique


class Drops:
    """The dropped pictures. A new drop replaces the drop before.

    Args:
        root: a temporary folder.
        max_bytes: the limit of bytes per file.
        max_files: the limit of files per drop.
        max_total: the limit of bytes per drop.
    """

    def __init__(
        self, root: Path, max_bytes: int = 64 * _MIB, max_files: int = 500, max_total: int = 2048 * _MIB
    ) -> None:
        self._root = root
        self._max_bytes, self._max_files, self._max_total = max_bytes, max_files, max_total
        self._number = 0
        self._drop = _Drop(root / "drop-0")
        self.is_open = False

    @property
    def folder(self) -> Path:
        """The folder of the pictures."""
        return self._drop.folder

    @property
    def count(self) -> int:
        """The number of complete pictures."""
        return self._drop.count

    async def begin(self) -> None:
        """Delete the files of the drop before, and take files from now on."""
        old = self.folder
        self._number += 1
        self._drop, self.is_open = _Drop(self._root / f"drop-{self._number}"), False
        await trio.to_thread.run_sync(lambda: shutil.rmtree(old, ignore_errors=True))
        await trio.Path(self.folder).mkdir(parents=True, exist_ok=True)
        self.is_open = True

    def end(self) -> None:
        """Take no more files."""
        self.is_open = False

    async def add(self, name: str, chunks: AsyncGenerator[bytes]) -> int:
        """Take a file, and return the number of files so far. A file becomes visible when it is complete.

        Raises:
            DropError: no file is expected, the name is not the name of a picture, the file is too large, or there are
                too many files.
        """
        if not self.is_open:
            raise DropError(409, "drop: no files are expected now; send drop-begin first")
        drop = self._drop  # a new drop may begin during an await
        if len(drop.names) >= self._max_files:
            raise DropError(413, f"drop: expected at most {self._max_files} files at a time, got more")
        path = trio.Path(drop.folder / drop.unique(safe_name(name)))
        part = path.with_name(f".{path.name}.part")
        size = 0
        try:
            async with aclosing(chunks), await trio.open_file(part, "xb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    drop.total += len(chunk)
                    self._check(name, size, drop.total)
                    await file.write(chunk)
            if drop is not self._drop:
                raise DropError(410, "drop: expected the file before another drop was begun")
            await part.rename(path)
        except BaseException:
            drop.total -= size
            drop.names.discard(path.name.casefold())
            with trio.CancelScope(shield=True):
                await part.unlink(missing_ok=True)
            raise
        drop.count += 1
        return drop.count

    def _check(self, name: str, size: int, total: int) -> None:
        if size > self._max_bytes:
            raise DropError(
                413, f"drop: expected files of at most {self._max_bytes // _MIB} MiB, {name[:80]!r} is larger"
            )
        if total > self._max_total:
            raise DropError(413, f"drop: expected at most {self._max_total // _MIB} MiB at a time, got more")
