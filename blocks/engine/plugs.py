"""The plug-ins of a run: meters, limits, progress display, recorder and deadlock detection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import attrs
import trio

from ..base.diagnosis import Diagnosis
from ..base.idle_state import IdleState
from ..base.network_statistics import Statistics
from ..core.balance import BlockBalance
from ..core.block_core import BlockCore
from ..core.meters import Meter
from ..core.ports import Part
from ..core.view import View


class Measuring(Meter, Protocol):
    """The counters and timers of a run."""

    def begin(self, body: trio.lowlevel.Task) -> None:
        """Note that the run begins."""
        ...

    def end(self) -> None:
        """Note that the run has ended; its blocks still hold their items."""
        ...

    def seconds(self) -> float:
        """How many seconds the network has run, until now or its end."""
        ...

    def departs(self, block: BlockCore) -> None:
        """Note that a block leaves the running network; only its totals are kept."""
        ...

    def departed_balance(self) -> Sequence[BlockBalance]:
        """The accounts of the blocks that have left, as one entry."""
        ...

    def statistics(self) -> Statistics:
        """The statistics of every block, agent and governor so far."""
        ...


class Limiting(Protocol):
    """The time limits of a run."""

    def start(self, nursery: trio.Nursery) -> None:
        """Note that the run starts."""
        ...

    def end(self) -> None:
        """Note that the run has ended."""
        ...


class Showing(Protocol):
    """The display of a run."""

    def start(self) -> None:
        """Note that the run has started."""
        ...

    def end(self, how: str) -> None:
        """Note that the run has ended; `how` says in which way."""
        ...


class Recording(Protocol):
    """The recorder of a run."""

    def prepare(self) -> None:
        """Get ready, before any block or agent has joined."""
        ...

    def begin(self) -> None:
        """Note that the run begins, before any item has moved."""
        ...

    def finish(self) -> None:
        """Note that the run has ended and nothing more will be recorded."""
        ...


@attrs.frozen
class Checks:
    """The functions that look at a run; all networks share them, and each gets the network.

    Attributes:
        refuse: Called before the start, with all nodes; raises if the network must stall.
        classify_idle: Classifies the state when no block is ready.
        own_task_moves: Whether a task of the network can certainly go on.
        diagnose: Finds the reasons why nothing can move.
        watch: Starts to detect tasks that hold the loop.
        watch_no_more: Ends this detection.
        watch_adrift: Called at the end of the run; watches tasks that wait where no network runs.
    """

    refuse: Callable[[View, Iterable[Part]], None]
    classify_idle: Callable[[View], IdleState]
    own_task_moves: Callable[[View], bool]
    diagnose: Callable[[View], Diagnosis]
    watch_adrift: Callable[[View], None]
    watch: Callable[[View], None]
    watch_no_more: Callable[[View], None]


@attrs.frozen
class Plugs:
    """The plug-ins of a run.

    Attributes:
        measures: The counters and timers.
        limits: The time limits.
        progress: The progress display.
        recorder: The recorder.
        doubt: Called when the network has been watched for some time and nothing has moved.
        checks: The functions that look at the run.
    """

    measures: Measuring
    limits: Limiting
    progress: Showing
    recorder: Recording
    doubt: Callable[[], None]
    checks: Checks
