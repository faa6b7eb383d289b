"""The watchers of all networks of the program: they collect metrics, or write traces.

They are few, and networks in any thread tell them of their start and end. So a change makes a new tuple, which is read
without a lock.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

from .observer import Observer
from .ports import Host
from .view import View


class Watcher(Protocol):
    """Watches all networks that start after it was added."""

    def observer(self, network: View, routes: Any) -> Observer | None:
        """Make an observer of the items of a network, before it starts; None if no items are to be observed.

        Args:
            network: The network.
            routes: Say which stage can get an item from which place.
        """
        ...

    def begins(self, network: View) -> None:
        """Note that a network has started; called in the thread of its loop."""
        ...

    def fails(self, network: Host, block: str, number: int, item: object, error: BaseException, action: str) -> None:
        """Note that a call has failed, and a policy goes on; called in the thread of the loop, for each failure.

        Args:
            network: The network.
            block: The name of the block.
            number: The number of the item in the block.
            item: The item; it must not be kept.
            error: The exception; it must not be kept.
            action: What the policy does: "skip", "dead letter", "retry" or "fallback".
        """
        ...

    def ends(self, network: View, how: str, error: BaseException | None) -> None:
        """Note that a network has ended; called in the thread of its loop.

        Args:
            network: The network.
            how: "done", "failed" or "cancelled".
            error: The exception with which it has ended; it must not be kept.
        """
        ...


class Watchers:
    """The watchers of all networks.

    Attributes:
        now: The watchers at this moment.
    """

    def __init__(self) -> None:
        self.now: tuple[Watcher, ...] = ()
        self._lock = threading.Lock()

    def add(self, watcher: Watcher) -> None:
        """Tell a watcher of all networks that start from now on."""
        with self._lock:
            self.now = (*self.now, watcher)

    def remove(self, watcher: Watcher) -> None:
        """Tell a watcher of nothing more; without effect if it was removed before."""
        with self._lock:
            self.now = tuple(one for one in self.now if one is not watcher)


watchers: Watchers = Watchers()
