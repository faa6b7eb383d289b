"""A block that takes messages apart: each is an iterable, and its elements are handed on."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any, ClassVar, TypeVar, cast

import attrs

from .base.error_info import shorten
from .base.names import automatic_name
from .core.block import Block
from .core.source import Source
from .core.target import Target
from .functions.at_end import LastCall
from .functions.expanding_runner import ExpandingRunner
from .functions.expansion import LISTS
from .functions.function_block import DEFAULT_CAPACITY
from .functions.policies import OnError
from .transform_many import TransformManyCore

T = TypeVar("T")
TEXTS = (str, bytes, bytearray)


@attrs.frozen
class Elements:
    """Returns the item of a block as an iterable.

    Attributes:
        who: The block.
    """

    who: TransformManyCore[Any]

    def __call__(self, item: Any) -> Iterable[Any]:
        """The item itself.

        Raises:
            TypeError: It is text or bytes, or not iterable.
        """
        if type(item) in LISTS:
            return item  # type: ignore[no-any-return]  # it is a list or a tuple
        if isinstance(item, TEXTS):
            remedy = "most programs mean the text as a whole; if you want its parts, use a TransformMany(list)"
        elif isinstance(item, AsyncIterable):
            remedy = "it is asynchronous; read it in the asynchronous generator function of a TransformMany"
        elif isinstance(item, Iterable) or hasattr(item, "__getitem__"):
            return item  # type: ignore[no-any-return]  # Python iterates it
        else:
            remedy = "send lists or other iterables to it, or link past it"
        got = cast("object", item)
        raise TypeError(
            f"{self.who}: each message must be an iterable of messages, got {type(got).__name__} {shorten(got)}; "
            f"{remedy}"
        )


class Flatten(Block, Target[Iterable[T]], Source[T]):
    """Hands on the elements of each message, which is a list or another iterable. Works in a network only.

    It is the opposite of a `Batch`. Text and bytes are refused, because a program seldom wants single characters; more
    often, the list around the text is missing.

    - Inputs and outputs: takes iterables from links and senders; each element goes to the first linked target that
      accepts it, or to a receiver.
    - Order: elements come in the order of the messages, and in the order of each iterable.
    - Holds: up to `capacity` messages that wait or are read. An iterator or a generator is read only a little further
      than its elements are taken, but as a whole if `on_error` is not "fail".
    - Back-pressure: while elements are not taken, nothing more is read; when it is full, senders wait and links are
      postponed.
    - Ends: after its last producer, when every element was taken.
    - Fails: by `on_error`, if a message cannot be iterated or its iterator raises, with the message and its number
      (counted from 1) in a note on the exception.

    In the balance a message counts as consumed, and its elements as produced.

    Args:
        capacity: Up to this many messages wait or are read, >= 1; None for no bound.
        on_error: What happens to a message that cannot be read: "fail", "skip", or a policy.
        context: Whether the context variables (`contextvars`) of a message's sender go on with its elements, and a
            generator is read with them, as for `TransformMany`. Default: False.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: `capacity` is less than 1, or `on_error` is not a policy.
    """

    __slots__ = ()
    kind: ClassVar[str] = "flatten"
    _core: TransformManyCore[Iterable[T]]

    def __init__(
        self,
        *,
        capacity: int | None = DEFAULT_CAPACITY,
        on_error: OnError = "fail",
        context: bool = False,
        name: str | None = None,
    ) -> None:
        self._core = core = TransformManyCore[Iterable[T]](
            self,
            iter,
            capacity=capacity,
            on_error=on_error,
            filter=None,
            time_limit=None,
            name=name or automatic_name("Flatten"),
        )
        core.function = Elements(core)
        core.last_call = LastCall.NONE
        if context:
            from .functions.context import carry  # late: few blocks carry contexts

            carry(core, capacity=capacity, filter=None, executor=None, expands=True)
        core.use(ExpandingRunner(core))
