"""Something scarce, one for each item: taken in order when the item starts, and free again on every exit path."""

import gc
import inspect
import os
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Call,
    DeadLetter,
    Filter,
    Lease,
    Network,
    Processes,
    Recording,
    ResourcePool,
    Retry,
    Stalled,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.threads import Loop
from tests.blocks.executors.kinds import ByHand, OnLoop
from tests.blocks.tools import contents, faults, linked, run

R = TypeVar("R")
Pair = tuple[int, Lease[int]]
ITEMS = range(40)


class Forgetful(OnLoop):
    """An executor that keeps nothing of what it has done."""

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        future = super().submit(fn, *args, **kwargs)
        self.all.clear()
        return future


class Keeping(OnLoop):
    """An executor that keeps what it has made, as a cluster does."""

    keeps_results = True


def pool_of(size: int) -> ResourcePool[int]:
    return ResourcePool(range(size), name="tokens")


async def pass_on(item: int, lease: Lease[int]) -> Pair:
    for _ in range(item % 3):
        await trio.lowlevel.checkpoint()
    return item, lease


def pass_on_plain(item: int, lease: Lease[int]) -> Pair:
    return item, lease


def only_item(item: int, lease: Lease[int]) -> int:
    assert lease.value >= 0
    return item


def worked_in(item: int, lease: Lease[int]) -> tuple[int, int, Lease[int]]:
    return item, os.getpid(), lease


def give_back_in_child(item: int, lease: Lease[int]) -> str:
    try:
        lease.give_back()
    except RuntimeError as error:
        return str(error)
    return f"{item} was given back"


def keep_in(kept: list[Lease[int]]) -> Callable[[int, Lease[int]], None]:
    return lambda _, lease: kept.append(lease)


def fail(item: int, lease: Lease[int]) -> Pair:
    raise ValueError(item)


async def fail_later(item: int, lease: Lease[int]) -> Pair:
    await trio.lowlevel.checkpoint()
    raise ValueError(item)


