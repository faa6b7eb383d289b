"""Merges several ordered streams into one sequence.

Invariant: each number below `next_number` has gone out or will never come (a tombstone). Each input is in order, so
its head has the lowest number that can still come from it. The block looks only at the heads, and takes a head only
when its number is next.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import attrs

from penstock.blocks import Source
from penstock.blocks.base.callables import check_answer
from penstock.blocks.base.checks import check_function
from penstock.blocks.base.error_info import shorten
from penstock.blocks.base.statistics import BlockStatistics
from penstock.blocks.core.inbox import Inbox
from penstock.blocks.core.input_port import InputPort
from penstock.blocks.core.inputs import AwaitedMessage, InputsBlock, InputsCore
from penstock.blocks.core.outbox import Outbox
from penstock.blocks.core.quiet import is_quiet_before
from penstock.blocks.core.threads import check_thread

from .merge import Lane, merge

T = TypeVar("T")


class SequenceError(Exception):
    """A sequence multiplexer cannot put its items in sequence: a number is missing, came twice or is out of order."""


LONGEST = 64
"""How many messages of an input are looked at together."""


class MultiplexerCore(InputsCore[T]):
    """The core of a sequence multiplexer.

    It keeps the number of each head that it has seen, so that more inputs do not cost more per item. A kept number may
    be out of date, because another taker of the source was quicker. So a head is looked at again before it is taken.

    Invariant: an input whose head may have changed by itself is stirred, because its source has offered the new head or
    a sender has stored it.
    """

    def __init__(self, facade: SequenceMultiplexer[T], key: Callable[[T], int], start: int, name: str | None) -> None:
        super().__init__(facade, name)
        check_function(str(self), "key", key)
        self._key = key
        self.next_number: int = whole(self, "start", start)
        self._tombstones: set[int] = set()
        self._reported: set[int] = set()
        self._last: dict[int, int] = {}
        self._stirred: dict[int, None] = {}  # the inputs whose heads must be looked at
        self._seen: dict[int, int] = {}  # per input, the number of its head
        self._inputs_of: defaultdict[int, set[int]] = defaultdict(set)  # per number, the inputs that have it as head
        self._unchecked: dict[int, None] = {}  # the inputs whose heads may prove that the sequence is broken

    def tombstone(self, number: int) -> None:
        """Note that an item will never come.

        Raises:
            SequenceError: The sequence has passed this number already.
        """
        check_thread(self, "call tombstone of")
        number = whole(self, "the number of a tombstone", number)
        if number < self.next_number:
            raise SequenceError(f"{self}: number {number} has gone out already; the next is {self.next_number}")
        self._tombstones.add(number)
        self._pass_tombstones()
        self.wake()

    def _pass_tombstones(self) -> None:
        self._reported.discard(self.next_number - 1)
        while self.next_number in self._tombstones:
            self._tombstones.remove(self.next_number)
            self._reported.discard(self.next_number)
            self._pass()

    def _pass(self) -> None:
        """Go on to the next number; a head that still has the old number is wrong."""
        if late := self._inputs_of.get(self.next_number):
            self._unchecked.update(dict.fromkeys(late))
        self.next_number += 1

    def _number(self, item: T) -> int:
        number = self._key(item)
        if type(number) is not int:
            check_answer(self, "key", number)
            number = whole(self, f"the number that key gives for {shorten(item)}", number)
        return number

    # The heads

    def inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        return self._add_input().inbox

    def _heads(self) -> dict[int, int]:
        """The number at the head of each input that has one."""
        return {port.index: self._number(port.head()) for port in self.inputs if port.has_message()}

    def leading_input(self) -> int:
        """The index of the input whose head has the next number."""
        index = self._winner()
        assert index is not None
        return index

    def stir(self, index: int) -> None:
        """Note that an input may have a new head."""
        self._stirred[index] = None

    def look_at_all(self) -> None:
        """Stir every input, because a source may not have offered its head yet."""
        is_offered = self.host is not None and self.host.is_open and not self.host.pump.is_busy
        if not is_offered and self._winner() is None:
            self._stirred = dict.fromkeys(range(len(self.inputs)))

    def _look_at_stirred(self) -> None:
        while self._stirred:
            index = next(iter(self._stirred))
            self._look_at(index)
            del self._stirred[index]  # kept if `key` has raised, so that `key` is called again

    def _look_at(self, index: int) -> None:
        """Look at the number at the head of an input."""
        self._forget(index)
        port = self.inputs[index]
        if port.has_message():
            number = self._seen[index] = self._number(port.head())
            self._inputs_of[number].add(index)
            self._unchecked[index] = None

    def _forget(self, index: int) -> None:
        if (number := self._seen.pop(index, None)) is not None:
            others = self._inputs_of[number]
            others.discard(index)
            if not others:
                del self._inputs_of[number]

    def _winner(self) -> int | None:
        """The input whose head has the next number."""
        self._look_at_stirred()
        for index in sorted(self._inputs_of.get(self.next_number, ())):
            self._look_at(index)
            if self._seen.get(index) == self.next_number:
                return index
        return None

    def is_ready(self) -> bool:
        return self._winner() is not None

    def look(self) -> T:
        index = self._winner()
        assert index is not None
        head: T = self.inputs[index].head()
        return head

    def take(self) -> T:
        index = self._winner()
        assert index is not None
        self._last[index] = self.next_number
        self._forget(index)
        self.stir(index)
        self._pass()
        self._pass_tombstones()
        item: T = self.inputs[index].take()
        return item

    def take_run(self, most: int) -> Sequence[T]:
        if self._tombstones or self._reported:
            return ()
        run, lanes = merge(self._number, self.next_number, most, self._open_lane)
        for lane in lanes:
            self._last[lane.index] = lane.last
            self._forget(lane.index)
            self.stir(lane.index)
            self.inputs[lane.index].take_many(lane.count)
        for _ in run:
            self._pass()
        return run

    def _open_lane(self, number: int) -> Lane[T] | None:
        """The messages of the input whose head has a number; None if there is no such input, or more than one."""
        indexes = self._inputs_of.get(number, set())
        index = next(iter(indexes), 0)
        if len(indexes) != 1 or not self.inputs[index].has_message():
            return None
        port = self.inputs[index]
        items = port.look_ahead(min(port.ahead(), LONGEST))
        return Lane(index, items) if self._number(items[0]) == number else None  # another taker may have been quicker

    def _is_over(self) -> bool:
        return 0 < len(self.inputs) == self.closed_inputs and all(port.is_exhausted for port in self.inputs)

    def step(self) -> None:
        super().step()
        if not self.finished:
            self._check()

    def _check(self) -> None:
        """Raise an error if the heads prove that the sequence is broken."""
        self._look_at_stirred()
        unchecked, self._unchecked = self._unchecked, {}
        for index in sorted(unchecked):
            for other in tuple(self._inputs_of.get(self._seen.get(index, 0), ())):
                self._look_at(other)  # another taker may have been quicker
            if index in self._seen:
                self._check_head(index, self._seen[index])
        self._unchecked.clear()
        if self._winner() is None and len(self._seen) + self.closed_inputs >= len(self.inputs):
            self._check_missing(self._heads())

    def _check_head(self, index: int, number: int) -> None:
        """Raise an error if the number at a head cannot be correct."""
        last = self._last.get(index)
        if last is not None and number <= last:
            what = "twice" if number == last else f"after {last}"
            raise SequenceError(f"{self}: number {number} came {what} from input {index} ({self._source_of(index)})")
        if number < self.next_number:
            raise SequenceError(
                f"{self}: number {number} came from input {index} ({self._source_of(index)}), but it has gone out "
                f"already; the next is {self.next_number}"
            )
        one, *others = sorted(self._inputs_of[number])
        if others:
            raise SequenceError(f"{self}: number {number} came from input {one} and from input {others[0]}")

    def _check_missing(self, heads: dict[int, int]) -> None:
        """Raise an error if the next number cannot come from any input."""
        if heads and not self._silent(heads) and not self._pass_reported(heads):
            index = min(heads, key=lambda i: heads[i])
            raise SequenceError(
                f"{self}: number {self.next_number} is missing: the least that can still come is {heads[index]}, "
                f"from input {index} ({self._source_of(index)})"
            )

    def _source_of(self, index: int) -> str:
        names = [str(producer) for producer in self.inputs[index].inbox.producers]
        return ", ".join(names) or "finished"

    def measured(self, seconds: float) -> BlockStatistics:
        numbers = super().measured(seconds)
        if self.finished:
            return numbers
        return attrs.evolve(numbers, awaits=f"number {self.next_number}", ahead=self._ahead())

    def _ahead(self) -> int:
        """How many items wait for the next number; 0 while it is there itself, or new heads have to be looked at."""
        if self._stirred or self.next_number in self._inputs_of:
            return 0
        return sum(port.ahead() for port in self.inputs if port.has_message())

    def why_waiting(self) -> str:
        return self._why_not_taken() if self.is_ready() else f"it waits for number {self.next_number}"

    def awaited_message(self) -> AwaitedMessage:
        def matches(item: Any) -> bool:
            try:
                return bool(self._number(item) == self.next_number)
            except Exception:  # the item has no number, at least not yet
                return False

        remedy = f"call tombstone({self.next_number}) of {self} if the item will never come"
        return AwaitedMessage(f"number {self.next_number}", matches, remedy)

    # Tombstones

    @property
    def hears_losses(self) -> bool:
        """True: the block skips the numbers of lost items."""
        return True

    def lost_upstream(self, items: Sequence[T]) -> None:
        for item in items:
            try:
                number = self._number(item)
            except Exception:  # the item was dropped before it had a number
                continue
            if isinstance(number, int) and number >= self.next_number:
                self._reported.add(number)
        self.wake()

    def settle_losses(self, is_certain: bool = False) -> bool:
        """Skip the next number if it was lost and cannot come from any input; return whether a head is next now."""
        if self.next_number not in self._reported or self.finished or self.is_ready():
            return False
        heads = self._heads()
        if not heads or not (is_certain or is_quiet_before(port.inbox for port in self._silent(heads))):
            return False
        return self._pass_reported(heads)

    def _silent(self, heads: dict[int, int]) -> list[InputPort[Any]]:
        """The inputs that have no message now and may still get one."""
        return [port for port in self.inputs if port.index not in heads and not port.is_exhausted]

    def _pass_reported(self, heads: dict[int, int]) -> bool:
        """Skip numbers that were reported lost; return whether the next number is at the head of an input."""
        while self.next_number in self._reported and self.next_number not in heads.values():
            self._pass()
            self._pass_tombstones()
            self.wake()
        return self.next_number in heads.values()


def whole(who: object, what: str, number: Any) -> int:
    """Return a number as an int; raise a `TypeError` if it is none."""
    try:
        return operator.index(number)
    except TypeError:
        raise TypeError(f"{who}: {what} must be an int, got {shorten(number)}") from None


class SequenceMultiplexer(InputsBlock[T]):
    """Restores one sequence after stages that share the work and each keep their own items in order.

    - Inputs and outputs: any number of sources, given or linked later. Gives the items in the order of their numbers,
      to the first linked target that accepts them, or to a receiver.
    - Order: by number: `start`, `start + 1`, …
    - Holds: nothing; the next item stays at the head of its input until a target or receiver takes it.
    - Back-pressure: from the target or receiver. A stage that is ahead waits with its item at the head.
    - Ends: when all sources are finished.
    - Fails: with a `SequenceError` that names the number and the input, if a number is missing (it can no longer come
      from any input), comes twice, or is out of order within one input; or if `key` raises.

    Blocks upstream report by themselves the items that they drop (skipped, dead-lettered, filtered, overflown). The
    sequence skips the number that `key` gives for such an item as soon as that number can no longer come from any
    input. So a stage may renumber the items after a loss: the number then still comes. An item for which `key` raises
    has no number yet, and its loss is ignored. Call `tombstone` for losses that only your program knows about.

    Args:
        sources: The sources to merge.
        key: Gives the number of an item, an int.
        start: The first number.
        name: The block's name in reports; by default its class and a number.

    Raises:
        TypeError: `start` is not an int.
    """

    kind: ClassVar[str] = "multiplexer"
    _core: MultiplexerCore[T]

    def __init__(self, *sources: Source[T], key: Callable[[T], int], start: int = 1, name: str | None = None) -> None:
        self._core = MultiplexerCore(self, key, start, name)
        self._core.link_sources(sources)

    @property
    def next_number(self) -> int:
        """The number of the item that goes out next."""
        return self._core.next_number

    def tombstone(self, number: int) -> None:
        """Tell the block that an item will never come, so that the sequence goes on without its number.

        Raises:
            SequenceError: The sequence has passed this number already.
            TypeError: `number` is not an int.
        """
        self._core.tombstone(number)
