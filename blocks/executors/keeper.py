"""Keeps a function that holds state between calls in the process that has this state."""

from __future__ import annotations


class Keeper:
    """Notices when such a function would continue in a process that does not have its state.

    Args:
        name: The block.
    """

    __slots__ = ("_has_begun", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._has_begun = False

    def began(self) -> None:
        """Record that the function was called in some process."""
        self._has_begun = True

    def check_is_sent(self) -> None:
        """Raise a `RuntimeError` if the function, about to be sent to a process, was called in another one."""
        if self._has_begun:
            raise RuntimeError(
                f"{self._name}: the state that its function held for at_end= is lost: the worker process that had it "
                "has ended, or was busy with another block; give the block a Processes(1) of its own, and no "
                "time_limit that ends its process"
            )
