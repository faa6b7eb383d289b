"""The exceptions with which a run ends."""

from __future__ import annotations

from traceback import walk_tb
from typing import NoReturn, cast

from penstock.blocks.base.error_info import annotate


def only_error(error: BaseException) -> BaseException:
    """Return the only exception in a group, or in a group within it; any other exception as it is.

    A group with a note was raised by a function of the program: the note says by which one.
    """
    members: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    is_ours = issubclass(type(error), BaseExceptionGroup) and not getattr(error, "__notes__", ())
    return only_error(members[0]) if is_ours and len(members) == 1 else error


def raise_interrupt(group: BaseExceptionGroup[BaseException]) -> None:
    """Raise the Ctrl-C in a group, if there is one, as plain programs expect it; the other exceptions are its cause."""
    interrupts, others = group.split(KeyboardInterrupt)
    if interrupts is not None:
        error: BaseException = interrupts
        while isinstance(error, BaseExceptionGroup):
            error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
        raise error from others


def loop_has_ended() -> RuntimeError:
    """Explain why a run was cancelled that the program has not stopped."""
    return RuntimeError("the loop of trio has ended, because the asyncio loop of the program ends")


def raise_both(what: str, error: BaseException | None, value: BaseException | None) -> bool:
    """Raise what comes out of an `async with` block; whether the exception of its body goes no further.

    Args:
        what: What has failed with `error`, such as "the network".
        error: The exception with which the run has ended, if there is one.
        value: The exception of the body, if there is one.
    """
    if error is None or error is value:
        return False
    if value is None:
        raise error
    if isinstance(value, Exception):
        raise BaseExceptionGroup(f"{what} and the block around it failed", [value, error])
    annotate(value, f"{what} failed, too: {error!r}")
    return False


def depth_of(error: BaseException) -> int:
    """The number of frames in the traceback of an exception."""
    return sum(1 for _ in walk_tb(error.__traceback__))


def reraise(error: BaseException | None, depth: int) -> NoReturn:
    """Raise an exception that is kept elsewhere; its traceback refers to this frame, which must not refer to it.

    Args:
        error: The exception.
        depth: The number of frames that it had when it was kept. Others, which come first, are left out; otherwise each
            call would add its frames, and keep them alive.
    """
    assert error is not None
    trace = error.__traceback__
    for _ in range(depth_of(error) - depth):
        assert trace is not None
        trace = trace.tb_next
    try:
        raise error.with_traceback(trace)
    finally:
        del error, trace
