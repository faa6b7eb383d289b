"""Buffers that are used again and again: taken in order, swapped without a copy, and all back at the end."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BufferPool,
    Call,
    Collect,
    Distribute,
    Lease,
    Network,
    Processes,
    Rate,
    ResourcePool,
    Threads,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import faults, run

Frame = tuple[int, Lease[bytearray]]


def pool_of(count: int) -> BufferPool[bytearray]:
    return BufferPool(lambda: bytearray(4), count, name="frames")


def fill(item: int, lease: Lease[bytearray]) -> Frame:
    lease.value[0] = item
    return item, lease


async def fill_slowly(item: int, lease: Lease[bytearray]) -> Frame:
    await trio.sleep(item * 7 % 5)
    return fill(item, lease)


def check_free(pool: BufferPool[Any], count: int) -> None:
    """Look that all buffers are free, and that there are as many different ones as at first."""
    taken: list[Any] = []
    assert pool.in_use == 0
    for _ in range(count):
        lease = pool.take(Nobody())
        assert lease is not None
        taken.append(lease)
    assert len({id(lease.value) for lease in taken}) == count


class Nobody:
    """Takes leases outside a network."""

    loop = None

    def called(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_many_items_use_few_buffers_and_all_are_back(
    concurrency: int, autojump_clock: trio.testing.MockClock
) -> None:
    pool, seen, buffers = pool_of(4), list[int](), set[int]()

    def use(frame: Frame) -> None:
        item, lease = frame
        with lease:
            assert lease.value[0] == item
            seen.append(item)
            buffers.add(id(lease.value))

    block = Transformer[int, Frame](fill_slowly, concurrency=concurrency, resource=pool)
    block.link_target(Call[Frame](use))
    await run(block, range(40))
    assert seen == list(range(40))
    assert len(buffers) <= 4
    check_free(pool, 4)


@pytest.mark.usefixtures("real_time")
async def test_a_stage_swaps_its_own_buffer_for_that_of_the_lease() -> None:
    pool, got = pool_of(3), list[bytes]()
    scratch = [bytearray(4)]

    def turn_round(frame: Frame) -> Frame:
        item, lease = frame
        scratch[0][:] = lease.value[::-1]
        scratch[0] = lease.swap(scratch[0])
        return item, lease

    def use(frame: Frame) -> None:
        with frame[1] as lease:
            got.append(bytes(lease.value))

    with Threads(1) as threads:
        block = Transformer(fill, resource=pool, executor=threads)
        turner = Transformer(turn_round, executor=threads)
        block.link_target(turner)
        turner.link_target(Call(use))
        await run(block, range(20))
    assert [frame[3] for frame in got] == list(range(20))
    check_free(pool, 3)


async def test_through_lanes_that_lose_items_all_come_back() -> None:
    pool, got = pool_of(2), list[int]()

    def lose(frame: Frame) -> Frame:
        if frame[0] % 3 == 0:
            raise ValueError(frame[0])
        return frame

    block = Transformer(fill, resource=pool, rate=Rate(1e6))
    deal, together = Distribute[Frame](), Collect[Frame]()
    sink = Call[Frame](lambda frame: got.append(frame[0]))
    block.link_target(deal)
    for _ in range(2):
        lane = Transformer(lose, on_error="skip")
        deal.link_target(lane)
        lane.link_target(together)
    together.link_target(sink)
    PipelineGovernor(3).govern(block, sink)
    await run(block, range(20))
    assert got == [item for item in range(20) if item % 3]
    check_free(pool, 2)


async def test_a_lease_that_is_missing_at_the_end_is_an_error_that_names_the_block() -> None:
    pool, kept = pool_of(3), list[Frame]()
    block = Transformer(fill, resource=pool, name="fill")
    block.link_target(Call(kept.append))
    with pytest.raises(RuntimeError, match="buffer pool 'frames': 2 of 3 buffers have not come back") as caught:
        await run(block, range(2))
    assert "transformer 'fill' had taken them" in str(caught.value)
    kept.clear()
    check_free(pool, 3)


async def use_late(entry: UnboundedBuffer[int], block: Transformer[int, Frame]) -> None:
    """Let a block join the network of a buffer, work on one item, and end."""
    link = entry.link_target(block)
    await entry.send(1)
    await trio.testing.wait_all_tasks_blocked()
    link.unlink()
    block.complete()
    await trio.testing.wait_all_tasks_blocked()


async def test_a_block_that_has_left_a_running_network_is_asked_for_its_buffers_too() -> None:
    pool, kept, names = pool_of(3), list[Frame](), list[str]()
    entry = UnboundedBuffer[int](name="entry")

    async def main() -> None:
        async with Network(entry) as network:
            for name, use in (("fill", kept.append), ("clean", id)):
                late = Transformer(fill, resource=pool, name=name)
                late.link_target(Call[Frame](use, name=f"after {name}"))
                await use_late(entry, late)
            names.extend(block.name for block in network.blocks)

    with pytest.raises(RuntimeError, match="1 of 3 buffers have not come back at the end of the network") as caught:
        await main()
    assert "transformer 'fill' had taken them" in str(caught.value)
    assert names == ["entry", "fill", "after fill"]  # the others have left


async def test_a_block_leaves_a_running_network_when_its_buffers_are_back() -> None:
    pool, kept = pool_of(3), list[Frame]()
    entry = UnboundedBuffer[int](name="entry")
    async with Network(entry) as network:
        for name, use in (("fill", kept.append), ("clean", id)):
            late = Transformer(fill, resource=pool, name=name)
            late.link_target(Call[Frame](use, name=f"after {name}"))
            await use_late(entry, late)
            assert [block.name for block in network.blocks] == (["entry", "fill", "after fill"] if kept else ["entry"])
            kept.clear()


async def test_buffers_that_another_network_has_are_not_missing_here() -> None:
    pool = pool_of(3)
    lease = pool.take(Nobody())
    block = Transformer(fill, resource=pool)
    block.link_target(Call(lambda _: None))
    await run(block, range(5))
    assert lease is not None
    assert pool.in_use == 1


async def test_what_only_a_circle_of_references_keeps_comes_back() -> None:
    pool = pool_of(2)

    def tie(frame: Frame) -> None:
        knot: list[Any] = [frame]
        knot.append(knot)

    block = Transformer(fill, resource=pool)
    block.link_target(Call(tie))
    await run(block, range(2))
    assert pool.in_use == 0


async def test_after_a_fault_or_a_cancellation_only_this_is_told() -> None:
    pool, kept = pool_of(2), list[Any]()

    def keep_and_fail(frame: Frame) -> None:
        kept.append(frame)
        raise KeyError(frame[0])

    block = Transformer(fill, resource=pool)
    block.link_target(Call(keep_and_fail))
    with faults(KeyError):
        await run(block, range(2))
    block = Transformer(fill, resource=pool)
    block.link_target(Call(kept.append))
    async with Network(block) as network:
        await block.send(1)
        network.cancel()


async def test_a_block_leaves_a_running_network_although_a_plain_resource_is_still_in_use() -> None:
    pool, kept, entry = ResourcePool(["a"]), list[Lease[str]](), UnboundedBuffer[int](name="entry")

    def keep(_: int, lease: Lease[str]) -> Lease[str]:
        return lease

    async with Network(entry) as network:
        late = Transformer[int, Lease[str]](keep, resource=pool, name="keep")
        late.link_target(Call[Lease[str]](kept.append))
        link = entry.link_target(late)
        await entry.send(1)
        await trio.testing.wait_all_tasks_blocked()
        link.unlink()
        late.complete()
        await trio.testing.wait_all_tasks_blocked()
        assert pool.in_use == 1
        assert [block.name for block in network.blocks] == ["entry"]
    kept.clear()
    assert pool.in_use == 0


@pytest.mark.usefixtures("autojump_clock")
async def test_after_a_cancellation_a_block_keeps_no_result_of_an_executor_of_others() -> None:
    pool, executor = pool_of(1), OnLoop(seconds=1)
    block = Transformer[int, Frame](fill, resource=pool, executor=executor)
    block.link_target(Call[Frame](id))
    async with Network(block) as network:
        await block.send(1)
        await trio.testing.wait_all_tasks_blocked()
        network.cancel()
    assert len(executor.all) == 1
    executor.all.clear()  # it keeps all calls
    assert pool.in_use == 0


def test_a_lease_of_a_resource_pool_can_be_swapped_too() -> None:
    pool = ResourcePool(["broken"])
    lease = pool.take(Nobody())
    assert lease is not None
    assert lease.swap("new") == "broken"
    assert lease.value == "new"
    lease.give_back()
    with pytest.raises(RuntimeError, match="use it before give_back"):
        lease.swap("newer")
    again = pool.take(Nobody())
    assert again is not None
    assert again.value == "new"
    copy: Lease[str] = pickle.loads(pickle.dumps(again))
    assert copy is again  # in the process of its pool
    elsewhere = Lease("copy", None, (0, "", 0))  # as it is made in another process
    with pytest.raises(RuntimeError, match="came from another process, and cannot be swapped here"):
        elsewhere.swap("other")


def test_a_buffer_is_in_the_pool_once() -> None:
    pool = pool_of(2)
    first, second = pool.take(Nobody()), pool.take(Nobody())
    assert first is not None
    assert second is not None
    with pytest.raises(ValueError, match="buffer pool 'frames': swap needs a buffer that the pool does not have"):
        first.swap(second.value)
    old = first.swap(bytearray(1))
    second.swap(old)
    assert second.value is old


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(ValueError, match="buffer pool 'frames': count must be"):
        pool_of(0)
    with pytest.raises(TypeError, match="a buffer pool: make must be"):
        BufferPool(3, 4)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    same = bytearray(1)
    with pytest.raises(ValueError, match="make must return a new buffer each time"):
        BufferPool(lambda: same, 2)
    assert repr(pool_of(2)) == "<BufferPool 'frames', 0 of 2 in use>"


@pytest.mark.slow
@pytest.mark.usefixtures("real_time")
async def test_a_buffer_does_not_go_to_another_process() -> None:
    block = Transformer(fill, resource=pool_of(2), executor=Processes(1), name="fill")
    block.link_target(Call(lambda _: None))
    with faults(TypeError) as found:
        await run(block, range(2))
    assert "cannot go to another process, where the work would be done on a copy" in str(found[0])
