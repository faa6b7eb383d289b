"""The walls of the core: what blocks, agents and the running network see of each other, as protocols.

`Host` is the running network as its blocks see it, `View` as those see it who look at it from outside: the verdict,
statistics, limits and reports. Nobody below the network itself knows its class.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol

import trio
from outcome import Outcome

from ..base.statistics import AgentStatistics, GovernorStatistics, Statistics
from ..base.threads import Loop
from .balance import Balance
from .observer import Observer, TaskObserver
from .scheduler import Scheduler

if TYPE_CHECKING:
    from .block import Block
    from .waiting import Awake, Waiter


class Part(Protocol):
    """A part of a network, as the run knows it: a block, or what is inside an agent.

    Attributes:
        name: What reports and messages call it.
    """

    name: str

    def _neighbors(self) -> Iterable[Part]:
        """All that it is linked to, in either direction."""
        ...

    def _check_free(self, network: Host) -> None:
        """Raise a `RuntimeError` if it cannot become part of a network."""
        ...

    def _join(self, network: Host) -> None:
        """Become part of a network that is starting or running."""
        ...

    def _start(self) -> None:
        """Begin to work; every node of the network has joined by now."""
        ...


class Member(Part, Protocol):
    """An agent, as the network sees it."""

    @property
    def is_done(self) -> bool:
        """Whether it has ended, in whatever way."""
        ...

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """Where it runs, while it does."""
        ...

    def _statistics(self) -> AgentStatistics:
        """What it has done so far, in numbers."""
        ...


class WatchedGate(Protocol):
    """A governor, which has to look again when items have left."""

    name: str

    def attach(self, network: Host) -> None:
        """Learn in which network the governed blocks run."""
        ...

    def look(self) -> None:
        """Let in who waits, if items have left."""
        ...

    def network_ended(self, reason: str) -> None:
        """Let nobody wait any longer."""
        ...

    def statistics(self) -> GovernorStatistics:
        """What it has done so far, in numbers."""
        ...


class Actor(Protocol):
    """A task whose traffic is counted: an agent, or the body.

    Attributes:
        received: Items it has received.
        emitted: Items it has sent; those that it may still send on credit are not counted.
        trace: Watches what it does, if that is wanted.
    """

    received: int
    emitted: int
    trace: TaskObserver | None

    def took(self, item: object) -> None:
        """The task has received an item, without waiting."""
        ...

    def sends(self, now: float) -> None:
        """The task has handed something on."""
        ...

    def begin(self, trace: TaskObserver | None) -> None:
        """The task begins."""
        ...

    def end(self) -> None:
        """The task has ended, if it has not before."""
        ...

    def waited(self, waiter: Waiter[Any], answer: Outcome[Any]) -> None:
        """A wait of the task is over."""
        ...


class Meter(Protocol):
    """What counts and times for a network."""

    @property
    def user(self) -> Actor | None:
        """What the task did that has used a block last, if it is the body or an agent."""
        ...

    @property
    def tracer(self) -> Observer | None:
        """Watches the items, if that is wanted."""
        ...

    @property
    def body(self) -> Actor:
        """What the body did."""
        ...

    @property
    def awake(self) -> Awake:
        """Those of the network's tasks that do not wait in this library now."""
        ...

    @property
    def gates_used(self) -> dict[WatchedGate, None]:
        """The governors from which its tasks take slots."""
        ...

    def task_begins(self, task: trio.lowlevel.Task, tally: Any, name: str) -> None:
        """Measure what a task does from now on."""
        ...

    def task_ends(self, task: trio.lowlevel.Task, tally: Any) -> None:
        """A task has ended."""
        ...

    def uses_block(self, task: trio.lowlevel.Task) -> Actor | None:
        """A task uses a block; give its measurements, if it is the body or an agent."""
        ...

    def uses_gate(self, gate: WatchedGate, task: trio.lowlevel.Task) -> None:
        """A task takes a slot of a governor."""
        ...

    def waited(self, waiter: Waiter[Any], answer: Outcome[Any]) -> None:
        """A wait is over."""
        ...


