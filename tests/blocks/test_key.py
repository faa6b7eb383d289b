"""Order per key: items of one key one at a time and in order, items of different keys beside each other."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    Call,
    DeadLetter,
    ErrorInfo,
    Filter,
    Lease,
    Network,
    Recording,
    ResourcePool,
    Retry,
    Stalled,
    Take,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import ByHand, Gauge, OnLoop
from tests.blocks.tools import contents, faults, linked, notes, run

Item = tuple[str, int]


def first(item: Item) -> str:
    return item[0]


class Slow:
    """An async function that takes a number of seconds, and notes when its calls begin."""

    def __init__(self) -> None:
        self.began: list[tuple[float, Item]] = []

    async def __call__(self, item: Item) -> Item:
        self.began.append((trio.current_time(), item))
        await trio.sleep(item[1])
        return item


A5, A1, A2, B1, B2, C1 = ("a", 5), ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)


@pytest.mark.parametrize("ordered", [None, False])
async def test_other_keys_overtake_and_the_items_of_one_key_do_not(ordered: bool | None) -> None:
    slow = Slow()
    block = Transformer(slow, concurrency=3, key=first, ordered=ordered)
    results = linked(block)
    await run(block, [A5, A1, B2, B1, A2])
    assert sorted(slow.began) == [(0, A5), (0, B2), (2, B1), (5, A1), (6, A2)]
    assert contents(results) == [B2, B1, A5, A1, A2]


async def test_with_order_all_results_keep_it_and_the_calls_are_the_same() -> None:
    slow = Slow()
    block = Transformer(slow, concurrency=3, key=first, ordered=True)
    results = linked(block)
    await run(block, [A5, A1, B2, B1, A2])
    assert sorted(slow.began) == [(0, A5), (0, B2), (2, B1), (5, A1), (6, A2)]
    assert contents(results) == [A5, A1, B2, B1, A2]


@pytest.mark.parametrize(("window", "begins"), [(4, 5), (5, 0)])
async def test_one_hot_key_holds_others_up_only_beyond_the_window(window: int, begins: int) -> None:
    slow = Slow()
    block = Transformer(slow, concurrency=2, key=first, window=window)
    linked(block)
    await run(block, [A5, A1, A1, A1, B1])
    assert (begins, B1) in slow.began


@pytest.mark.parametrize(("others", "begins"), [(15, 0), (16, 5)])
async def test_a_call_looks_sixteen_items_ahead(others: int, begins: int) -> None:
    slow = Slow()
    await run(Call(slow, concurrency=2, key=first), [A5, *[A1] * (others - 1), B1])
    assert (begins, B1) in slow.began


async def test_items_that_wait_for_their_key_count_for_the_capacity() -> None:
    slow = Slow()
    block = Call(slow, concurrency=2, key=first, capacity=3)
    async with Network(block):
        for _ in range(3):
            await block.send(A5)
        with trio.move_on_after(1) as scope:
            await block.send(B1)
        assert scope.cancelled_caught


async def test_a_plain_function_on_the_loop_needs_no_keys() -> None:
    def never_called(item: Item) -> str:
        raise AssertionError(item)

    block = Transformer[Item, Item](lambda item: item, key=never_called)
    results = linked(block)
    await run(block, [A5, B1, A1])
    assert contents(results) == [A5, B1, A1]


@pytest.mark.parametrize("kind", [Call, Transformer, TransformMany, Filter])
def test_a_key_is_a_plain_function(kind: Any) -> None:
    async def later(item: Item) -> str:
        return item[0]

    with pytest.raises(TypeError, match="'list': key must be a function or None, got 'user'"):
        kind(list, key="user", name="list")
    with pytest.raises(TypeError, match="'list': key must be a plain function, which runs when it is called"):
        kind(list, key=later, name="list")


# Several outputs, and answers


async def test_the_outputs_of_a_key_are_not_mixed() -> None:
    async def twice(item: Item) -> AsyncIterator[Item]:
        yield item
        await trio.sleep(item[1])
        yield item

    block = TransformMany(twice, concurrency=2, key=first)
    results = linked(block)
    await run(block, [A5, A1, B1])
    got = contents(results)
    assert [item for item in got if item in (A5, A1)] == [A5, A5, A1, A1]
    assert got.count(B1) == 2


async def test_a_filter_asks_for_one_item_of_a_key_at_a_time() -> None:
    seen: set[str] = set()

    async def is_new(item: Item) -> bool:
        is_known = item[0] in seen
        await trio.sleep(item[1])
        seen.add(item[0])
        return not is_known

    block = Filter(is_new, concurrency=4, key=first)
    results = linked(block)
    await run(block, [A5, A1, B1, B2, A2])
    assert contents(results) == [B1, A5]


async def test_the_call_at_the_end_has_no_key() -> None:
    async def twice(item: Item) -> list[Any]:
        return [item, item]

    block = TransformMany(twice, key=first, at_end=lambda: ["the end"])
    results = linked(block)
    await run(block, [A1, B1])
    assert contents(results) == [A1, A1, B1, B1, "the end"]


# Failures


class Fails(Slow):
    """Fails for some items in the first tries."""

    def __init__(self, bad: Item, times: int) -> None:
        super().__init__()
        self.bad, self.times = bad, times

    async def __call__(self, item: Item) -> Item:
        await super().__call__(item)
        if item == self.bad and self.times:
            self.times -= 1
            raise ValueError(item)
        return item


async def test_an_item_that_is_tried_again_keeps_its_turn() -> None:
    fails = Fails(A1, 1)
    block = Transformer(fails, concurrency=2, key=first, on_error=Retry(1, 10))
    results = linked(block)
    await run(block, [A1, A2, B1])
    assert [item for _, item in sorted(fails.began)] == [A1, B1, A1, A2]
    assert fails.began[2][0] > 1
    assert contents(results) == [B1, A1, A2]


def bad_key(item: Item) -> str:
    if item == B1:
        raise LookupError(item[1])
    return item[0]


def blocks(key: Callable[[Item], Any], **options: Any) -> dict[str, Any]:
    return {
        "tasks": Transformer(Slow(), concurrency=2, key=key, name="t", **options),
        "executor": Transformer(same, executor=OnLoop(1, 2), concurrency=2, key=key, name="t", **options),
    }


def same(item: Item) -> Item:
    return item


@pytest.mark.parametrize("where", ["tasks", "executor"])
async def test_a_key_function_that_raises_is_a_fault_of_the_network(where: str) -> None:
    block = blocks(bad_key)[where]
    linked(block)
    with faults(LookupError) as found:
        async with Network(block) as network:
            await block.send(A1)
            await block.send(B1)  # it does not raise here
            await trio.sleep_forever()
    told = notes(found[0])
    assert "raised by the key function of transformer 't', or by the key, for ('b', 1)" in told
    assert "in t, item 2: ('b', 1)" in told
    assert network.balance()["t"].dropped == {"fault": 1}


@pytest.mark.parametrize("where", ["tasks", "executor"])
async def test_an_item_without_a_key_is_dealt_with_as_the_policy_says_and_not_tried_again(where: str) -> None:
    letters: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = blocks(bad_key, on_error=Retry(3, 1, then=DeadLetter(letters)))[where]
    results = linked(block)
    network = await run(block, [A1, B1, C1, B2])
    (letter,) = contents(letters)
    assert (letter.item, letter.number) == (B1, 2)
    assert isinstance(letter.exception, LookupError)
    assert sorted(contents(results)) == [A1, B2, C1]
    assert network.statistics()["t"].retried == 0


def as_list(item: Item) -> list[Any]:
    return list(item)


def in_a_while(item: Item) -> Any:
    return Slow()(item)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (as_list, "unhashable type: 'list'"),
        (in_a_while, "transformer 't': key returned a coroutine; it must be a plain function"),
    ],
)
async def test_a_key_must_be_a_value_that_can_be_hashed(key: Callable[[Item], Any], message: str) -> None:
    block = blocks(key)["tasks"]
    linked(block)
    with faults(TypeError) as found:
        await run(block, [A1])
    assert message in str(found[0])


async def test_an_item_without_a_key_is_recorded_as_failed() -> None:
    block = blocks(bad_key, on_error="skip")["executor"]
    linked(block)
    recording = Recording()
    await run(block, [A1, B1, A2], recording=recording)
    assert [span.error for span in recording.spans if span.error] == ["LookupError(1)"]


# Ends


@pytest.mark.parametrize("where", ["tasks", "executor"])
@pytest.mark.parametrize("ordered", [None, True])
async def test_what_waits_for_its_key_is_discarded_when_nothing_more_is_needed(where: str, ordered: bool) -> None:
    called: list[int] = []

    async def later(number: int) -> int:
        called.append(number)
        await trio.sleep(1)
        return number

    def now(number: int) -> int:
        called.append(number)
        return number

    options: Any = {"concurrency": 2, "key": bool, "ordered": ordered, "name": "t"}
    block: Any = {
        "tasks": lambda: Transformer(later, **options),
        "executor": lambda: Transformer(now, executor=OnLoop(1, 2), **options),
    }[where]()
    take = Take[int](2)
    block.link_target(take)
    results = linked(take)
    network = await run(block, range(1, 20))
    assert contents(results) == [1, 2]
    assert called in ([1, 2], [1, 2, 3])  # one may have begun
    assert network.balance().ok


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("ordered", [None, True])
async def test_generators_that_wait_for_their_key_are_not_begun_when_nothing_more_is_needed(
    ordered: bool | None,
) -> None:
    gauge = Gauge(is_open=False, function=lambda number: [number])
    block = TransformMany(gauge, executor=Threads(2), concurrency=2, key=lambda number: 0, ordered=ordered)
    take = Take[int](2)
    block.link_target(take)
    results = linked(take)
    async with Network(block) as network:
        for number in range(20):
            await block.send(number)
        await gauge.wait_begun(1)
        gauge.let()
        await gauge.wait_begun(2)
        gauge.open()
    assert contents(results) == [0, 1]
    assert gauge.began in ([0, 1], [0, 1, 2])  # one may have begun
    assert network.balance().ok


async def test_what_waits_for_its_key_is_discarded_when_the_network_is_cancelled() -> None:
    slow = Slow()
    block = Call(slow, concurrency=2, key=first, name="t")
    async with Network(block) as network:
        for item in (A5, A1, A1, B1, B1):
            await block.send(item)
        await wait_all_tasks_blocked()
        network.cancel()
    assert sorted(item for _, item in slow.began) == [A5, B1]
    assert network.balance()["t"].discarded == 5


# Leases


async def with_lease(item: Item, lease: Lease[int]) -> Item:
    with lease:
        return await Slow()(item)


async def test_an_item_that_waits_for_its_key_keeps_no_resource() -> None:
    pool = ResourcePool([1, 2])
    block = Transformer(with_lease, concurrency=4, key=first, resource=pool)
    results = linked(block)
    async with Network(block):
        for item in (A5, A1, A1, B1, B1):
            await block.send(item)
        await trio.sleep(3)
        assert contents(results) == [B1, B1]


async def test_with_order_resources_are_taken_in_order() -> None:
    pool = ResourcePool([1, 2])
    block = Transformer(with_lease, concurrency=4, key=first, resource=pool, ordered=True)
    results = linked(block)
    async with Network(block):
        for item in (A5, A1, A1, B1, B1):
            await block.send(item)
        await trio.sleep(3)
        assert pool.in_use == 2
    assert contents(results) == [A5, A1, A1, B1, B1]


@pytest.mark.parametrize("where", ["tasks", "executor"])
async def test_an_item_that_waits_for_a_resource_goes_before_later_ones(where: str) -> None:
    pool = ResourcePool([1])
    began: list[Item] = []

    async def later(item: Item, lease: Lease[int]) -> None:
        began.append(item)
        with lease:
            await trio.sleep(1)

    def now(item: Item, lease: Lease[int]) -> None:
        began.append(item)
        lease.give_back()

    options: Any = {"concurrency": 3, "key": first, "resource": pool, "capacity": None}
    block = Call(later, **options) if where == "tasks" else Call(now, executor=OnLoop(1, 3), **options)
    await run(block, [A1, A2, B1, A5, B2])
    assert began == [A1, B1, A2, B2, A5]


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_resource_of_an_item_that_is_discarded_is_free_again(ordered: bool) -> None:
    pool = ResourcePool([1, 2, 3])
    block = Transformer(with_lease, concurrency=2, key=first, resource=pool, ordered=ordered)
    take = Take[Item](1)
    block.link_target(take)
    linked(take)
    await run(block, [A5, A1, A1, A1])
    assert pool.in_use == 0


# Contexts

who: ContextVar[str] = ContextVar("who")


async def test_the_key_function_sees_the_variables_of_the_sender() -> None:
    slow = Slow()
    block = Call(slow, concurrency=4, key=lambda item: who.get(), context=True)
    async with Network(block):
        for name, item in (("x", A5), ("x", B1), ("y", A1)):
            who.set(name)
            await block.send(item)
    assert sorted(slow.began) == [(0, A1), (0, A5), (5, B1)]


# Executors


async def test_a_late_call_that_cannot_be_ended_keeps_the_turn_of_its_key() -> None:
    executor = ByHand()
    block = Transformer[Item, Item](
        same, executor=executor, concurrency=4, key=first, time_limit=1, on_error=Retry(1, then="skip"), name="t"
    )
    results = linked(block)
    async with Network(block) as network:
        for item in (A1, A2, B1):
            await block.send(item)
        await wait_all_tasks_blocked()
        late, other = executor.out
        other.run()
        assert late.begin()
        await trio.sleep(5)
        assert executor.out == [late]  # the item has failed, and its next try waits for the end of the late call
        late.end()
        await wait_all_tasks_blocked()
        (again,) = executor.out
        again.run()
        await wait_all_tasks_blocked()
        (second,) = executor.out
        second.run()
    assert contents(results) == [B1, A1, A2]
    assert network.statistics()["t"].retried == 1


async def test_each_hand_over_has_one_item() -> None:
    executor = OnLoop()
    block = Transformer[int, int](lambda n: n, executor=executor, concurrency=2, key=lambda n: n % 8)
    results = linked(block)
    await run(block, range(100))
    assert len(executor.all) == 100
    assert sorted(contents(results)) == list(range(100))


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("ordered", [None, True])
async def test_generators_in_threads_hand_on_in_the_order_of_their_keys(ordered: bool | None) -> None:
    def count(item: Item) -> Iterator[tuple[str, int, int]]:
        for number in range(300):
            yield *item, number

    block = TransformMany(count, executor=Threads(3), concurrency=3, key=first, ordered=ordered)
    results = linked(block)
    items = [("abca"[number % 4], number) for number in range(24)]
    await run(block, items)
    got = contents(results)
    for key in "abc":
        expected = [(*item, number) for item in items if item[0] == key for number in range(300)]
        assert [output for output in got if output[0] == key] == expected
    if ordered:
        assert got == [(*item, number) for item in items for number in range(300)]


# Reports


async def test_items_that_wait_for_their_key_are_not_in_work() -> None:
    slow = Slow()
    block = Transformer(slow, concurrency=2, key=first, name="t")
    linked(block)
    async with Network(block) as network:
        for item in (A5, A1, A1):
            await block.send(item)
        await trio.sleep(4)
        numbers = network.statistics()["t"]
        assert (numbers.in_work, numbers.queued) == (1, 2)
        assert repr(block) == "<Transformer 't' open, 0 waiting, 1 in work, 2 behind their key>"
        assert numbers.wait_for_key.count == 1
    assert network.statistics()["t"].wait_for_key.count == 2


async def test_a_block_with_enough_keys_has_never_waited_for_them() -> None:
    slow = Slow()
    block = Transformer(slow, concurrency=2, key=first, name="t")
    linked(block)
    network = await run(block, [A1, B1, C1])
    assert network.statistics()["t"].wait_for_key.count == 0


async def test_a_standstill_because_of_a_key_is_explained() -> None:
    answers: UnboundedBuffer[int] = UnboundedBuffer(name="answers")

    async def ask(item: Item) -> None:
        if item[1] == 1:
            answers.send_nowait(await answers.receive())
        else:
            answers.send_nowait(item[1])

    block = Call(ask, concurrency=2, key=first, name="t")
    with faults(Stalled) as found:
        async with Network(block, answers):
            await block.send(A1)
            await block.send(A2)
            await answers.receive()
    assert "1 items of call 't' wait for the call of an earlier item with the same key" in str(found[0])


async def test_no_call_starts_while_there_are_more_tasks_than_the_concurrency_allows() -> None:
    async def same(item: int) -> int:
        return item

    block: Transformer[int, int] = Transformer(same, key=lambda item: item, concurrency=2)
    collector = linked(block)
    runner: Any = block._core.runner
    async with Network(block):
        runner.workers += 3
        block.send_nowait(1)
        assert runner._next() is None
        runner.workers -= 3
        assert await collector.receive() == 1
