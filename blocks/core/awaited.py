"""A message whose sender waits to hear what becomes of it."""

from __future__ import annotations

from abc import abstractmethod


class Awaited:
    """The base of such messages: blocks that drop one by a policy say so."""

    __slots__ = ()

    @abstractmethod
    def lost(self, where: str, reason: str) -> None:
        """Note that a block has dropped the message.

        Args:
            where: The block.
            reason: The name under which it is counted.
        """
