"""Finds or paints the pictures of a run. All disk work is done in threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio

from penstock.samples.images.files import NoPicturesError, find_pictures
from penstock.samples.images.gui.folders import FolderError, Folders
from penstock.samples.images.gui.forms import DROPPED, Form
from penstock.samples.images.gui.model import Progress
from penstock.samples.images.gui.uploads import Drops
from penstock.samples.images.load import get_ready
from penstock.samples.images.pictures import paint_picture
from penstock.samples.images.settings import Mode

__all__ = ["PAINTED", "Pictures"]

PAINTED = 15
"""The number of pictures that are painted."""
_SHRINK = 2  # sides are this many times smaller than in the command, so that a picture fits into 1024x768


class Pictures:
    """Finds the pictures of a form.

    Args:
        folders: the folders that the page may see.
        drops: the pictures that were dropped on the page.
        root: a temporary folder, for painted pictures.
        output: the folder for thumbnails; pictures must not come from this folder.
    """

    def __init__(self, folders: Folders, drops: Drops, root: Path, output: Path | None = None) -> None:
        self.folders, self.drops = folders, drops
        # When modes are compared, thumbnails go into a folder per mode.
        outputs = [] if output is None else [output, *(output / mode.value for mode in Mode)]
        self._taken = {folder.resolve() for folder in outputs}
        self._root = root / "painted"
        self._painted: list[Path] = []

    async def problem(self, form: Form) -> str | None:
        """Return the reason why there are no pictures for a form; None if there are some."""
        try:
            if form.folder is not None:
                await trio.to_thread.run_sync(self._find, form.folder, abandon_on_cancel=True)
        except FolderError as error:
            return str(error)
        return None

    async def find(self, form: Form, tell: Callable[[Progress], None]) -> list[Path]:
        """Return the pictures, with a broken one in the middle if the form says so.

        Args:
            form: the settings of the run.
            tell: called before each picture that is painted.

        Raises:
            FolderError: there are no pictures.
        """
        pictures = await self._find_good(form, tell)
        if form.broken:
            middle = len(pictures) // 2
            pictures = [*pictures[:middle], await trio.to_thread.run_sync(self._break), *pictures[middle:]]
        return pictures

    async def _find_good(self, form: Form, tell: Callable[[Progress], None]) -> list[Path]:
        await trio.to_thread.run_sync(get_ready)
        if form.folder is not None:
            return (await trio.to_thread.run_sync(self._find, form.folder, abandon_on_cancel=True))[: form.limit]
        wanted = min(PAINTED, form.limit or PAINTED)
        while len(self._painted) < wanted:
            tell(Progress("Painting sample pictures", len(self._painted) + 1, wanted))
            # one at a time, so that a run that is stopped does not wait for all of them
            self._painted.append(await trio.to_thread.run_sync(self._paint))
        return self._painted[:wanted]

    def _break(self) -> Path:
        """Write the first half of a picture, as if a copy had been interrupted."""
        folder = self._root.with_name("broken")
        folder.mkdir(exist_ok=True)
        broken = paint_picture(folder, 1, shrink=2 * _SHRINK).replace(folder / "broken.jpg")
        os.truncate(broken, broken.stat().st_size // 2)
        return broken

    def _paint(self) -> Path:
        self._root.mkdir(exist_ok=True)
        return paint_picture(self._root, len(self._painted) + 1, shrink=_SHRINK)

    def _find(self, folder: str) -> list[Path]:
        if folder != DROPPED:
            found = self.folders.pictures(folder)
            if found[0].parent.resolve() in self._taken:
                raise FolderError(f"folder: expected another folder than the one for thumbnails, {found[0].parent}")
            return found
        if self.drops.is_open:
            raise FolderError("folder: some pictures are still being sent; wait until all of them are there")
        try:
            return find_pictures(self.drops.folder)
        except NoPicturesError:
            raise FolderError("folder: expected pictures that were dropped on the page, but there are none") from None

    def listing(self, path: str) -> Callable[[], object]:
        """Return a function that lists a folder, to be called in a thread."""
        return partial(self.folders.listing, path)
