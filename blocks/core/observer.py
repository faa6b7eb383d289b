"""What a block tells somebody who watches the items of its network; there is nobody unless the run is recorded.

A network without an observer pays for it with a look at one attribute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

import attrs
import trio

from ..base.activity import Activity


@attrs.frozen(slots=True)
class Work:
    """Work on one item that has begun.

    Attributes:
        stage: The block.
        number: Of the item.
        label: What the item looks like.
        start: When it began.
    """

    stage: str
    number: int
    label: str
    start: float


class TaskObserver(Protocol):
    """Watches what an agent, or the body of the network, does."""

    def received(self, item: object) -> None:
        """The task has taken an item, without waiting."""
        ...

    def begins(self, item: object) -> None:
        """The task has an item to work on from now on."""
        ...

    def sending(self, item: object, target: str) -> None:
        """The task is about to hand an item on."""
        ...

    def waited(self, activity: Activity, since: float) -> None:
        """The task has waited until now."""
        ...

    def works_until(self, now: float) -> None:
        """The task goes on to something else, or ends."""
        ...


class Observer(Protocol):
    """Watches the items of a network.

    Attributes:
        current: The item on which a task works.
    """

    current: dict[trio.lowlevel.Task, Work]

    def task(self, name: str) -> TaskObserver:
        """Watch a task from now on."""
        ...

    def begin(self, stage: str, item: object) -> Work:
        """Work on an item begins."""
        ...

    def end(
        self,
        work: Work,
        worker: str = "",
        error: BaseException | None = None,
        times: tuple[float, float] | None = None,
    ) -> None:
        """The work is done."""
        ...

    def failed(
        self,
        work: Work,
        item: object,
        error: BaseException,
        worker: str = "",
        times: tuple[float, float] | None = None,
    ) -> None:
        """Work on an item failed; the item may be tried again, or go elsewhere."""
        ...

    def calls(
        self, stage: str, function: Callable[[Any], Any], gives: bool, passes_on: bool = False
    ) -> Callable[[Any], Any]:
        """A plain function whose calls are watched."""
        ...

    def async_calls(
        self, stage: str, function: Callable[[Any], Awaitable[Any]], gives: bool, has_workers: bool
    ) -> Callable[[Any], Awaitable[Any]]:
        """An async function whose calls are watched."""
        ...

    def waits_of(self, stage: str) -> Callable[[Activity, float, float], None]:
        """What is to be told of each wait of a stage."""
        ...

    def gave(self, outputs: Iterable[object], work: Work) -> None:
        """Several things were made of one item."""
        ...

    def made(self, stage: str, items: Sequence[object], start: float, end: float) -> None:
        """A stage has made items by itself, at once."""
        ...

    def became(self, place: str, parts: Iterable[object], whole: object) -> None:
        """One thing was made of one or more items."""
        ...

    def multiply(self, place: str, item: object, times: int) -> None:
        """An item goes several ways out of a block."""
        ...

    def forget(self, place: str, items: Iterable[object]) -> None:
        """Items have ended, or left the network."""
        ...
