"""Matches the messages of a join by key, and deals with messages that get no partner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal, cast

from ..base.callables import check_answer
from ..base.checks import check_function
from ..base.error_info import annotate, shorten
from ..base.timing import LARGEST_BATCH
from ..core.input_port import EarlyInbox, InputPort
from ..core.inputs import AwaitedMessage
from ..core.key_store import KeyStore
from ..core.link import Link
from .policies import Action, DeadLetter, Fail, Failures, Skip

Key = Callable[[Any], Hashable]
Keys = Key | tuple[Key, ...]
Unmatched = Literal["drop", "fail"] | DeadLetter
PLAIN = frozenset((int, str, bytes, tuple))
"""Types of keys that need no check for functions that have not run (coroutines, generators)."""


class KeyedInbox(EarlyInbox[Any]):
    """An inbox that also counts the messages that wait in the store of the join."""

    __slots__ = ("waiting",)
    waiting: KeyStore

    def room(self) -> int:
        """How many more messages fit in."""
        return self.capacity - len(self.queue) - self.waiting.counts[self.index]


class KeyMatcher:
    """Takes messages in and makes tuples of messages with the same key.

    Args:
        who: The join, for error messages.
        inputs: Its inputs.
        keys: Per input, the function that returns the key of a message.
        unmatched: Decides what happens to a message without a partner.
        drop: Called with a message without a partner that is dropped.
        dead_letter: Called with a message that goes to the dead letters, and the reason.

    Attributes:
        freed: The inputs at which there may be more room, because messages have left the store.
    """

    def __init__(
        self,
        who: str,
        inputs: Sequence[InputPort[Any]],
        keys: Sequence[Key],
        unmatched: Failures,
        drop: Callable[[Any], None],
        dead_letter: Callable[[Any, Exception], None],
    ) -> None:
        self._who = who
        self._inputs = inputs
        self._keys = tuple(keys)
        self._unmatched = unmatched
        self._drop = drop
        self._dead_letter = dead_letter
        self._arrived: int = 0
        self._looked_at = 0
        self.store: KeyStore = KeyStore(len(keys))
        self.faulted: int = 0
        self.freed: set[int] = set()
        self._maybe_full: set[int] = set()  # all inputs that are full, and perhaps others
        self.shares_source = False  # all inputs get copies of the same messages
        self.in_order = False  # nothing before the inputs is known to change the order

    def match(self, wholes: list[tuple[Any, ...]], changed: Sequence[int]) -> None:
        """Take in the messages that have come, and append the complete tuples to `wholes`.

        Args:
            wholes: Gets the tuples.
            changed: The inputs that may have messages, or have ended.

        Raises:
            ValueError: A message with the same key already waits on the same input.
            TypeError: A key cannot be hashed.
            LookupError: A message has no partner, and that is a fault.
        """
        for index in changed:
            queue = self._inputs[index].inbox.queue
            while queue and len(wholes) < LARGEST_BATCH:
                self._take(index, queue.popleft(), wholes)
        for key in self._passed_over(changed):
            self._give_up(key)
        for index in changed:
            inbox = self._inputs[index].inbox
            if inbox.closed and not inbox.queue and index not in self.store.ended:
                for key in self.store.end(index):
                    self._give_up(key)

    def _take(self, index: int, item: Any, wholes: list[tuple[Any, ...]]) -> None:
        self._arrived += 1
        try:
            key = self._key(index, item)
            whole = self._put(index, key, item)
        except BaseException:
            self.faulted += 1
            raise
        if whole is not None:
            wholes.append(whole)
            self.freed.update(range(len(whole)))
        elif self.store.ended and self.store.is_hopeless(key):
            self._give_up(key)

    def _key(self, index: int, item: Any) -> Hashable:
        try:
            key = self._keys[index](item)
            if type(key) not in PLAIN:
                check_answer(self._who, "key", key)
            return key
        except Exception as error:
            annotate(error, f"in the key of input {index} of {self._who} for {shorten(item)}")
            raise

    def _put(self, index: int, key: Hashable, item: Any) -> tuple[Any, ...] | None:
        where = f"input {index} of {self._who}"
        try:
            return self.store.put(index, key, item)
        except KeyError:
            raise ValueError(
                f"{where}: the key {shorten(key)} came twice, the second time with {shorten(item)}, before all inputs "
                "had brought it; keys must be unique among the messages that wait"
            ) from None
        except TypeError as error:
            raise TypeError(
                f"{where}: the key of {shorten(item)} must be hashable, got {shorten(key)} ({error})"
            ) from error

    # Messages without a partner

    def report(self, items: Sequence[Any]) -> None:
        """Record the keys of items that were lost somewhere before the join."""
        for item in items:
            for key_of in dict.fromkeys(self._keys):
                try:
                    self.store.report((key_of(item),))
                except Exception:  # it had no key yet where it was lost
                    continue

    def may_settle(self, is_certain: bool) -> bool:
        """Whether `settle` may find keys to give up; a quick answer."""
        return self.store.holds_any and (is_certain or self.shares_source or self.store.has_reports)

    def settle(self, is_quiet: bool) -> bool:
        """Give up keys for which no more messages will come; return whether there were any.

        Args:
            is_quiet: No block before the join holds a message. If not, nothing in the network can move.
        """
        if is_quiet and self.shares_source:
            keys = self.store.keys()  # all copies of a message have left the broadcast, so missing ones are lost
        else:
            keys = self.store.reported() if is_quiet else [*self.store.reported(), *self._passed()]
        for key in dict.fromkeys(keys):
            self._give_up(key)
        if is_quiet:
            self.store.forget_reports()
        return bool(keys)

    def _passed_over(self, changed: Sequence[int]) -> list[Hashable]:
        """Keys that cannot be completed any more; searched only if an input is full and a message has come since."""
        self._maybe_full.update(changed)
        if self._looked_at == self._arrived or not self._is_any_full():
            return []
        self._looked_at = self._arrived
        return list(dict.fromkeys((*self.store.reported(), *self._passed())))

    def _is_any_full(self) -> bool:
        while self._maybe_full:
            index = next(iter(self._maybe_full))
            if self._inputs[index].inbox.room() < 1:
                return True
            self._maybe_full.remove(index)
        return False

    def _passed(self) -> list[Hashable]:
        return self.store.passed() if self.in_order else []

    def _give_up(self, key: Hashable) -> None:
        """Deal with the messages of a key that cannot be completed."""
        lacking = self.store.lacking(key)
        for index, item in self.store.remove(key).items():
            self.freed.add(index)
            action = self._unmatched.decide(self._arrived)
            if action is Action.SKIP:
                self._drop(item)
                continue
            error = self._no_partner(index, item, key, lacking)
            if action is Action.FAIL:
                self.faulted += 1
                raise error
            self._dead_letter(item, error)

    def _no_partner(self, index: int, item: Any, key: Hashable, lacking: Sequence[int]) -> LookupError:
        others = ", ".join(f"{other} ({sources_of(self._inputs[other])})" for other in lacking)
        return LookupError(
            f"{self._who}: {shorten(item)} of input {index} has no partner: its key {shorten(key)} has not come to "
            f"input {others}"
        )

    def awaited_message(self) -> AwaitedMessage | None:
        """The message that the longest-waiting key lacks."""
        first = self.store.first()
        if first is None:
            return None
        key, lacking = first
        index = lacking[0]

        def matches(item: Any) -> bool:
            try:
                return bool(self._keys[index](item) == key)
            except Exception:  # it has no key yet
                return False

        what = f"key {shorten(key)} on input {index} ({sources_of(self._inputs[index])})"
        remedy = (
            f"let the path to input {index} of {self._who} bring every key, or raise the capacity of the join above "
            f"the distance between messages with the same key ({len(self.store)} messages wait)"
        )
        return AwaitedMessage(what, matches, remedy)


def sources_of(port: InputPort[Any]) -> str:
    """Return the sources that feed an input, in words."""
    names = [str(feeder.giver if isinstance(feeder, Link) else feeder) for feeder in port.producers()]
    return ", ".join(names) or "nothing feeds it any more"


def check_keys(who: str, key: Keys, count: int) -> tuple[Key, ...]:
    """Check the `key` argument of a join; return one function per input."""
    keys: tuple[Key, ...] = cast(Any, key) if isinstance(key, tuple) else (key,) * count
    if len(keys) != count:
        raise ValueError(f"{who}: key must be one function, or one for each of {count} inputs, got {len(keys)}")
    for function in keys:
        check_function(who, "key", function)
    if None in keys:
        raise TypeError(f"{who}: each key must be a function, got None")
    return keys


def check_unmatched(who: str, unmatched: Unmatched | None, has_key: bool) -> Skip | Fail | DeadLetter:
    """Check the `unmatched` argument of a join and return its policy; a `ValueError` says what is wrong."""
    if unmatched is not None and not has_key:
        raise ValueError(f"{who}: unmatched={unmatched!r} needs key=, which tells which messages belong together")
    if unmatched is None or unmatched == "drop":
        return Skip()
    if unmatched == "fail":
        return Fail()
    if not isinstance(unmatched, DeadLetter):
        raise ValueError(f"{who}: unmatched must be 'drop', 'fail' or a DeadLetter, got {unmatched!r}")
    return unmatched
