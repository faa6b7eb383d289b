"""Keeps a function that holds something from one call to the next in the process where that is."""

from __future__ import annotations


class Keeper:
    """Notices when such a function would go on in a process that has nothing of what it held.

    Args:
        name: The block.
    """

    __slots__ = ("_has_begun", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._has_begun = False

    def began(self) -> None:
        """The function was called somewhere."""
        self._has_begun = True

    def check_is_sent(self) -> None:
        """Raise if the function is about to be sent to a process, though it was called in another one."""
        if self._has_begun:
            raise RuntimeError(
                f"{self._name}: what its function held for at_end= is lost: the worker process that had it has ended, "
                "or was busy with another block; give the block a Processes(1) of its own, and no time_limit that ends "
                "its process"
            )
