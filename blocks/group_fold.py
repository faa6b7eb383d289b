"""The state that a regroup makes of the messages of one group."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

from .base.checks import check_function
from .base.error_info import annotate, shorten
from .core.block_core import BlockCore
from .core.carried import Carried, plain
from .fold import Folding, check_takes_state, copied


class GroupFold:
    """Adds each message of a group to a state when it comes.

    Args:
        block: The core of the regroup.
        function: Makes the next state of the state and a message.
        start: The first state of each group.

    Raises:
        TypeError: The function is asynchronous, or cannot be called with a state and a message; or `start` cannot be
            copied.
    """

    def __init__(self, block: BlockCore, function: Callable[[Any, Any], Any], start: Any) -> None:
        check_function(block, "function", function)
        check_takes_state(str(block), function)
        self._block = block
        self._function = function
        self._start = copied(str(block), start)
        self._begin()

    def _begin(self) -> None:
        """Begin with the first state."""
        start = copied(str(self._block), self._start)
        self._folding: Folding[Any, Any] = Folding(self._block, self._function, start, running=False)
        self._added = 0
        self._context: Context | None = None

    def add(self, message: Any) -> None:
        """Add a message, which may carry the context of its sender."""
        block, folding = self._block, self._folding
        if type(message) is Carried and not self._added:
            self._context = message.context
        item = plain(message)
        before = folding.last() if self._added else ()
        self._added += 1
        try:
            folding.add(item)
        except BaseException as error:
            block.counts["dropped:fault"] += 1
            block.counts["failed"] += 1
            place = f"message {self._added} of its group"
            annotate(error, f"raised by the function of {block} for {shorten(item)}, {place}")
            raise
        block.counts["merged"] += 1
        block.merged_into((*before, item), *folding.last())

    def forget(self) -> None:
        """Let go of the state, because no message will come any more."""
        self._folding.forget()

    def next_group(self) -> tuple[Any, Context | None]:
        """Return the state, and the context of the first message if it came with one; begin with the next group."""
        (state,), context = self._folding.last(), self._context
        self._begin()
        return state, context
