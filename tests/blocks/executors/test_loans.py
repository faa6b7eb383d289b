"""Buffers in shared memory that worker processes use by reference: when they are lent, and when they are back.

The child's loop runs in a thread of the test. Leases get the number of another process, so the child borrows them.
"""

import gc
import os
import pickle
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

from penstock.blocks import BufferPool, Lease
from penstock.blocks.base.lending import passage
from penstock.blocks.core.resource_pool import BorrowedLease, borrowed_lease, lease_at_home
from penstock.blocks.executors import process_backend, process_child, slots, wire
from penstock.blocks.executors.loans import Loans
from penstock.blocks.executors.process_backend import ProcessBackend
from penstock.blocks.executors.process_child import Child
from penstock.blocks.executors.slots import BIG, Shared
from penstock.blocks.executors.wire import Wire
from penstock.blocks.executors.work import Task
from penstock.blocks.executors.worker_options import WorkerOptions
from tests.blocks.executors import lease_functions as functions
from tests.blocks.executors.in_thread import start_in_thread
from tests.blocks.executors.process_functions import KEPT
from tests.blocks.tools import notes


class Taker:
    """Takes leases outside a network."""

    loop = None

    def called(self) -> None:
        """Do nothing."""


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessBackend]:
    monkeypatch.setattr(process_backend, "start", start_in_thread)
    backend = ProcessBackend(WorkerOptions("Processes 'pool'"))
    yield backend
    KEPT.clear()
    backend.close()


@pytest.fixture
def pool() -> BufferPool[memoryview]:
    return BufferPool.shared(2 * BIG, 2, name="frames")


