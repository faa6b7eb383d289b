"""What a worker process is told at its start."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import attrs

from .log_records import Levels

NONE = pickle.dumps(None, 5)


@attrs.frozen
class Setup:
    """What a worker process is told at its start.

    Attributes:
        worker_init: The pickle of the function that it calls before it does anything else, or of None.
        worker_exit: The pickle of the function that it calls at its end, or of None.
        cpus: It is pinned to one of these processors.
        number: The number of the worker, from 1.
        levels: The levels of the loggers of the parent; if None, log records stay in the worker.
        seed: Its seed.
    """

    worker_init: bytes = NONE
    worker_exit: bytes = NONE
    cpus: Sequence[int] = ()
    number: int = 1
    levels: Levels | None = None
    seed: int = 0
