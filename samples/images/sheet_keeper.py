"""Has the contact sheet made while a run goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from penstock.samples.images.contact_sheet import ContactSheet
from penstock.samples.images.observer import Observer
from penstock.samples.images.record import Failure, ImageInfo, Phase

__all__ = ["SheetKeeper"]


class SheetKeeper(Observer):
    """Puts every image that comes out onto the contact sheet; a sheet that fails does not fail the run.

    Args:
        sheet: where they go.
    """

    def __init__(self, sheet: ContactSheet) -> None:
        self._sheet = sheet
        self.problem: str | None = None

    @property
    def pages(self) -> list[Path]:
        """The pages that were written."""
        return self._sheet.pages

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Nothing to do before the image is out."""

    def on_image(self, info: ImageInfo) -> None:
        """Add the thumbnail."""
        with self._minding():
            self._sheet.add(info)

    def on_error(self, failure: Failure) -> None:
        """A picture that failed has no place on the sheet."""

    def finish(self) -> None:
        """Write the last page."""
        with self._minding():
            self._sheet.finish()

    @contextlib.contextmanager
    def _minding(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            self.problem = str(error)
