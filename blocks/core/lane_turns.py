"""Says whose turn it is among several lanes, from which messages are taken one after the other. Plain code.

Each lane has its own count of messages, from the place on where it is known which of them are lost. A lost message
has had its turn when the turn comes to it. Invariant: for each lane, the messages before `next` were taken or lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


class LaneTurns:
    """The turns of some lanes.

    Attributes:
        order: The lanes in the order of their turns.
        next: For each lane, the number of the message whose turn comes next there.
    """

    __slots__ = ("_lost", "_place", "next", "order")

    def __init__(self) -> None:
        self.order: list[int] = []
        self.next: dict[int, int] = {}
        self._lost: dict[int, set[int]] = {}
        self._place = 0

    def add(self, lane: int, first: int = 1) -> None:
        """Add a lane, which has the last turn of each round.

        Args:
            lane: The lane.
            first: The number of its first message.
        """
        self.order.append(lane)
        self.next[lane] = first
        self._lost[lane] = set()

    def clear(self) -> None:
        """Forget all lanes."""
        self.__init__()  # type: ignore[misc]  # like new

    def lose(self, lane: int, number: int) -> None:
        """Note that a message will not come out of a lane."""
        if number >= self.next[lane]:
            self._lost[lane].add(number)

    @property
    def has_lost(self) -> bool:
        """Whether a lost message has its turn still to come."""
        return any(self._lost.values())

    @property
    def lane(self) -> int:
        """The lane whose turn it is; only if there is one."""
        return self.order[self._place]

    def pass_lost(self, is_over: Callable[[int], bool]) -> int:
        """Pass over turns of lost messages and of lanes that are over, unless all are.

        Args:
            is_over: Whether nothing more will come out of a lane.

        Returns:
            How many lost messages have had their turn.
        """
        passed = idle = 0
        while idle < len(self.order):
            lane = self.lane
            if self.next[lane] in self._lost[lane]:
                self.taken()
                passed += 1
                idle = 0
            elif is_over(lane):
                self._step()
                idle += 1
            else:
                break
        return passed

    def taken(self) -> None:
        """Note that the lane whose turn it is has given its message, or that the message is lost."""
        lane = self.lane
        self._lost[lane].discard(self.next[lane])
        self.next[lane] += 1
        self._step()

    def rounds_taken(self, rounds: int) -> Sequence[int]:
        """Note that each lane has given some messages, in whole rounds; return the lanes in this order."""
        for lane in self.order:
            self.next[lane] += rounds
        return (*self.order[self._place :], *self.order[: self._place])

    def _step(self) -> None:
        self._place = (self._place + 1) % len(self.order)
