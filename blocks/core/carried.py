"""An item together with the context variables of its sender, or with a lease."""

from __future__ import annotations

from contextvars import Context
from typing import Any

import attrs

from .resource_pool import Lease


@attrs.frozen(eq=False)
class Carried:
    """An item or a result, and the context that goes with it."""

    item: Any
    context: Context


@attrs.frozen(eq=False)
class Leased:
    """An item, and the lease of the resource that the work on it needs."""

    item: Any
    lease: Lease[Any]


def plain(item: Any) -> Any:
    """Return an item without its context or lease."""
    while type(item) is Carried or type(item) is Leased:
        item = item.item
    return item


def lease_with(item: Any) -> Lease[Any] | None:
    """Return the lease of an item; None if it has none."""
    if type(item) is Carried:
        item = item.item
    return item.lease if type(item) is Leased else None
