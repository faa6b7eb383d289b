"""Faults and delays in front of functions: for every way to call a function, before the start and while it runs."""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    BoundedBuffer,
    Call,
    DeadLetter,
    ErrorInfo,
    Filter,
    Fold,
    Lease,
    Network,
    Processes,
    Recording,
    ResourcePool,
    Retry,
    Tap,
    Threads,
    TimeLimitExceeded,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.testing import Delay, Fault, InjectedCalls, inject
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked, notes

# Arguments


@pytest.mark.parametrize("on", [0, -1, True, 1.5, "x", (1, "x"), [0], b"x"])
def test_what_says_no_calls_is_an_error(on: Any) -> None:
    message = f"on must be the number of a call, counted from 1, several numbers, or a function of the item, got {on!r}"
    with pytest.raises(TypeError, match=re.escape(f"Fault: {message}")):
        Fault(ValueError(), on=on)
    with pytest.raises(TypeError, match=re.escape(f"Delay: {message}")):
        Delay(1, on=on)


async def later(item: object) -> bool:
    return bool(item)


def test_what_chooses_calls_must_be_a_plain_function() -> None:
    with pytest.raises(TypeError, match="Fault: on must be a plain function"):
        Fault(ValueError(), on=later)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("error", ["x", None, int, 5])
def test_what_is_no_exception_is_an_error(error: Any) -> None:
    with pytest.raises(TypeError, match=f"Fault: error must be an exception or a class of exceptions, got {error!r}"):
        Fault(error)


@pytest.mark.parametrize("seconds", [-1, "x", float("inf")])
def test_what_is_no_delay_is_an_error(seconds: Any) -> None:
    with pytest.raises(ValueError, match=f"Delay: seconds must be a number >= 0, got {seconds!r}"):
        Delay(seconds)


def whole() -> Network:
    load: Transformer[str, int] = Transformer(int, name="load")
    queue: BoundedBuffer[int] = BoundedBuffer(3, name="queue")
    show: Call[int] = Call(print, name="show")
    load.link_target(queue)
    queue.link_target(show)
    return Network(load, name="n")


@pytest.mark.parametrize(
    ("name", "problem"),
    [("lod", "network 'n' has no block 'lod'"), ("queue", "bounded buffer 'queue' calls no function")],
)
def test_a_name_that_is_no_function_is_an_error_that_lists_the_names(name: str, problem: str) -> None:
    network = whole()
    message = f"inject: {problem}; blocks that call a function: 'load', 'show'"
    with pytest.raises(ValueError, match=message), inject(network, {"load": Delay(1), name: Fault(ValueError)}):
        pytest.fail("it was accepted")
    with pytest.raises(ValueError, match="has no block 'x'; blocks that call a function: none"):
        inject(Network(UnboundedBuffer[int]()), {"x": Delay(1)}).__enter__()


def test_a_name_of_two_blocks_is_an_error() -> None:
    network = Network(Call(print, name="a"), Call(print, name="a"), name="n")
    message = "inject: 2 blocks of network 'n' are named 'a'; give each its own name"
    with pytest.raises(ValueError, match=message), inject(network, {"a": Delay(1)}):
        pytest.fail("it was accepted")


@pytest.mark.parametrize("effects", ["x", None, [Delay(1), "x"]])
def test_what_is_neither_a_fault_nor_a_delay_is_an_error(effects: Any) -> None:
    message = "inject: block 'load' must get a Fault, a Delay, or a list of these, got"
    with pytest.raises(TypeError, match=message), inject(whole(), {"load": effects}):
        pytest.fail("it was accepted")


def test_state_in_an_executor_is_refused() -> None:
    many: TransformMany[int, int] = TransformMany(
        lambda item: [item], at_end=lambda: [0], executor=Threads(1), name="many"
    )
    linked(many)
    message = "inject: transform-many 'many' holds the state of its function in its executor"
    with pytest.raises(ValueError, match=message), inject(Network(many), {"many": Delay(1)}):
        pytest.fail("it was accepted")


# In every way to call a function


def tenfold(item: int) -> int:
    return item * 10


async def tenfold_later(item: int) -> int:
    return item * 10


def listed(item: int) -> list[int]:
    return [item * 10]


def generated(item: int) -> Iterator[int]:
    yield item * 10


