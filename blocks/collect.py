"""A block that takes messages from several lanes in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from .core.block_core import BlockCore
from .core.inbox import Inbox
from .core.inputs import InputsBlock, InputsCore
from .core.lane_turns import LaneTurns
from .core.lanes import Lanes
from .core.outbox import Outbox
from .core.source import Source

T = TypeVar("T")


class CollectCore(InputsCore[T]):
    """The core of a collect."""

    __slots__ = ("_is_asked", "_lanes")

    def __init__(self, facade: Collect[T], name: str | None) -> None:
        super().__init__(facade, name)
        self._is_asked = False  # True only inside `is_ready`, which a circle of links could call again
        self._lanes = Lanes(self, self.inputs, self.wake)

    # The lanes

    def inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        port = self._add_input()
        port.inbox.label = f"{self} lane {port.index}"
        if self.host is None:
            self._lanes.turns.add(port.index)
        return port.inbox

    def input_linked(self) -> None:
        """After a new link, find the lanes again."""
        self._lanes.is_stale = True
        self.wake()

    def problems(self) -> Iterable[str]:
        """The reasons why it cannot be known which messages are lost, if there are any."""
        return self._lanes.problems()

    def begin(self) -> None:
        self._lanes.set_up()
        super().begin()

    def fork_behind(self) -> BlockCore | None:
        """The block whose lanes come together here."""
        return self._lanes.fork()

    @property
    def keeps_order(self) -> bool:
        """Whether it is known which of the messages that were distributed come out, in the same order."""
        return self._lanes.fork() is not None

    # Taking turns

    def _pass_lost(self) -> None:
        """Pass over the turns of messages that were lost and of lanes that have ended."""
        turns = self._lanes.turns
        place = self._lanes.place() if self.outbox.branches else 0
        for lost in range(turns.pass_lost(self._is_exhausted)):
            for branch in self.outbox.branches:
                branch.lost(self, (place + lost,), 1)

    def _is_exhausted(self, index: int) -> bool:
        if not self.inputs[index].is_exhausted:
            return False
        runs = self.host is not None and self.host.is_open and not self.host.is_being_stopped
        if self.outbox.branches and runs and self._lanes.unknown_end(index):
            for branch in self.outbox.branches:
                branch.break_off(f"lane {index} of {self} has ended before all its messages came out")
        return True

    def is_ready(self) -> bool:
        lanes = self._lanes
        if self._is_asked or not lanes.turns.order or not lanes.is_known:
            return False
        self._is_asked = True
        try:
            return self._has_head(lanes.turns)
        finally:
            self._is_asked = False

    def _has_head(self, turns: LaneTurns) -> bool:
        """Whether there is a message in the lane whose turn it is."""
        while True:
            lane = turns.lane
            number, is_there = turns.next[lane], self.inputs[lane].has_message()
            self._pass_lost()  # afterwards, because a collect in the lane has found its losses only now
            if turns.lane == lane and turns.next[lane] == number:
                return is_there

    def leading_input(self) -> int:
        """The lane whose turn it is."""
        return self._lanes.turns.lane

    def look(self) -> T:
        head: T = self.inputs[self._lanes.turns.lane].head()
        return head

    def take(self) -> T:
        item: T = self.inputs[self._lanes.turns.lane].take()
        self._lanes.turns.taken()
        return item

    def take_run(self, most: int) -> Sequence[T]:
        turns, ports = self._lanes.turns, self.inputs
        if not all(port.has_message() for port in ports) or turns.has_lost:
            return ()
        rounds = min(most // len(ports), *(port.ahead() for port in ports))
        if rounds < 2:
            return ()
        run: list[Any] = [None] * (rounds * len(ports))
        for place, index in enumerate(turns.rounds_taken(rounds)):
            run[place :: len(ports)] = ports[index].take_many(rounds)
        return run

    def _is_over(self) -> bool:
        return 0 < len(self.inputs) == self.closed_inputs and all(port.is_exhausted for port in self.inputs)

    def step(self) -> None:
        if self._lanes.is_stale:
            self._lanes.set_up()
        if self.broken is None:
            self._lanes.check()
        super().step()

    # Waiting

    def awaited_inboxes(self) -> Iterable[Inbox[Any]]:
        turns = self._lanes.turns
        return [self.inputs[turns.lane].inbox] if turns.order else []

    def why_waiting(self) -> str:
        if self.is_ready():
            return self._why_not_taken()
        turns = self._lanes.turns
        return f"it waits for lane {turns.lane}" if turns.order else "it has no lane"


class Collect(InputsBlock[T]):
    """Takes one message from each of its sources in turn; so it restores the order of a `Distribute` without numbers.

    Each source ends a *lane*. The messages of a lane that are lost on their way (skipped, dead-lettered, filtered,
    dropped by a full buffer, or sent along another link) have had their turn: no other message takes their place. So
    the order stays right, whatever the lanes lose. A lane that has ended is passed over.

    This works without a `Distribute`, too: the turns then begin with the first block of each lane. `Collect` and then
    `Distribute` lead m lanes into n lanes, for any m and n.

    Each block of a lane must keep the order, and give one message for each that it gets or report its loss. If one does
    not (such as a transformer with `ordered=False`, a `TransformMany`, a `Batch`, an agent, or a block with two
    sources), entering the network raises a `ValueError`: number the messages, and use a `SequenceMultiplexer`.

    - Inputs and outputs: any number of sources, given or linked before the first message. Gives the messages to the
      first linked target that accepts them, or to a receiver.
    - Order: one message from each lane in turn: in the order of the links of the `Distribute`, or, if the lanes do not
      come from one, in the order of the sources.
    - Holds: nothing; the next message stays in its lane until a target or receiver takes it.
    - Back-pressure: from the target or receiver. A lane that is ahead waits, and the report says for which lane.
    - Ends: when all lanes have ended.
    - Fails: with a `ValueError`, if a message is sent directly into the middle of a lane, or if a lane is linked too
      late. Calls no user function except filters.

    Args:
        sources: The sources, one for each lane.
        name: The name of the block in reports; by default its class and a number.
    """

    __slots__ = ()
    kind: ClassVar[str] = "collect"
    _core: CollectCore[T]

    def __init__(self, *sources: Source[T], name: str | None = None) -> None:
        self._core = CollectCore(self, name)
        self._core.link_sources(sources)
