"""Opens the page in a browser that has a window of its own, if there is one."""

from __future__ import annotations

import os
import sys
import webbrowser

import trio

__all__ = ["has_window", "show"]


def has_window() -> bool:
    """Whether a browser can open a window here; a browser in the terminal does not count."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER"))


async def show(address: str, program: str) -> None:
    """Open the page if a browser can do that.

    Args:
        address: the address of the page.
        program: the name of the program, for a message on standard error.
    """
    if has_window():
        await trio.to_thread.run_sync(_open, address, program, abandon_on_cancel=True)  # some browsers never return


def _open(address: str, program: str) -> None:
    try:
        webbrowser.open(address)
    except (webbrowser.Error, OSError) as error:
        print(f"{program}: no browser could be opened ({error}); use the address above", file=sys.stderr)
