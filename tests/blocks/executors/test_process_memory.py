"""The memory of a process, as the kernel tells it."""

import mmap
import os
import sys

import pytest

from penstock.blocks.executors.process_memory import memory_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads a file of the kernel")


def test_memory_that_is_used_counts_and_shared_memory_does_not() -> None:
    before = memory_of(os.getpid())
    assert before > 1 << 20
    with mmap.mmap(-1, 64 << 20) as shared:
        shared.write(bytes(64 << 20))
        assert memory_of(os.getpid()) < before + (32 << 20)
    block = bytearray(b"x" * (64 << 20))
    assert memory_of(os.getpid()) > before + (32 << 20)
    del block


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_that_has_ended_uses_none() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert memory_of(pid) == 0
