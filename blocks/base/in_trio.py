"""Whether code runs in trio, and what to do if it does not: asyncio and notebooks are where people try it first."""

from __future__ import annotations

import sys
from collections.abc import Callable

import trio


def check_in_trio(doing: str, what: object) -> None:
    """Raise a `RuntimeError` that says what to do if the caller is no task of trio's.

    Args:
        doing: What the caller does: "send to", say.
        what: With which object.
    """
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        raise not_in_trio(f"{doing} {what}") from None


def not_in_trio(doing: str) -> RuntimeError:
    """Explain that something needs trio, in the words of the place where it was tried."""
    main = "put the code into an `async def main()` and call `trio.run(main)`"
    if not in_asyncio():
        return RuntimeError(f"{doing}: Penstock runs in trio, and trio does not run here; {main}")
    if "ipykernel" in sys.modules:
        where = "a notebook cell runs in asyncio"
        return RuntimeError(f"{doing}: Penstock runs in trio, and {where}; {main} in the cell, without `await`")
    return RuntimeError(
        f"{doing}: Penstock runs in trio, and this is asyncio; {main}, or `await asyncio.to_thread(trio.run, main)` "
        "where asyncio has to go on meanwhile"
    )


def in_asyncio() -> bool:
    """Whether the caller runs in an event loop of asyncio."""
    running: Callable[[], object] = getattr(sys.modules.get("asyncio"), "_get_running_loop", lambda: None)
    return running() is not None  # without an import, which takes a while: a program that runs in asyncio has done it
