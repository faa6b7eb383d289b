"""A block that puts together again what came of one input of a one-to-many block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context, copy_context
from typing import Any, ClassVar, Generic, TypeVar, overload

from .base.timing import LARGEST_BATCH
from .core.block import Block, inside
from .core.block_core import BlockCore
from .core.carried import Carried
from .core.contexts import plain_all
from .core.groups import Groups
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.source import Source
from .core.storing import PassageCore
from .core.target import Target
from .group_fold import GroupFold
from .transform_many import TransformManyCore

T = TypeVar("T")
R = TypeVar("R")


class GroupInbox(Inbox[T]):
    """An inbox that takes all messages of one group, and some of the next ones."""

    __slots__ = ()
    block: RegroupCore[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # is never set again

    def room(self) -> int:
        """Return how many more messages fit in; none while a group waits to be taken."""
        block = self.block
        return 0 if block.outbox.queue else LARGEST_BATCH - (len(self.queue) - block.groups.here)

    def why_full(self) -> str:
        """Explain why nothing more is accepted now; it has no capacity of its own to name."""
        what = "list" if self.block.fold is None else "state"
        return f"it has a {what} that nothing has taken" if self.room() < 1 else super().why_full()


NO_START: Any = object()
"""Stands for a start that is not given; None is one that is."""


def is_splitter(core: object) -> bool:
    """Whether it is the core of a one-to-many block."""
    return isinstance(core, TransformManyCore) and core.shape.expands


class RegroupCore(PassageCore, Generic[T]):
    """The core of a regroup.

    Attributes:
        groups: Says which messages belong together.
        fold: The state of the group that comes now; None if lists are made.
    """

    __slots__ = ("fold", "groups")

    def __init__(self, facade: Regroup[T, Any], split: object, fold: Sequence[Any], name: str | None) -> None:
        super().__init__(facade, name)
        maker: TransformManyCore[Any] = inside(split)
        if not is_splitter(maker):
            raise TypeError(f"{self}: split must be a TransformMany or a Flatten, got {split!r}")
        self.groups: Groups = Groups(self, maker, self.wake)
        self.inbox: Inbox[T] = GroupInbox(self, deque())
        self.outbox: Outbox[Any] = Outbox(self, deque())
        self.fold: GroupFold | None = GroupFold(self, *fold) if fold else None
        maker.tell_ends_to(str(self), self.groups.ended)

    def problems(self) -> Iterable[str]:
        """The reasons why it cannot be known which messages belong together, if there are any."""
        return self.groups.problems()

    def fork_behind(self) -> BlockCore | None:
        """The one-to-many block whose outputs come together here."""
        return self.groups.split()

    @property
    def keeps_order(self) -> bool:
        """Whether one message comes out for each message that the one-to-many block gets, in the same order."""
        return self.groups.split() is not None

    def begin(self) -> None:
        self.groups.set_up()
        super().begin()

    def step(self) -> None:
        inbox, outbox = self.inbox, self.outbox
        inbox.begin_step()
        outbox.flush()
        while not outbox.queue:
            is_complete = self.groups.is_complete(len(inbox.queue), inbox.closed)
            if self.fold is not None:
                self._add(self.fold)
            if not is_complete:
                break
            self._give(self.groups.next_group())
        inbox.serve_waiting()
        if inbox.closed and not self.held() and not self.finished:
            self.finish()

    def _add(self, fold: GroupFold) -> None:
        """Add the messages of the current group that are there."""
        for _ in range(self.groups.take()):
            (message,) = self.inbox.take(1)
            fold.add(message)

    def _give(self, count: int) -> None:
        """Hand a group on."""
        self.counts["produced"] += 1
        if self.fold is not None:
            self._emit(*self.fold.next_group())
            return
        taken: Any = self.inbox.take(count)
        group: list[T] = list(plain_all(taken) if self.outbox.carries else taken)
        self.counts["merged"] += count
        if self.tracer is not None:
            self.merged_into(group, group)
        self._emit(group, taken[0].context if self.outbox.carries and taken else None)

    def _emit(self, whole: Any, context: Context | None) -> None:
        """Hand on a list or a state, with the context of its first message; without messages, with that of the loop."""
        carries = self.outbox.carries
        self.outbox.emit([Carried(whole, context or copy_context()) if carries else whole])

    def end_early(self) -> None:
        super().end_early()
        self.groups.here = 0

    def finish(self) -> None:
        super().finish()
        self._forget()

    def abort(self, reason: str) -> None:
        super().abort(reason)
        self._forget()

    def _forget(self) -> None:
        if self.fold is not None:
            self.fold.forget()


class Regroup(Block, Target[T], Source[R]):
    """Makes one list, or one value, of all that came of one input of a `TransformMany`, behind any stages.

    Link it behind the one-to-many block and the stages that work on its outputs. When all outputs of an input have come
    or were lost on the way, their list goes out: the results for one file, after its chunks were worked on one by one.
    An input without outputs gives an empty list. An input that was lost in the one-to-many block gives none.

    With a function, no list is kept: each message is added to a state when it comes, `function(state, message)`, and
    the state of an input goes out after its last message. The state of each input begins with a copy of `start`
    (`copy.deepcopy`), so the function may change its state and return it. An input without outputs gives this copy.

    `Regroup[int, list[int]](split)` takes numbers and gives lists of them; `Regroup[int, float](split, add, 0.0)` takes
    numbers and gives sums.

    - Inputs and outputs: takes messages from links; each list or state goes to the first linked target that accepts it,
      or to a receiver.
    - Order: the lists come in the order of the inputs, and the messages in the order of the outputs.
    - Holds: the messages of one list, however many they are, and one list that is not taken yet; with a function, one
      state, and one that is not taken yet.
    - Back-pressure: while a list or state is not taken, nothing more is accepted.
    - Ends: after its last producer, when every list or state was taken.
    - Fails: when the network starts, if the stages in between do not keep the order, or if messages come from
      elsewhere; and later, if something else is linked or sent in between. If the function raises, the network stops,
      with the message and its number in its group (counted from 1) in a note on the exception.

    In the balance, messages count as merged, and lists or states as produced. A message for which the function raises
    counts as dropped by a fault.

    The one-to-many block hands on the outputs of an input in an executor, or of an asynchronous generator, when all are
    there; on the loop it hands them on as they come.

    Args:
        split: The `TransformMany` or `Flatten`. It must keep the order, without `key` and `at_end`.
        function: Called with the state and a message, returns the next state. A plain function, which runs on the loop
            and should be quick. Default: None, lists are made.
        start: The first state of each input; only with a function. It must be possible to copy it.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        TypeError: `split` is another kind of block; `function` is asynchronous, or cannot be called with a state and a
            message; `start` cannot be copied; or only one of `function` and `start` is given.
        ValueError: `split` does not keep the order, has `at_end`, has run already, or has another `Regroup`.
    """

    __slots__ = ()
    kind: ClassVar[str] = "regroup"
    _core: RegroupCore[T]

    @overload
    def __init__(  # mypy cannot infer a type variable of its own here
        self: Regroup[T, list[T]],  # pyright: ignore[reportInvalidTypeVarUse]
        split: Source[Any],
        *,
        name: str | None = ...,
    ) -> None: ...

    @overload
    def __init__(
        self, split: Source[Any], function: Callable[[R, T], R], start: R, *, name: str | None = ...
    ) -> None: ...

    def __init__(
        self,
        split: Source[Any],
        function: Callable[[Any, Any], Any] | None = None,
        start: Any = NO_START,
        *,
        name: str | None = None,
    ) -> None:
        if (function is None) != (start is NO_START):
            missing = "function" if function is None else "start"
            raise TypeError(f"Regroup: `function` and `start` go together; {missing} is missing")
        self._core = RegroupCore[T](self, split, () if function is None else (function, start), name)
