"""The measurements of a run: its length, the work of each task, and optionally a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import trio

from ..base.names import BODY, STRANGERS
from ..base.network_statistics import Statistics
from ..core.balance import BlockBalance
from ..core.block_core import BlockCore
from ..core.gate import Gate
from ..core.observer import Observer
from ..core.view import View
from ..core.waiting import Awake
from .departed import Departed
from .processors import IdleTime
from .snapshot import take_statistics
from .task_meter import Lifetime, TaskMeter

if TYPE_CHECKING:
    from ..core.waiting import Waiter


class NetworkMeter:
    """The measurements of one network.

    Attributes:
        awake: The network's tasks that do not wait in this library now.
        life: The start and the end of the run.
        body: The measurements of its body.
        last_actor: The measurements of the task that used a block last, if it is the body or an agent; else None.
        idle: Measures how many processors are free during the run.
        departed: The sums of the blocks that have left the network.
        gates_used: The governors from which its tasks take slots, even if they do not govern its blocks.
        tracer: Writes the recording or the traces; None without them, and before the network begins.
        stranger: Stands for all tasks that are neither the body nor agents, if what they send is observed.
    """

    __slots__ = (
        "_meters",
        "_network",
        "awake",
        "body",
        "departed",
        "gates_used",
        "idle",
        "last_actor",
        "life",
        "stranger",
        "tracer",
    )

    def __init__(self, network: View) -> None:
        self._network = network
        self._meters: dict[trio.lowlevel.Task, TaskMeter] = {}
        self.awake: Awake = Awake()
        self.life: Lifetime = Lifetime()
        self.idle: IdleTime = IdleTime()
        self.body: TaskMeter = TaskMeter()
        self.departed: Departed = Departed()
        self.last_actor: TaskMeter | None = None
        self.gates_used: dict[Gate, None] = {}
        self.tracer: Observer | None = None
        self.stranger: TaskMeter | None = None

    # The run

    def begin(self, body: trio.lowlevel.Task) -> None:
        """Start measuring: the network begins."""
        self.idle.begin()
        self.life.begin()
        self.task_begins(body, self.body, BODY)
        if self.tracer is not None and (trace := self.tracer.strangers()) is not None:
            self.stranger = TaskMeter()
            self.stranger.begin(trace)

    def end(self) -> None:
        """Stop measuring: the network has ended. Its blocks may still hold items."""
        self.body.end()
        self.life.end()
        self.idle.end()
        self.last_actor = None
        for task in self._meters:
            self.awake.end(task)
        self._meters.clear()

    def seconds(self) -> float:
        """Seconds from the start of the network until now or until its end."""
        return self.life.seconds()

    def departs(self, block: BlockCore) -> None:
        """Keep the sums of a block that leaves the running network."""
        self.departed.add(block.accounts(), block.measured(self.life.seconds()))

    def departed_balance(self) -> Sequence[BlockBalance]:
        """The accounts of the blocks that have left, added up."""
        return self.departed.balance()

    def statistics(self) -> Statistics:
        """The numbers of every block, agent and governor so far."""
        return take_statistics(self._network, self)

    # Tasks

    def task_begins(self, task: trio.lowlevel.Task, meter: TaskMeter, name: str) -> None:
        """Measure the task of an agent or of the body from now on."""
        self._meters[task] = meter
        self.awake.begin(task)
        meter.begin(None if self.tracer is None else self.tracer.task(name))

    def task_ends(self, task: trio.lowlevel.Task, meter: TaskMeter) -> None:
        """Stop measuring a task, which has ended."""
        meter.end()
        self.awake.end(task)
        self._meters.pop(task, None)

    def uses_block(self, task: trio.lowlevel.Task) -> TaskMeter | None:
        """Note that a task uses a block; return its measurements, if it is the body or an agent."""
        self.last_actor = self._meters.get(task)
        return self.last_actor

    def uses_gate(self, gate: Gate, task: trio.lowlevel.Task) -> None:
        """Note that a task takes a slot of a governor; the task need not be of this network."""
        if task in self._meters:
            self.gates_used[gate] = None

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """Note that a wait is over; the task need not be of this network."""
        meter = self._meters.get(waiter.task)
        if meter is not None:
            meter.waited(waiter, result)
        elif self.tracer is not None and waiter.doing == "receive":
            self.tracer.forget(STRANGERS, result)
