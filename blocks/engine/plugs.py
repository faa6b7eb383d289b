"""What the network plugs into a run: who measures, limits, shows, records and judges it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
import trio

from ..base.diagnosis import Diagnosis
from ..base.statistics import Statistics
from ..base.verdict import Verdict
from ..core.balance import BlockBalance
from ..core.block import Block
from ..core.ports import Meter


class Measuring(Meter, Protocol):
    """What counts and times for a run."""

    def begin(self, body: trio.lowlevel.Task) -> None:
        """The run begins."""
        ...

    def end(self) -> None:
        """The run has ended; its blocks have still to let go of what they hold."""
        ...

    def seconds(self) -> float:
        """How long the network has run, until now or its end."""
        ...

    def departs(self, block: Block) -> None:
        """A block leaves the running network; only its sums stay."""
        ...

    def departed_balance(self) -> Sequence[BlockBalance]:
        """The accounts of the blocks that have left, as one."""
        ...

    def statistics(self) -> Statistics:
        """What every block, agent and governor has done so far, in numbers."""
        ...


class Limiting(Protocol):
    """The time limits of a run."""

    def start(self, nursery: trio.Nursery) -> None:
        """The run starts."""
        ...

    def end(self) -> None:
        """The run has ended."""
        ...


class Showing(Protocol):
    """The display of a run."""

    def start(self) -> None:
        """The run has started."""
        ...

    def end(self, how: str) -> None:
        """The run has ended in this way."""
        ...


class Recording(Protocol):
    """What writes a run down."""

    def prepare(self) -> None:
        """Get ready, before anything has joined."""
        ...

    def begin(self) -> None:
        """The run begins, and nothing has moved."""
        ...

    def finish(self) -> None:
        """Everything has been written."""
        ...


@attrs.frozen
class Plugs:
    """What is plugged into a run.

    Attributes:
        measures: Counts and times.
        limits: Ends what takes too long.
        progress: Shows how far it is.
        recorder: Writes down who does what.
        refuse: Raises, before the start, if the network must stall.
        judge: Says what it means that no block is ready.
        somebody_moves: Tells whether it is plain to see that a task of the network can go on.
        diagnose: Says why nothing can move.
        doubt: Called when the network was watched for a while, and nothing has moved.
        watch: Begins to notice which task holds the loop.
        watch_no_more: Ends that.
        watch_adrift: Looks after those who wait where no network runs, from the end of the run on.
    """

    measures: Measuring
    limits: Limiting
    progress: Showing
    recorder: Recording
    refuse: Callable[[], None]
    judge: Callable[[], Verdict]
    somebody_moves: Callable[[], bool]
    diagnose: Callable[[], Diagnosis]
    doubt: Callable[[], None]
    watch_adrift: Callable[[], None]
    watch: Callable[[], None]
    watch_no_more: Callable[[], None]
