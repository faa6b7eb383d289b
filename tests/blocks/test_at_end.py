"""What a function still holds comes out behind the last input, from where it runs, before the block ends."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BoundedBuffer,
    Call,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    LoopHeldWarning,
    Network,
    Processes,
    Recording,
    Retry,
    Skip,
    Stalled,
    Take,
    Threads,
    TimeLimitExceeded,
    TransformMany,
    UnboundedBuffer,
    worker_state,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.functions.at_end import END
from tests.blocks.at_end_functions import Fragile, Lines, fail, many
from tests.blocks.executors.kinds import comes_true
from tests.blocks.tools import contents, faults, linked, notes, run

TEXTS = ("one\ntw", "", "o\nthree\nfo", "u", "r")
RESULT = ["one", "two", "three", "four"]
Make = Callable[[Lines, dict[str, Any]], "TransformMany[str, str]"]


def lists(lines: Lines, options: dict[str, Any]) -> TransformMany[str, str]:
    return TransformMany(lines.split, at_end=lines.flush, name="lines", **options)


def generators(lines: Lines, options: dict[str, Any]) -> TransformMany[str, str]:
    return TransformMany(lines.split_lazily, at_end=lines.flush_lazily, name="lines", **options)


def async_lists(lines: Lines, options: dict[str, Any]) -> TransformMany[str, str]:
    return TransformMany(lines.split_later, at_end=lines.flush_later, name="lines", **options)


def async_generators(lines: Lines, options: dict[str, Any]) -> TransformMany[str, str]:
    return TransformMany(lines.split_one_by_one, at_end=lines.flush_one_by_one, name="lines", **options)


def mixed(function: str, at_end: str) -> Make:
    """A function of one kind with an end of another."""

    def make(lines: Lines, options: dict[str, Any]) -> TransformMany[str, str]:
        return TransformMany(getattr(lines, function), at_end=getattr(lines, at_end), name="lines", **options)

    return make


LOOP: dict[str, Make] = {
    "list": lists,
    "generator": generators,
    "async list": async_lists,
    "async generator": async_generators,
    "async list, plain end": mixed("split_later", "flush_lazily"),
    "async list, generated end": mixed("split_later", "flush_one_by_one"),
    "async generator, plain end": mixed("split_one_by_one", "flush"),
    "async generator, async end": mixed("split_one_by_one", "flush_later"),
}
EVERYWHERE: dict[str, Make] = {
    **LOOP,
    "threads": lambda lines, kw: generators(lines, {"executor": Threads(2), **kw}),
    "list in threads": lambda lines, kw: lists(lines, {"executor": Threads(1), **kw}),
    "pool": lambda lines, kw: generators(lines, {"executor": ThreadPoolExecutor(2), **kw}),
    "process": lambda lines, kw: generators(lines, {"executor": Processes(1), **kw}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "careful": {"on_error": "skip"},
    "limited": {"time_limit": 100},
    "patient": {"on_error": Retry(2), "time_limit": 100},
    "narrow": {"capacity": 1, "window": 1},
    "unordered": {"ordered": False},
    "carrying": {"context": True},
}


CASES = [
    (where, options)
    for where in EVERYWHERE
    for options in (OPTIONS if where != "process" else ("plain", "careful", "limited"))
]


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize(("where", "options"), CASES)
async def test_what_is_held_comes_last_and_once(where: str, options: str) -> None:
    lines = Lines()
    block = EVERYWHERE[where](lines, OPTIONS[options])
    collector = linked(block)
    network = await run(block, TEXTS)
    assert contents(collector) == RESULT
    assert lines.ends == (0 if where == "process" else 1)
    account = network.balance()["lines"]
    assert (account.accepted, account.consumed, account.produced, account.delivered) == (5, 5, 4, 4)
    assert account.held == account.discarded == 0
    statistics = network.statistics()["lines"]
    assert (statistics.received, statistics.consumed, statistics.emitted) == (5, 5, 4)


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("where", EVERYWHERE)
async def test_it_is_called_also_if_nothing_has_come(where: str) -> None:
    lines = Lines()
    lines.rest = "kept"
    block = EVERYWHERE[where](lines, {})
    collector = linked(block)
    network = await run(block)
    assert contents(collector) == ["kept"]
    account = network.balance()["lines"]
    assert (account.accepted, account.consumed, account.produced) == (0, 0, 1)


async def test_the_last_outputs_wait_for_room_and_nobody_counts_the_call_as_an_item() -> None:
    go = trio.Event()
    asked: list[tuple[int, int, int]] = []

    async def split(text: str) -> list[str]:
        return [text]

    async def flush() -> list[str]:
        await go.wait()
        return ["x", "y", "z"]

    block = TransformMany(split, at_end=flush, name="lines")
    block.link_target(full := BoundedBuffer[str](1))
    async with Network(block) as network, trio.open_nursery() as nursery:
        await block.send("a")
        block.complete()
        assert await full.receive() == "a"
        await wait_all_tasks_blocked()
        account = network.balance()["lines"]
        asked.append((account.accepted, account.consumed, account.held))
        assert network.balance().ok
        assert "0 waiting, 1 in work" in repr(block)
        nursery.start_soon(wait_then_set, go)
        assert [item async for item in full] == ["x", "y", "z"]
    assert asked == [(1, 1, 0)]


async def wait_then_set(event: trio.Event) -> None:
    await trio.sleep(1)
    event.set()


async def test_the_block_completes_what_it_feeds_only_after_that() -> None:
    order: list[str] = []
    lines = Lines()
    first, second = lists(lines, {}), TransformMany(str.split, at_end=lambda: ["end"], name="second")
    first.link_target(second)
    second.link_target(Call(order.append))
    await run(first, ["a b\nc"])
    assert order == ["a", "b", "c", "end"]


# Where it is not called


@pytest.mark.parametrize("where", LOOP)
async def test_it_is_not_called_after_a_cancellation(where: str) -> None:
    lines = Lines()
    block = LOOP[where](lines, {})
    linked(block)
    async with Network(block) as network:
        await block.send("one\ntwo")
        await wait_all_tasks_blocked()
        network.cancel()
    assert lines.ends == 0
    assert network.balance().ok


@pytest.mark.parametrize("where", LOOP)
async def test_it_is_not_called_after_a_fault(where: str) -> None:
    lines = Lines()
    block = LOOP[where](lines, {})
    linked(block)
    wrong: list[Any] = ["one", None]
    with faults(TypeError) as found:
        await run(block, wrong)
    assert lines.ends == 0
    assert "in lines, item 2: None" in notes(found[0])


@pytest.mark.parametrize("where", LOOP)
async def test_it_is_not_called_when_nothing_needs_the_rest(where: str) -> None:
    lines = Lines()
    block = LOOP[where](lines, {})
    source: IterableSource[str] = IterableSource(f"{n}\n{n}" for n in range(1000))
    source.link_target(block)
    block.link_target(take := Take[str](2))
    collector = linked(take)
    async with Network(source) as network:
        pass
    assert contents(collector) == ["0", "01"]
    assert lines.ends == 0
    assert network.balance().ok


async def test_what_nothing_needs_any_more_is_dropped_when_the_last_call_is_under_way() -> None:
    go = trio.Event()

    async def flush() -> list[str]:
        await go.wait()
        return ["held"]

    async def split(text: str) -> list[str]:
        return [text]

    block = TransformMany(split, at_end=flush, name="lines")
    async with Network(block) as network:
        await block.send("a")
        block.complete()
        async for item in block:
            assert item == "a"
            break
        await wait_all_tasks_blocked()
        go.set()
    account = network.balance()["lines"]
    assert (account.consumed, account.produced, account.received, account.delivered) == (1, 2, 1, 1)


async def test_a_call_that_is_about_to_be_made_is_taken_back() -> None:
    lines = Lines()
    block = lists(lines, {})
    async with Network(block) as network:
        await block.send("one\ntwo")
        assert await block.receive() == "one"
        block.complete()
        while not block._core.inbox.queue:
            block._core.step()
        assert END is cast("Any", block._core.inbox.queue[0])
        block._core.end_early()
    assert lines.ends == 0
    account = network.balance()["lines"]
    assert (account.accepted, account.consumed, account.discarded) == (1, 1, 0)


async def test_a_call_that_is_cancelled_is_no_item_that_is_lost() -> None:
    async def split(text: str) -> list[str]:
        return [text]

    block = TransformMany(split, at_end=trio.sleep_forever, name="lines")
    linked(block)
    async with Network(block) as network:
        await block.send("a")
        block.complete()
        await wait_all_tasks_blocked()
        network.cancel()
    account = network.balance()["lines"]
    assert (account.accepted, account.consumed, account.discarded) == (1, 1, 0)


async def test_a_call_that_waits_for_ever_is_a_standstill() -> None:
    never = UnboundedBuffer[str](name="never")

    async def split(text: str) -> list[str]:
        return [text]

    async def flush() -> list[str]:
        return [await never.receive()]

    block = TransformMany(split, at_end=flush, name="lines")
    linked(block)
    with faults(Stalled) as found:
        await run(block, ["a"])
    assert "lines" in str(found[0])


# Failures


@pytest.mark.parametrize("policy", ["fail", "skip", "dead letter"])
async def test_its_failure_is_a_fault_whatever_the_policy(policy: str) -> None:
    dead = UnboundedBuffer[ErrorInfo]()
    policies: dict[str, Any] = {"fail": "fail", "skip": Skip(), "dead letter": DeadLetter(dead)}
    block = TransformMany(str.split, at_end=fail, on_error=policies[policy], name="lines")
    linked(block)
    with faults(ValueError) as found:
        async with Network(block) as network:
            await block.send("a b")
    assert notes(found[0]) == ["raised by at_end, behind item 1", "in lines"]
    account = network.balance()["lines"]
    assert (account.accepted, account.consumed, account.produced, account.dropped) == (1, 1, 2, {})
    assert network.statistics()["lines"].failed == 0
    assert len(dead) == 0


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("where", ["plain", "async", "threads"])
@pytest.mark.parametrize("backoff", [0.0, 0.001])
async def test_it_is_called_again_by_retry(where: str, backoff: float) -> None:
    calls = 0

    def flush() -> list[str]:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ValueError(calls)
        return ["end"]

    async def split(text: str) -> list[str]:
        return text.split()

    function: Any = split if where == "async" else str.split
    block: TransformMany[str, str] = TransformMany(
        function,
        at_end=flush,
        on_error=Retry(2, backoff=backoff, then="skip"),
        executor=Threads(1) if where == "threads" else None,
        name="lines",
    )
    collector = linked(block)
    network = await run(block, ["a"])
    assert contents(collector) == ["a", "end"]
    statistics = network.statistics()["lines"]
    assert (statistics.retried, statistics.consumed, statistics.failed) == (2, 1, 0)


async def test_after_the_last_try_it_is_a_fault() -> None:
    block = TransformMany(str.split, at_end=fail, on_error=Retry(1, then="skip"), name="lines")
    linked(block)
    with faults(ValueError) as found:
        await run(block, ["a"])
    assert "raised by at_end, behind item 1" in notes(found[0])


async def test_it_comes_behind_items_that_are_tried_again() -> None:
    seen: list[str] = []

    def split(text: str) -> list[str]:
        seen.append(text)
        if seen == ["a", "b"]:
            raise ValueError(text)
        return [text]

    block = TransformMany(split, at_end=lambda: [f"end of {seen}"], on_error=Retry(1, backoff=1))
    collector = linked(block)
    await run(block, "ab")
    assert contents(collector)[-1] == "end of ['a', 'b', 'b']"


@pytest.mark.usefixtures("real_time")
async def test_so_it_does_in_threads() -> None:
    seen: list[str] = []

    def split(text: str) -> list[str]:
        seen.append(text)
        if seen == ["a", "b"]:
            raise ValueError(text)
        return [text]

    block = TransformMany(
        split, at_end=lambda: [f"end of {seen}"], on_error=Retry(1, backoff=0.01), executor=Threads(2)
    )
    collector = linked(block)
    await run(block, "ab")
    assert contents(collector)[-1] == "end of ['a', 'b', 'b']"


async def test_it_has_the_time_limit_of_an_item() -> None:
    async def split(text: str) -> list[str]:
        return [text]

    async def flush() -> list[str]:
        await trio.sleep(3)
        return []

    block = TransformMany(split, at_end=flush, time_limit=2, on_error="skip", name="lines")
    linked(block)
    with faults(TimeLimitExceeded) as found:
        await run(block, ["a"])
    assert str(found[0]) == "transform-many 'lines': at_end was not done within its time limit of 2 s"


async def test_what_it_must_not_return_is_refused() -> None:
    async def later() -> list[str]:
        return []

    block = TransformMany[str, str](str.split, at_end=lambda: later(), name="lines")
    linked(block)
    with faults(TypeError) as found:
        await run(block, ["a"])
    assert "the function of transform-many 'lines' returned a coroutine" in str(found[0])


async def test_an_async_generator_at_the_end_is_closed_when_the_network_stops() -> None:
    class Unending(Lines):
        def __init__(self) -> None:
            super().__init__()
            self.is_closed = False

        async def flush_one_by_one(self) -> AsyncIterator[str]:
            try:
                while True:
                    yield "more"
            finally:
                self.is_closed = True

    lines = Unending()
    block = async_generators(lines, {"window": 1})
    async with Network(block) as network:
        block.complete()
        assert await block.receive() == "more"
        network.cancel()
    assert lines.is_closed
    assert network.balance().ok


# Construction


async def split_later(text: str) -> list[str]:
    return [text]


@pytest.mark.parametrize(
    ("function", "options", "kind", "message"),
    [
        (str.split, {"at_end": 3}, TypeError, "at_end must be a function without arguments, got 3"),
        (
            str.split,
            {"at_end": Lines().flush_later},
            TypeError,
            "at_end is async and the function is not; make both async, or give a plain at_end",
        ),
        (
            str.split,
            {"at_end": Lines().flush_one_by_one},
            TypeError,
            "at_end is async and the function is not",
        ),
        (split_later, {"at_end": fail, "concurrency": 3}, ValueError, "at_end= needs concurrency=1, got 3"),
        (
            str.split,
            {"at_end": fail, "executor": Processes(2)},
            ValueError,
            "give the block a Processes(1) of its own, got 2 workers",
        ),
        (
            str.split,
            {"at_end": fail, "executor": Threads(2, worker_init=Lines)},
            ValueError,
            "give the block a Threads(1) of its own, got 2 workers",
        ),
        (str.split, {"at_end": threading.Lock().acquire, "executor": Processes(1)}, TypeError, "cannot be pickled"),
        (
            str.split,
            {"at_end": fail, "executor": ProcessPoolExecutor(1)},
            TypeError,
            "at_end= needs one place for what the function holds",
        ),
    ],
)
def test_what_would_scatter_the_state_is_refused(
    function: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=f"transform-many 'lines': .*{re.escape(message)}"):
        TransformMany(function, name="lines", **options)


# Other places, and what looks on


@pytest.mark.usefixtures("real_time")
async def test_the_state_of_a_worker_is_one_place_too() -> None:
    def split(text: str) -> list[str]:
        lines: list[str] = worker_state().split(text)
        return lines

    def flush() -> list[str]:
        lines: list[str] = worker_state().flush()
        return lines

    block = TransformMany(split, at_end=flush, executor=Threads(1, worker_init=Lines))
    collector = linked(block)
    await run(block, TEXTS)
    assert contents(collector) == RESULT


@pytest.mark.usefixtures("real_time")
async def test_a_second_worker_without_that_state_is_noticed() -> None:
    executor = Threads(1, worker_init=threading.get_ident)
    first, second = TransformMany(many, executor=executor, name="first"), UnboundedBuffer[Any]()
    first.link_target(BoundedBuffer[int](1, name="full"))
    keeps: TransformMany[int, int] = TransformMany(
        lambda item: [item], at_end=lambda: [worker_state()], executor=executor, name="keeps"
    )
    keeps.link_target(second)
    with faults(RuntimeError) as found:
        async with Network(first, keeps):
            await keeps.send(1)
            assert await second.receive() == 1
            await first.send(10_000_000)  # its worker waits for room; another one starts
            await comes_true(lambda: first._core.runner.waits_for_room)
            await keeps.send(2)
            await second.receive()
    assert "give the block a Threads(1) of its own" in str(found[0])


@pytest.mark.usefixtures("real_time")
async def test_a_process_that_dies_with_what_it_holds_is_a_fault() -> None:
    block: TransformMany[str, str] = lists(Fragile(), {"executor": Processes(1), "on_error": "skip"})
    linked(block)
    with faults(RuntimeError) as found:
        async with Network(block) as network:
            for text in ("one", "die"):
                await block.send(text)
    assert str(found[0]).startswith(
        "transform-many 'lines': the state that its function held for at_end= is lost: the worker process that had it "
    )
    assert network.balance()["lines"].dropped == {"skipped": 1}


request: ContextVar[str] = ContextVar("request", default="nobody")


async def test_it_sees_the_context_of_the_network() -> None:
    def see(item: str) -> list[str]:
        return [f"{item} {request.get()}"]

    block: TransformMany[str, str] = TransformMany(see, at_end=lambda: see("end"), context=True)
    block.link_target(behind := TransformMany(see, context=True))
    collector = linked(behind)
    request.set("network")
    async with Network(block):
        request.set("alice")
        await block.send("item")
    assert contents(collector) == ["item alice alice", "end network network"]


async def test_a_governor_counts_what_it_gives_and_not_the_call() -> None:
    block = TransformMany(str.split, at_end=lambda: ["end"], name="lines")
    end: Call[str] = Call(len)
    block.link_target(end)
    governor = PipelineGovernor(limit=1)
    governor.govern(block, end)
    network = await run(block, ["a b", "c"])
    assert network.balance()[end.name].consumed == 4


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("where", ["list", "generator", "async list", "async generator", "threads", "process"])
async def test_a_recording_shows_the_call_and_what_came_of_it(where: str) -> None:
    lines = Lines()
    block = EVERYWHERE[where](lines, {})
    block.link_target(end := Call(len, name="end"))
    recording = Recording()
    async with Network(block, end, recording=recording):
        for text in TEXTS:
            await block.send(text)
    spans = {span.label: span.item for span in recording.spans if span.stage == "lines" and span.label}
    assert list(spans) == [*map(repr, TEXTS), "<the end of the input>"]
    (last,) = [span.item for span in recording.spans if span.stage == "end" and span.label == "'four'"]
    assert last == spans["<the end of the input>"]


def test_the_end_is_one_object_everywhere() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(END)) is END


async def test_a_call_that_holds_the_loop_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def flush() -> Iterator[str]:
        nonlocal now
        now += 0.3
        yield "end"

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    block = TransformMany(str.split, at_end=flush, name="lines")
    linked(block)
    with pytest.warns(LoopHeldWarning, match="transform-many 'lines' held the event loop for 300 ms"):
        await run(block, ["a"])


async def test_a_circle_is_complete_before_the_last_call() -> None:
    held: list[int] = []

    def halve(number: int) -> list[int]:
        held.append(number)
        return [number // 2]

    block = TransformMany(halve, at_end=lambda: [-sum(held)])
    block.link_target(block, filter=lambda number: number > 0)
    results: UnboundedBuffer[int] = UnboundedBuffer()
    block.link_target(results)
    await run(block, [5])
    assert contents(results) == [0, -8]


def test_only_an_executor_that_is_one_is_taken() -> None:
    wrong: Any = Executor
    with pytest.raises(TypeError, match="executor must be"):
        TransformMany(str.split, at_end=fail, executor=wrong)
