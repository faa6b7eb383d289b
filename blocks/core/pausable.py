"""The public methods of blocks whose work can be held; a class takes them over one by one.

A common base class would change what type checkers infer for "one block or the other".
"""

from __future__ import annotations

from .block import Block, inside
from .ports import Part


async def pause_block(self: Block) -> None:
    """Start no work any more, and wait until none is under way. A second call only waits.

    Messages that come wait in the block; when it is full, their senders wait too. Results go on. The network does not
    count as stalled while something in the program can still call `resume`.

    Raises:
        trio.BrokenResourceError: The network stops meanwhile.
        RuntimeError: It was called in another thread.
    """
    core: Part = inside(self)
    core.hold()
    await core.until_at_rest()


def resume_block(self: Block) -> None:
    """Go on after a pause; does nothing if there is none.

    Raises:
        RuntimeError: It was called in another thread.
    """
    core: Part = inside(self)
    core.go_on()


def block_is_paused(self: Block) -> bool:
    """Whether the block starts no work, because of `pause`."""
    core: Part = inside(self)
    return core.paused is not None
