"""A buffer that gives the most urgent message first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from .base.checks import check_capacity, check_function, check_number
from .base.error_info import shorten
from .buffer import Buffer, BufferCore
from .core.priority_queue import PriorityQueue
from .core.storing import LeftOver

T = TypeVar("T")


class PriorityBuffer(Buffer[T]):
    """Keeps messages until they are taken, and gives the most urgent one first.

    A function block that is linked to it takes a message only when it can start work on it. So an urgent message waits
    for what is in work, and for at most one batch of quick items. If other blocks come between the two, give the
    function block the `priority` instead.

    - Inputs and outputs: takes messages from links and senders; each goes to the first linked target that accepts it,
      or to a receiver.
    - Order: by priority, the higher number first; messages of the same priority in the order in which they came.
    - Holds: up to `capacity` messages.
    - Back-pressure: when it is full, senders wait and links are postponed, in the order in which they came; so an
      urgent message waits for room like any other.
    - Ends: after its last producer, when it is empty; without a link or declared reader it keeps its messages,
      which can be received after the run.
    - Fails: an exception of `priority` is raised by the send, or is a fault of the block that hands the message on;
      when its network stops, its messages are discarded.

    Args:
        priority: Returns the priority of a message, a number: the higher number is the more urgent. It is called once
            for a message, when it comes. By default the attribute `priority` of the message.
        ageing: Seconds of waiting, by the clock of the computer, that are worth one level of priority, > 0, so that no
            message waits forever behind more urgent ones. Default: None, a message stays at its level.
        capacity: The number of messages that fit in, >= 1. Default: None, no bound.
        filter: Only messages for which this is true are taken; others are declined.
        left_over: What the network does if messages are still here in the end although a linked target should take
            them: "report" (the default) raises `Stalled`; "keep" leaves them.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: A number is out of its range, or `left_over` is not one of the two words.
        TypeError: `priority` is not a plain function; or, from a send, the priority of a message is not a number.
    """

    kind: ClassVar[str] = "priority buffer"

    def __init__(
        self,
        priority: Callable[[T], float] | None = None,
        *,
        ageing: float | None = None,
        capacity: int | None = None,
        filter: Callable[[T], bool] | None = None,
        left_over: LeftOver = "report",
        name: str | None = None,
    ) -> None:
        who = f"priority buffer {name!r}" if name else "priority buffer"
        check_function(who, "priority", priority)
        if ageing is not None:
            check_number(who, "ageing", ageing, above=True)
        check_capacity(who, capacity)

        def by_attribute(message: Any) -> float:
            found: float | None = getattr(message, "priority", None)
            if found is None:
                raise TypeError(
                    f"{who}: the message has no attribute `priority`: {shorten(message)}; give the buffer a function, "
                    "as in PriorityBuffer(lambda message: …)"
                )
            return found

        queue: PriorityQueue[T] = PriorityQueue(who, priority or by_attribute, ageing)
        self._core = BufferCore(self, queue, capacity, filter, left_over, name)
