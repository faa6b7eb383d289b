"""The ports by which blocks and tasks know the counters and timers of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import trio

from .gate import Gate
from .observer import Observer, TaskObserver

if TYPE_CHECKING:
    from .waiting import Awake, Waiter


class Actor(Protocol):
    """The meter of a task whose traffic is counted: of an agent, or of the network's body.

    Attributes:
        received: Items it has received.
        emitted: Items it has sent, without unused credit.
        trace: The observer of the task; None if the run is not recorded.
    """

    received: int
    emitted: int
    trace: TaskObserver | None

    def took(self, item: object) -> None:
        """The task has received an item without waiting."""
        ...

    def sends(self, now: float) -> None:
        """The task has sent an item."""
        ...

    def begin(self, trace: TaskObserver | None) -> None:
        """The task begins."""
        ...

    def end(self) -> None:
        """The task has ended; a second call does nothing."""
        ...

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """A wait of the task is over."""
        ...


class Meter(Protocol):
    """The counters and timers of a network."""

    @property
    def last_actor(self) -> Actor | None:
        """The meter of the task that used a block last; None unless it is the body or an agent."""
        ...

    @property
    def tracer(self) -> Observer | None:
        """The observer of the items; None if the run is not recorded."""
        ...

    @property
    def stranger(self) -> Actor | None:
        """Stands for all tasks that are neither the body nor agents; None unless what they send is observed."""
        ...

    @property
    def body(self) -> Actor:
        """The meter of the body."""
        ...

    @property
    def awake(self) -> Awake:
        """The tasks of the network that do not wait in this library now."""
        ...

    @property
    def gates_used(self) -> dict[Gate, None]:
        """The governors from which its tasks take slots."""
        ...

    def task_begins(self, task: trio.lowlevel.Task, meter: Any, name: str) -> None:
        """Measure a task from now on."""
        ...

    def task_ends(self, task: trio.lowlevel.Task, meter: Any) -> None:
        """Stop measuring a task, because it has ended."""
        ...

    def uses_block(self, task: trio.lowlevel.Task) -> Actor | None:
        """Note that a task uses a block; return its meter if it is the body or an agent, else None."""
        ...

    def uses_gate(self, gate: Gate, task: trio.lowlevel.Task) -> None:
        """Note that a task takes a slot of a governor."""
        ...

    def waited(self, waiter: Waiter[Any], result: tuple[Any, ...]) -> None:
        """Record a wait that is over."""
        ...
