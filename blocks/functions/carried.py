"""An item together with the context variables of who sent it."""

from __future__ import annotations

from contextvars import Context
from typing import Any

import attrs


@attrs.frozen(eq=False)
class Carried:
    """An item or a result, and the context that goes with it."""

    item: Any
    context: Context


def plain(item: Any) -> Any:
    """An item without its context, if it has one."""
    return item.item if type(item) is Carried else item
