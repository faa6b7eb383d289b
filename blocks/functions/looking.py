"""Calls the function of a tap in a task or an executor, and returns the item instead of its result.

`Looking` is sent to worker processes, so this module imports little.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from ..base.callables import NOT_RUN, not_awaited


@attrs.frozen(slots=True)
class Looking:
    """A function that looks at items, as a function for an executor."""

    look: Callable[[Any], Any]

    def __call__(self, item: Any) -> Any:
        """The item; or the result, if that has not run: the runner refuses it, as it does in every block."""
        result: object = self.look(item)
        return result if type(result) in NOT_RUN else item


def looking_later(name: str, look: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """An async function that looks at items, as a function for tasks."""

    async def call(item: Any) -> Any:
        result: object = await look(item)
        if type(result) in NOT_RUN:
            raise not_awaited(name, result)
        return item

    return call
