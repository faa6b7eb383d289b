"""Opens the page in a browser, where there is one that has a window of its own."""

from __future__ import annotations

import os
import sys
import webbrowser

import trio

__all__ = ["has_window", "show"]


def has_window() -> bool:
    """Whether a browser could open a window here; one in the terminal would only be in the way."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER"))


async def show(address: str) -> None:
    """Open the page if that can be done; nobody waits for a browser that does not come back."""
    if has_window():
        await trio.to_thread.run_sync(_open, address, abandon_on_cancel=True)


def _open(address: str) -> None:
    try:
        webbrowser.open(address)
    except (webbrowser.Error, OSError) as error:
        print(f"penstock-images: no browser could be opened ({error}); use the address above", file=sys.stderr)
