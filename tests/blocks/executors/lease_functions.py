"""Functions that the tests run in worker processes with leases of buffers in shared memory."""

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.blocks import Lease, Processes
from tests.blocks.executors.process_functions import KEPT, SECONDS

Frame = tuple[int, Lease[memoryview]]


def fill(item: int, lease: Lease[memoryview]) -> Frame:
    """Write the item everywhere."""
    np.frombuffer(lease.value, np.uint8)[:] = item
    return item, lease


def add_one(frame: Frame) -> Frame:
    """Change the buffer in place."""
    array = np.frombuffer(frame[1].value, np.uint8)
    array += 1
    return frame


def add_ones(frames: list[Frame]) -> list[Frame]:
    return [add_one(frame) for frame in frames]


def with_pid(item: int, lease: Lease[memoryview]) -> tuple[int, Lease[memoryview], int]:
    return *fill(item, lease), os.getpid()


def twice(item: int, lease: Lease[memoryview]) -> Iterator[Frame]:
    """Hand on the same lease two times, before the call has ended."""
    yield fill(item, lease)
    yield item, lease


def die_at_odd(item: int, lease: Lease[memoryview]) -> Frame:
    """Kill the process in the middle of the work on an odd item."""
    fill(item, lease)
    if item % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item, lease


def die_once(item: int, lease: Lease[memoryview]) -> Frame:
    """Kill the process at the first try of an item: the buffer says whether it is the first one."""
    if lease.value[-1] != item + 1:
        fill(item + 1, lease)
        os.kill(os.getpid(), signal.SIGKILL)
    return fill(item, lease)


def fail_at_odd(item: int, lease: Lease[memoryview]) -> Frame:
    """Fail with the lease among the variables, after writing."""
    fill(item, lease)
    if item % 2:
        raise ValueError(item)
    return item, lease


def hang(item: int, lease: Lease[memoryview]) -> Frame:
    """Write, then wait for a signal that does not come."""
    fill(item + 1, lease)
    signal.pause()
    return item, lease


def hang_at_odd(item: int, lease: Lease[memoryview]) -> Frame:
    return hang(item, lease) if item % 2 else fill(item, lease)


def keep_lease(lease: Lease[memoryview]) -> int:
    """Keep a lease after the call."""
    KEPT.append(lease)
    return lease.value[0]


def keep_array(lease: Lease[memoryview]) -> int:
    """Keep a view of the memory after the call."""
    KEPT.append(np.frombuffer(lease.value, np.uint8))
    return lease.value[0]


def knot(lease: Lease[memoryview]) -> int:
    """Leave a circle of references that keeps the lease."""
    circle: list[Any] = [lease]
    circle.append(circle)
    return lease.value[0]


def kept(_: Any) -> Any:
    """Return a lease of an earlier item."""
    return KEPT.pop()


def ask_twice(lease: Lease[memoryview]) -> int:
    """Hand the lease on to a worker process of this worker process."""
    with Processes(1) as inner:
        return inner.submit(keep_lease, lease).result(SECONDS)


def copied(lease: Lease[memoryview]) -> Any:
    """Return an array of the memory instead of the lease."""
    return np.frombuffer(lease.value, np.uint8)


def fail(lease: Lease[memoryview]) -> None:
    raise ValueError(lease.value[0])


def give_back(lease: Lease[memoryview]) -> None:
    lease.give_back()


def fail_in_frame(frame: Frame) -> None:
    if frame[0] == 3:
        raise ValueError(frame[0])


def keep_first(item: int, lease: Lease[memoryview]) -> int:
    """Keep an array of the memory of the first item."""
    if not item:
        KEPT.append(np.frombuffer(lease.value, np.uint8))
    return item


Acts = tuple[int, str, str]
"""An item: its number, and what the first and the second stage do with it."""


def act(number: int, what: str, lease: Lease[memoryview]) -> Any:
    """Do something with a lease, after looking that nothing else has written into its buffer during the call."""
    array = np.frombuffer(lease.value, np.uint8)
    assert (array == array[0]).all()
    if what == "raise":
        raise ValueError(number)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "tie":
        knot(lease)
    if what == "lose":
        return threading.Lock()
    return lease


def first(item: Acts, lease: Lease[memoryview]) -> tuple[Acts, Any]:
    np.frombuffer(lease.value, np.uint8)[:] = item[0]
    return item, act(item[0], item[1], lease)


def second(pair: tuple[Acts, Lease[memoryview]]) -> tuple[Acts, Any]:
    item, lease = pair
    array = np.frombuffer(lease.value, np.uint8)
    assert (array == item[0]).all()
    array += 100
    return item, act(item[0], item[2], lease)
