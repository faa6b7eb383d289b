"""Reads the files of a page by name, from one folder only."""

from __future__ import annotations

import re
from pathlib import Path

import trio

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z]+)+")


class PageFiles:
    """The files in a folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, name: str) -> tuple[bytes, str] | None:
        """Return the content of a file and its media type; None if there is no such file."""
        kind = KINDS.get(Path(name).suffix)
        if kind is None or not NAME.fullmatch(name):
            return None
        try:
            return await trio.Path(self._folder / name).read_bytes(), kind
        except OSError:
            return None


DASHBOARD_FILES: PageFiles = PageFiles(Path(__file__).parent / "page")
"""The files that show a network on a page; a page of a program serves them below `dashboard/`."""
