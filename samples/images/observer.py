"""The interface through which pipelines report to progress bars, sheets and pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from penstock.samples.images.record import Failure, ImageInfo, Phase

__all__ = ["Observer", "Observers"]


class Observer(Protocol):
    """Gets a call for each event of a run. The calls come on the trio thread, so they must be quick."""

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """An image has left `phase`, perhaps some time ago; its stamps have the times. Images come in any order."""

    def on_image(self, info: ImageInfo) -> None:
        """A thumbnail is on disk; images come in the order of their sequence numbers."""

    def on_error(self, failure: Failure) -> None:
        """An image failed and will not come out."""

    def on_hold(self, is_held: bool) -> None:
        """An agent waits for a slot of the governor, or has got it. Other modes do not report this."""
        return


class Observers(Observer):
    """Several observers as one; they are called in the given order."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)

    def on_progress(self, phase: Phase, info: ImageInfo) -> None:
        """Call every observer."""
        for observer in self._observers:
            observer.on_progress(phase, info)

    def on_image(self, info: ImageInfo) -> None:
        """Call every observer."""
        for observer in self._observers:
            observer.on_image(info)

    def on_error(self, failure: Failure) -> None:
        """Call every observer."""
        for observer in self._observers:
            observer.on_error(failure)

    def on_hold(self, is_held: bool) -> None:
        """Call every observer."""
        for observer in self._observers:
            observer.on_hold(is_held)
