"""Holds a block: it starts nothing new until it is resumed.

States: runs → held (it starts nothing new) → quiet (nothing is in work either) → runs. A block that ends is quiet.
"""

from __future__ import annotations

import trio

from .pause import Pause
from .ports import Pausable
from .threads import check_thread


def hold(block: Pausable) -> None:
    """Let a block start nothing new."""
    check_thread(block, "pause")
    if block.paused is None:
        block.paused = Pause()


async def until_quiet(block: Pausable) -> None:
    """Wait until nothing is in work in a block that is held.

    Raises:
        trio.BrokenResourceError: The network of the block stops meanwhile.
    """
    pause = block.paused
    if pause is not None and block.at_work() and not block.finished and block.broken is None:
        await pause.waits.park(block, "pause", None)
    else:
        await trio.lowlevel.checkpoint()


def resume(block: Pausable) -> None:
    """Let a block go on."""
    check_thread(block, "resume")
    pause, block.paused = block.paused, None
    if pause is not None:
        pause.is_quiet()
        block.wake()
