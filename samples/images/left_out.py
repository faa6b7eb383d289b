"""Counts the files and folders that are left out, by kind, to tell the user."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from penstock.samples.images.formats import why_not

__all__ = ["LeftOut"]

_MOST_KINDS = 12

FOLDERS, LINKED_FOLDERS, HIDDEN, OUTPUT = "folder", "link to a folder", "hidden", "in the output folder"
UNREADABLE, TWICE = "folder that cannot be read", "named twice"


class LeftOut:
    """The counts so far."""

    def __init__(self) -> None:
        self._counts = Counter[str]()

    def add(self, kind: str, count: int = 1) -> None:
        """Count one or more files or folders of a kind."""
        self._counts[kind] += count

    def add_file(self, path: Path) -> None:
        """Count a file whose extension is not one of a picture."""
        self.add(path.suffix.lower() or "without a suffix")

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __str__(self) -> str:
        """The counts on one line: "2 folders (--recursive looks into them), 3 .txt"."""
        common = self._counts.most_common()
        shown = [_said(kind, count) for kind, count in common[:_MOST_KINDS]]
        rest = sum(count for _, count in common[_MOST_KINDS:])
        return ", ".join(shown + ([f"{rest} of other kinds"] if rest else []))


def _said(kind: str, count: int) -> str:
    if kind == FOLDERS:
        return f"{count} {'folder' if count == 1 else 'folders'} (--recursive looks into them)"
    if kind in (LINKED_FOLDERS, UNREADABLE) and count > 1:
        kind = {LINKED_FOLDERS: "links to folders", UNREADABLE: "folders that cannot be read"}[kind]
    reason = why_not(kind)
    return f"{count} {kind} ({reason})" if reason else f"{count} {kind}"
