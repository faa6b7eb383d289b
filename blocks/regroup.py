"""A block that puts together again what came of one input of a one-to-many block."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar, cast

from .base.timing import LARGEST_BATCH
from .core.block import Block, inside
from .core.carried import Carried
from .core.contexts import plain_all
from .core.groups import Groups
from .core.inbox import Inbox
from .core.outbox import Outbox
from .core.source import Source
from .core.storing import PassageCore
from .core.target import Target
from .transform_many import TransformManyCore

T = TypeVar("T")


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
        return "it has a list that nothing has taken" if self.room() < 1 else super().why_full()


def is_splitter(core: object) -> bool:
    """Whether it is the core of a one-to-many block."""
    return isinstance(core, TransformManyCore) and core.shape.expands


class RegroupCore(PassageCore, Generic[T]):
    """The core of a regroup.

    Attributes:
        groups: Says which messages belong together.
    """

    __slots__ = ("groups",)

    def __init__(self, facade: Regroup[T], split: object, name: str | None) -> None:
        super().__init__(facade, name)
        maker: TransformManyCore[Any] = inside(split)
        if not is_splitter(maker):
            raise TypeError(f"{self}: split must be a TransformMany or a Flatten, got {split!r}")
        self.groups: Groups = Groups(self, maker, self.wake)
        self.inbox: Inbox[T] = GroupInbox(self, deque())
        self.outbox: Outbox[list[T]] = Outbox(self, deque())
        maker.tell_ends_to(str(self), self.groups.ended)

    def problems(self) -> Iterable[str]:
        """The reasons why it cannot be known which messages belong together, if there are any."""
        return self.groups.problems()

    def begin(self) -> None:
        self.groups.set_up()
        super().begin()

    def step(self) -> None:
        inbox, outbox = self.inbox, self.outbox
        inbox.begin_step()
        outbox.flush()
        while not outbox.queue and self.groups.is_complete(len(inbox.queue), inbox.closed):
            self._give(self.groups.next_group())
        inbox.serve_waiting()
        if inbox.closed and not self.held() and not self.finished:
            self.finish()

    def _give(self, count: int) -> None:
        """Hand a group on."""
        taken: Any = self.inbox.take(count)
        group: list[T] = list(plain_all(taken) if self.outbox.carries else taken)
        self.counts["merged"] += count
        self.counts["produced"] += 1
        if self.tracer is not None:
            self.merged_into(group, group)
        is_carried = self.outbox.carries and taken
        self.outbox.emit(cast("list[list[T]]", [Carried(group, taken[0].context)]) if is_carried else [group])

    def end_early(self) -> None:
        super().end_early()
        self.groups.here = 0


class Regroup(Block, Target[T], Source[list[T]]):
    """Makes a list of all that came of one input of a `TransformMany`, behind any stages.

    Link it behind the one-to-many block and the stages that work on its outputs. When all outputs of an input have come
    or were lost on the way, their list goes out: the results for one file, after its chunks were worked on one by one.
    An input without outputs gives an empty list. An input that was lost in the one-to-many block gives none.

    - Inputs and outputs: takes messages from links; each list goes to the first linked target that accepts it, or to a
      receiver.
    - Order: the lists come in the order of the inputs, and the messages in the order of the outputs.
    - Holds: the messages of one list, however many they are, and one list that is not taken yet.
    - Back-pressure: while a list is not taken, nothing more is accepted.
    - Ends: after its last producer, when every list was taken.
    - Fails: when the network starts, if the stages in between do not keep the order, or if messages come from
      elsewhere; and later, if something else is linked or sent in between.

    In the balance, messages count as merged and lists as produced.

    The one-to-many block hands on the outputs of an input in an executor, or of an asynchronous generator, when all are
    there; on the loop it hands them on as they come.

    Args:
        split: The `TransformMany` or `Flatten`. It must keep the order, without `key` and `at_end`.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        TypeError: `split` is another kind of block.
        ValueError: `split` does not keep the order, has `at_end`, has run already, or has another `Regroup`.
    """

    __slots__ = ()
    kind: ClassVar[str] = "regroup"
    _core: RegroupCore[T]

    def __init__(self, split: Source[Any], *, name: str | None = None) -> None:
        self._core = RegroupCore(self, split, name)
