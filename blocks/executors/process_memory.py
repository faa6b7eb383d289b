"""The memory that another process uses."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def memory_of(pid: int) -> int:
    """Return the bytes of memory of a process, on Linux without those that it shares; 0 if it has ended."""
    if sys.platform != "linux":  # pragma: no cover  # macOS, Windows
        import psutil  # not installed on Linux, where the kernel has a file

        try:
            return int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return 0
    try:
        _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text("ascii").split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
