"""Finds the memory that the Linux control groups of this process, version 1 or 2, leave it; containers use such groups.

Every enclosing group counts, up to the mount point of its file system; the group with the least room decides. Page
cache that the kernel would give back at once (`inactive_file`) counts as free, as it does in `MemAvailable`. A missing
or unreadable file sets no limit: without the memory controller there is no such file.

The files are found like this. /proc/self/cgroup says that the process is in a group, for example /a/b.
/proc/self/mountinfo says that the group /a is mounted at /sys/fs/cgroup. So the group's files are in /sys/fs/cgroup/b.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

import attrs

CONTROLLER = "memory"


@attrs.frozen
class Mount:
    """A mounted file system of control groups: its version, the group, and the mount point."""

    version: int
    group: PurePosixPath
    point: PurePosixPath


def control_group_memory(root: Path) -> int | None:
    """Return the bytes that the control groups of this process leave it; None if none of them sets a limit.

    Args:
        root: The root of the file system; tests use another folder.
    """
    groups = dict(own_groups(lines(root / "proc/self/cgroup")))
    found = [
        free
        for mount in mounts(lines(root / "proc/self/mountinfo"))
        if mount.version in groups
        for folder in folders(root, mount, groups[mount.version])
        if (free := FREE[mount.version](folder)) is not None
    ]
    return max(0, min(found)) if found else None


def own_groups(text: Iterable[str]) -> Iterator[tuple[int, PurePosixPath]]:
    """Yield the version and the name of each group that may limit the memory of this process."""
    for line in text:
        parts = line.split(":", 2)
        if len(parts) < 3:
            continue
        number, controllers, name = parts
        if number == "0" and not controllers:
            yield 2, PurePosixPath(name)
        elif CONTROLLER in controllers.split(","):
            yield 1, PurePosixPath(name)


def mounts(text: Iterable[str]) -> Iterator[Mount]:
    """Yield the file systems of control groups that may limit memory."""
    for line in text:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        group, point = PurePosixPath(fields[3]), PurePosixPath(fields[4])
        if kind[0] == "cgroup2":
            yield Mount(2, group, point)
        elif kind[0] == "cgroup" and CONTROLLER in kind[2].split(","):
            yield Mount(1, group, point)


def folders(root: Path, mount: Mount, name: PurePosixPath) -> Iterator[Path]:
    """Yield the folder of a group and of each group around it, from the inside out."""
    top = root / mount.point.relative_to("/")
    # a name that is not below the mounted group (/../x, or a name of the host) belongs to another namespace: use the
    # top
    inside = name.relative_to(mount.group) if name.is_relative_to(mount.group) else PurePosixPath()
    if ".." not in inside.parts:
        yield from (top / part for part in (inside, *inside.parents) if part.parts)
    yield top


def free_in_version_1(folder: Path) -> int | None:
    """Return the bytes that may still be used in a group."""
    limit, used = number(folder / "memory.limit_in_bytes"), number(folder / "memory.usage_in_bytes")
    if limit is None or used is None:
        return None
    return limit - max(0, used - statistic(folder, "total_inactive_file"))


def free_in_version_2(folder: Path) -> int | None:
    """Return the bytes that may still be used in a group before it is slowed down or its processes are killed."""
    limits = [limit for name in ("memory.max", "memory.high") if (limit := number(folder / name)) is not None]
    used = number(folder / "memory.current")
    if not limits or used is None:
        return None
    return min(limits) - max(0, used - statistic(folder, "inactive_file"))


FREE: dict[int, Callable[[Path], int | None]] = {1: free_in_version_1, 2: free_in_version_2}


def lines(path: Path) -> list[str]:
    """Return the lines of a file; none if it cannot be read."""
    try:
        return path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []


def number(path: Path) -> int | None:
    """Return the number in a file; None if there is none ("max")."""
    content = "".join(lines(path)).strip()
    return int(content) if content.isascii() and content.isdigit() else None


def statistic(folder: Path, name: str) -> int:
    """Return a number from `memory.stat`; 0 if it is not there."""
    for line in lines(folder / "memory.stat"):
        key, _, value = line.partition(" ")
        if key == name and value.isascii() and value.isdigit():
            return int(value)
    return 0
