"""What the parts of a generated network have in common: how one is built, and how its results are foretold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Literal, Protocol

import attrs
import trio

from penstock.blocks import (
    Budget,
    BufferPool,
    DeadLetter,
    ErrorInfo,
    Fail,
    Node,
    Rate,
    Retry,
    Skip,
    Source,
    Target,
    UnboundedBuffer,
)

from .items import Boom, Item

Paced = Literal["no", "own", "shared"]


@attrs.frozen
class Piece:
    """A part that was built: where its items go in, and where they come out."""

    entry: Target[Any]
    exit: Source[Any]


@attrs.define
class Building:
    """What is collected while a network is built and runs.

    Attributes:
        letters: Takes the dead letters of all blocks; made when the first one needs it.
        complaints: What the functions found wrong, which could not raise it, as their block has a policy.
        shared_rate: A rate that several blocks share.
        executors: Those that several blocks share, by their kind.
        pools: The executors that have to be shut down.
        buffers: The pools of buffers, all of which must be back at the end.
    """

    nodes: list[Node] = attrs.field(factory=list[Node])
    letters: UnboundedBuffer[ErrorInfo] | None = None
    complaints: list[str] = attrs.field(factory=list[str])
    shared_rate: Rate = attrs.field(factory=lambda: Rate(3, burst=2))
    executors: dict[str, Executor] = attrs.field(factory=dict[str, Executor])
    pools: list[ThreadPoolExecutor] = attrs.field(factory=list[ThreadPoolExecutor])
    buffers: list[BufferPool[bytearray]] = attrs.field(factory=list[BufferPool[bytearray]])
    _names: Counter[str] = attrs.field(factory=Counter[str])

    def name(self, kind: str, mark: int) -> str:
        """Name a block after its place in the plan; the second copy of one gets a suffix."""
        name = f"{kind}{mark}"
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}-{self._names[name]}"

    def letter_box(self) -> UnboundedBuffer[ErrorInfo]:
        """Where dead letters go."""
        if self.letters is None:
            self.letters = UnboundedBuffer(name="letters")
        return self.letters

    def rate(self, paced: Paced) -> Rate | None:
        """The rate of a block."""
        return {"no": None, "own": Rate(5), "shared": self.shared_rate}[paced]

    def demand(self, condition: bool, complaint: str) -> None:
        """Note a complaint unless something is true."""
        if not condition:
            self.complaints.append(complaint)


@attrs.define
class Forecast:
    """What the model says of a network.

    Attributes:
        items: What comes out, in the order in which it went in.
        is_ordered: Whether it comes out in that order.
        is_exact: Whether all of it comes out; otherwise some may have been dropped at a full buffer.
        faults: The block (by kind and mark) and item of each fault that can happen.
        must_fault: Whether one of them does happen, unless something else ends the run.
        may_fault: Whether one of them may happen, depending on the order of things.
        letters: How many dead letters there are.
        width: How many blocks share the work that the model sees as done by one.
    """

    items: list[Item]
    is_ordered: bool = True
    is_exact: bool = True
    faults: set[tuple[str, Item]] = attrs.field(factory=set[tuple[str, Item]])
    must_fault: bool = False
    may_fault: bool = False
    letters: Counter[Item] = attrs.field(factory=Counter[Item])
    width: int = 1

    def faulty(self, where: str, items: Sequence[Item], *, certain: bool) -> None:
        """Note that items can make the network fault there."""
        if items:
            self.faults.update((where, item) for item in items)
            self.must_fault = self.must_fault or (certain and self.is_exact)
            self.may_fault = True

    def branch(self, items: list[Item], width: int = 1) -> Forecast:
        """Begin the forecast of a part that gets some of the items."""
        return Forecast(items, self.is_ordered, self.is_exact, width=self.width * width)

    def merge(self, branch: Forecast) -> None:
        """Take over what the forecast of a part says, all but its items."""
        self.is_exact = self.is_exact and branch.is_exact
        self.is_ordered = self.is_ordered and branch.is_ordered
        self.faults |= branch.faults
        self.must_fault = self.must_fault or branch.must_fault
        self.may_fault = self.may_fault or branch.may_fault
        self.letters.update(branch.letters)


class Stage(Protocol):
    """A part of a plan."""

    def build(self, building: Building) -> Piece:
        """Make the blocks and link them."""
        ...

    def foretell(self, forecast: Forecast) -> None:
        """Turn the forecast of what goes in into that of what comes out."""
        ...


@attrs.frozen
class Trouble:
    """Which items a function raises for.

    Attributes:
        period: Every so manieth item; 0 for none.
        salt: Which of them is the first.
        tries: How often it raises for the same item; None for always.
    """

    period: int = 0
    salt: int = 0
    tries: int | None = None

    def hits(self, item: Item) -> bool:
        """Whether the function raises for the item at all."""
        return self.period > 0 and (item.origin + self.salt) % self.period == 0

    def checker(self, where: str, name: str) -> Callable[[Item], None]:
        """Make a function that raises when it should, for one block."""
        raised: Counter[Item] = Counter()

        def check(item: Item) -> None:
            item = item.with_lease(None)  # what is kept must not keep a buffer
            if self.hits(item) and (self.tries is None or raised[item] < self.tries):
                raised[item] += 1
                raise Boom(where, item, name)

        return check


@attrs.frozen
class Handling:
    """What a block does about a failure, as a plan; `Trouble.tries`, if it is a number, is at most `times`."""

    then: str = "fail"
    times: int = 0
    backoff: float = 0.0
    at_most: int | None = None
    rate: float | None = None

    @property
    def is_lossless(self) -> bool:
        """Whether no item can end here without a fault."""
        return self.then == "fail"

    def build(self, building: Building) -> Fail | Skip | DeadLetter | Retry:
        """Make the policy."""
        has_budget = self.at_most is not None or self.rate is not None
        budget = Budget(at_most=self.at_most, rate=self.rate, minimum=2) if has_budget else None
        final: Fail | Skip | DeadLetter = Fail()
        if self.then == "skip":
            final = Skip(budget)
        elif self.then == "dead letter":
            final = DeadLetter(building.letter_box(), budget)
        return Retry(self.times, self.backoff, final) if self.times else final

    def foretell(self, forecast: Forecast, trouble: Trouble, where: str) -> None:
        """Take the items out that fail for good."""
        if trouble.tries is not None:
            return
        failing = [item for item in forecast.items if trouble.hits(item)]
        forecast.items = [item for item in forecast.items if not trouble.hits(item)]
        if self.then == "fail":
            forecast.faulty(where, failing, certain=True)
            return
        if self.then == "dead letter":
            forecast.letters.update(failing)
        if self.rate is not None:
            forecast.faulty(where, failing, certain=False)
        elif self.at_most is not None and len(failing) > self.at_most:
            forecast.faulty(where, failing, certain=len(failing) > self.at_most * forecast.width)


@attrs.frozen
class Pace:
    """How long a function takes, in virtual seconds: by turns; None for no checkpoint at all."""

    turns: tuple[float | None, ...] = (None,)

    async def wait(self, number: int) -> None:
        """Take as long as it takes for that number."""
        seconds = self.turns[number % len(self.turns)]
        if seconds is not None:
            await trio.sleep(seconds)
