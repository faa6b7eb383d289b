"""What a pipeline needs of the loop in which its asynchronous functions run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol


class Host(Protocol):
    """A loop of another library than trio. Only programs that have one load its code."""

    def wrap(self, value: Any) -> Any:
        """Return a function that runs an asynchronous function there; any other value as it is."""
        ...

    def iterate(self, items: Any) -> AsyncIterator[Any]:
        """Iterate there over an asynchronous iterable, or over one of its queues."""
        ...
