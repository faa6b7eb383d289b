"""The core of a join: makes a tuple of one message from each input, by position or by key."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from ..base.checks import check_capacity
from ..base.error_info import ErrorInfo
from ..core.block_core import BlockCore
from ..core.early_end import end_before
from ..core.forks import come_in_order, share_source
from ..core.inbox import Inbox
from ..core.input_port import EarlyInbox
from ..core.inputs import AwaitedMessage, InputsCore
from ..core.outbox import Outbox
from ..core.pairing import NO_PARTNER, InStep
from ..core.quiet import is_quiet_before
from ..core.shape import Shape
from ..core.source import inlet_for
from .function_block import DEFAULT_CAPACITY
from .key_matcher import KeyedInbox, KeyMatcher, Keys, Unmatched, check_keys, check_unmatched
from .policies import DeadLetter, Failures

Out = TypeVar("Out", bound=tuple[Any, ...])


class JoinCore(InputsCore[Out]):
    """The core of a join."""

    __slots__ = ("_by_key", "_ended", "_in_step", "_lacking", "_stirred", "_unread", "dead", "is_greedy")

    def __init__(
        self,
        facade: Any,
        given: int,
        inputs: int | None,
        greedy: bool,
        capacity: int | None,
        key: Keys | None,
        unmatched: Unmatched | None,
        name: str | None,
    ) -> None:
        super().__init__(facade, name)
        count = given if inputs is None else inputs
        check_capacity(str(self), capacity)
        if not isinstance(count, int) or count < 1 or given > count:
            raise ValueError(
                f"{self}: needs at least 1 input and no more sources than inputs, "
                f"got {given} sources, inputs={inputs!r}"
            )
        keys = None if key is None else check_keys(str(self), key, count)
        policy = check_unmatched(str(self), unmatched, keys is not None)
        self.is_greedy: bool = greedy or keys is not None
        for _ in range(count):
            self._add_input()
        self.dead: Outbox[ErrorInfo] = Outbox(self, deque())
        self._by_key: KeyMatcher | None = None
        self._in_step: InStep | None = None
        self._lacking = 0  # the input that had no message at the last check
        self._stirred: set[int] = set()  # inputs that take messages early and at which something has changed
        self._unread: set[int] = set()  # those by key at which messages may wait to be matched
        self._ended: set[int] = set()  # those by position that have ended and are empty
        if keys is None:
            self._in_step = InStep(self, self.inputs, self._discard, self._lose_number, self.wake)
        else:
            capacity = DEFAULT_CAPACITY if capacity is None else capacity
            self._by_key = KeyMatcher(
                str(self), self.inputs, keys, Failures(str(self), policy), self._discard, self._dead_letter
            )
        if self.is_greedy:
            self._take_early(capacity)
        if isinstance(policy, DeadLetter):
            self.dead.link(inlet_for(self.dead, policy.target))

    def _take_early(self, capacity: int | None) -> None:
        self.outbox: Outbox[Out] = Outbox(self, deque())
        for port in self.inputs:
            if self._by_key is None:
                port.inbox = EarlyInbox(self, port.index, capacity)
            else:
                port.inbox = inbox = KeyedInbox(self, port.index, capacity)
                inbox.waiting = self._by_key.store
            port.takes_early = True

    def stir(self, index: int) -> None:
        """Note that something has changed at an input."""
        if self.is_greedy:
            self._stirred.add(index)

    def _begin_step(self) -> set[int]:
        """Begin the step at the inputs at which something has changed, and return them."""
        stirred, self._stirred = self._stirred, set()
        for index in stirred:
            self.inputs[index].inbox.begin_step()
        return stirred

    def _admit(self, indexes: Iterable[int]) -> None:
        """Let in messages that wait at inputs, because there may be room."""
        for index in indexes:
            inbox = cast("EarlyInbox[Any]", self.inputs[index].inbox)
            inbox.serve_waiting()
            if inbox.is_restless:
                self._stirred.add(index)

    def inlet(self, outbox: Outbox[Any]) -> Inbox[Any]:
        self._check_not_linked(outbox)
        for port in self.inputs:
            if not port.inbox.producers and not port.inbox.closed:
                return port.inbox
        raise ValueError(
            f"{self} has {len(self.inputs)} inputs and all are taken; make it with more, or link to join.inputs[i]"
        )

    # Which messages belong together

    @property
    def keeps_order(self) -> bool:
        """Whether tuples go out in the order of the messages."""
        return self._in_step is not None

    @property
    def shape(self) -> Shape:
        """One tuple needs a message on every input."""
        return Shape(joins=True, reads_ahead=self.is_greedy)

    def fork_behind(self) -> BlockCore | None:
        """The broadcast that feeds all inputs, if there is one and nothing else feeds them."""
        return None if self._in_step is None else self._in_step.fork()

    def carry_contexts(self) -> bool:
        """Give a tuple the context of its message from the first input; not in a greedy join."""
        return not self.is_greedy and super().carry_contexts()

    def problems(self) -> Iterable[str]:
        """The reasons why the matching messages cannot be known, if there are any."""
        return () if self._in_step is None else self._in_step.problems()

    def begin(self) -> None:
        self._look_at_ways()
        super().begin()

    def _look_at_ways(self) -> None:
        """Find out which inputs are fed by the same broadcast."""
        if self._in_step is not None:
            self._in_step.set_up()
        else:
            assert self._by_key is not None
            self._by_key.shares_source = share_source(self)
            self._by_key.in_order = come_in_order(self)

    def input_linked(self) -> None:
        """After a new link, find out again which inputs are fed by the same broadcast."""
        if self._by_key is not None:
            self._by_key.shares_source = self._by_key.in_order = False
        else:
            assert self._in_step is not None
            self._in_step.is_stale = True
            self.wake()

    def _discard(self, item: Any) -> None:
        """Drop a message that has no partner."""
        self.count_dropped(NO_PARTNER, (item,))
        self.report_lost((item,))

    def _lose_number(self, number: int) -> None:
        """Report that no tuple is made of the messages with a number."""
        for branch in self.outbox.branches:
            branch.lost(self, (number,), 1)

    # By position

    def is_ready(self) -> bool:
        in_step = self._in_step
        return self._all_have_messages() and (in_step is None or in_step.is_ready)

    def _all_have_messages(self) -> bool:
        """Check all inputs; begin with the one that had no message last time, because usually it still has none."""
        count, first = len(self.inputs), self._lacking
        for place in range(first, first + count):
            port = self.inputs[place % count]
            if not port.has_message():
                self._lacking = port.index
                return False
        return True

    def look(self) -> Out:
        return tuple(port.head() for port in self.inputs)  # type: ignore[return-value]

    def take(self) -> Out:
        self.counts["merged"] += len(self.inputs)
        self.counts["produced"] += 1
        whole = tuple(port.take() for port in self.inputs)
        assert self._in_step is not None
        self._in_step.paired()
        self.merged_into(whole, whole)
        return whole  # type: ignore[return-value]

    def take_run(self, most: int) -> Sequence[Out]:
        in_step = self._in_step
        assert in_step is not None
        count = in_step.longest(min(most, *(port.ahead() for port in self.inputs)))
        if count < 2 or self.tracer is not None:
            return ()
        self.counts["merged"] += count * len(self.inputs)
        self.counts["produced"] += count
        batches = [port.take_many(count) for port in self.inputs]
        in_step.paired(count)
        return list(zip(*batches, strict=True))  # type: ignore[arg-type]

    def _is_over(self) -> bool:
        if not self.closed_inputs:
            return False  # this is called often, and there may be many inputs
        exhausted = self._ended if self.is_greedy else {port.index for port in self.inputs if port.is_exhausted}
        return bool(exhausted) and (self._in_step is None or self._in_step.is_over(exhausted))

    def why_held(self) -> str:
        ended = [str(port.index) for port in self.inputs if port.is_exhausted]
        return f"they have no partner: input {', '.join(ended)} has ended" if ended else ""

    def step(self) -> None:
        in_step = self._in_step
        if in_step is None:
            assert self._by_key is not None
            self._step_by_key(self._by_key)
            return
        if in_step.is_stale:
            in_step.set_up()
        if in_step.weed():
            self.wake()
        if self.is_greedy:
            self._step_greedily(in_step)
        else:
            super().step()
        if not self.finished and in_step.weed():
            self.wake()
        if self.closed_inputs and not self.finished and in_step.is_left_early:
            for port in self.inputs:
                end_before(port.inbox)

    def _step_greedily(self, in_step: InStep) -> None:
        outbox = self.outbox
        outbox.flush()
        changed = self._begin_step()
        if not outbox.queue and self._all_have_messages():
            inboxes = [port.inbox for port in self.inputs]
            count = in_step.longest(min(len(inbox.queue) for inbox in inboxes))
            batches = [inbox.take(count) for inbox in inboxes]
            in_step.paired(count)
            self._hand_on(list(zip(*batches, strict=True)))
            changed = set(range(len(inboxes)))
        self._admit(sorted(changed))
        self._ended.update(index for index in changed if self.inputs[index].is_exhausted)
        if not outbox.queue and not self.finished and self._is_over():
            self.finish()

    def _hand_on(self, wholes: list[tuple[Any, ...]]) -> None:
        self.counts["merged"] += len(wholes) * len(self.inputs)
        self.counts["produced"] += len(wholes)
        for whole in wholes:
            self.merged_into(whole, whole)
        self.outbox.queue.extend(wholes)  # type: ignore[attr-defined]
        self.outbox.flush()

    # By key

    def _step_by_key(self, by_key: KeyMatcher) -> None:
        self.outbox.flush()
        self.dead.flush()
        changed = self._begin_step()
        self._unread |= changed
        if not self.outbox.queue and not self.dead.queue and not self.finished:
            self._match(by_key)
        freed, by_key.freed = by_key.freed, set()
        self._admit(sorted(changed | freed))
        over = self.closed_inputs == len(self.inputs) and not self._unread
        if over and not self.held() and not self.finished:
            self.finish()

    def _match(self, by_key: KeyMatcher) -> None:
        wholes: list[tuple[Any, ...]] = []
        unread = sorted(self._unread)
        try:
            by_key.match(wholes, unread)
        finally:
            self.counts["dropped:fault"] += by_key.faulted
            by_key.faulted = 0
            self._hand_on(wholes)
        self._unread = {index for index in unread if self.inputs[index].inbox.queue}
        if self._unread:
            self.wake()

    def _dead_letter(self, item: Any, error: Exception) -> None:
        """Send a message without a partner to the dead letters."""
        self.report_lost((item,))
        info = ErrorInfo(self.name, item, None, error)
        self.merged_into((item,), info)
        self.dead.queue.append(info)
        self.dead.flush()

    @property
    def hears_losses(self) -> bool:
        """Whether the join is told of lost messages: true by key, because it gives up their keys."""
        return self._by_key is not None

    def lost_upstream(self, items: Sequence[Any]) -> None:
        assert self._by_key is not None
        self._by_key.report(items)
        self.wake()

    def settle_losses(self, is_certain: bool = False) -> bool:
        """Give up the keys that were reported lost, if no message with them can come; return whether there were any."""
        by_key = self._by_key
        if by_key is None or self.finished or not by_key.may_settle(is_certain):
            return False  # this is asked whenever no block is ready, and there may be many inputs
        is_quiet = is_quiet_before(port.inbox for port in self.inputs)
        if not (is_quiet or is_certain) or not by_key.settle(is_quiet):
            return False
        self.wake()
        return True

    def awaited_message(self) -> AwaitedMessage | None:
        return None if self._by_key is None else self._by_key.awaited_message()

    # By position and by key

    def end_early(self) -> None:
        """Take no more messages from any input, and discard those that were taken."""
        if self._by_key is not None:
            self.counts["discarded"] += len(self._by_key.store)
            self._by_key.store.clear()
        super().end_early()

    def finish(self) -> None:
        super().finish()
        self.dead.end()

    def abort(self, reason: str) -> None:
        super().abort(reason)
        self.dead.abort(reason)
        if self._by_key is not None:
            self._by_key.store.clear()

    def held(self) -> int:
        if not self.is_greedy:
            return super().held()
        stored = 0 if self._by_key is None else len(self._by_key.store)
        waiting = sum(len(port.inbox.queue) for port in self.inputs)
        return len(self.outbox) + len(self.dead) + waiting + stored

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,) if self._by_key is None else (self.outbox, self.dead)
