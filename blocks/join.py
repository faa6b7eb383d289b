"""A block that makes a tuple of one message from each of its inputs."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar, overload

from .core.inputs import InputsBlock
from .core.source import Source
from .functions.join_core import JoinCore
from .functions.key_matcher import Keys, Unmatched

Out = TypeVar("Out", bound=tuple[Any, ...])
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Join(InputsBlock[Out]):
    """Waits until each input has a message, and hands them on as one tuple, in the order of the inputs.

    Messages are matched by position, or by a key.

    By position, the n-th tuple is made of the n-th message of each input. Inputs that get copies of the same messages
    from one `Broadcast` are kept in step: if a message is lost on one path (skipped, dead-lettered, filtered, dropped
    by a full buffer, sent along another link, or declined by the first block of the path), its copies on the other
    paths are dropped and counted as "no partner". When one path ends early, the remaining messages of the others have
    no partner either. If the matching messages cannot be known, entering the network raises a `ValueError`: use a key.
    This is so if a block on a path changes the order or the number of messages (such as a transformer with
    `ordered=False`, a `TransformMany` or a `Batch`), for an agent, and for several sources of one block.

    By key, a tuple is made of messages with the same key, in any order.

    Sources of different types are joined like sources of one type: `Join(names, ages)` is a `Join[tuple[str, int]]`.

    - Inputs and outputs: a fixed number of inputs. They are given as sources, or linked later in the order of the tuple
      (`source.link_target(join)`), or get messages directly (`join.inputs[0].send(…)`). Tuples go to the first linked
      target that accepts them, or to a receiver.
    - Order: by position, the order of the messages; by key, the order in which the tuples became complete.
    - Holds: non-greedy (the default), nothing: it takes all messages at once when a tuple is taken from it. Until then
      they stay with their sources, where other takers may get them; two joins that share sources cannot deadlock each
      other. Greedy: the messages that its inputs have taken, and tuples that are not taken yet. By key: the messages
      that wait for messages with the same key, too.
    - Back-pressure: non-greedy, from the taker of the tuples. Greedy or by key: up to `capacity` messages wait per
      input; then senders wait and links are postponed.
    - Ends: by position, when one input is complete and empty. Messages of the other inputs have no partner then: they
      stay where they are (with their source, or in a greedy join), and the network reports them as stalled; inputs that
      are kept in step end together. By key, when all inputs are complete and empty.
    - Fails: calls no user function except filters and keys. It is a fault if a key function raises, if a key cannot be
      hashed, or if a key comes twice on one input while its first message waits.

    In the balance, messages count as merged and tuples as produced.

    Args:
        sources: One source per input, in the order of the tuple.
        inputs: The number of inputs, if not all are given as sources now.
        greedy: Whether to take messages as soon as they come, instead of leaving them with their sources. A join by key
            always does this. Default: False.
        capacity: Up to this many messages wait in one input of a greedy join or a join by key, >= 1. By default there
            is no bound for a greedy join, and the bound is 1024 for a join by key.
        key: Returns the key of a message, which must be hashable: one function for all inputs, or a tuple with one
            function per input. None, the default, pairs by position.
        unmatched: What happens to a message whose key will not come on every input: "drop" (the default) counts it as
            "no partner", "fail" makes it a fault, a `DeadLetter` sends it to a target. This is known when an input has
            ended without the key, or when no block between a common broadcast and the join holds a message any more.
            When `capacity` messages wait, it is also assumed for keys that were reported lost on their path, and for
            keys that an input has passed, if all keys have come in increasing order so far and no block on the path is
            known to change the order.
        name: The name of the block in reports; by default its class and a number.

    Raises:
        ValueError: There is no input; there are more sources than inputs; the number of keys differs from the number of
            inputs; or `unmatched` is given without a key, or is not one of the three.
        TypeError: A key is not a function.
    """

    __slots__ = ()
    kind: ClassVar[str] = "join"
    _core: JoinCore[Out]

    @overload
    def __init__(
        self: Join[tuple[A]],
        source_1: Source[A],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        key: Keys | None = ...,
        unmatched: Unmatched | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Join[tuple[A, B]],
        source_1: Source[A],
        source_2: Source[B],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        key: Keys | None = ...,
        unmatched: Unmatched | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Join[tuple[A, B, C]],
        source_1: Source[A],
        source_2: Source[B],
        source_3: Source[C],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        key: Keys | None = ...,
        unmatched: Unmatched | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Join[tuple[A, B, C, D]],
        source_1: Source[A],
        source_2: Source[B],
        source_3: Source[C],
        source_4: Source[D],
        /,
        *,
        greedy: bool = ...,
        capacity: int | None = ...,
        key: Keys | None = ...,
        unmatched: Unmatched | None = ...,
        name: str | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *sources: Source[Any],
        inputs: int | None = ...,
        greedy: bool = ...,
        capacity: int | None = ...,
        key: Keys | None = ...,
        unmatched: Unmatched | None = ...,
        name: str | None = ...,
    ) -> None: ...

    def __init__(
        self,
        *sources: Source[Any],
        inputs: int | None = None,
        greedy: bool = False,
        capacity: int | None = None,
        key: Keys | None = None,
        unmatched: Unmatched | None = None,
        name: str | None = None,
    ) -> None:
        self._core = JoinCore(self, len(sources), inputs, greedy, capacity, key, unmatched, name)
        self._core.link_sources(sources)

    @property
    def is_greedy(self) -> bool:
        """Whether the join takes messages as soon as they come."""
        return self._core.is_greedy
