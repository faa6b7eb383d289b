"""What a network knows of its own run: how long it ran, what each of its tasks did, and, if asked for, a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import outcome
import trio

from ..base.names import BODY, STRANGERS
from ..base.statistics import Statistics
from ..core.balance import BlockBalance
from ..core.block import Block
from ..core.observer import Observer
from ..core.ports import WatchedGate
from ..core.view import View
from ..core.waiting import Awake
from .departed import Departed
from .meter import take_statistics
from .processors import IdleTime
from .tally import Lifetime, Tally

if TYPE_CHECKING:
    from ..core.waiting import Waiter


class Measures:
    """The measurements of one network.

    Attributes:
        awake: Those of the network's tasks that do not wait in this library now.
        life: From when to when the network ran.
        body: What its body did.
        user: What the task did that has used a block last, if it is the body or an agent.
        idle: How much of the processors was left over meanwhile.
        departed: What the blocks have done that have left it.
        gates_used: The governors from which its tasks take slots, whether these govern its blocks or not.
        tracer: Records what happens, while there is a recording and the network has begun.
    """

    __slots__ = (
        "_network",
        "_tallies",
        "awake",
        "body",
        "departed",
        "gates_used",
        "idle",
        "life",
        "tracer",
        "user",
    )

    def __init__(self, network: View) -> None:
        self._network = network
        self._tallies: dict[trio.lowlevel.Task, Tally] = {}
        self.awake: Awake = Awake()
        self.life: Lifetime = Lifetime()
        self.idle: IdleTime = IdleTime()
        self.body: Tally = Tally()
        self.departed: Departed = Departed()
        self.user: Tally | None = None
        self.gates_used: dict[WatchedGate, None] = {}
        self.tracer: Observer | None = None

    # The run

    def begin(self, body: trio.lowlevel.Task) -> None:
        """The network begins."""
        self.idle.begin()
        self.life.begin()
        self.task_begins(body, self.body, BODY)

    def end(self) -> None:
        """The network has ended; its blocks have still to let go of what they hold."""
        self.body.end()
        self.life.end()
        self.idle.end()
        self.user = None
        for task in self._tallies:
            self.awake.end(task)
        self._tallies.clear()

    def seconds(self) -> float:
        """How long the network has run, until now or its end."""
        return self.life.seconds()

    def departs(self, block: Block) -> None:
        """A block leaves the running network; only its sums stay."""
        self.departed.add(block._balance(), block.measured(self.life.seconds()))

    def departed_balance(self) -> Sequence[BlockBalance]:
        """The accounts of the blocks that have left, as one."""
        return self.departed.balance()

    def statistics(self) -> Statistics:
        """What every block, agent and governor has done so far, in numbers."""
        return take_statistics(self._network, self)

    # Tasks

    def task_begins(self, task: trio.lowlevel.Task, tally: Tally, name: str) -> None:
        """Measure what a task does from now on: an agent, or the body."""
        self._tallies[task] = tally
        self.awake.begin(task)
        tally.begin(None if self.tracer is None else self.tracer.task(name))

    def task_ends(self, task: trio.lowlevel.Task, tally: Tally) -> None:
        """An agent has ended."""
        tally.end()
        self.awake.end(task)
        self._tallies.pop(task, None)

    def uses_block(self, task: trio.lowlevel.Task) -> Tally | None:
        """A task uses a block; give its measurements, if it is the body or an agent."""
        self.user = self._tallies.get(task)
        return self.user

    def uses_gate(self, gate: WatchedGate, task: trio.lowlevel.Task) -> None:
        """A task, whoever's it is, takes a slot of a governor."""
        if task in self._tallies:
            self.gates_used[gate] = None

    def waited(self, waiter: Waiter[Any], answer: outcome.Outcome[Any]) -> None:
        """A wait is over, whoever's it was."""
        tally = self._tallies.get(waiter.task)
        if tally is not None:
            tally.waited(waiter, answer)
        elif self.tracer is not None and waiter.doing == "receive" and isinstance(answer, outcome.Value):
            self.tracer.forget(STRANGERS, (answer.value,))
