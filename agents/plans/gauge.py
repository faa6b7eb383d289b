"""The instruments with which a pipeline is measured."""

from __future__ import annotations

import hashlib
import pickle
import sys
import threading
import time
from statistics import median
from typing import Final

import attrs

from .lock_share import LockSampler, has_lock

PROBE_SECONDS: Final = 0.02
DATA: Final = bytes(200_000)


@attrs.frozen
class CopyCost:
    """What it costs to bring an object to another process.

    Attributes:
        size: The number of bytes; 0 if it is not known.
        seconds: Seconds to pickle it and to make it again; None if it cannot be pickled.
    """

    size: float = 0
    seconds: float | None = 0.0


COARSE: Final = 0.0156
"""Seconds of a tick of the processor clock of Windows."""


class Gauge:
    """Measures times, copies, the interpreter lock, and how busy the machine is.

    Attributes:
        tick: Seconds of a tick of the processor clock.
    """

    tick: float = COARSE if sys.platform == "win32" else 1e-6

    def wall(self) -> float:
        """Seconds on the wall clock."""
        return time.perf_counter()

    def processor(self) -> float:
        """Seconds of processor time of this thread."""
        return time.thread_time()

    def all_processors(self) -> float:
        """Seconds of processor time of this process."""
        return time.process_time()

    def sampler(self) -> LockSampler:
        """Return what looks at the interpreter lock."""
        return LockSampler()

    def has_lock(self) -> bool:
        """Whether there is an interpreter lock."""
        return has_lock()

    def free_cores(self) -> float:
        """Keep two cores busy for a moment; return how many of them this process got, from 0 to 2."""
        shares: list[float] = []
        start = threading.Barrier(2)

        def work() -> None:
            start.wait()
            began, used = time.perf_counter(), time.thread_time()
            while (passed := time.perf_counter() - began) < PROBE_SECONDS:
                hashlib.sha256(DATA)
            shares.append((time.thread_time() - used) / passed)

        threads = [threading.Thread(target=work, name="penstock probe", daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return min(sum(shares), 2.0)

    def copy(self, thing: object) -> CopyCost:
        """Copy an object as if for another process."""
        try:
            start = self.wall()
            buffers: list[pickle.PickleBuffer] = []
            stream = pickle.dumps(thing, 5, buffer_callback=buffers.append)
            copies = [bytes(buffer.raw()) for buffer in buffers]
            pickle.loads(stream, buffers=copies)
            seconds = self.wall() - start
        except Exception:
            return CopyCost(0, None)
        return CopyCost(len(stream) + sum(map(len, copies)), seconds)


def typical(costs: list[CopyCost]) -> CopyCost:
    """The median of some costs; the object cannot be copied if one of them cannot."""
    if not costs:
        return CopyCost()
    sizes = median(cost.size for cost in costs)
    seconds = [cost.seconds for cost in costs if cost.seconds is not None]
    return CopyCost(sizes, median(seconds) if len(seconds) == len(costs) else None)
