"""The memory that this process may still use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .control_group import control_group_memory, lines


def free_memory() -> int:
    """Bytes of memory that this process may still use, without swapping and without being killed for it.

    This is the minimum of the machine's free memory and of what each control group around this process leaves it, so
    it is right in a container too. Page cache counts as free. The call reads a few small files, in less than 1 ms.
    """
    return free_below(Path("/"))


def free_below(root: Path) -> int:
    """The same, read from the files below a root; tests give another one."""
    machine, group = machine_memory(root), control_group_memory(root)
    return machine if group is None else min(machine, group)


def machine_memory(root: Path) -> int:
    """Bytes of memory that the machine has free."""
    if sys.platform != "linux":
        import psutil  # not installed on Linux, where the kernel offers a file

        return int(psutil.virtual_memory().available)
    for line in lines(root / "proc/meminfo"):
        words = line.split()
        if words[:1] == ["MemAvailable:"] and words[-1] == "kB":
            return int(words[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
