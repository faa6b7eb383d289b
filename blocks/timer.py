"""A block that gives a message after a time, once or repeatedly."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import trio

from .base.checks import check_number
from .core.block import OF_TARGETS, Block, no_attribute
from .core.block_core import BlockCore
from .core.outbox import Outbox
from .core.pause import Pause
from .core.source import Source
from .core.threads import check_thread

if TYPE_CHECKING:
    from .core.ports import Host

T = TypeVar("T")


class Clock(Enum):
    """The state of a timer's clock.

    `start` changes it from HELD to RUNNING, and `pause` back; `stop` and the message of a one-shot timer end it. ENDED
    is final. While the network is paused, a RUNNING clock stands still.
    """

    HELD = "held"
    RUNNING = "running"
    ENDED = "ended"


class TimerCore(BlockCore, Generic[T]):
    """The core of a timer."""

    __slots__ = ("_clock", "_due", "_remaining", "_repeating", "_scope", "_seconds", "_value", "outbox", "paused")

    def __init__(self, facade: Timer[T], seconds: float, value: T, repeating: bool, name: str | None) -> None:
        super().__init__(facade, name)
        check_number(str(self), "seconds", seconds, above=True)
        self._seconds = seconds
        self._remaining = seconds
        self._value = value
        self._repeating = repeating
        self._clock = Clock.HELD
        self.paused: Pause | None = None  # with the network
        self._due = 0.0
        self._scope: trio.CancelScope | None = None
        self.outbox: Outbox[T] = Outbox(self, deque())

    @property
    def is_running(self) -> bool:
        """Whether the clock runs, or will run as soon as the network starts."""
        return self._clock is Clock.RUNNING and self.paused is None

    def hold(self) -> None:
        """Hold the clock with the network."""
        if self.paused is None:
            self.paused = Pause()
            self._halt()

    def go_on(self) -> None:
        """Let the clock run again, unless the user holds it."""
        if self.paused is not None:
            self.paused = None
            self._run()

    def start_clock(self) -> None:
        """Start the clock, or continue after a pause with the time that was left."""
        if self._clock is Clock.ENDED:
            raise RuntimeError(f"{self} has ended and cannot be started again; make a new one")
        check_thread(self, "start")
        if self._clock is Clock.HELD:
            self._clock = Clock.RUNNING
            self._run()

    def pause(self) -> None:
        """Hold the clock; does nothing if it is not running."""
        check_thread(self, "pause")
        if self._clock is Clock.RUNNING:
            self._clock = Clock.HELD
            self._halt()

    def stop(self) -> None:
        """End the timer for good; a message that is not taken yet can still be taken. A second call does nothing."""
        check_thread(self, "stop")
        self._clock = Clock.ENDED
        self._halt()
        self.wake()

    def begin(self) -> None:
        super().begin()
        self._run()

    def _run(self) -> None:
        """Begin to wait for the next tick, if the clock runs."""
        if self.is_running and self.host is not None and self.host.is_open:
            self._scope = trio.CancelScope()
            self._due = trio.current_time() + self._remaining
            self.host.spawn(self._tick, self._scope, self.host, name=self.name, phase=self.name)

    def _halt(self) -> None:
        """End the task that waits for the next tick, if there is one."""
        if self._scope is not None:
            self._remaining = max(0.0, self._due - trio.current_time())
            self._scope.cancel()
            self._scope = None

    async def _tick(self, scope: trio.CancelScope, network: Host) -> None:
        with scope, network.busy():
            while True:
                await trio.sleep_until(self._due)
                self._give()
                if not self._repeating:
                    self._clock = Clock.ENDED
                    self._scope = None
                    break
                self._due += self._seconds
        self.wake()

    def _give(self) -> None:
        self.counts["produced"] += 1
        if self.outbox.queue:
            self.drop("missed tick", (self._value,))
        else:
            self.outbox.queue.append(self._value)
            self.wake()

    def step(self) -> None:
        self.outbox.flush()
        if self._clock is Clock.ENDED and not self.outbox.queue and not self.finished:
            self.finish()

    def body_ended(self) -> None:
        if self._repeating or self._clock is not Clock.RUNNING:
            self.stop()

    def finish(self) -> None:
        super().finish()
        self.outbox.end()

    def abort(self, reason: str) -> None:
        self.mark_broken(reason)
        self._clock = Clock.ENDED
        self.counts["discarded"] += self.outbox.abort(reason)

    def held(self) -> int:
        return len(self.outbox)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,)


class Timer(Block, Source[T]):
    """Gives a message `seconds` after its start, by trio's clock; a repeating timer gives one every `seconds`.

    `start` lets the clock run, `pause` holds it, and a new `start` continues with the remaining time. `stop` ends the
    timer for good, and so does the message of a one-shot timer: it cannot be started again. A timer that is started
    before its network begins with the network.

    - Inputs and outputs: has no input; each message goes to the first linked target that accepts it, or to a
      receiver.
    - Order: the order of the ticks.
    - Holds: one message. If it is not taken before the next tick, that tick is dropped and counted ("missed tick").
    - Back-pressure: none.
    - Ends: after its message (one-shot), after `stop`, or when the body of the network ends: then a one-shot timer that
      was started still gives its message, and a repeating timer is stopped.
    - Fails: calls no user function except filters.

    Args:
        seconds: The time to wait, in seconds, > 0.
        value: The message.
        repeating: Whether the clock starts again after each message; the ticks do not drift. Default: False.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `seconds` is not greater than 0.
    """

    __slots__ = ()
    kind: ClassVar[str] = "timer"
    _core: TimerCore[T]

    def __init__(self, seconds: float, value: T, *, repeating: bool = False, name: str | None = None) -> None:
        self._core = TimerCore(self, seconds, value, repeating, name)

    if not TYPE_CHECKING:  # pragma: no branch  # type checkers know what there is

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, name, OF_TARGETS, "a timer takes no messages; send to an UnboundedBuffer instead")

    @property
    def is_running(self) -> bool:
        """Whether the clock runs, or will run as soon as the network starts."""
        return self._core.is_running

    def start(self) -> None:
        """Start the clock, or continue after a pause with the time that was left.

        Does nothing if the clock is running.

        Raises:
            RuntimeError: The timer has ended: it was stopped, it has given its only message, or its network has ended.
        """
        self._core.start_clock()

    def pause(self) -> None:
        """Hold the clock; does nothing if it is not running."""
        self._core.pause()

    def stop(self) -> None:
        """End the timer for good; a message that is not taken yet can still be taken. A second call does nothing."""
        self._core.stop()

    async def aclose(self) -> None:
        """Stop the timer; never waits."""
        self._core.stop()
