"""The observer of the items of a network, as protocols; there is one only if the run is recorded or traced.

In a network without an observer the cost is one attribute lookup.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import trio

from ..base.activity import Activity


class Work(NamedTuple):
    """Work on one item, which has begun; a tuple, because each item has one in each stage.

    Attributes:
        stage: The block.
        number: The number of the item.
        label: The item as short text.
        start: When it began.
    """

    stage: str
    number: int
    label: str
    start: float


class TaskObserver(Protocol):
    """Watches the task of an agent, or the body of the network."""

    def received(self, item: object) -> None:
        """The task has received an item without waiting."""
        ...

    def begins(self, item: object) -> None:
        """The task works on an item from now on."""
        ...

    def sending(self, item: object, target: str) -> None:
        """The task is about to send an item."""
        ...

    def waited(self, activity: Activity, since: float) -> None:
        """The task has waited from `since` until now."""
        ...

    def works_until(self, now: float) -> None:
        """The task ends its present work at the time `now`."""
        ...


class Observer(Protocol):
    """Watches the items of a network.

    Attributes:
        current: For each task, the work that it does.
    """

    current: dict[trio.lowlevel.Task, Work]

    def task(self, name: str) -> TaskObserver:
        """Watch a task from now on."""
        ...

    def strangers(self) -> TaskObserver | None:
        """Watch what all other tasks send that use blocks of the network; None if that is not wanted."""
        ...

    def begin(self, stage: str, item: object) -> Work:
        """Work on an item begins."""
        ...

    def begin_all(self, stage: str, items: Iterable[object]) -> list[Work]:
        """Work on several items begins at once."""
        ...

    def end(
        self,
        work: Work,
        worker: str = "",
        error: BaseException | None = None,
        times: tuple[float, float] | None = None,
    ) -> None:
        """Work on an item is done."""
        ...

    def failed(
        self,
        work: Work,
        item: object,
        error: BaseException,
        worker: str = "",
        times: tuple[float, float] | None = None,
    ) -> None:
        """Work on an item failed; the item may be tried again, or go to another output."""
        ...

    def calls(
        self, stage: str, function: Callable[[Any], Any], gives: bool, passes_on: bool = False
    ) -> Callable[[Any], Any]:
        """Wrap a plain function so that its calls are watched."""
        ...

    def async_calls(
        self, stage: str, function: Callable[[Any], Awaitable[Any]], gives: bool, unnamed: Container[trio.lowlevel.Task]
    ) -> Callable[[Any], Awaitable[Any]]:
        """Wrap an async function so that its calls are watched."""
        ...

    def waits_of(self, stage: str) -> Callable[[Activity, float, float], None]:
        """The function to call after each wait of a stage."""
        ...

    def gave(self, outputs: Iterable[object], work: Work) -> None:
        """Several outputs were made of one item."""
        ...

    def made(self, stage: str, items: Sequence[object], start: float, end: float) -> None:
        """A stage has made items by itself, all at the same time."""
        ...

    def merged_into(self, place: str, parts: Iterable[object], whole: object) -> None:
        """One output was made of one or more items."""
        ...

    def multiply(self, place: str, item: object, times: int) -> None:
        """An item leaves a block in several copies."""
        ...

    def forget(self, place: str, items: Iterable[object]) -> None:
        """Items have ended, or left the network."""
        ...

    def forget_all(self) -> None:
        """The network has ended, and its items with it."""
        ...
