"""Threads of a runtime; a network that judges whether anything can still move does not count them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from penstock.blocks.base.threads import resident


def own_thread(work: Callable[[], object], name: str) -> threading.Thread:
    """Make a thread that does not keep the program from its end."""
    thread = threading.Thread(target=work, name=f"penstock {name}", daemon=True)
    resident.add(thread)
    return thread
