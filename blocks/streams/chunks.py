"""The pieces in which bytes travel through blocks: not larger than a bound, so that a capacity also bounds bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..base.error_info import shorten

CHUNK: Final = 256 * 1024
"""The largest number of bytes in a chunk that the library makes."""
CAPACITY: Final = 16
"""How many chunks wait in a block of bytes by default: 4 MiB."""
Data = bytes | bytearray | memoryview


def as_view(who: object, data: Data) -> memoryview:
    """Return a view of single bytes.

    Raises:
        TypeError: The data are not bytes.
    """
    try:
        return memoryview(data).cast("B")
    except TypeError:
        hint = "; encode it first, for example with encode('utf-8')" if isinstance(data, str) else ""
        raise TypeError(f"{who}: needs bytes, got {type(data).__name__} {shorten(data)}{hint}") from None


def pieces(data: Data) -> Iterable[bytes]:
    """Cut data into chunks; small data are not copied, and empty data give none."""
    size = len(data)
    if size <= CHUNK:
        return (bytes(data),) if size else ()
    view = memoryview(data)
    return (bytes(view[start : start + CHUNK]) for start in range(0, size, CHUNK))
