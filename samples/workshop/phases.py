"""The four phases of the image pipeline in model time: each waits instead of computing.

With a clock that jumps ahead (`trio.testing.MockClock(autojump_threshold=0)`) a run takes no time, and its figures are
the same on every machine, however busy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import trio

__all__ = ["Phases"]


class Phases:
    """The phases, and what they note about a run.

    Args:
        camera: seconds from image to image, as the camera takes them.
        load: seconds that `load` takes per image.
        scale: the same for `scale`.
        noise: the same for `noise`; or a function that gives the seconds for an image.
        show: the same for `show`.

    Attributes:
        in_flight: the images that are in the pipeline, from the start of `load` to the end of `show`.
        most_in_flight: the largest such number so far, counted in the middle of each `load`.
        shown: the images in the order in which they were shown.
        times: the time at which each of them had been shown, in seconds since `camera` or `load` began.
    """

    def __init__(
        self,
        camera: float = 1.0,
        load: float = 1.0,
        scale: float = 1.0,
        noise: float | Callable[[int], float] = 2.0,
        show: float = 1.0,
    ) -> None:
        self.camera_seconds, self.load_seconds, self.scale_seconds = camera, load, scale
        self.noise_seconds, self.show_seconds = noise, show
        self.in_flight: set[int] = set()
        self.most_in_flight = 0
        self.shown: list[int] = []
        self.times: list[float] = []
        self._start: float | None = None

    async def camera(self, images: int) -> AsyncIterator[int]:
        """Give the images 1, 2, 3 …; the first at once."""
        self._begin()
        for image in range(1, images + 1):
            if image > 1:
                await trio.sleep(self.camera_seconds)
            yield image

    async def load(self, image: int) -> int:
        """Load an image."""
        self._begin()
        self.in_flight.add(image)
        await trio.sleep(self.load_seconds / 2)
        # not before: at the same moment as an image comes in, another may leave, and either may be first
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
        await trio.sleep(self.load_seconds / 2)
        return image

    async def scale(self, image: int) -> int:
        """Make an image smaller."""
        await trio.sleep(self.scale_seconds)
        return image

    async def noise(self, image: int) -> int:
        """Add noise to an image."""
        seconds = self.noise_seconds
        await trio.sleep(seconds(image) if callable(seconds) else seconds)
        return image

    async def show(self, image: int) -> None:
        """Show an image."""
        await trio.sleep(self.show_seconds)
        self.in_flight.discard(image)
        self.shown.append(image)
        self.times.append(trio.current_time() - self._begin())

    @property
    def steady_seconds(self) -> float:
        """Seconds per image, from the first image that was shown to the last; 0 if there are not two."""
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1) if len(self.times) > 1 else 0.0

    def _begin(self) -> float:
        if self._start is None:
            self._start = trio.current_time()
        return self._start