async def listed_later(item: int) -> list[int]:
    return [item * 10]


async def generated_later(item: int) -> AsyncIterator[int]:
    yield item * 10


def parity(item: int) -> int:
    return item % 2


def way_of(kind: Any, function: Any, **fixed: Any) -> Callable[..., Any]:
    """Makes a block with a function."""

    def make(**options: Any) -> Any:
        return kind(function, **fixed, **options)

    return make


def on_loop(kind: Any, function: Any, **fixed: Any) -> Callable[..., Any]:
    """Makes a block whose executor works on the loop."""

    def make(**options: Any) -> Any:
        return kind(function, executor=OnLoop(), **fixed, **options)

    return make


WAYS: dict[str, Callable[..., Any]] = {
    "plain": way_of(Transformer, tenfold),
    "async": way_of(Transformer, tenfold_later),
    "three tasks": way_of(Transformer, tenfold_later, concurrency=3),
    "executor": on_loop(Transformer, tenfold),
    "executor, three calls": on_loop(Transformer, tenfold, concurrency=3),
    "list": way_of(TransformMany, listed),
    "generator": way_of(TransformMany, generated),
    "async list": way_of(TransformMany, listed_later),
    "async generator": way_of(TransformMany, generated_later),
    "list in an executor": on_loop(TransformMany, listed),
    "generator in an executor": on_loop(TransformMany, generated),
    "with context": way_of(Transformer, tenfold, context=True),
    "async with context": way_of(Transformer, tenfold_later, context=True),
    "keyed": way_of(Transformer, tenfold_later, concurrency=3, key=parity),
    "keyed, in an executor": on_loop(Transformer, tenfold, concurrency=3, key=parity),
    "limited": way_of(Transformer, tenfold, time_limit=100),
    "async generator, limited": way_of(TransformMany, generated_later, time_limit=100),
}
every_way = pytest.mark.parametrize("way", WAYS)


async def feed(block: Any, count: int = 5) -> None:
    for item in range(count):
        await block.send(item)


async def settle() -> None:
    """Let an executor on the loop work, too."""
    for _ in range(20):
        await wait_all_tasks_blocked()


