"""The ports of the core: the protocols by which blocks, agents and the running network know each other.

`Host` is the running network for its blocks; code that inspects it sees more of it, see `view.py`. No module below the
network imports its class.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol

import trio

from ..base.network_statistics import Statistics
from ..base.statistics import AgentStatistics
from ..base.threads import Loop
from .balance import Balance
from .gate import Gate
from .meters import Actor, Meter
from .scheduler import Scheduler
from .waiting import Place

if TYPE_CHECKING:
    from .pause import Pause


class Part(Protocol):
    """A part of a network: a block, or the core of an agent.

    Attributes:
        name: The name in reports and messages.
    """

    name: str

    def neighbors(self) -> Iterable[Part]:
        """The parts that it is linked to, in either direction."""
        ...

    def check_free(self, network: Host) -> None:
        """Raise a `RuntimeError` if it cannot become part of a network."""
        ...

    def join(self, network: Host) -> None:
        """Become part of a network that is starting or running."""
        ...

    def begin(self) -> None:
        """Begin to work; every node of the network has joined by now."""
        ...

    # Pausing

    @property
    def paused(self) -> Pause | None:
        """The pause, while it is paused."""
        ...

    def hold(self) -> None:
        """Start nothing new, if it starts work of its own."""
        ...

    def go_on(self) -> None:
        """Undo `hold`."""
        ...

    async def until_at_rest(self) -> None:
        """Wait until no work is under way that a pause holds."""
        ...


class Pausable(Place, Protocol):
    """A block that can be held.

    Attributes:
        paused: The pause, while it is held.
    """

    paused: Pause | None

    @property
    def finished(self) -> bool:
        """Whether it has drained and handed on everything."""
        ...

    @property
    def broken(self) -> str | None:
        """Why it was stopped; None if it was not."""
        ...

    def at_work(self) -> int:
        """How many items are in work."""
        ...

    def wake(self) -> None:
        """Take a step soon."""
        ...


class Member(Part, Protocol):
    """The core of an agent."""

    @property
    def is_done(self) -> bool:
        """Whether the agent has ended, with or without an error."""
        ...

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """The task of the agent while it runs, else None."""
        ...

    def statistics(self) -> AgentStatistics:
        """The statistics of the agent so far."""
        ...


class Engine(Scheduler, Protocol):
    """The scheduler that runs the steps of the blocks of a network."""

    @property
    def loop(self) -> Loop | None:
        """The loop in which the network runs; None before its start and after its end."""
        ...

    @property
    def context(self) -> Context:
        """The context variables with which the network was entered."""
        ...

    @property
    def gates(self) -> list[Gate]:
        """The governors that have to check again when items have left."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether a block is ready."""
        ...

    @property
    def rests(self) -> bool:
        """Whether the engine sleeps: no block is ready, and it is not between two steps."""
        ...

    @property
    def unmoved(self) -> int:
        """After how many sleeps with a time limit the engine has looked in vain, since it went on last."""
        ...

    def wake(self) -> None:
        """Make the engine check whether there is work."""
        ...

    def tell_soon(self, tell: Callable[[], None]) -> None:
        """Call a function soon; an error of it is a fault of the network."""
        ...


class Facade(Protocol):
    """The public interface of a network.

    Attributes:
        name: The name of the network.
        recording: The recording of its run; None if there is none.
    """

    name: str
    recording: Any

    def cancel(self) -> None:
        """Stop this network."""
        ...

    def balance(self) -> Balance:
        """Return the accounts: what happened to every item that each block accepted."""
        ...

    def statistics(self) -> Statistics:
        """The statistics of every block, agent and governor so far."""
        ...

    def check(self) -> tuple[str, ...]:
        """Look for problems that will stall the network."""
        ...

    def report(self) -> Any:
        """Return the current state of the network, for people: a `Report`."""
        ...

    def suggest(self) -> Any:
        """Return advice to make such a run faster: a `Suggestion`."""
        ...

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """The name of the block whose step a task runs, or None."""
        ...


class Host(Protocol):
    """A network, running or not started yet, as its blocks and agents see it.

    Attributes:
        name: The name of the network.
        busy_count: How many activities are under way that will continue without being woken.
        is_stopping: Whether the network is being stopped, as far as the steps of blocks must know; costs no call.
    """

    name: str
    busy_count: int
    is_stopping: bool

    @property
    def facade(self) -> Facade:
        """The public interface of the network."""
        ...

    @property
    def shutdown(self) -> Any:
        """The shutdown buffers."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether the network runs."""
        ...

    @property
    def is_being_stopped(self) -> bool:
        """Whether the network runs and is being stopped."""
        ...

    @property
    def body_done(self) -> bool:
        """Whether nothing more comes from outside: the body has ended, or the network was asked to terminate."""
        ...

    @property
    def pump(self) -> Engine:
        """The scheduler that runs the steps of its blocks."""
        ...

    @property
    def measures(self) -> Meter:
        """The counters and timers."""
        ...

    @property
    def nursery(self) -> trio.Nursery:
        """The nursery in which its tasks run."""
        ...

    @property
    def hearers(self) -> dict[Any, None]:
        """The blocks that must be told about lost items."""
        ...

    def current_actor(self, block: object) -> Actor | None:
        """Remember the task that uses a block; return its meter if it is an agent or the body, else None."""
        ...

    def withdraw(self) -> None:
        """Let every send and receive of its blocks go through the accounts again."""
        ...

    def adopt(self, *nodes: Any) -> None:
        """Make blocks and agents, and everything linked to them, part of the network."""
        ...

    def entry_appeared(self, inbox: Any) -> None:
        """Note that a target has lost its last producer because a link was removed."""
        ...

    def busy(self) -> AbstractContextManager[None]:
        """A context in which an activity is under way that will continue without being woken."""
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
        """Call a function after a time, unless the returned scope is cancelled before."""
        ...

    def fault(self, error: BaseException, *, phase: str, item: object = None, number: int | None = None) -> None:
        """Record a fault, once."""
        ...

    def raise_at_end(self, error: BaseException) -> None:
        """Raise an error when the network ends, unless it comes out of it anyway."""
        ...
