"""Memory that worker processes can map. It has no name, so it is gone with the processes, in whatever way they end."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import weakref

Handle = int | str
"""A file descriptor; a name on Windows."""


class SharedMemory:
    """A piece of memory that is there as long as this object, or a view of it, in this process or in a worker process.

    Args:
        size: The number of bytes.

    Attributes:
        handle: With this, a worker process maps the memory.
        view: The memory.

    Raises:
        OSError: The system has no memory for it.
    """

    __slots__ = ("__weakref__", "handle", "size", "view")

    def __init__(self, size: int) -> None:
        self.size: int = size
        self.handle: Handle = create(size)
        weakref.finalize(self, release, self.handle).atexit = False
        self.view: memoryview = memoryview(attach(self.handle, size))


if sys.platform != "win32":

    def create(size: int) -> Handle:
        """Get memory that two processes can map: a file descriptor."""
        try:
            handle = os.memfd_create("penstock", os.MFD_CLOEXEC)
        except (AttributeError, OSError):
            return create_file(size)
        os.ftruncate(handle, size)
        return handle

    def create_file(size: int) -> Handle:
        """Get memory that two processes can map where the system has no memfd: a file without a name."""
        with tempfile.TemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # fails now, instead of by a signal when it is written to
            else:  # pragma: no cover  # macOS
                os.ftruncate(file.fileno(), size)
            return os.dup(file.fileno())

    def attach(handle: Handle, size: int) -> mmap.mmap:
        """Map the memory."""
        assert isinstance(handle, int)
        return mmap.mmap(handle, size)

    def release(handle: Handle) -> None:
        """Close the handle, after both sides have mapped the memory."""
        assert isinstance(handle, int)
        os.close(handle)

else:  # pragma: no cover  # its memory has a name, and is gone with the last process that has it mapped

    def create(size: int) -> Handle:
        """Get memory that two processes can map: a name."""
        return f"penstock-{os.getpid()}-{os.urandom(8).hex()}"

    def attach(handle: Handle, size: int) -> mmap.mmap:
        """Map the memory."""
        assert isinstance(handle, str)
        return mmap.mmap(-1, size, tagname=handle)

    def release(handle: Handle) -> None:
        """Do nothing: the mappings hold the memory."""
