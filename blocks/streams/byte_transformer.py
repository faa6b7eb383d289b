"""A block that compresses, decompresses, encrypts or encodes a stream of bytes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import ClassVar

from ..base.callables import is_plain
from ..core.block import Block
from ..core.source import Source
from ..core.target import Target
from ..functions.at_end import LastCall, check_at_end, with_end
from ..functions.expanding_runner import ExpandingRunner
from ..functions.runners import in_executor
from ..transform_many import TransformManyCore
from .chunks import CAPACITY, Data
from .coder import Coder


class ByteTransformer(Block, Target[Data], Source[bytes]):
    """Sends a stream of bytes through a codec object, for example of `zlib`, `bz2`, `lzma` or `cryptography`.

    The object is made once per run, where it works, and is given each chunk. At the end of the input it is finished.
    Works in a network only.

    The method for a chunk is the first of these that the object has: `compress`, `decompress`, `update`, `encode`,
    `decode`. The method for the end is `flush` or `finalize`; an incremental codec gets `final=True` instead. An object
    that decompresses may find the end of its data before the end of the input, as in a file of several gzip members.
    Then zero bytes are skipped, and for everything else another object is made, which reads on.

    - Inputs and outputs: takes bytes from links and senders; the results go to the first linked target that accepts
      them, or to a receiver. The bounds of chunks have no meaning, and an empty chunk is not the end. No chunk that
      comes out is empty, or larger than 256 KiB.
    - Order: bytes come out in the order of the input.
    - Holds: up to `capacity` chunks that wait or are in work, and what the object holds. From a small chunk that
      decompresses to a large amount, only as much is read as is taken.
    - Back-pressure: while results are not taken, nothing more is read; when it is full, senders wait and links are
      postponed.
    - Ends: after its last producer, when all results were taken. The object is not finished after a fault or a
      cancellation, or if the results are not needed any more.
    - Fails: every error is a fault, because the object cannot go on without a chunk. A note names the position in the
      input. If the input ends in the middle of compressed data, or has none, the error is an `EOFError` that says so.

    In the balance a chunk counts as consumed, and each result as produced.

    Args:
        make: Called without arguments, returns a codec object: `lambda: zlib.compressobj(wbits=31)`.
        executor: Where the object works instead of on the loop: `Threads`, or `Processes(1)` that is not shared.
        capacity: Up to this many chunks wait or are in work, >= 1; None for no bound. Default: 16, which is 4 MiB if
            the chunks have 256 KiB.
        name: The name of the block in reports; by default the name of `make`.

    Raises:
        ValueError: `capacity` is less than 1, or the executor has no single place for the object.
        TypeError: `make` is not a plain function, or cannot be called by the executor.
    """

    __slots__ = ()
    kind: ClassVar[str] = "byte transformer"
    _core: TransformManyCore[Data]

    def __init__(
        self,
        make: Callable[[], object],
        *,
        executor: Executor | None = None,
        capacity: int | None = CAPACITY,
        name: str | None = None,
    ) -> None:
        check_make(f"byte transformer {name!r}" if name else "byte transformer", make)
        self._core = core = TransformManyCore[Data](
            self, make, capacity=capacity, on_error="fail", filter=None, time_limit=None, name=name
        )
        coder = Coder(str(core), make)
        check_place(str(core), coder, executor)
        core.last_call = LastCall.DUE
        core.function = with_end(str(core), coder.add, coder.finish, executor)
        if executor is None:
            core.use(ExpandingRunner(core))
        else:
            core.use(in_executor(core, None, executor, 1, True, None, True))


def check_make(who: str, make: object) -> None:
    """Raise a `TypeError` if `make` cannot make a codec object."""
    if not callable(make):
        raise TypeError(
            f"{who}: make must be a function that returns a codec object, got {make!r}; write lambda: "
            "zlib.compressobj(), for example, so that each run has an object of its own"
        )
    if not is_plain(make):
        raise TypeError(f"{who}: make must be a plain function that returns a codec object, got {make!r}")


def check_place(who: str, coder: Coder, executor: Executor | None) -> None:
    """Check that an executor has one place for the codec object.

    Raises:
        TypeError: The executor may work anywhere, or cannot call `make`.
        ValueError: It has several places.
    """
    try:
        check_at_end(who, coder.finish, runs_async=False, concurrency=1, executor=executor)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("at_end= needs", "the codec object needs")) from None
