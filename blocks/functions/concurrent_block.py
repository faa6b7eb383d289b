"""The base of blocks whose `concurrency` can be changed while they run."""

from __future__ import annotations

from typing import Any

from ..core.block import Block, inside
from ..core.pausable import block_is_paused, pause_block, resume_block
from ..core.threads import check_thread
from .at_end import check_single
from .checks import check_concurrency
from .function_block import FunctionCore


class ConcurrentBlock(Block):
    """A block that calls a function with several items at once."""

    __slots__ = ()
    pause = pause_block
    resume = resume_block
    is_paused = property(block_is_paused)

    @property
    def concurrency(self) -> int:
        """Up to this many calls run at once. It can be changed at any time, in the thread of the loop.

        If it is raised, more calls start at once. If it is lowered, calls that run go on, and none is started until
        fewer are under way. A `window` that was not given changes with it.

        Raises:
            ValueError: The new number is less than 1, more than the `window` or the `capacity`, or more than 1 for a
                plain function on the loop or a block with `at_end`.
            RuntimeError: It was changed in another thread.
        """
        core: FunctionCore[Any] = inside(self)
        return core.runner.concurrency

    @concurrency.setter
    def concurrency(self, concurrency: int) -> None:
        core: FunctionCore[Any] = inside(self)
        check_change(core, concurrency)
        check_thread(core, "change the concurrency of")
        core.call_meter.concurrency_was(core.runner.at_once)
        core.runner.change_concurrency(concurrency)
        core.wake()


def check_change(core: FunctionCore[Any], concurrency: int) -> None:
    """Raise a `ValueError` if a block cannot have a concurrency; callable from any thread."""
    runner = core.runner
    may_be_more = runner.place != "loop"
    check_concurrency(core, concurrency, runner.fixed_window, core.inbox.capacity, may_be_more, None)
    if core.keeper() is not None:
        check_single(str(core), concurrency)
