"""Holds a block: it starts nothing new until it is resumed.

States: runs → held (it starts nothing new) → quiet (nothing is in work either) → runs. A block that ends is quiet.
"""

from __future__ import annotations

import trio

from .pause import Pause
from .ports import Pausable
from .threads import check_thread


class PausableCore:
    """The part of a core that starts work of its own, which can be held."""

    __slots__ = ()
    paused: Pause | None

    def hold(self: Pausable) -> None:
        """Start nothing new."""
        check_thread(self, "pause")
        if self.paused is None:
            self.paused = Pause()

    def go_on(self: Pausable) -> None:
        """End the pause."""
        check_thread(self, "resume")
        pause, self.paused = self.paused, None
        if pause is not None:
            pause.is_quiet()
            self.wake()

    async def until_at_rest(self: Pausable) -> None:
        """Wait until nothing is in work in a block that is held.

        Raises:
            trio.BrokenResourceError: The network of the block stops meanwhile.
        """
        pause = self.paused
        if pause is not None and self.at_work() and not self.finished and self.broken is None:
            await pause.waits.park(self, "pause", None)
        else:
            await trio.lowlevel.checkpoint()
