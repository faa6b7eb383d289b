"""The port by which a block that calls a function knows what calls it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import trio


class Runner(Protocol):
    """Calls the function of a block with its items.

    Attributes:
        busy: The number of items that were taken from the inbox and are being worked on.
        waiting: The number of results that wait for the results of earlier items.
        at_once: The largest number of calls at once.
        concurrency: The number that was asked for; the executor may have fewer workers.
        fixed_window: The window that was asked for; None if it depends on the concurrency.
        place: Where the function runs, in words.
        ordered: Whether results are handed on in the order of their items.
        waits_for_room: Whether all running work is blocked until results have been taken.
        is_eager: Whether `give_out` can start work as soon as an item comes, without a step of the block.
    """

    ordered: bool
    busy: int
    waiting: int
    at_once: int
    concurrency: int
    place: str

    @property
    def fixed_window(self) -> int | None: ...

    @property
    def is_eager(self) -> bool: ...

    @property
    def waits_for_room(self) -> bool: ...

    def wanted(self) -> int:
        """How many items could be started now, if they were there; about one batch."""
        ...

    def start(self) -> None:
        """The network starts."""
        ...

    def bind(self) -> None:
        """From now on, call the function that the block has now."""
        ...

    def step(self) -> None:
        """Start or do as much work as is allowed now."""
        ...

    def give_out(self) -> None:
        """Start as much work as is allowed now."""
        ...

    def change_concurrency(self, concurrency: int) -> None:
        """Let more or fewer calls run at once from now on; calls that run are not ended."""
        ...

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        """The tasks that work on an item now."""
        ...

    def close(self) -> None:
        """Release everything: there will be no more work, or the network has stopped."""
        ...


class Expanding(Protocol):
    """A runner that reads the iterables and generators that the function returns."""

    def stop_expanding(self) -> None:
        """Read no further, because nothing needs the outputs, and close the generators; they may be endless."""
        ...
