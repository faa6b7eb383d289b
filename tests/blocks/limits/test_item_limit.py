"""Time limits of an item whose function runs on the loop: async, plain, and those that give many outputs."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from penstock.blocks import (
    Activity,
    BoundedBuffer,
    Budget,
    Call,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Network,
    Recording,
    Retry,
    Skip,
    TimeLimitExceeded,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults, linked, notes, run


async def sleep(seconds: float) -> float:
    """Take so long, and wait for it."""
    await trio.sleep(seconds)
    return seconds


def hold(seconds: float) -> float:
    """Take so long, and keep the loop."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, MockClock)
    clock.jump(seconds)
    return seconds


async def stream(seconds: float) -> AsyncIterator[float]:
    for _ in range(2):
        await trio.sleep(seconds / 2)
        yield seconds


async def listed(seconds: float) -> list[float]:
    return [await sleep(seconds)]


def parts(seconds: float) -> Iterator[float]:
    for _ in range(2):
        hold(seconds / 2)
        yield seconds


def packed(seconds: float) -> list[float]:
    return [hold(seconds)]


Make = Callable[..., Any]
ONE: dict[str, Make] = {
    "async": partial(Transformer, sleep, name="t"),
    "three tasks": partial(Transformer, sleep, name="t", concurrency=3),
    "unordered": partial(Transformer, sleep, name="t", concurrency=3, ordered=False),
    "plain": partial(Transformer, hold, name="t"),
}
MANY: dict[str, Make] = {
    "async generator": partial(TransformMany, stream, name="t"),
    "async list": partial(TransformMany, listed, name="t"),
    "generator": partial(TransformMany, parts, name="t"),
    "list": partial(TransformMany, packed, name="t"),
}
WAYS = ONE | MANY
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.mark.parametrize("kind", [Call, Transformer, TransformMany])
@pytest.mark.parametrize("value", [0, -1, "soon", True])
def test_a_block_says_what_is_wrong_with_its_limit(kind: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=f"'b': time_limit must be a number > 0, got {value!r}"):
        kind(print, name="b", time_limit=value)


@every_way
async def test_what_is_done_in_time_is_as_without_a_limit(way: str) -> None:
    block = WAYS[way](time_limit=10)
    collector = linked(block)
    await run(block, [3, 9, 7])
    assert sorted(set(contents(collector))) == [3, 7, 9]


@every_way
async def test_an_item_that_takes_longer_fails_and_the_exception_says_which(way: str) -> None:
    block = WAYS[way](time_limit=10)
    linked(block)
    with faults(TimeLimitExceeded) as found:
        await run(block, [1, 20])
    assert re.fullmatch(
        r"transform(er|-many) 't': item 2, 20, was not done within its time limit of 10 s", str(found[0])
    )
    *where, item = notes(found[0])
    assert item == "in t, item 2: 20"
    if way in ("plain", "generator", "list"):
        assert where == []
    else:
        assert re.fullmatch(rf"it was cancelled at {re.escape(__file__)}:\d+ in (sleep|stream)", where[0])
        assert trio.current_time() in (10, 11)
    assert found[0].__suppress_context__


@every_way
async def test_it_is_skipped_if_the_policy_says_so(way: str) -> None:
    block = WAYS[way](time_limit=10, on_error=Skip(Budget(at_most=2)))
    collector = linked(block)
    network = await run(block, [1, 20, 2, 30, 3])
    assert sorted(set(contents(collector))) == [1, 2, 3]
    assert network.balance()["t"].dropped == {"skipped": 2}


