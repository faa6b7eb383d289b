"""A block that makes a tuple of one message from each of its inputs."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, TypeVar, overload

from .buffer import check_capacity
from .core.inbox import Inbox
from .core.inputs import InputsBlock
from .core.outbox import Outbox
from .core.source import Source

Out = TypeVar("Out", bound=tuple[Any, ...])
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Join(InputsBlock[Out]):
    """Waits until each input has a message, and hands them on as one tuple, in the order of the inputs.

    Several sources of different types are joined just as those of one type: `Join(names, ages)` is a
    `Join[tuple[str, int]]`.

    - Inputs and outputs: a fixed number of inputs, given as sources, or linked later in the order in which they are
      to stand in the tuple (`source.link_target(join)`), or sent to by hand (`join.inputs[0].send(…)`). Tuples go to
      the first linked target that accepts them, or to a receiver.
    - Order: the n-th tuple is made of the n-th message of each input.
    - Holds: non-greedy (the default), nothing: it takes the messages, all at once, when somebody takes the tuple, and
      until then they stay with their sources, where other takers may get them; two joins that share sources cannot
      deadlock each other. Greedy: what its inputs were given and what has no partner yet.
    - Back-pressure: non-greedy, that of whoever takes the tuples. Greedy: at most `capacity` messages an input.
    - Ends: when one input is complete and empty. What the other inputs have then has no partner: it stays where it is
      (with its source, or in a greedy join), and the network reports it as stalled.
    - Fails: runs no function of the user's but filters.

    In the balance, messages count as merged and tuples as produced.

    Args:
        sources: One source an input, in the order of the tuple.
        inputs: How many inputs, if not all are given as sources now.
        greedy: Take messages as soon as they come instead of leaving them with their sources.
        capacity: At most so many messages wait in one input of a greedy join, >= 1; None for no bound.
        name: What reports call the block; by default its class and a number.

    Raises:
        ValueError: There is no input, or there are more sources than inputs.
    """

    __slots__ = ("is_greedy",)
    kind: ClassVar[str] = "join"

    @overload
    def __init__(
        self: Join[tuple[A]],
        source_1: Source[A],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Join[tuple[A, B]],
        source_1: Source[A],
        source_2: Source[B],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Join[tuple[A, B, C]],
        source_1: Source[A],
        source_2: Source[B],
        source_3: Source[C],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Join[tuple[A, B, C, D]],
        source_1: Source[A],
        source_2: Source[B],
        source_3: Source[C],
        source_4: Source[D],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *sources: Source[Any],
        inputs: int | None = ...,
        greedy: bool = ...,
        capacity: int | None = ...,
        name: str | None = ...,
    ) -> None: ...

    def __init__(
        self,
        *sources: Source[Any],
        inputs: int | None = None,
        greedy: bool = False,
        capacity: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        count = len(sources) if inputs is None else inputs
        check_capacity(str(self), capacity)
        if not isinstance(count, int) or count < 1 or len(sources) > count:
            raise ValueError(
                f"{self}: needs at least 1 input and no more sources than inputs, "
                f"got {len(sources)} sources, inputs={inputs!r}"
            )
        self.is_greedy = greedy
        for _ in range(count):
            self._add_input()
        if greedy:
            self._outbox = Outbox(self, deque())
            for port in self.inputs:
                port._inbox = Inbox(self, deque(), capacity=capacity, label=f"{self} input {port.index}")
        self._link_sources(sources)

    def _inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        for port in self.inputs:
            if not port._inbox.producers and not port._inbox.closed:
                return port._inbox
        raise ValueError(
            f"{self} has {len(self.inputs)} inputs and all are taken; make it with more, or link to join.inputs[i]"
        )

    def _is_ready(self) -> bool:
        return all(port.has_message() for port in self.inputs)

    def _look(self) -> Out:
        return tuple(port.head() for port in self.inputs)  # type: ignore[return-value]

    def _take(self) -> Out:
        self._counts["merged"] += len(self.inputs)
        self._counts["produced"] += 1
        whole = tuple(port.take() for port in self.inputs)
        self._became(whole, whole)
        return whole  # type: ignore[return-value]

    def _is_over(self) -> bool:
        return any(port.is_exhausted for port in self.inputs)

    def _why_held(self) -> str:
        ended = [str(port.index) for port in self.inputs if port.is_exhausted]
        return f"they have no partner: input {', '.join(ended)} has ended" if ended else ""

    def _step(self) -> None:
        if not self.is_greedy:
            super()._step()
            return
        outbox = self._outbox
        outbox.flush()
        inboxes = [port._inbox for port in self.inputs]
        for inbox in inboxes:
            inbox.begin_step()
        if not outbox.queue and (count := min(len(inbox.queue) for inbox in inboxes)):
            batches = [inbox.take(count) for inbox in inboxes]
            self._counts["merged"] += count * len(inboxes)
            self._counts["produced"] += count
            wholes = list(zip(*batches, strict=True))
            for whole in wholes:
                self._became(whole, whole)
            outbox.queue.extend(wholes)  # type: ignore[attr-defined]
            outbox.flush()
        for inbox in inboxes:
            inbox.admit()
        over = any(inbox.closed and not inbox.queue for inbox in inboxes)
        if over and not outbox.queue and not self._finished:
            self._finish()

    def _held(self) -> int:
        if not self.is_greedy:
            return super()._held()
        return len(self._outbox) + sum(len(port._inbox.queue) for port in self.inputs)
