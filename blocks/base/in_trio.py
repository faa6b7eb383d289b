"""Checks that code runs in trio, and says what to do if it does not: people often try asyncio or a notebook first."""

from __future__ import annotations

import sys
from collections.abc import Callable

import trio


def check_in_trio(doing: str, what: object) -> None:
    """If the caller is not a task of trio, raise a `RuntimeError` that says what to do.

    Args:
        doing: What the caller does, for example "send to".
        what: The object that it does this with.
    """
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        raise not_in_trio(f"{doing} {what}") from None


def not_in_trio(doing: str) -> RuntimeError:
    """Explain that something needs trio, and how to get it in asyncio, in a notebook or elsewhere."""
    main = "put the code into an `async def main()` and call `trio.run(main)`"
    if not in_asyncio():
        return RuntimeError(f"{doing}: Penstock runs in trio, and trio does not run here; {main}")
    if "ipykernel" in sys.modules:
        where = "a notebook cell runs in asyncio"
        return RuntimeError(
            f"{doing}: Penstock runs in trio, and {where}; {main} in the cell, without `await`, or run the line "
            "`%autoawait trio` once, so that cells run in trio"
        )
    return RuntimeError(
        f"{doing}: Penstock runs in trio, and this is asyncio; {main}, or `await asyncio.to_thread(trio.run, main)` "
        "if asyncio must go on at the same time"
    )


def in_asyncio() -> bool:
    """Whether the caller runs in an event loop of asyncio."""
    running: Callable[[], object] = getattr(sys.modules.get("asyncio"), "_get_running_loop", lambda: None)
    return running() is not None  # without an import, which takes a while: a program in asyncio has imported it
