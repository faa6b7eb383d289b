"""The bottleneck of a run and its cost, in a sentence; `find_bottleneck.py` finds it."""

from __future__ import annotations

from enum import Enum

import attrs

from ..base.units import listed, printable, show

WORTH_TELLING = 0.05
"""Waits and gains below this share of the run are not mentioned."""
BODY, LOOP, PROCESSORS = "body", "loop", "processors"


def called(name: str) -> str:
    """Return the name of a block or agent for a sentence."""
    return f"the {name}" if name in (BODY, LOOP, PROCESSORS) else printable(name)


class BottleneckKind(Enum):
    """The kind of a bottleneck: what limits the speed of a run.

    Attributes:
        BLOCK: The calls of one block.
        LOOP: The plain functions that take turns on the loop; none of them takes half of the time.
        PROCESSORS: All calls together, because all processors are busy.
        AGENT: The work of an agent, or of the body, apart from sending and receiving.
        INPUT: The code that feeds the named block.
        OUTPUT: The code that takes the results of the named block.
        RATE: The `Rate` of the named block.
        KEY: The keys of the named block: too many of its items have the same key.
        NOTHING: No part stands out.
    """

    BLOCK = "block"
    LOOP = "loop"
    PROCESSORS = "processors"
    AGENT = "agent"
    INPUT = "input"
    OUTPUT = "output"
    RATE = "rate"
    KEY = "key"
    NOTHING = "nothing"


@attrs.frozen
class Waited:
    """The wait of another part of the network.

    Attributes:
        name: The block, the agent, or "body".
        seconds: The total of its waits.
        is_for_input: Whether it waited for input; if not, it waited to hand an item on.
    """

    name: str
    seconds: float
    is_for_input: bool

    def __str__(self) -> str:
        return f"{called(self.name)} waited {show(self.seconds)} {'for input' if self.is_for_input else 'to hand on'}"


@attrs.frozen
class Bottleneck:
    """The bottleneck of a run, and its cost; `str()` describes it in a sentence.

    Attributes:
        name: The block, the agent or "body", "loop" or "processors".
        kind: The kind of the bottleneck.
        seconds: The seconds that it needed in the whole run; concurrent calls share their time. For INPUT, OUTPUT and
            RATE and KEY, the seconds that the named block waited.
        run: The seconds that the run took.
        each: Seconds per item.
        at_once: The maximum number of concurrent calls.
        waits: The waits of other parts of the network, the longest first.
        others: The parts that take turns with it, or are as slow; for INPUT and OUTPUT, the candidates.
        next_slowest: The name that would be the bottleneck without it; empty if there is none.
        possible: The seconds that the run would take if it were as fast as the next slowest.
    """

    name: str
    kind: BottleneckKind
    seconds: float
    run: float
    each: float = 0.0
    at_once: int = 1
    waits: tuple[Waited, ...] = ()
    others: tuple[str, ...] = ()
    next_slowest: str = ""
    possible: float = 0.0

    @property
    def busy(self) -> float:
        """The bottleneck's share of the run, from 0 to 1."""
        return min(1.0, self.seconds / self.run)

    def __str__(self) -> str:
        parts = [self._what(), *([", ".join(map(str, self.waits))] if self.waits else [])]
        if self.next_slowest and self.possible < (1 - WORTH_TELLING) * self.run:
            parts.append(
                f"as fast as the next slowest ({called(self.next_slowest)}), the run would take "
                f"{show(self.possible)} instead of {show(self.run)}"
            )
        return "; ".join(parts)

    def _what(self) -> str:
        name, others = called(self.name), listed(tuple(map(called, self.others)))
        each, busy = f"{show(self.each)} per item", f"{self.busy:.0%} of the run"
        match self.kind:
            case BottleneckKind.BLOCK:
                at_once = f", {self.at_once} at once" if self.at_once > 1 else ""
                return f"{name} is the bottleneck: {each}{at_once}, busy {busy}"
            case BottleneckKind.AGENT:
                return f"{name} {self._role()}: {each} of its own, busy {busy}"
            case BottleneckKind.LOOP:
                return f"the loop is the bottleneck: {others} take turns on it, busy {busy}"
            case BottleneckKind.PROCESSORS:
                return f"the processors are the bottleneck: busy {busy}, most of all with {others}"
            case BottleneckKind.KEY:
                return f"the keys of {name} are the bottleneck: calls waited for them {busy}"
            case BottleneckKind.RATE:
                return f"the rate of {name} is the bottleneck: calls waited for it {busy}"
            case BottleneckKind.INPUT:
                return f"{f'{others}, which feeds {name},' if others else f'the code that feeds {name}'} is too slow"
            case BottleneckKind.OUTPUT:
                takes = f"takes the results of {name}"
                return f"{f'{others}, which {takes},' if others else f'the code that {takes}'} is too slow"
            case _:
                as_slow = f"{listed((name, *map(called, self.others)))} are about as slow, each busy {busy}"
                return f"nothing stands out: {as_slow if others else f'{name}, the busiest, was busy {busy}'}"

    def _role(self) -> str:
        directions = {wait.is_for_input for wait in self.waits}
        if len(directions) == 1:
            return "feeds the others too slowly" if True in directions else "takes the results too slowly"
        return "is the bottleneck"
