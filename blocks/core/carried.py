"""An item together with the context variables of its sender, with a lease, or with the mark of a failure."""

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


@attrs.frozen(eq=False)
class ForFallback:
    """An item for which the function of a block has failed, and for which it calls its fallback."""

    item: Any


def plain(item: Any) -> Any:
    """Return an item alone."""
    while type(item) is Carried or type(item) is Leased or type(item) is ForFallback:
        item = item.item
    return item


def for_fallback(item: Any) -> Any:
    """Mark an item as one for the fallback; it keeps its context and its lease."""
    if type(item) is Carried:
        return Carried(for_fallback(item.item), item.context)
    return Leased(for_fallback(item.item), item.lease) if type(item) is Leased else ForFallback(item)


def lease_with(item: Any) -> Lease[Any] | None:
    """Return the lease of an item; None if it has none."""
    if type(item) is Carried:
        item = item.item
    return item.lease if type(item) is Leased else None
