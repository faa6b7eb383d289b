"""What the checkers share: a refusal with a hint, and a run of a learner's code on a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar, cast

import trio
import trio.testing

from penstock.blocks import Stalled

__all__ = ["Refused", "leaves", "number_in", "part", "require", "run"]

T = TypeVar("T")


class Refused(Exception):
    """An answer breaks a law.

    Args:
        law: what every right answer does.
        seen: what this answer did.
        hint: what to look at.
    """

    def __init__(self, law: str, seen: str, hint: str) -> None:
        super().__init__(law, seen, hint)
        self.law, self.seen, self.hint = law, seen, hint


def require(is_kept: bool, law: str, seen: str, hint: str) -> None:
    """Raise a `Refused` unless the law is kept."""
    if not is_kept:
        raise Refused(law, seen, hint)


def part(answer: ModuleType, name: str) -> Callable[..., Any]:
    """Return a function or class of the learner's file."""
    found = getattr(answer, name, None)
    if not callable(found):
        raise Refused(
            f"the file has `{name}`, as in the skeleton",
            f"there is no `{name}`" if found is None else f"`{name}` is {found!r}",
            f"Keep the name `{name}`: the check calls it. `penstock-workshop start` shows the page again.",
        )
    return cast("Callable[..., Any]", found)


def number_in(answer: ModuleType, name: str, what: str) -> float:
    """Return a number that the learner has filled in."""
    found = getattr(answer, name, None)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Refused(
            f"`{name}` is {what}",
            f"`{name}` is {found!r}",
            f"Replace the value of `{name}` in your file by a number.",
        )
    return found


def leaves(error: BaseException) -> list[BaseException]:
    """Return the single exceptions in a group, without those that only tell of a cancellation."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for each in group.exceptions for leaf in leaves(each)]
    return [] if isinstance(error, trio.Cancelled) else [error]


class TooLong(Exception):
    """A run has not ended in its time."""

    def __init__(self, waits: list[str]) -> None:
        super().__init__()
        self.waits = waits


def run(
    main: Callable[[], Awaitable[T]],
    *,
    answer: ModuleType,
    hints: Mapping[type[BaseException], str],
    within: float = 10_000.0,
    real_time: bool = False,
) -> T:
    """Run code of the learner; it must end, and no network may stall.

    Args:
        main: the code to run.
        answer: the learner's file.
        hints: what to say for exceptions that a wrong answer is known to raise, among them `Stalled`.
        within: seconds of the clock after which the run is too long.
        real_time: whether the clock is the real one; by default it jumps when everything waits.
    """
    clock = None if real_time else trio.testing.MockClock(autojump_threshold=0)
    try:
        return trio.run(_limited, main, str(answer.__file__), within, clock=clock)
    except BaseException as error:
        for leaf in leaves(error):
            _refuse(leaf, hints)
        raise


def _refuse(error: BaseException, hints: Mapping[type[BaseException], str]) -> None:
    hint = next((text for kind, text in hints.items() if isinstance(error, kind)), None)
    if isinstance(error, Refused):
        raise error from None
    if isinstance(error, TooLong):
        law, where = "the run ends by itself", "; ".join(error.waits) or "a loop of its own"
        hint = hints.get(TimeoutError, "Look at that line: what should end this wait?")
        raise Refused(law, f"it still runs; it waits at {where}", hint) from None
    if isinstance(error, Stalled):
        hint = hint or "Read the report of the standstill in docs/how-to/stalled.md, from its end upwards."
        raise Refused("no network stalls", _standstill(error), hint) from None
    if hint is not None:
        notes = [f"    {note}" for note in getattr(error, "__notes__", ())]
        seen = "\n".join([f"{type(error).__name__}: {error}", *notes])
        raise Refused("no exception comes out", seen, hint) from None


def _standstill(stalled: Stalled) -> str:
    """The report, without its first line."""
    return "\n".join(stalled.report.splitlines()[1:])


async def _limited(main: Callable[[], Awaitable[T]], path: str, within: float) -> T:
    results: list[T] = []

    async def work() -> None:
        results.append(await main())
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await trio.sleep(within)
        raise TooLong(_waits_in(path))
    return results[0]


def _waits_in(path: str) -> list[str]:
    """Return the lines of a file at which tasks wait."""
    found: list[str] = []
    waiting = [trio.lowlevel.current_root_task()]
    while waiting:
        task = waiting.pop()
        if task is None:
            continue
        lines = [line for frame, line in task.iter_await_frames() if frame.f_code.co_filename == path]
        found += [f"line {line}" for line in lines[-1:]]
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return sorted(set(found))
