"""The folders for thumbnails: one per run, in the temporary folder unless the user has named a folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.live import Live

__all__ = ["Thumbnails"]

_SWEEP = 1.0  # seconds


class Thumbnails:
    """Makes and clears the folders.

    Args:
        root: the temporary folder.
        output: the folder for thumbnails; None for the temporary folder, which an endless slideshow always uses.
    """

    def __init__(self, root: Path, output: Path | None) -> None:
        self._root, self._output = root, output

    async def make(self, number: int, form: Form, compares: bool) -> Path:
        """Make the folder of a run, and delete the folder of the run before."""
        return await trio.to_thread.run_sync(self._make, number, form, compares)

    def _make(self, number: int, form: Form, compares: bool) -> Path:
        for old in self._root.glob("run-*"):
            shutil.rmtree(old, ignore_errors=True)
        folder = self._root / f"run-{number}"
        if self._output is not None and not form.endless:
            folder = self._output / form.mode.value if compares else self._output
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def make_drafts(self) -> Path:
        """Make the folder in which the thumbnails of the model are made beforehand."""
        folder = trio.Path(self._root / "drafts")
        await folder.mkdir(exist_ok=True)
        return Path(folder)

    async def sweep(self, folder: Path, live: Live) -> None:
        """Delete thumbnails that are too old to be shown, except in a folder that the user has named."""
        while folder.is_relative_to(self._root):
            await trio.sleep(_SWEEP)
            stale, live.stale = live.stale, []
            if stale:
                await trio.to_thread.run_sync(partial(_delete, stale))


def _delete(files: Sequence[str]) -> None:
    for file in files:
        Path(file).unlink(missing_ok=True)
