"""Networks that wait for each other: the one that looks first is stalled, and one that is at work is waited for."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from penstock.agents import Service
from penstock.blocks import (
    BoundedBuffer,
    Call,
    IterableSource,
    Network,
    Rate,
    Retry,
    Stalled,
    Threads,
    Timer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.engine import pump
from penstock.blocks.liveness import standstill
from penstock.blocks.liveness.standstill import gets_nothing
from tests.blocks.tools import leaves


def told(error: BaseException) -> str:
    """What the first `Stalled` in an exception group says."""
    return next(str(found) for found in leaves(error) if isinstance(found, Stalled))


async def test_a_circle_of_questions_over_two_networks_is_named(autojump_clock: MockClock) -> None:
    async def ask_second(question: int) -> int:
        return await second.ask(question)

    async def ask_first(question: int) -> int:
        return await first.ask(question)

    first, second = Service(ask_second, name="first"), Service(ask_first, name="second")
    with pytest.raises(ExceptionGroup) as caught:
        async with Network(first, name="A"), Network(second, name="B"):
            await first.ask(1)
    text = told(caught.value)
    assert "in a circle:" in text
    assert re.search(r"task 'first worker 1' waits for the answer to request \d+ to service 'second'", text)


async def test_two_networks_that_send_to_each_other_are_stalled_if_both_are_full(autojump_clock: MockClock) -> None:
    async def send_to_b(item: int) -> None:
        await b.send(item)
        await b.send(item)

    async def send_to_a(item: int) -> None:
        await a.send(item)
        await a.send(item)

    a, b = Call(send_to_b, capacity=1, name="a"), Call(send_to_a, capacity=1, name="b")

    async def run() -> None:
        async with Network(a, name="A"), Network(b, name="B"):
            for item in range(9):
                await a.send(item)

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert "waits to send 0 to call 'b': it is full (1 of 1)" in told(caught.value)


async def test_the_body_of_a_network_that_waits_for_another_one_in_it_is_stalled_too(
    autojump_clock: MockClock,
) -> None:
    outer: BoundedBuffer[int] = BoundedBuffer(1, name="outer")
    sender = Call(outer.send, capacity=1, name="sender")

    async def run() -> None:
        async with Network(outer, name="around"), Network(sender, name="inside"):
            for item in range(9):
                await sender.send(item)

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert "waits to send 1 to bounded buffer 'outer'" in told(caught.value)


async def results_of(function: Callable[[int], Awaitable[int]]) -> list[int]:
    """Call a function with three numbers in a network; return its results."""
    got: list[int] = []
    source, block = IterableSource(range(3)), Transformer(function)
    source.link_target(block)
    block.link_target(Call(got.append))
    async with Network(source, name="waits"):
        pass
    return got


async def slowly(item: int) -> int:
    await trio.sleep(30)
    return item


def late() -> Service[int, int]:
    return Service(slowly)


def seldom() -> Service[int, int]:
    return Service(slowly, concurrency=2, rate=Rate(1, seconds=40))


def again() -> Service[int, int]:
    failed: set[int] = set()

    async def function(item: int) -> int:
        if item not in failed:
            failed.add(item)
            raise OSError
        return item

    return Service(function, on_error=Retry(2, backoff=30))


@pytest.mark.parametrize("make", [late, seldom, again])
async def test_one_that_is_at_work_is_waited_for(autojump_clock: MockClock, make: Callable[[], Any]) -> None:
    service = make()

    async def ask(item: int) -> int:
        answer: int = await service.ask(item)
        return answer

    async with Network(service, name="service"):
        got = await results_of(ask)
    assert got == [0, 1, 2]


@pytest.mark.usefixtures("real_time")
async def test_one_whose_thread_works_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    has_looked = threading.Event()

    def look(network: Any, place: object) -> bool:
        nonlocal looks
        looks += 1
        if looks == 5:
            has_looked.set()
        return gets_nothing(network, place)

    def wait(item: int) -> int:
        assert has_looked.wait(60)
        return item

    monkeypatch.setattr(pump, "LOOK_AGAIN", 0.001)
    monkeypatch.setattr(standstill, "gets_nothing", look)
    service = Service(wait, executor=Threads(1))

    async def ask(item: int) -> int:
        return await service.ask(item)

    async with Network(service, name="service"):
        assert await results_of(ask) == [0, 1, 2]
    assert looks >= 5


async def test_one_whose_timer_runs_is_waited_for(autojump_clock: MockClock) -> None:
    ticks = UnboundedBuffer[float]()

    async def wait_for_tick(item: int) -> int:
        await ticks.receive()
        return item

    async with Network(timer := Timer(30, 1.0, repeating=True), name="clock"):
        timer.link_target(ticks)
        timer.start()
        got = await results_of(wait_for_tick)
        timer.stop()
    assert got == [0, 1, 2]


async def test_one_with_a_slow_source_is_waited_for(autojump_clock: MockClock) -> None:
    async def slow() -> AsyncIterator[int]:
        for item in range(3):
            await trio.sleep(30)
            yield item

    results = UnboundedBuffer[int]()

    async def wait_for_result(item: int) -> int:
        return await results.receive()

    async with Network(feed := IterableSource(slow()), name="feed"):
        feed.link_target(results)
        got = await results_of(wait_for_result)
    assert got == [0, 1, 2]


async def test_a_paused_one_is_waited_for_while_a_task_can_resume_it(autojump_clock: MockClock) -> None:
    service = Service[int, int](lambda item: item)

    async def ask(item: int) -> int:
        return await service.ask(item)

    async def go_on() -> None:
        await trio.sleep(30)
        service.resume()

    async with Network(service, name="service"):
        await service.pause()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(go_on)
            got = await results_of(ask)
    assert got == [0, 1, 2]