class Engine(Scheduler, Protocol):
    """What runs the steps of the blocks of a network."""

    @property
    def loop(self) -> Loop | None:
        """Where the network runs; None before it has started and after it has ended."""
        ...

    @property
    def context(self) -> Context:
        """The context variables with which the network was entered."""
        ...

    @property
    def gates(self) -> list[WatchedGate]:
        """The governors that have to look again when items have left."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a block is ready."""
        ...

    @property
    def rests(self) -> bool:
        """Whether it sleeps: no block is ready, and nothing is between two steps."""
        ...

    def wake(self) -> None:
        """Look again whether there is something to do."""
        ...

    def tell_soon(self, tell: Callable[[], None]) -> None:
        """Have something said where what it raises is a fault of the network."""
        ...


class Facade(Protocol):
    """The network as its user knows it."""

    name: str

    def cancel(self) -> None:
        """Stop this network at once."""
        ...

    def balance(self) -> Balance:
        """The accounts: what became of every item that each block accepted."""
        ...

    def statistics(self) -> Statistics:
        """What every block, agent and governor has done so far, in numbers."""
        ...

    def check(self) -> tuple[str, ...]:
        """Look for what will stall unless somebody does something about it."""
        ...

    def report(self) -> Any:
        """What the network looks like now, for people: a `Report`."""
        ...

    def suggest(self) -> Any:
        """What would make a run like this one faster: a `Suggestion`."""
        ...

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """The name of the block whose step a task runs, if it runs any."""
        ...


class Host(Protocol):
    """A network that runs, or will run, as its blocks and agents see it.

    Attributes:
        name: The network.
        busy_count: How many are at work who will go on by themselves.
    """

    name: str
    busy_count: int

    @property
    def facade(self) -> Facade:
        """The network as its user knows it."""
        ...

    @property
    def shutdown(self) -> Any:
        """The shutdown buffers."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it runs."""
        ...

    @property
    def is_being_stopped(self) -> bool:
        """Whether it runs and is being stopped."""
        ...

    @property
    def pump(self) -> Engine:
        """What runs the steps of its blocks."""
        ...

    @property
    def measures(self) -> Meter:
        """What counts and times."""
        ...

    @property
    def nursery(self) -> trio.Nursery:
        """Where its tasks run."""
        ...

    @property
    def hearers(self) -> dict[Block, None]:
        """The blocks that want to know what is lost."""
        ...

    def touch(self, block: object) -> Actor | None:
        """Remember the task that is using a block; give its measurements, if it is an agent or the body."""
        ...

    def adopt(self, *nodes: Any) -> None:
        """Let blocks and agents and everything linked to them become part of the network."""
        ...

    def entry_appeared(self, inbox: Any) -> None:
        """A target has lost its last producer by unlinking."""
        ...

    def busy(self) -> AbstractContextManager[None]:
        """While this lasts, somebody is at work who will go on without being woken."""
        ...

    def spawn(
        self,
        work: Callable[..., Awaitable[None]],
        *args: object,
        name: str,
        phase: str,
        is_awake: bool = False,
        context: Context | None = None,
    ) -> None:
        """Run a task that works for a block."""
        ...

    def after(self, seconds: float, callback: Callable[[], None]) -> trio.CancelScope:
        """Call a function after a time, unless what is returned is cancelled."""
        ...

    def fault(self, error: BaseException, *, phase: str, item: object = None, number: int | None = None) -> None:
        """Record a fault, once."""
        ...


class View(Host, Protocol):
    """The same for those who look at a network: nothing here changes it but `end_shutdown_buffers`.

    Attributes:
        outside: The tasks that are not the network's own and have used one of its blocks.
    """

    outside: set[trio.lowlevel.Task]

    @property
    def given(self) -> Sequence[Part]:
        """The nodes with which it was made."""
        ...

    @property
    def nodes(self) -> dict[Part, None]:
        """Its blocks and agents."""
        ...

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its blocks, in the order in which they joined."""
        ...

    @property
    def agents(self) -> Sequence[Member]:
        """Its agents."""
        ...

    @property
    def body_task(self) -> trio.lowlevel.Task | None:
        """The task that has entered it."""
        ...

    @property
    def body_done(self) -> bool:
        """Whether the body has ended."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def late_errors(self) -> list[BaseException]:
        """Of clean-ups and of hooks: nothing else raises them."""
        ...

    @property
    def outer_deadline(self) -> float:
        """When a cancel scope around the network ends it, by trio's clock."""
        ...

    def end_shutdown_buffers(self) -> None:
        """Complete those of the shutdown buffers that are linked into this network."""
        ...

    def balance(self) -> Balance:
        """The accounts: what became of every item that each block accepted."""
        ...

    def statistics(self) -> Statistics:
        """What every block, agent and governor has done so far, in numbers."""
        ...
