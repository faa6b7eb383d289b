"""The shared core of blocks that take messages from several inputs: join, choice, and the sequence multiplexer.

Such a block leaves the messages in the sources and only looks at the heads of its inputs. It takes the heads at the
moment when its own output is taken. So unused messages stay in the sources, for other takers. The queue of its outbox
is computed from the heads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar, cast

import attrs

from ..base.timing import LARGEST_BATCH
from .block import Block
from .block_core import BlockCore
from .carried import Carried
from .contexts import ContextQueue
from .inbox import Inbox
from .input_port import HeadsInbox, Input, InputPort
from .outbox import Outbox
from .queue import Queue
from .source import Source
from .target import Target
from .threads import check_thread

T = TypeVar("T")
Out = TypeVar("Out")


@attrs.frozen
class AwaitedMessage:
    """The one message that a block waits for.

    Attributes:
        what: A description of the message.
        matches: Whether a message is the awaited one.
        remedy: What to do if it never comes.
    """

    what: str
    matches: Callable[[Any], bool]
    remedy: str


class HeadsView(Generic[Out]):
    """A queue of at most one output, computed from the heads of the inputs."""

    __slots__ = ("_block", "last")

    def __init__(self, block: InputsCore[Out]) -> None:
        self._block = block
        self.last: Context = Context()

    @property
    def context(self) -> Context:
        """The context of the output that the heads make."""
        return self._block.head_context()

    def __len__(self) -> int:
        return int(self._block.is_ready())

    def __getitem__(self, index: int) -> Out:
        return self._block.look()

    def popleft(self) -> Out:
        if self._block.outbox.carries:
            self.last = self.context
        return self._block.take()

    def append(self, item: Out) -> None:
        raise NotImplementedError("outputs are made of inputs")

    def appendleft(self, item: Out) -> None:
        raise NotImplementedError("outputs are made of inputs")

    def clear(self) -> None:
        """Do nothing, because nothing is stored here."""


class HeadsOutbox(Outbox[Out]):
    """Hands out outputs that are taken from the inputs at that moment."""

    __slots__ = ("pinned",)
    queue: Queue[Out]

    def __init__(self, block: InputsCore[Out]) -> None:
        super().__init__(block, HeadsView(block))

    def pin(self) -> None:
        """Take the output from the inputs and keep it."""
        item = self.queue.popleft()
        if self.carries:
            kept = ContextQueue()
            kept.extend((Carried(item, cast("Any", self.queue).last),))
            self.queue = kept
        else:
            self.queue = deque([item])

    def consume(self, holder: object) -> Out:
        """Take the output that was reserved."""
        item = super().consume(holder)
        self._look_at_heads_again()
        return item

    def serve_others(self) -> None:
        """Look at every input, then serve links and receivers; a message may be there without an offer."""
        cast("InputsCore[Out]", self.block).look_at_all()
        super().serve_others()

    def flush(self) -> None:
        """Hand out the outputs that can be made now; a released output goes first."""
        super().flush()
        self._look_at_heads_again()
        if self.queue and isinstance(self.queue, HeadsView):
            super().flush()

    def _hand_to_links(self) -> int:
        link = self.links[0]
        room = min(link.inbox.room_for(link), LARGEST_BATCH)
        is_plain = len(self.links) == 1 and link.is_unfiltered and not link.inbox.closed and link.inbox.gate is None
        if not is_plain or room < 1 or not isinstance(self.queue, HeadsView):
            return self._offer_head_in_context() if self.carries else self._offer_head()
        block = cast("InputsCore[Out]", self.block)
        outputs: list[Out] = []
        try:
            while len(outputs) < room and block.is_ready():
                run = block.take_run(room - len(outputs))
                if run:
                    outputs.extend(run)
                else:
                    outputs.append(block.take())
        finally:  # if a filter raises, the outputs that were made before are not lost
            count = link.push_all(outputs)
        return count

    def pop(self) -> Out:
        """Take an output; a released output goes first."""
        item = super().pop()
        self._look_at_heads_again()
        return item

    def _look_at_heads_again(self) -> None:
        if not isinstance(self.queue, HeadsView) and not self.queue:
            self.queue = HeadsView(cast("InputsCore[Out]", self.block))

    def kept(self) -> int:
        """How many outputs were made from the inputs and are still here."""
        return 0 if isinstance(self.queue, HeadsView) else len(self.queue)


class InputsCore(BlockCore, Generic[Out]):
    """The core of a block whose outputs are made of the heads of several inputs."""

    __slots__ = ("closed_inputs", "inputs", "outbox")

    def __init__(self, facade: Any, name: str | None) -> None:
        super().__init__(facade, name)
        self.closed_inputs: int = 0
        self.inputs: list[InputPort[Any]] = []
        self.outbox: Outbox[Out] = HeadsOutbox(self)

    # To be defined by each kind of block

    def is_ready(self) -> bool:
        """Whether the heads make an output."""
        raise NotImplementedError

    def look(self) -> Out:
        """Return the output that the heads make; only call it if `is_ready`."""
        raise NotImplementedError

    def take(self) -> Out:
        """Take the heads, and return the output that they make."""
        raise NotImplementedError

    def take_run(self, most: int) -> Sequence[Out]:
        """Take many heads at once, and return the outputs that they make, up to `most`; none if they go one by one.

        Only call it if `is_ready`, and if contexts are not kept.
        """
        raise NotImplementedError

    def _is_over(self) -> bool:
        """Whether the block will never have another output."""
        raise NotImplementedError

    # Contexts

    def leading_input(self) -> int:
        """The input whose head gives the output its context; only call it if `is_ready`."""
        return 0

    def head_context(self) -> Context:
        """The context of the output that the heads make."""
        return self.inputs[self.leading_input()].head_context()

    def carry_contexts(self) -> bool:
        """Keep the contexts of messages; an output has the context of its leading input's message."""
        for port in self.inputs:
            if port.inbox.contexts is None:
                port.inbox.carry(ContextQueue(port.inbox.queue))
        self.outbox.carries = True
        return True

    # Inputs

    def stir(self, index: int) -> None:
        """Note that a message was offered or sent to an input."""

    def look_at_all(self) -> None:
        """Look for messages at all inputs, even without a call of `stir`."""

    @property
    def inbox(self) -> Inbox[Any]:  # type: ignore[override]
        """Raise a `TypeError`: there are several inputs."""
        raise TypeError(f"{self} has several inputs; use one of {self.name}.inputs[i]")

    def _add_input(self) -> InputPort[Any]:
        index = len(self.inputs)
        port: InputPort[Any] = InputPort(self, HeadsInbox(self, index), index)
        self.inputs.append(port)
        if self.outbox.carries:
            port.inbox.carry(ContextQueue())
        return port

    def link_sources(self, sources: Iterable[Source[Any]]) -> None:
        """Link the sources that the user has given, in order."""
        self.hold_steps(True)  # no step before all are linked: with only the first, ended sources it would finish
        for source in sources:
            if not isinstance(source, Source) or not isinstance(source, Block):
                raise TypeError(f"{self}: every input must be a source, got {source!r}")
            source.link_target(self.facade)
        self.hold_steps(False)
        self.wake()

    def _check_not_linked(self, outbox: Outbox[Any]) -> None:
        if len(outbox.links) < len(self.inputs):  # search the shorter list; both may be long
            is_linked = any(link.taker is self for link in outbox.links)
        else:
            is_linked = any(port.inbox in outbox.link_to for port in self.inputs)
        if is_linked:
            raise ValueError(f"{outbox.block} is already linked to {self}; unlink it first, or link another block")

    def complete(self) -> None:
        """Accept nothing more at any input."""
        check_thread(self, "complete")
        for port in self.inputs:
            port.inbox.close()

    def end_early(self) -> None:
        """Accept nothing more at any input, and discard the stored messages."""
        for port in self.inputs:
            self.counts["discarded"] += len(port.inbox.queue)
            port.inbox.queue.clear()
        self.complete()
        self.wake()

    # Stepping

    def step(self) -> None:
        self.outbox.flush()
        if not self.finished and not cast("HeadsOutbox[Out]", self.outbox).kept() and self._is_over():
            self.finish()

    def why_waiting(self) -> str:
        empty = [str(port.index) for port in self.inputs if not port.has_message()]
        return f"nothing has come for input {', '.join(empty)}" if empty else self._why_not_taken()

    def awaited_inboxes(self) -> Iterable[Inbox[Any]]:
        return [port.inbox for port in self.inputs if not port.has_message()]

    def awaited_message(self) -> AwaitedMessage | None:
        """The one message that the block waits for; None if any message will do."""
        return None

    def _why_not_taken(self) -> str:
        """Explain why the output that the heads make is not taken."""
        links = self.outbox.links
        reasons = [link.obstacle(self.look()) for link in links if self.is_ready()]
        return f"nothing takes its output: {'; '.join(reasons) or 'nothing is linked to it'}"

    def receiver_comes(self) -> None:
        self.wake()

    def finish(self) -> None:
        super().finish()
        self.complete()
        self.outbox.end()

    def abort(self, reason: str) -> None:
        if not self.finished:
            self.mark_broken(reason)
            held = self.held()
            self.outbox.abort(reason)
            for port in self.inputs:
                port.inbox.abort(reason)
            self.counts["discarded"] += held

    def held(self) -> int:
        kept = cast("HeadsOutbox[Out]", self.outbox).kept()
        return kept + sum(len(port.inbox.queue) for port in self.inputs)

    def inboxes(self) -> Sequence[Inbox[Any]]:
        return tuple(port.inbox for port in self.inputs)

    def outboxes(self) -> Sequence[Outbox[Any]]:
        return (self.outbox,)


class InputsBlock(Block, Source[Out], Target[Any]):
    """A block whose outputs are made of messages of several inputs."""

    __slots__ = ()

    @property
    def inputs(self) -> list[Input[Any]]:
        """The inputs, in order; each is a target."""
        core: InputsCore[Out] = self._core
        return [port.facade for port in core.inputs]

    def complete(self) -> None:
        """Accept nothing more at any input."""
        self._core.complete()

    async def aclose(self) -> None:
        """Accept nothing more at any input; never waits."""
        self._core.complete()