@every_way
async def test_a_fault_on_one_call_fails_its_item_by_the_policy(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = WAYS[way](on_error=DeadLetter(dead), name="work")
    collector = linked(block)
    network = Network(block)
    with inject(network, {"work": Fault(ValueError("injected"), on=3)}) as calls:
        async with network:
            await feed(block)
    assert sorted(contents(collector)) == [0, 10, 30, 40]
    assert [(letter.number, letter.item, str(letter.exception)) for letter in contents(dead)] == [(3, 2, "injected")]
    assert (calls["work"].calls, calls["work"].faults, calls["work"].delays) == (5, 1, 0)
    assert network.balance().ok


@every_way
async def test_a_fault_on_chosen_items_fails_each_try_of_them(way: str) -> None:
    block = WAYS[way](on_error=Retry(2, then="skip"), name="work")
    collector = linked(block)
    network = Network(block)
    with inject(network, {"work": Fault(ValueError, on=lambda item: item == 2)}) as calls:
        async with network:
            await feed(block)
    assert sorted(contents(collector)) == [0, 10, 30, 40]
    assert (calls["work"].calls, calls["work"].faults) == (7, 3)


@every_way
async def test_a_further_try_is_a_call_of_its_own(way: str) -> None:
    block = WAYS[way](on_error=Retry(1), name="work")
    collector = linked(block)
    network = Network(block)
    with inject(network, {"work": Fault(ConnectionError("injected"), on=2)}) as calls:
        async with network:
            await feed(block)
    assert sorted(contents(collector)) == [0, 10, 20, 30, 40]
    assert (calls["work"].calls, calls["work"].faults) == (6, 1)
    assert network.statistics()["work"].retried == 1


@every_way
async def test_a_fault_stops_the_network_if_there_is_no_policy(way: str) -> None:
    block = WAYS[way](name="work")
    linked(block)
    network = Network(block)
    with faults(ValueError) as found, inject(network, {"work": Fault(ValueError("injected"), on=2)}):
        async with network:
            await feed(block)
    assert notes(found[0]) == ["in work, item 2: 1"]


@every_way
async def test_it_can_begin_and_end_while_the_network_runs(way: str) -> None:
    block = WAYS[way](on_error="skip", name="work")
    collector = linked(block)
    async with Network(block) as network:
        await feed(block)
        await settle()
        with inject(network, {"work": Fault(ValueError, on=[1, 3])}) as calls:
            await feed(block)
            await settle()
        await feed(block)
    got = contents(collector)
    assert [sorted(part) for part in (got[:5], got[5:8], got[8:])] == [
        [0, 10, 20, 30, 40],
        [10, 30, 40],
        [0, 10, 20, 30, 40],
    ]
    assert calls["work"].calls == 5


@every_way
async def test_afterwards_everything_is_as_before(way: str) -> None:
    block = WAYS[way](name="work")
    collector = linked(block)
    function = block._core.function
    network = Network(block)
    with inject(network, {"work": Fault(ValueError)}), inject(network, {"work": Delay(1)}):
        assert block._core.function is not function
    assert block._core.function is function
    async with network:
        await feed(block)
    assert sorted(contents(collector)) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("way", [way for way in WAYS if "executor" not in way and "keyed" not in way])
async def test_a_delay_takes_the_time_of_the_clock(way: str) -> None:
    block = WAYS[way](name="work")
    linked(block)
    network = Network(block)
    start = trio.current_time()
    with inject(network, {"work": [Delay(2, on=(1, 2)), Delay(3, on=2)]}) as calls:
        async with network:
            await feed(block)
    assert trio.current_time() - start == (5 if "three" in way else 7)
    assert (calls["work"].delays, calls["work"].faults) == (2, 0)


@pytest.mark.parametrize("way", ["plain", "async", "generator", "async generator"])
async def test_a_delay_counts_for_the_time_limit_of_an_item(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = WAYS[way](on_error=DeadLetter(dead), time_limit=5, name="work")
    collector = linked(block)
    network = Network(block)
    with inject(network, {"work": [Delay(9, on=2), Delay(4, on=3)]}):
        async with network:
            await feed(block)
    assert contents(collector) == [0, 20, 30, 40]
    (letter,) = contents(dead)
    assert isinstance(letter.exception, TimeLimitExceeded)
    assert letter.item == 1


async def test_first_it_waits_and_then_it_fails() -> None:
    block = Transformer(tenfold_later, on_error="skip", name="work")
    linked(block)
    network = Network(block)
    start = trio.current_time()
    with inject(network, {"work": [Fault(ValueError), Delay(3)]}) as calls:
        async with network:
            await block.send(1)
    assert trio.current_time() - start == 3
    assert repr(calls) == "Injection({'work': <InjectedCalls: 1 calls, 1 faults, 1 delays>})"
    assert (list(calls), len(calls)) == (["work"], 1)


async def test_several_blocks_and_the_other_kinds_of_blocks() -> None:
    keep: Filter[int] = Filter(lambda item: item < 9, on_error="skip", name="keep")
    seen: list[int] = []
    tap: Tap[int] = Tap(seen.append, on_error="skip", name="tap")
    total: Fold[int, int] = Fold(lambda state, item: state + item, 0, on_error="skip", name="total")
    keep.link_target(tap)
    tap.link_target(total)
    collector = linked(total)
    network = Network(keep)
    with inject(network, {"keep": Fault(ValueError, on=1), "tap": Fault(ValueError, on=1), "total": Delay(1)}) as calls:
        async with network:
            await feed(keep, 5)
    assert contents(collector) == [2 + 3 + 4]
    assert seen == [2, 3, 4]
    assert [calls[name].calls for name in calls] == [5, 4, 3]  # the end of the input is no call


async def test_items_with_a_lease() -> None:
    pool = ResourcePool(["a", "b"])

    def work(item: int, lease: Lease[str]) -> int:
        lease.give_back()
        return item * 10

    block: Transformer[int, int] = Transformer(work, resource=pool, on_error="skip", name="work")
    collector = linked(block)
    network = Network(block)
    with inject(network, {"work": Fault(ValueError, on=lambda item: item == 1)}):
        async with network:
            await feed(block)
    assert contents(collector) == [0, 20, 30, 40]
    assert network.balance().ok


@pytest.mark.parametrize("way", ["plain", "async", "executor", "generator in an executor", "list"])
async def test_in_a_recorded_run(way: str) -> None:
    block = WAYS[way](on_error="skip", name="work")
    collector = linked(block)
    recording = Recording()
    network = Network(block, recording=recording)
    with inject(network, {"work": Fault(ValueError("injected"), on=2)}):
        async with network:
            await feed(block)
    assert contents(collector) == [0, 20, 30, 40]


async def test_an_exception_is_copied_each_time() -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} {two}")

    error = ValueError("x")
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = Transformer(tenfold, on_error=DeadLetter(dead), name="work")
    linked(block)
    network = Network(block)
    odd = Odd(1, 2)
    with inject(network, {"work": [Fault(error, on=(1, 2)), Fault(odd, on=3), Fault(KeyError)]}):
        async with network:
            await feed(block, 4)
    one, two, three, four = (letter.exception for letter in contents(dead))
    assert (type(one), str(one), type(two)) == (ValueError, "x", ValueError)
    assert one is not two
    assert three is odd  # it cannot be copied
    assert type(four) is KeyError


def test_on_a_real_clock_a_plain_function_takes_real_time() -> None:
    async def main() -> None:
        block = Transformer(tenfold, name="work")
        collector = linked(block)
        network = Network(block)
        start = trio.current_time()
        with inject(network, {"work": Delay(0.01, on=1)}):
            async with network:
                await feed(block)
        assert trio.current_time() - start >= 0.01
        assert contents(collector) == [0, 10, 20, 30, 40]

    trio.run(main)


@pytest.mark.parametrize("way", ["plain", "async", "async generator", "executor"])
async def test_the_function_is_known_behind_what_was_put_in_front(way: str) -> None:
    block = WAYS[way](name="work")
    function = block._core.function
    with inject(Network(block), {"work": Delay(1)}):
        assert inspect.unwrap(block._core.function) is function


def test_a_call_that_begins_after_the_end_is_left_alone() -> None:
    calls = InjectedCalls([Fault(ValueError)])
    calls.end()
    assert calls.next_call(1) is None
    assert calls.calls == 0


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "threads": lambda: Threads(2),
    "standard threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: Processes(2),
    "standard processes": lambda: ProcessPoolExecutor(2),
}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if "processes" in kind else ()) for kind in EXECUTORS]
)
async def test_in_an_executor_the_loop_counts_the_calls(kind: str) -> None:
    executor = EXECUTORS[kind]()
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    policy = Retry(1, then=DeadLetter(dead))
    block = Transformer(tenfold, executor=executor, concurrency=2, on_error=policy, name="work")
    collector = linked(block)
    network = Network(block)
    chosen: list[Fault | Delay] = [Fault(ValueError("injected"), on=lambda item: item % 4 == 1), Delay(0.001, on=5)]
    with inject(network, {"work": chosen}) as calls:
        async with network:
            await feed(block, 20)
    assert contents(collector) == [item * 10 for item in range(20) if item % 4 != 1]
    assert {letter.item for letter in contents(dead)} == {1, 5, 9, 13, 17}
    assert (calls["work"].calls, calls["work"].faults, calls["work"].delays) == (25, 10, 1)
    if not isinstance(executor, (Threads, Processes)):
        executor.shutdown()


async def test_a_choice_that_raises_is_a_fault_of_the_item() -> None:
    block = Transformer(tenfold, name="work")
    linked(block)
    network = Network(block)
    with faults(ZeroDivisionError) as found, inject(network, {"work": Delay(1, on=lambda item: 1 / item > 0)}):
        async with network:
            await feed(block)
    assert notes(found[0]) == ["in work, item 1: 0"]


async def test_blocks_are_listed_before_the_start_too() -> None:
    network = whole()
    assert [block.name for block in network.blocks] == ["load", "queue", "show"]
    async with network:
        assert [block.name for block in network.blocks] == ["load", "queue", "show"]
    assert [block.name for block in network.blocks] == ["load", "queue", "show"]


def test_a_call_that_is_handed_over_again_is_the_same_call() -> None:
    calls = InjectedCalls([Fault(ValueError, on=1)])
    first = calls.call_of((1, 0), "a")
    assert first is not None
    assert calls.call_of((2, 0), "b") is None
    assert calls.call_of((1, 0), "a") is first
    assert (calls.calls, calls.faults) == (2, 1)
