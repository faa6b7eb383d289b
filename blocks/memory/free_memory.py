"""The memory that this process may still use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .control_group import control_group_memory, lines


def free_memory() -> int:
    """Return the bytes of memory that this process may still use without swapping and without being killed.

    This is the minimum of the machine's free memory and of the memory that each control group leaves this process, so
    it is also correct in a container. Page cache counts as free. The call reads a few small files, in less than 1 ms.
    """
    return free_below(Path("/"))


def free_below(root: Path) -> int:
    """Return the same as `free_memory`, read from the files below a root; tests use another root."""
    machine, group = machine_memory(root), control_group_memory(root)
    return machine if group is None else min(machine, group)


def machine_memory(root: Path) -> int:
    """Return the bytes of free memory of the machine."""
    if sys.platform != "linux":
        import psutil  # not installed on Linux, where the kernel has a file

        return int(psutil.virtual_memory().available)
    for line in lines(root / "proc/meminfo"):
        words = line.split()
        if words[:1] == ["MemAvailable:"] and words[-1] == "kB":
            return int(words[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
