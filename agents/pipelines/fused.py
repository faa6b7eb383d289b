"""Several functions as one: the same worker calls them for an item, one after the other.

It is sent to worker processes, so this module imports little.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import attrs

from penstock.blocks.base.callables import NOT_RUN, check_answer, not_run

Mode = Literal["map", "filter", "tap"]


class Mark(Enum):
    """What comes out instead of a result."""

    DROPPED = "dropped"


@attrs.frozen
class FusedTask:
    """One of the functions.

    Attributes:
        name: The name of the task.
        mode: What becomes of its result.
        function: The function.
    """

    name: str
    mode: Mode
    function: Callable[[Any], Any]


@attrs.frozen
class Fused:
    """Calls functions one after the other.

    Attributes:
        tasks: The functions.
    """

    tasks: tuple[FusedTask, ...]

    def __call__(self, item: Any) -> Any:
        """Return the result of the last function; `Mark.DROPPED` if a filter drops the item.

        An exception gets a note that names the task.
        """
        name = ""
        try:
            for task in self.tasks:
                name = task.name
                answer = task.function(item)
                if task.mode == "filter":
                    check_answer(f"filter {name!r}", "the predicate", answer)
                    if not answer:
                        return Mark.DROPPED
                elif type(answer) in NOT_RUN:
                    raise not_run(repr(name), answer)
                elif task.mode == "map":
                    item = answer
        except Exception as error:
            error.add_note(f"in the task {name!r}")
            raise
        return item


def is_kept(result: object) -> bool:
    """Whether no filter has dropped the item."""
    return result is not Mark.DROPPED