WAYS: dict[str, Callable[[ResourcePool[int], bool], Transformer[int, Pair]]] = {
    "on the loop": lambda pool, _: Transformer(pass_on_plain, resource=pool, name="block"),
    "one task": lambda pool, ordered: Transformer(pass_on, resource=pool, ordered=ordered, name="block"),
    "tasks": lambda pool, ordered: Transformer(
        pass_on, concurrency=4, window=5, resource=pool, ordered=ordered, name="block"
    ),
    "executor": lambda pool, ordered: Transformer(
        pass_on_plain, executor=Forgetful(), concurrency=4, resource=pool, ordered=ordered, name="block"
    ),
    "executor, in time": lambda pool, ordered: Transformer(
        pass_on_plain,
        executor=Forgetful(),
        concurrency=4,
        resource=pool,
        ordered=ordered,
        time_limit=100,
        name="block",
    ),
    "with contexts": lambda pool, ordered: Transformer(
        pass_on, concurrency=4, resource=pool, ordered=ordered, context=True, name="block"
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("size", [1, 3, 4, 9])
async def test_items_wait_for_what_they_need_and_none_is_kept_from_it_by_later_ones(
    way: str, ordered: bool, size: int
) -> None:
    pool = pool_of(size)
    seen: list[int] = []
    block = WAYS[way](pool, ordered)

    def use(message: Pair) -> None:
        seen.append(message[0])
        assert message[1].value in range(size)

    block.link_target(Call(use, name="use"))
    network = await run(block, ITEMS)
    assert sorted(seen) == list(ITEMS)
    assert seen == list(ITEMS) or not ordered
    assert pool.most_in_use <= size
    assert pool.in_use == 0
    assert network.balance().ok
    numbers = network.statistics().governor("tokens")
    assert (numbers.limit, numbers.in_flight, numbers.most_in_flight) == (size, 0, pool.most_in_use)


async def test_items_start_in_the_order_in_which_they_came() -> None:
    pool = pool_of(2)
    numbers: dict[int, int] = {}

    async def work(item: int, lease: Lease[int]) -> None:
        numbers[item] = lease._key[2]
        for _ in range(5 - item % 5):
            await trio.lowlevel.checkpoint()

    await run(Call(work, concurrency=4, resource=pool), ITEMS)
    assert sorted(numbers, key=numbers.__getitem__) == list(ITEMS)


async def test_a_result_without_the_lease_gives_it_back_and_the_lease_may_be_given_back_early() -> None:
    pool = pool_of(1)
    blocks = [Transformer(only_item, resource=pool), Transformer(only_item, resource=pool)]
    blocks[0].link_target(blocks[1])

    def early(item: int, lease: Lease[int]) -> Pair:
        with lease:
            assert pool.in_use == 1
        assert pool.in_use == 0
        lease.give_back()
        assert pool.in_use == 0
        with pytest.raises(RuntimeError, match=r"<Lease of 0, given back>: the resource may be in use elsewhere"):
            _ = lease.value
        return item, lease

    last = Transformer[int, Pair](early, resource=pool)
    blocks[1].link_target(last)
    collector = linked(last)
    await run(blocks[0], ITEMS)
    assert [item for item, _ in contents(collector)] == list(ITEMS)
    assert pool.in_use == 0


# Exit paths


@pytest.mark.parametrize("function", [fail, fail_later])
@pytest.mark.parametrize("context", [False, True])
async def test_an_item_that_is_skipped_keeps_nothing(function: Callable[[int, Lease[int]], Any], context: bool) -> None:
    pool = pool_of(1)
    block = Transformer[int, Any](function, resource=pool, on_error="skip", context=context, name="block")
    linked(block)
    network = await run(block, ITEMS)
    assert network.balance()["block"].dropped == {"skipped": len(ITEMS)}
    assert pool.in_use == 0


@pytest.mark.parametrize("executor", [None, Forgetful()])
async def test_an_item_that_goes_to_the_dead_letters_goes_as_it_came_and_keeps_nothing(
    executor: Forgetful | None,
) -> None:
    pool = pool_of(1)
    dead: UnboundedBuffer[Any] = UnboundedBuffer()
    block = Transformer[int, Any](fail, executor=executor, resource=pool, on_error=DeadLetter(dead), name="block")
    linked(block)
    await run(block, ITEMS)
    letters = contents(dead)
    assert [letter.item for letter in letters] == list(ITEMS)
    assert isinstance(letters[0].exception, ValueError)
    assert pool.in_use == 0


@pytest.mark.parametrize("way", ["plain", "async", "executor"])
async def test_an_item_that_is_tried_again_keeps_its_lease(way: str, autojump_clock: trio.testing.MockClock) -> None:
    del autojump_clock
    pool = pool_of(2)
    tries: dict[int, list[Lease[int]]] = {}

    def work(item: int, lease: Lease[int]) -> int:
        tries.setdefault(item, []).append(lease)
        if len(tries[item]) < 3:
            raise ValueError(item)
        tries[item] = [lease for lease in tries[item] if lease is not tries[item][0]]
        same = not tries[item]
        tries[item].clear()
        return item if same else -1

    async def work_later(item: int, lease: Lease[int]) -> int:
        await trio.lowlevel.checkpoint()
        return work(item, lease)

    block = Transformer[int, int](
        work_later if way == "async" else work,
        executor=Forgetful() if way == "executor" else None,
        resource=pool,
        on_error=Retry(3, backoff=1.0),
    )
    collector = linked(block)
    await run(block, range(5))
    assert contents(collector) == list(range(5))
    assert pool.in_use == 0


@pytest.mark.parametrize("bad", range(5))
async def test_a_failed_item_stops_no_items_that_wait_for_its_lease(bad: int) -> None:
    def work(item: int, lease: Lease[int]) -> int:
        if item == bad:
            raise ValueError(item)
        lease.give_back()
        return item

    block: Transformer[int, int] = Transformer(work, resource=pool_of(2), on_error="skip")
    collector = linked(block)
    await run(block, range(5))
    assert contents(collector) == [item for item in range(5) if item != bad]


@every_way
async def test_after_a_fault_everything_comes_back(way: str) -> None:
    pool = pool_of(3)
    block = WAYS[way](pool, True)

    def use(message: Pair) -> None:
        if message[0] == 7:
            raise ValueError(message[0])

    block.link_target(Call(use))
    with faults(ValueError) as found:
        await run(block, ITEMS)
    found.clear()
    del block  # its network knows the exception, and that the message with which the call failed
    gc.collect()
    assert pool.in_use == 0


async def test_what_the_failed_call_had_is_free_although_somebody_keeps_the_exception() -> None:
    pool = pool_of(1)
    with faults(ValueError) as found:
        await run(Transformer[int, Any](fail, resource=pool), ITEMS)
    assert pool.in_use == 0
    assert found


@every_way
async def test_after_a_stop_everything_comes_back(way: str) -> None:
    pool = pool_of(3)
    block = WAYS[way](pool, True)
    block.link_target(full := BoundedBuffer[Pair](1))
    async with Network(block) as network:
        for item in ITEMS:
            await block.send(item)
        await wait_all_tasks_blocked()
        network.cancel()
    del full
    gc.collect()
    assert pool.in_use == 0


async def test_a_call_that_is_cancelled_gives_back(autojump_clock: trio.testing.MockClock) -> None:
    del autojump_clock
    pool = pool_of(2)

    async def hang(item: int, lease: Lease[int]) -> None:
        await trio.sleep_forever()

    block = Call(hang, concurrency=2, time_limit=1.0, on_error="skip", resource=pool, name="block")
    network = await run(block, range(6))
    assert network.balance()["block"].dropped == {"skipped": 6}
    gc.collect()
    assert pool.in_use == 0


async def test_a_call_that_is_late_keeps_its_lease_for_as_long_as_it_runs(
    autojump_clock: trio.testing.MockClock,
) -> None:
    del autojump_clock
    pool = pool_of(1)
    executor = ByHand()
    block = Call(only_item, executor=executor, time_limit=1.0, on_error="skip", resource=pool, name="block")
    async with Network(block) as network:
        await block.send(1)
        await wait_all_tasks_blocked()
        executor.all[0].begin()
        await trio.sleep(2)
        assert network.balance()["block"].dropped == {"skipped": 1}
        assert pool.in_use == 1
        executor.all[0].end()
        executor.all.clear()
    assert pool.in_use == 0


async def test_what_is_filtered_out_or_collected_behind_the_block_keeps_nothing() -> None:
    pool = pool_of(3)
    block = Transformer[int, Pair](pass_on_plain, resource=pool)
    odd = Filter[Pair](lambda pair: pair[0] % 2 == 1)
    block.link_target(odd)
    batch = Batch[Pair](3)
    odd.link_target(batch)
    sizes: list[int] = []
    batch.link_target(Call(lambda pairs: sizes.append(len(pairs))))
    await run(block, range(30))
    assert sizes == [3] * 5
    assert pool.in_use == 0


# Sharing


async def test_blocks_that_share_a_pool_take_turns() -> None:
    pool = pool_of(1)
    order: list[str] = []

    def worker(name: str) -> Callable[[int, Lease[int]], Any]:
        async def work(item: int, lease: Lease[int]) -> None:
            order.append(name)
            await trio.lowlevel.checkpoint()

        return work

    blocks = [Call(worker(name), resource=pool, name=name) for name in "abc"]
    async with Network(*blocks):
        for block in blocks:
            for item in range(10):
                await block.send(item)
    turns = "".join(order)
    assert sorted(turns) == sorted("abc" * 10)
    assert all(set(turns[place : place + 3]) == set("abc") for place in range(3, 24, 3))
    assert pool.in_use == 0
    assert pool.waits.summary().count > 0


async def test_networks_that_share_a_pool_wait_for_one_another(autojump_clock: trio.testing.MockClock) -> None:
    pool = ResourcePool(["only one"])
    done: list[int] = []

    async def use(item: int, lease: Lease[str]) -> None:
        with lease:
            await trio.sleep(1)
            done.append(item)

    async with trio.open_nursery() as nursery:
        for first in (0, 10):
            nursery.start_soon(run, Call(use, resource=pool), range(first, first + 3))
    assert sorted(done) == [0, 1, 2, 10, 11, 12]


async def test_a_block_that_ends_while_it_stands_in_line_lets_the_next_one_go_on() -> None:
    pool = pool_of(1)
    kept: list[Lease[int]] = []
    holder = Call[int](keep_in(kept), resource=pool, name="holder")
    waiting = Call(only_item, resource=pool, name="waiting")
    other = Call(only_item, resource=pool, name="other")
    async with Network(holder, other):
        await holder.send(1)
        await wait_all_tasks_blocked()
        async with Network(waiting) as inner:
            await waiting.send(1)
            await wait_all_tasks_blocked()
            assert "NO_OUTPUT" in str(waiting._core.call_meter.state)
            await other.send(1)
            await wait_all_tasks_blocked()
            kept.clear()
            inner.cancel()
    assert pool.in_use == 0


async def test_a_block_that_is_called_and_cannot_start_passes_it_by() -> None:
    pool = pool_of(1)
    executor = ByHand()
    block = Call(only_item, executor=executor, concurrency=1, resource=pool, name="block")
    async with Network(block):
        await block.send(1)
        await wait_all_tasks_blocked()
        leasing = block._core.leasing
        assert leasing is not None
        pool._line[leasing] = 0.0
        pool._free.append(99)  # one more than there should be, so that it is called at once
        pool.serve()
        pool._free.remove(99)
        await wait_all_tasks_blocked()
        assert not leasing.waits
        executor.all.pop().run()
    assert pool.in_use == 0


@pytest.mark.usefixtures("real_time")
async def test_what_another_thread_lets_go_wakes_the_block() -> None:
    pool = pool_of(1)
    kept: list[Lease[int]] = []
    block = Call[int](keep_in(kept), resource=pool, name="block")

    def let_go() -> None:
        kept.pop().give_back()

    async with Network(block):
        await block.send(1)
        await block.send(2)
        await wait_all_tasks_blocked()
        assert len(kept) == 1
        thread = threading.Thread(target=let_go)
        thread.start()
        await trio.to_thread.run_sync(thread.join)
        while not kept:
            await trio.lowlevel.checkpoint()
    kept.clear()
    assert pool.in_use == 0


def test_what_comes_back_after_the_loop_has_ended_is_free() -> None:
    pool = pool_of(1)
    kept: list[Lease[int]] = []

    async def main() -> None:
        await run(Call[int](keep_in(kept), resource=pool), [1])

    trio.run(main)
    assert pool.in_use == 1
    kept.clear()
    assert pool.in_use == 0
    trio.run(main)
    assert pool.in_use == 1


def test_blocks_of_two_threads_cannot_share_a_pool() -> None:
    pool = pool_of(1)

    class Elsewhere:
        def __init__(self, thread: int) -> None:
            self.loop: Any = Loop(thread, cast("Any", None))

        def called(self) -> None:
            raise AssertionError("nothing has come back")

    lease = pool.take(Elsewhere(1))
    assert pool.take(Elsewhere(1)) is None
    with pytest.raises(RuntimeError, match=r"used by blocks of networks in two threads at the same time"):
        pool.take(Elsewhere(2))
    pool._line.clear()
    del lease


def test_a_loop_that_ends_in_the_very_moment_is_no_trouble() -> None:
    pool = pool_of(1)

    class Ended:
        class Token:
            def run_sync_soon(self, call: Callable[[], object]) -> None:
                del call
                raise trio.RunFinishedError

        token = Token()

    class Waiting:
        loop: Any = Ended()

        def called(self) -> None:
            raise AssertionError("it has ended")

    first, later = Waiting(), Waiting()
    later.loop = None
    lease = pool.take(first)
    assert lease is not None
    assert pool.take(first) is None
    assert pool.take(later) is None
    lease.give_back()
    assert pool.in_use == 0
    pool.leave(first)


# Other processes


@pytest.mark.usefixtures("real_time")
async def test_a_lease_travels_to_a_process_and_comes_home_as_itself() -> None:
    pool = pool_of(2)
    seen: list[int] = []
    pids: set[int] = set()
    block = Transformer[int, Any](worked_in, executor=Processes(2), concurrency=2, resource=pool)

    def use(message: tuple[int, int, Lease[int]]) -> None:
        item, pid, lease = message
        seen.append(item)
        pids.add(pid)
        assert lease.belongs_to(pool)

    block.link_target(Call(use))
    await run(block, range(12))
    assert seen == list(range(12))
    assert os.getpid() not in pids
    assert pool.in_use == 0


@pytest.mark.usefixtures("real_time")
async def test_in_a_process_it_cannot_be_given_back() -> None:
    pool = pool_of(1)
    block = Transformer[int, str](give_back_in_child, executor=Processes(1), resource=pool)
    collector = linked(block)
    await run(block, range(3))
    assert (
        contents(collector)
        == ["<Lease of 0> came from another process and cannot be given back here; return it, or return without it"] * 3
    )
    assert pool.in_use == 0


def test_a_lease_that_comes_home_too_late_keeps_nothing() -> None:
    pool = pool_of(1)

    class Nobody:
        loop = None

        def called(self) -> None: ...

    lease = pool.take(Nobody())
    assert lease is not None
    sent = pickle.dumps(lease)
    assert pickle.loads(sent) is lease
    del lease
    assert pool.in_use == 0
    late = pickle.loads(sent)
    assert late.value == 0
    assert not late.belongs_to(pool)
    with pytest.raises(RuntimeError, match=r"came from another process and cannot be given back here"):
        late.give_back()
    del late
    assert pool.in_use == 0
    with pytest.raises(TypeError, match=r"resource pool 'tokens' cannot be copied or pickled"):
        pickle.dumps(pool)


# One to many


def expand(item: int, lease: Lease[int]) -> list[Pair]:
    return [(item, lease)] * 3


def generate(item: int, lease: Lease[int]) -> Iterator[Pair]:
    yield from expand(item, lease)


async def expand_later(item: int, lease: Lease[int]) -> list[Pair]:
    await trio.lowlevel.checkpoint()
    return expand(item, lease)


async def generate_later(item: int, lease: Lease[int]) -> AsyncIterator[Pair]:
    for pair in expand(item, lease):
        await trio.lowlevel.checkpoint()
        yield pair


@pytest.mark.parametrize("function", [expand, generate, expand_later, generate_later])
@pytest.mark.parametrize("context", [False, True])
async def test_outputs_of_one_item_share_its_lease(function: Callable[..., Any], context: bool) -> None:
    pool = pool_of(2)
    seen: list[int] = []
    block = TransformMany[int, Pair](function, resource=pool, context=context)
    block.link_target(Call(lambda pair: seen.append(pair[0])))
    await run(block, range(10))
    assert seen == [item for item in range(10) for _ in range(3)]
    assert pool.in_use == 0


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("executor", [lambda: Threads(2), lambda: ThreadPoolExecutor(2)])
async def test_generators_in_threads_share_theirs_too(executor: Callable[[], Any]) -> None:
    pool = pool_of(2)
    seen: list[int] = []
    with executor() as threads:  # its end: until then a thread may still refer to what it has done last
        block = TransformMany[int, Pair](generate, executor=threads, concurrency=2, resource=pool)
        block.link_target(Call(lambda pair: seen.append(pair[0])))
        await run(block, range(10))
    assert seen == [item for item in range(10) for _ in range(3)]
    assert pool.in_use == 0


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("way", ["on the loop", "task", "generator", "executor"])
@pytest.mark.parametrize("context", [False, True])
async def test_what_a_function_holds_with_all_leases_comes_at_the_end(way: str, context: bool) -> None:
    pool = pool_of(3)
    held: list[Pair] = []

    def keep(item: int, lease: Lease[int]) -> list[Pair]:
        held.append((item, lease))
        return []

    async def keep_later(item: int, lease: Lease[int]) -> list[Pair]:
        return keep(item, lease)

    async def generate(item: int, lease: Lease[int]) -> AsyncIterator[Pair]:
        for pair in keep(item, lease):
            yield pair

    def rest() -> list[Pair]:
        pairs = held.copy()
        held.clear()
        return pairs

    functions: dict[str, Callable[..., Any]] = {"task": keep_later, "generator": generate}
    executor = Threads(1) if way == "executor" and not context else None
    block = TransformMany[int, Pair](
        functions.get(way, keep), executor=executor, at_end=rest, resource=pool, context=context
    )
    collector = linked(block)
    await run(block, range(3))
    assert [item for item, _ in contents(collector)] == [0, 1, 2]
    assert pool.in_use == 0


# With other things


@every_way
async def test_recordings_know_the_items(way: str) -> None:
    pool = pool_of(2)
    recording = Recording()
    block = WAYS[way](pool, True)
    block.link_target(Call(lambda pair: None, name="use"))
    await run(block, range(5), recording=recording)
    stages: dict[int, list[str]] = {}
    labels: list[str] = []
    for span in recording.spans:
        if span.activity.value == "work":
            stages.setdefault(span.item, []).append(span.stage)
            if span.stage == "block":
                labels.append(span.label)
    assert sorted(labels) == ["0", "1", "2", "3", "4"]
    assert all(sorted(names) == ["block", "body", "use"] for names in stages.values())
    assert len(stages) == 5


async def test_it_goes_with_a_governor() -> None:
    pool = pool_of(2)
    block = Transformer[int, Pair](pass_on, concurrency=3, resource=pool)
    last = Transformer[Pair, int](lambda pair: pair[0])
    block.link_target(last)
    collector = linked(last)
    governor = PipelineGovernor(3)
    governor.govern(block, last)
    await run(block, ITEMS)
    assert contents(collector) == list(ITEMS)
    assert pool.in_use == 0


# The verdict


async def test_a_circle_through_a_pool_is_told() -> None:
    pool = pool_of(3)
    block = Transformer[int, Pair](pass_on_plain, resource=pool, name="take")
    batch = Batch[Pair](4, name="batch")
    block.link_target(batch)
    batch.link_target(Call(lambda pairs: None))
    with faults(Stalled) as found:
        await run(block, ITEMS)
    assert found[0].diagnosis.cycle == (
        "transformer 'take' waits for something out of resource pool 'tokens', of which all 3 are in use",
        "resource pool 'tokens' waits for 3 that messages in batch 'batch' keep",
        "batch 'batch' waits for 1 more message from transformer 'take'",
    )
    assert found[0].diagnosis.advice == (
        "give leases of resource pool 'tokens' back earlier: call lease.give_back(), or hand something on that does "
        "not refer to them; or put more than 3 into the pool",
    )


def by_itself(lease: Lease[int]) -> Any:
    return lease


def in_a_dict(lease: Lease[int]) -> Any:
    return {"lease": lease}


def in_a_list(lease: Lease[int]) -> Any:
    return [lease]


class Holder:
    """A message that has a lease among its attributes."""

    def __init__(self, lease: Lease[int]) -> None:
        self.lease = lease


@pytest.mark.parametrize("wrap", [by_itself, Holder, in_a_dict, in_a_list])
async def test_it_is_told_which_block_keeps_what(wrap: Callable[[Lease[int]], Any]) -> None:
    pool = pool_of(2)
    block = Transformer[int, Any](lambda item, lease: wrap(lease), resource=pool, name="take")
    block.link_target(batch := Batch[Any](3, name="batch"))
    batch.link_target(Call(lambda messages: None))
    with faults(Stalled) as found:
        await run(block, ITEMS)
    assert "resource pool 'tokens' waits for 2 that messages in batch 'batch' keep" in found[0].diagnosis.cycle


async def test_a_lease_that_the_program_keeps_is_a_standstill_that_is_told() -> None:
    pool = pool_of(1)
    kept: list[Lease[int]] = []
    block = Call[int](keep_in(kept), resource=pool, name="block")
    with faults(Stalled) as found:
        await run(block, [1, 2])
    assert "all 1 are in use" in found[0].diagnosis.held[0]
    assert "call lease.give_back()" in found[0].diagnosis.advice[0]


async def test_what_only_the_garbage_collector_can_free_is_no_standstill() -> None:
    pool = pool_of(1)

    def tie(item: int, lease: Lease[int]) -> int:
        knot: list[Any] = [lease]
        knot.append(knot)
        return item

    block = Transformer[int, int](tie, resource=pool, name="block")
    collector = linked(block)
    gc.disable()
    try:
        await run(block, range(5))
    finally:
        gc.enable()
    assert contents(collector) == list(range(5))


async def test_of_tokens_that_later_items_have_taken_the_remedy_is_told() -> None:
    tokens: UnboundedBuffer[int] = UnboundedBuffer(name="tokens")
    for token in range(4):
        tokens.send_nowait(token)

    async def work(item: int) -> int:
        while item == 0 and len(tokens):
            await trio.lowlevel.checkpoint()
        return await tokens.receive()

    block = Transformer[int, int](work, concurrency=4, name="work")
    block.link_target(Call(lambda token: tokens.send_nowait(token), name="back"))
    with faults(Stalled) as found:
        await run(block, range(200))
    assert (
        "results of transformer 'work' wait for the call of an earlier item; if that call waits for resources that "
        "later items have taken, give the block resource=ResourcePool(...), from which items take in order, or "
        "ordered=False"
    ) in found[0].diagnosis.advice


# Refusals


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(ValueError, match=r"resource pool 'tokens': needs at least one resource, got none"):
        pool_of(0)
    with pytest.raises(TypeError, match=r"block': resource must be a ResourcePool, got 3; make one"):
        Transformer(pass_on, resource=3, name="block")  # type: ignore[call-overload]  # pyright: ignore
    with pytest.raises(TypeError, match=r"is called with an item and a lease: def function\(item, lease\)"):
        Transformer(lambda item: item, resource=pool_of(1), name="block")  # type: ignore  # pyright: ignore
    with pytest.raises(TypeError, match=r"which keeps results where they were made"):
        Call(pass_on_plain, executor=Keeping(), resource=pool_of(1), name="block")
    Call(print, resource=pool_of(1))
    Call[int](cast("Any", max), resource=pool_of(1))  # what is built in does not say what it takes


def test_messages_about_the_function_find_the_one_that_was_given() -> None:
    assert inspect.unwrap(Transformer(pass_on_plain, resource=pool_of(1))._core.function) is pass_on_plain


def test_it_says_what_it_is() -> None:
    pool = pool_of(2)
    assert repr(pool) == "<ResourcePool 'tokens', 0 of 2 in use>"
    assert str(pool) == "resource pool 'tokens'"
