"""Links blocks in a line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, overload

from .core.link import Link
from .core.nodes import Node
from .core.producer import Producer
from .core.source import Source, hint_for
from .core.target import Target

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
First = TypeVar("First")
Last = TypeVar("Last")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


class Propagator(Node, Protocol[In_contra, Out_co]):
    """A block that takes messages and gives messages, for annotations: every block that is a `Target` and a `Source`.

    It has all of their methods; this protocol names those that a program uses most.
    """

    async def send(self, value: In_contra) -> None:
        """Hand an item to the block; wait while it has no room."""
        ...

    def send_nowait(self, value: In_contra) -> None:
        """Hand an item to the block, or raise an error at once."""
        ...

    def complete(self) -> None:
        """Accept no more messages."""
        ...

    def producer(self, name: str | None = None, *, for_threads: bool = False) -> Producer[Any]:
        """Make a handle that counts as a producer."""
        ...

    async def receive(self) -> Out_co:
        """Take the first message; wait if there is none."""
        ...

    def receive_nowait(self) -> Out_co:
        """Take the first message, or raise an error at once."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Out_co: ...

    def link_target(
        self,
        target: Target[Out_co],
        filter: Callable[[Out_co], bool] | None = None,
        max_messages: int | None = None,
    ) -> Link[Any]:
        """Link a target after the targets that are linked already."""
        ...


class Chain(NamedTuple, Generic[First, Last]):
    """The two ends of blocks that `chain` has linked.

    Attributes:
        first: The first block, which takes the messages of others.
        last: The last block, which gives the results.
    """

    first: First
    last: Last


@overload
def chain(a: Propagator[A, B], b: Propagator[B, C], /) -> Chain[Propagator[A, B], Propagator[B, C]]: ...
@overload
def chain(a: Propagator[A, B], b: Target[B], /) -> Chain[Propagator[A, B], Target[B]]: ...
@overload
def chain(a: Source[B], b: Propagator[B, C], /) -> Chain[Source[B], Propagator[B, C]]: ...
@overload
def chain(a: Source[B], b: Target[B], /) -> Chain[Source[B], Target[B]]: ...
@overload
def chain(
    a: Propagator[A, B], b: Propagator[B, C], c: Propagator[C, D], /
) -> Chain[Propagator[A, B], Propagator[C, D]]: ...
@overload
def chain(a: Propagator[A, B], b: Propagator[B, C], c: Target[C], /) -> Chain[Propagator[A, B], Target[C]]: ...
@overload
def chain(a: Source[B], b: Propagator[B, C], c: Propagator[C, D], /) -> Chain[Source[B], Propagator[C, D]]: ...
@overload
def chain(a: Source[B], b: Propagator[B, C], c: Target[C], /) -> Chain[Source[B], Target[C]]: ...
@overload
def chain(
    a: Propagator[A, B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], /
) -> Chain[Propagator[A, B], Propagator[D, E]]: ...
@overload
def chain(
    a: Propagator[A, B], b: Propagator[B, C], c: Propagator[C, D], d: Target[D], /
) -> Chain[Propagator[A, B], Target[D]]: ...
@overload
def chain(
    a: Source[B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], /
) -> Chain[Source[B], Propagator[D, E]]: ...
@overload
def chain(a: Source[B], b: Propagator[B, C], c: Propagator[C, D], d: Target[D], /) -> Chain[Source[B], Target[D]]: ...
@overload
def chain(
    a: Propagator[A, B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], e: Propagator[E, F], /
) -> Chain[Propagator[A, B], Propagator[E, F]]: ...
@overload
def chain(
    a: Propagator[A, B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], e: Target[E], /
) -> Chain[Propagator[A, B], Target[E]]: ...
@overload
def chain(
    a: Source[B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], e: Propagator[E, F], /
) -> Chain[Source[B], Propagator[E, F]]: ...
@overload
def chain(
    a: Source[B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], e: Target[E], /
) -> Chain[Source[B], Target[E]]: ...
@overload
def chain(
    a: Propagator[A, B],
    b: Propagator[B, C],
    c: Propagator[C, D],
    d: Propagator[D, E],
    e: Propagator[E, F],
    f: Propagator[F, G],
    /,
) -> Chain[Propagator[A, B], Propagator[F, G]]: ...
@overload
def chain(
    a: Propagator[A, B],
    b: Propagator[B, C],
    c: Propagator[C, D],
    d: Propagator[D, E],
    e: Propagator[E, F],
    f: Target[F],
    /,
) -> Chain[Propagator[A, B], Target[F]]: ...
@overload
def chain(
    a: Source[B],
    b: Propagator[B, C],
    c: Propagator[C, D],
    d: Propagator[D, E],
    e: Propagator[E, F],
    f: Propagator[F, G],
    /,
) -> Chain[Source[B], Propagator[F, G]]: ...
@overload
def chain(
    a: Source[B], b: Propagator[B, C], c: Propagator[C, D], d: Propagator[D, E], e: Propagator[E, F], f: Target[F], /
) -> Chain[Source[B], Target[F]]: ...
@overload
def chain(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, /, *more: Any) -> Chain[Any, Any]: ...
def chain(*blocks: Any) -> Chain[Any, Any]:
    """Link blocks in a line, each to the next, and return the first and the last.

    `first, last = chain(a, b, c)` does the same as `a.link_target(b)` and `b.link_target(c)`. For a link with a filter,
    use `link_target`. Type checkers see whether up to six blocks fit each other; mypy sees it for blocks that have a
    name, not for function blocks that are made inside the call.

    Args:
        blocks: The blocks, at least one. All but the last one must give messages, all but the first one must take them.

    Returns:
        The first and the last block, as a named tuple.

    Raises:
        TypeError: There is no block; or one of two neighbors does not give messages, or the other takes none.
        ValueError: Two neighbors are linked already.
        RuntimeError: A target is complete, or two neighbors belong to different networks. After an error, no block is
            linked.
    """
    if not blocks:
        raise TypeError("chain: needs blocks to link, got none")
    for source, target in pairwise(blocks):
        check_fit(source, target)
    links: list[Link[Any]] = []
    try:
        for source, target in pairwise(blocks):
            links.append(source.link_target(target))
    except BaseException:
        for link in links:
            link.unlink()
        raise
    return Chain(blocks[0], blocks[-1])


def check_fit(source: object, target: object) -> None:
    """Raise a `TypeError` if one object does not give messages or the other does not take them."""
    if not isinstance(source, Source):
        raise TypeError(f"chain: {source} gives no messages, so {target} cannot be linked behind it")
    if not isinstance(target, Target):
        raise TypeError(f"chain: {target} takes no messages, so it cannot be linked behind {source}{hint_for(target)}")