def take(pool: BufferPool[memoryview]) -> Lease[memoryview]:
    """Take a lease as in another process, so that the thread which plays the child does not find it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        lease = pool.take(Taker())
    assert lease is not None
    return lease


def perform(backend: ProcessBackend, function: Callable[[Any], Any], *items: Any, strict: bool = True) -> Any:
    outcome = backend.perform(Task(function, False, strict, "call 'test'"), items)
    return outcome.failures[0][1] if outcome.failures else outcome.results[0]


def child_of(backend: ProcessBackend) -> Child:
    backend.open()
    child = backend._child
    assert child is not None
    return child


def test_the_child_writes_into_the_buffer_itself_and_the_same_lease_comes_back(
    backend: ProcessBackend, pool: BufferPool[memoryview]
) -> None:
    lease = take(pool)
    lease.value[:] = bytes(2 * BIG)
    for count in range(1, 4):
        assert perform(backend, functions.add_one, (count, lease))[1] is lease
        assert bytes(lease.value) == bytes([count]) * (2 * BIG)
    assert len(child_of(backend).wire.shared.arenas) == 1  # that of the journal: no slot was made
    lease.give_back()
    assert pool.in_use == 0


def test_a_lease_in_the_child_cannot_be_given_back_there(backend: ProcessBackend, pool: BufferPool[memoryview]) -> None:
    error = perform(backend, functions.give_back, take(pool))
    assert isinstance(error, RuntimeError)
    assert "came from another process and cannot be given back here; return it, or return without it" in str(error)
    assert pool.in_use == 0


def test_beside_a_lease_big_objects_go_through_slots(backend: ProcessBackend, pool: BufferPool[memoryview]) -> None:
    lease, numbers, text = take(pool), np.arange(BIG), "x" * BIG
    got = perform(backend, tuple, (numbers, lease, numbers + 1, text))
    assert got[1] is lease
    assert np.array_equal(got[0], numbers)
    assert np.array_equal(got[2], numbers + 1)
    assert got[3] == text


@pytest.mark.parametrize("function", [functions.keep_lease, functions.keep_array])
def test_what_the_child_keeps_is_not_free(
    function: Callable[[Any], Any], backend: ProcessBackend, pool: BufferPool[memoryview]
) -> None:
    assert perform(backend, function, take(pool)) == 0
    assert pool.in_use == 1  # by the child
    other = take(pool)
    assert perform(backend, functions.add_one, (1, other))[1] is other
    other.give_back()
    assert pool.in_use == 1
    KEPT.clear()
    perform(backend, abs, -1)
    assert pool.in_use == 0


def test_a_buffer_may_be_lent_again_while_the_child_still_has_it(
    backend: ProcessBackend, pool: BufferPool[memoryview]
) -> None:
    lease = take(pool)
    for _ in range(2):
        perform(backend, functions.keep_array, lease)
    lease.give_back()
    KEPT.pop()
    perform(backend, abs, -1)
    assert pool.in_use == 1
    KEPT.pop()
    perform(backend, abs, -1)
    assert pool.in_use == 0


def test_a_buffer_that_only_a_circle_of_references_keeps_is_free(
    backend: ProcessBackend, pool: BufferPool[memoryview]
) -> None:
    assert perform(backend, functions.knot, take(pool)) == 0
    assert pool.in_use == 0


def test_after_a_failure_buffers_are_free_also_those_of_items_that_were_not_begun(
    backend: ProcessBackend, pool: BufferPool[memoryview]
) -> None:
    error = perform(backend, functions.fail, take(pool), take(pool))
    assert isinstance(error, ValueError)
    assert pool.in_use == 0
    assert not child_of(backend).loans._holds


def test_an_item_that_cannot_be_pickled_lends_nothing(backend: ProcessBackend, pool: BufferPool[memoryview]) -> None:
    lease = take(pool)
    error = perform(backend, functions.add_one, (lambda: 1, lease), (1, lease))
    assert isinstance(error, Exception)
    assert "could not be pickled" in "".join(notes(error))
    assert not child_of(backend).packer.loans
    assert not child_of(backend).loans._holds
    assert passage.loans is None


def test_without_memory_for_the_rest_of_an_item_it_fails(
    backend: ProcessBackend, pool: BufferPool[memoryview], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(size: int) -> int:
        raise OSError(28, "No space left on device")

    child_of(backend)
    monkeypatch.setattr(slots, "create", fail)
    error = perform(backend, len, (np.arange(BIG), take(pool)))
    assert isinstance(error, MemoryError)
    assert "no shared memory beside that of the pool" in str(error)
    assert pool.in_use == 0


def test_the_child_tries_again_to_map_the_memory_and_forgets_that_of_a_pool_that_has_gone(
    backend: ProcessBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: object, size: int) -> None:
        raise OSError(12, "Cannot allocate memory")

    there: list[Shared] = []
    forget = Shared.forget

    def note(shared: Shared, number: int) -> None:
        there.append(shared)
        forget(shared, number)

    monkeypatch.setattr(Shared, "forget", note)
    child_of(backend)
    pool = BufferPool.shared(1, 1)
    lease = take(pool)
    with monkeypatch.context() as patch:
        patch.setattr(slots, "attach", fail)
        error = perform(backend, functions.add_one, (1, lease))
        assert isinstance(error, MemoryError)
        other = BufferPool.shared(1, 1)
        assert isinstance(perform(backend, functions.keep_lease, take(other)), MemoryError)
    assert perform(backend, functions.add_one, (1, lease))[1] is lease
    del error, lease, pool, other
    gc.collect()  # the exceptions know the items
    perform(backend, abs, -1)
    assert len(there) == 2
    assert sorted(there[0].arenas) == [0]
    assert not there[0]._unmapped


def test_two_pools_do_not_get_mixed_up(backend: ProcessBackend) -> None:
    leases = [take(BufferPool.shared(number + 1, 1)) for number in range(3)]
    for number, lease in enumerate(leases):
        lease.value[:] = bytes([number]) * (number + 1)
    assert perform(backend, contents, leases) == [b"\0", b"\1\1", b"\2\2\2"]


def contents(leases: list[Lease[memoryview]]) -> list[bytes]:
    return [bytes(lease.value) for lease in leases]


def test_a_lease_of_an_earlier_item_cannot_come_back(backend: ProcessBackend, pool: BufferPool[memoryview]) -> None:
    perform(backend, functions.keep_lease, take(pool))
    error = perform(backend, functions.kept, 0)
    assert isinstance(error, RuntimeError)
    assert "returned a lease that has ended: a function must not keep leases of other items" in str(error)
    perform(backend, abs, -1)
    assert pool.in_use == 0


def test_an_array_of_the_memory_comes_back_as_a_copy(backend: ProcessBackend, pool: BufferPool[memoryview]) -> None:
    lease = take(pool)
    array = perform(backend, functions.copied, lease)
    lease.value[0] = 7
    assert array.nbytes == 2 * BIG
    assert array[0] == 0


def test_when_the_child_has_ended_it_has_no_loans(backend: ProcessBackend, pool: BufferPool[memoryview]) -> None:
    perform(backend, functions.keep_lease, take(pool))
    assert pool.in_use == 1
    backend.close()
    assert pool.in_use == 0


def send_nothing(*arguments: object) -> None:
    del arguments


class Undead:
    """A process of which it is not known whether it has ended."""

    pid, exitcode = -1, None

    def __init__(self) -> None:
        self.sentinel, self.end = os.pipe()

    def join(self, seconds: float) -> None:
        """It does not come."""

    def kill(self) -> None:
        """Nothing happens."""


def test_a_buffer_is_never_free_if_the_process_may_still_write_to_it(
    pool: BufferPool[memoryview], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_child, "GRACE", 0.0)
    lost: list[Loans] = []
    monkeypatch.setattr(process_child, "never_ended", lost)
    ours, theirs = Pipe()
    process: Any = Undead()
    child = Child("Processes 'pool'", process, Wire(ours, Shared()))
    lease = take(pool)
    monkeypatch.setattr(wire, "send_handle", send_nothing)  # nothing would receive it
    monkeypatch.setattr(passage, "loans", child.packer.loans)
    child.packer.pack(lease)
    lease.give_back()
    assert child.reap() == "exit code unknown"
    del child
    gc.collect()
    assert pool.in_use == 1
    assert len(lost) == 1
    lost.clear()
    theirs.close()
    os.close(process.sentinel)
    os.close(process.end)


def test_a_lease_goes_nowhere_else(pool: BufferPool[memoryview], monkeypatch: pytest.MonkeyPatch) -> None:
    lease = take(pool)
    with pytest.raises(TypeError, match="can go to a worker process of Processes, and nowhere else: a copy would be"):
        pickle.dumps(lease)
    borrowed: Lease[memoryview] = borrowed_lease((-1, "", 1), memoryview(bytearray(3)))
    assert BorrowedLease in type(borrowed).__mro__
    assert borrowed.value.nbytes == 3
    with pytest.raises(TypeError, match="came from another process, and can only go back to it; return it, and let"):
        pickle.dumps(borrowed)
    with pytest.raises(RuntimeError, match="came from another process, and cannot be swapped here"):
        borrowed.swap(memoryview(b""))
    with pytest.raises(TypeError, match="was sent as a copy; send the lease itself as an item"):
        borrowed_lease((-1, "", 1), b"copied")
    with pytest.raises(RuntimeError, match="has returned a lease that has ended"):
        lease_at_home((-1, "", 1))
    here = pool.take(Taker())
    assert here is not None
    monkeypatch.setattr(passage, "loans", {})
    packed = pickle.dumps(here, 5, buffer_callback=lambda _: None)
    assert pickle.loads(packed, buffers=[b""]) is here
    with monkeypatch.context() as patch:
        patch.setattr(passage, "leads_home", True)
        assert pickle.loads(pickle.dumps(here)) is here
    here.give_back()
    with pytest.raises(RuntimeError, match="use it before give_back"):
        pickle.dumps(here, 5)