@every_way
async def test_it_becomes_a_dead_letter_if_the_policy_says_so(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = WAYS[way](time_limit=10, on_error=DeadLetter(dead))
    linked(block)
    await run(block, [1, 20])
    (letter,) = contents(dead)
    assert (letter.phase, letter.item, letter.number) == ("t", 20, 2)
    assert isinstance(letter.exception, TimeLimitExceeded)


@every_way
async def test_each_further_try_has_the_whole_time(way: str) -> None:
    block = WAYS[way](time_limit=10, on_error=Retry(2, backoff=100, max_backoff=200, jitter=0, then="skip"))
    linked(block)
    network = await run(block, [20])
    assert network.balance()["t"].dropped == {"skipped": 1}
    expected = (10 + 100 + 10 + 200 + 10) if "sync" in way or "task" in way or way == "unordered" else 360
    assert trio.current_time() == pytest.approx(expected)


@pytest.mark.parametrize("way", ["async", "three tasks"])
async def test_a_try_that_is_in_time_counts(way: str) -> None:
    left = [20.0, 5.0]

    async def better(item: float) -> float:
        return await sleep(left.pop(0))

    block: Transformer[float, float] = Transformer(better, time_limit=10, on_error=Retry(1))
    collector = linked(block)
    await run(block, [0])
    assert contents(collector) == [5]


async def test_the_time_of_each_item_is_its_own() -> None:
    block: Transformer[float, float] = Transformer(hold, time_limit=10)
    collector = linked(block)
    await run(block, [9] * 5)
    assert len(contents(collector)) == 5


async def test_in_a_large_batch_only_the_item_that_ran_over_fails() -> None:
    seconds = {1500: 20.0, 1501: 9.0, 1502: 9.0, 1700: 10.5, 1701: 11.0}  # each of them alone; together far too long
    called: list[int] = []

    def work(item: int) -> int:
        called.append(item)
        hold(seconds.get(item, 0))
        return item

    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    source = IterableSource(range(2000))
    block: Transformer[int, int] = Transformer(work, time_limit=10, on_error=DeadLetter(dead), name="t")
    source.link_target(block)
    collector = linked(block)
    async with Network(source):
        pass
    late = [1500, 1700, 1701]
    assert called == list(range(2000))  # none was called again because another one was late
    assert contents(collector) == [item for item in range(2000) if item not in late]
    letters = contents(dead)
    assert [(letter.item, letter.number) for letter in letters] == [(item, item + 1) for item in late]


@pytest.mark.parametrize("quick", [0, 500])
async def test_an_exception_in_a_batch_belongs_to_its_own_item(quick: int) -> None:
    def work(item: int) -> int:
        if item == quick:
            raise StopIteration
        if item == quick + 1:
            hold(20)
            raise KeyError(item)
        return item

    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    source = IterableSource(range(quick + 10))
    block: Transformer[int, int] = Transformer(work, time_limit=10, on_error=DeadLetter(dead), name="t")
    source.link_target(block)
    collector = linked(block)
    async with Network(source):
        pass
    letters = contents(dead)
    assert [(letter.item, type(letter.exception)) for letter in letters] == [
        (quick, RuntimeError),
        (quick + 1, KeyError),
    ]
    assert contents(collector) == [item for item in range(quick + 10) if item not in (quick, quick + 1)]


async def test_results_keep_their_order_and_leave_no_gap() -> None:
    block: Transformer[float, float] = Transformer(sleep, concurrency=4, time_limit=10, on_error="skip")
    collector = linked(block)
    await run(block, [9, 20, 1, 5, 30, 2])
    assert contents(collector) == [9, 1, 5, 2]


# Who else cancels


async def test_the_cancel_scopes_of_the_function_are_its_own() -> None:
    async def patient(seconds: float) -> str:
        with trio.move_on_after(seconds):
            await trio.sleep_forever()
        return "gave up"

    block: Transformer[float, str] = Transformer(patient, time_limit=10)
    collector = linked(block)
    await run(block, [3])
    assert contents(collector) == ["gave up"]


@pytest.mark.parametrize("function", [sleep, stream])
async def test_a_network_that_is_cancelled_discards_what_is_in_work(function: Any) -> None:
    block: Any = TransformMany(function, time_limit=10, name="t")
    linked(block)
    async with Network(block) as network:
        await block.send(20)
        await trio.sleep(5)
        network.cancel()
    balance = network.balance()["t"]
    assert (balance.discarded, balance.dropped) == (1, {})


async def test_what_the_function_makes_of_its_cancellation_is_not_hidden() -> None:
    async def rude(seconds: float) -> None:
        try:
            await trio.sleep(seconds)
        finally:
            raise KeyError("connection lost")

    with faults(KeyError) as found:
        await run(Call(rude, time_limit=10, name="rude"), [20])
    assert notes(found[0])[0] == "raised when the item was cancelled after its time limit of 10 s"


async def test_what_the_function_raises_by_itself_is_as_without_a_limit() -> None:
    async def bad(seconds: float) -> None:
        raise KeyError(seconds)

    with faults(KeyError) as found:
        await run(Call(bad, time_limit=10, name="bad"), [1])
    assert notes(found[0]) == ["in bad, item 1: 1"]


async def test_what_a_function_that_did_not_let_itself_be_cancelled_returns_is_thrown_away() -> None:
    async def stubborn(seconds: float) -> float:
        with trio.CancelScope(shield=True):
            await trio.sleep(seconds)
        return seconds

    block: Transformer[float, float] = Transformer(stubborn, time_limit=10, on_error="skip")
    collector = linked(block)
    await run(block, [20, 5])
    assert contents(collector) == [5]


async def test_a_coroutine_that_nobody_awaits_is_the_error_that_it_was() -> None:
    async def late(seconds: float) -> None:
        raise NotImplementedError

    def one(seconds: float) -> Any:
        hold(seconds)
        return late(seconds)

    for block in (Call(one, time_limit=10), TransformMany(one, time_limit=10)):
        linked(block) if isinstance(block, TransformMany) else None
        with faults(TypeError):
            await run(block, [20])


# Many outputs


async def test_outputs_that_wait_for_room_take_nobodys_time() -> None:
    full: BoundedBuffer[float] = BoundedBuffer(1)
    block: TransformMany[float, float] = TransformMany(stream, window=1, time_limit=10, name="t")
    block.link_target(full)
    got: list[float] = []
    async with Network(block):
        for _ in range(3):
            await block.send(8)
        for _ in range(6):
            await trio.sleep(50)
            got.append(await full.receive())
    assert got == [8] * 6


async def test_after_a_pause_there_is_as_much_time_left_as_before() -> None:
    async def tired(seconds: float) -> AsyncIterator[float]:
        await trio.sleep(seconds)
        yield seconds
        yield seconds
        yield seconds
        await trio.sleep(seconds)

    full: BoundedBuffer[float] = BoundedBuffer(1)
    block: TransformMany[float, float] = TransformMany(tired, window=1, time_limit=10, name="t")
    block.link_target(full)
    with faults(TimeLimitExceeded):
        async with Network(block):
            await block.send(8)
            await trio.sleep(100)
            for _ in range(3):
                await full.receive()
            started = trio.current_time()
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            await trio.sleep_forever()
    assert trio.current_time() == started + 2


async def test_plain_outputs_that_wait_for_room_take_nobodys_time() -> None:
    full: BoundedBuffer[float] = BoundedBuffer(1)
    block: TransformMany[float, float] = TransformMany(parts, time_limit=10, name="t")
    block.link_target(full)
    async with Network(block):
        await block.send(8)
        await trio.sleep(100)
        assert [await full.receive() for _ in range(2)] == [8, 8]


class Closing:
    """An iterator that takes its time and can be closed."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.closed = 0

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        if not self.seconds:
            raise StopIteration
        return hold(self.seconds.pop(0))

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("seconds", "got"), [([5, 5, 1, 1], []), ([20], []), ([1, 2], [1, 2])], ids=["in the middle", "at once", "never"]
)
async def test_a_generator_that_is_late_is_closed(seconds: list[float], got: list[float]) -> None:
    outputs = Closing(*seconds)
    block: TransformMany[int, float] = TransformMany(lambda _: outputs, time_limit=10, on_error="skip", name="t")
    collector = linked(block)
    await run(block, [0])
    assert outputs.closed == (sum(seconds) > 10)
    assert contents(collector) == got


async def test_a_generator_is_closed_when_its_network_is_stopped() -> None:
    outputs = Closing(*[0] * 10_000)
    block: TransformMany[int, float] = TransformMany(lambda _: outputs, time_limit=10, name="t")
    block.link_target(BoundedBuffer(1))
    async with Network(block) as network:
        await block.send(0)
        await trio.testing.wait_all_tasks_blocked()
        network.cancel()
    assert outputs.closed == 1


async def test_a_call_that_is_late_by_itself_reads_nothing() -> None:
    def slow_to_begin(seconds: float) -> Any:
        hold(seconds)
        return iter([1])  # which has nothing to close

    block: TransformMany[float, int] = TransformMany(slow_to_begin, time_limit=10, on_error="skip", name="t")
    collector = linked(block)
    network = await run(block, [20, 5])
    assert contents(collector) == [1]
    assert network.balance()["t"].dropped == {"skipped": 1}


async def test_a_recording_says_that_it_was_the_limit() -> None:
    for function in (sleep, hold):
        recording = Recording()
        await run(Call(function, time_limit=1, on_error="skip", name="work"), [0, 5, 0], recording=recording)
        works = [span for span in recording.spans if span.stage == "work" and span.activity is Activity.WORK]
        assert [span.error for span in works] == [
            "",
            "TimeLimitExceeded('not done within its time limit of 1 s')",
            "",
        ]
