"""Blocks and networks that are paused and resumed: nothing is lost, and nothing waits unnoticed."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import Agent, Mailbox, PipelineGovernor, Service
from penstock.blocks import (
    BoundedBuffer,
    Call,
    IterableSource,
    Network,
    Rate,
    Retry,
    Stalled,
    Threads,
    TimeLimit,
    TimeLimitExceeded,
    Timer,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked


async def slowly(n: int) -> int:
    """Give the number after a second."""
    await trio.sleep(1)
    return n


def third(n: Any) -> int:
    """A key."""
    return int(n) % 3


def kinds() -> dict[str, Any]:
    """A block of each kind of runner, which takes a second an item (on the loop: no time)."""
    pool = OnLoop(1.0, 2)
    return {
        "loop": Transformer(abs),
        "tasks": Transformer(slowly, concurrency=2),
        "tasks by key": Transformer(slowly, concurrency=2, key=third),
        "executor": Transformer(abs, executor=pool, concurrency=2, time_limit=99),
        "executor by key": Transformer(abs, executor=pool, concurrency=2, key=third),
        "expanding": TransformMany(lambda n: [n]),
        "at a rate": Transformer(abs, rate=Rate(1)),
    }


KINDS = tuple(kinds())


class PassOn(Agent):
    """Reads numbers and sends them on."""

    def __init__(self, source: BoundedBuffer[int], target: Call[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for number in self.source:
            await trio.sleep(0.3)
            await self.target.send(number)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_paused_block_starts_nothing_and_goes_on_after_it(kind: str, autojump_clock: object) -> None:
    block = kinds()[kind]
    results = linked(block)
    async with Network(block) as network:
        for n in range(4):
            await block.send(n)
        await trio.sleep(0.5)
        await block.pause()
        assert block.is_paused
        assert network.is_paused
        assert network.statistics()[block.name].in_work == 0
        before = len(results)
        for n in range(4, 8):
            await block.send(n)
        await trio.sleep(100)
        assert len(results) == before
        await block.pause()  # only waits
        block.resume()
        block.resume()
        assert not block.is_paused
    assert sorted(contents(results)) == list(range(8))
    assert network.balance().ok


async def test_a_full_paused_block_makes_its_senders_wait(autojump_clock: object) -> None:
    call = Call[int](print, capacity=2)
    async with Network(call), trio.open_nursery() as nursery:
        await call.pause()
        await call.send(1)
        await call.send(2)
        nursery.start_soon(call.send, 3)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            call.send_nowait(4)
        await trio.sleep(5)
        call.resume()


async def ticks() -> AsyncIterator[int]:
    for n in range(6):
        yield n
        await trio.sleep(1)


@pytest.mark.parametrize("kind", ["plain", "async", "threads"])
async def test_a_paused_source_reads_no_further(kind: str, autojump_clock: object, real_time: None) -> None:
    source: IterableSource[int] = {
        "plain": lambda: IterableSource(range(6)),
        "async": lambda: IterableSource(ticks()),
        "threads": lambda: IterableSource(range(6), executor=Threads(1)),
    }[kind]()
    results = linked(source)
    async with Network(source) as network:
        await source.pause()
        await wait_all_tasks_blocked()
        before = len(results)
        await trio.sleep(0.01 if kind == "threads" else 3)
        assert len(results) == before
        source.resume()
    assert contents(results) == list(range(6))
    assert network.balance().ok


async def test_an_item_that_an_async_source_has_read_is_counted_if_the_network_stops(autojump_clock: object) -> None:
    source = IterableSource(ticks())
    results = linked(source)
    async with Network(source) as network:
        await trio.sleep(0.5)
        await source.pause()
        await trio.sleep(3)
        network.cancel()
    assert network.balance().ok
    assert network.balance().discarded == 2  # one in the source, and one that nothing had taken
    assert not len(results)


async def test_a_network_is_paused_as_a_whole(autojump_clock: object) -> None:
    source = IterableSource(range(20))
    work = Transformer(slowly, concurrency=2)
    timer = Timer(3, "tick", repeating=True)
    timer.start()
    idle = Timer(3, "never")
    source.link_target(work)
    results, given_ticks = linked(work), linked(timer)
    async with Network(source, timer, idle, progress_limit=30) as network:
        await trio.sleep(2.5)
        await network.pause()
        assert network.is_paused
        assert not timer.is_running
        done, ticked = len(results), len(given_ticks)
        await trio.sleep(100)
        assert (len(results), len(given_ticks)) == (done, ticked)
        network.resume()
        assert timer.is_running
        assert not idle.is_running
        await trio.sleep(20)
    assert contents(results) == list(range(20))
    assert network.balance().ok


def started_timer() -> Timer[int]:
    timer = Timer(1, 0)
    timer.start()
    return timer


async def three() -> AsyncGenerator[int]:
    for number in range(3):
        await trio.sleep(1)
        yield number


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: IterableSource(range(3)), [0, 1, 2]),
        (lambda: IterableSource(three()), [0, 1, 2]),
        (started_timer, [0]),
    ],
)
async def test_a_source_that_is_paused_when_the_body_ends_goes_on_after_it(
    make: Callable[[], IterableSource[int] | Timer[int]], expected: list[int], autojump_clock: object
) -> None:
    source = make()
    work = Transformer(slowly)
    source.link_target(work)
    results = linked(work)
    network = Network(source)

    async def resume() -> None:
        await trio.sleep(20)
        assert network.is_paused
        network.resume()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(resume)
        async with network:
            await network.pause()
    assert contents(results) == expected


async def test_a_paused_agent_may_still_ask_when_the_body_has_ended(autojump_clock: object) -> None:
    box = Mailbox[int, int]()
    answers: list[int] = []

    class Asks(Agent):
        async def run(self) -> None:
            answers.append(await box.ask(1))

    class Doubles(Agent):
        async def run(self) -> None:
            async for request in box:
                request.reply(2 * request.body)

    asks = Asks()
    network = Network(asks, Doubles(inputs=[box]))

    async def resume() -> None:
        await trio.sleep(20)
        asks.resume()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(resume)
        async with network:
            await asks.pause()
    assert answers == [2]


async def test_the_progress_limit_goes_on_after_the_pause(autojump_clock: object) -> None:
    buffer = UnboundedBuffer[int]()
    call = Call(slowly)
    buffer.link_target(call)
    with faults(TimeLimitExceeded):
        async with Network(buffer, progress_limit=TimeLimit(fail=5)) as network:
            await network.pause()
            await trio.sleep(50)
            network.resume()
            await trio.sleep(50)


async def test_pause_waits_for_tries_that_are_still_to_come(autojump_clock: object) -> None:
    tries: list[float] = []

    def flaky(n: int) -> int:
        tries.append(trio.current_time())
        if len(tries) < 3:
            raise OSError
        return n

    block = Transformer(flaky, on_error=Retry(3, backoff=2, jitter=0))
    results = linked(block)
    async with Network(block):
        await block.send(1)
        await wait_all_tasks_blocked()
        await block.pause()
        assert contents(results) == [1]
        block.resume()


async def test_who_waits_for_the_pause_is_woken_when_the_network_stops(autojump_clock: object) -> None:
    call = Call(slowly)

    async def pause() -> None:
        with pytest.raises(trio.BrokenResourceError, match="call 'slowly' cannot be paused"):
            await call.pause()

    async with trio.open_nursery() as nursery, Network(call) as network:
        await call.send(1)
        await wait_all_tasks_blocked()
        nursery.start_soon(pause)
        await wait_all_tasks_blocked()
        network.cancel()


async def test_a_wait_for_the_pause_can_be_cancelled_and_the_pause_stays(autojump_clock: object) -> None:
    call = Call(slowly)
    async with Network(call):
        await call.send(1)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0.1):
            await call.pause()
        assert call.is_paused
        call.resume()


async def test_while_it_can_be_resumed_it_is_not_stalled(autojump_clock: object) -> None:
    call = Call(slowly)

    async def resume_later() -> None:
        await trio.sleep(1000)
        call.resume()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(resume_later)
        async with Network(call) as network:
            await call.pause()
            await call.send(1)
        assert network.statistics()["slowly"].service.count == 1


async def test_when_nothing_can_resume_it_it_says_so() -> None:
    call = Call(print)
    with faults(Stalled) as found:
        async with Network(call):
            await call.pause()
            await call.send(1)
    text = str(found[0])
    assert "<Call 'print' open, 1 waiting, 0 in work>: it is paused since" in text
    assert "call resume() of call 'print', or of the network" in text


async def test_a_paused_block_that_is_empty_ends_with_its_network() -> None:
    call = Call(print)
    async with Network(call):
        await call.pause()
    assert call.is_finished
    assert call.is_paused


async def test_another_thread_may_not_pause(real_time: None) -> None:
    call = Call(print)

    def other() -> str:
        with pytest.raises(RuntimeError) as caught:
            call.resume()
        return str(caught.value)

    async with Network(call):
        assert "resume call 'print'" in await trio.to_thread.run_sync(other)


async def test_questions_wait_while_a_service_is_paused(autojump_clock: object) -> None:
    service = Service[int, int](abs)
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await service.ask(-1))

    async with Network(service), trio.open_nursery() as nursery:
        await service.pause()
        nursery.start_soon(ask)
        await trio.sleep(5)
        assert not answers
        service.resume()
    assert answers == [1]


@given(
    kind=st.sampled_from(KINDS),
    pauses=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), max_size=4),
    governed=st.booleans(),
    agent=st.booleans(),
    capacity=st.integers(2, 4),
)
def test_nothing_is_lost_however_often_it_is_paused(
    kind: str, pauses: list[tuple[float, float]], governed: bool, agent: bool, capacity: int
) -> None:
    block = kinds()[kind]
    source, last = IterableSource(range(12)), BoundedBuffer[int](capacity)
    source.link_target(block)
    block.link_target(last)
    seen: list[int] = []
    call = Call(seen.append)
    if agent:
        PassOn(last, call)
    else:
        last.link_target(call)
    if governed:
        PipelineGovernor(3).govern(block, last if agent else call)

    async def main() -> None:
        with trio.fail_after(1000):
            async with Network(source, paused=bool(pauses)) as network:
                network.resume()
                for before, during in pauses:
                    await trio.sleep(before)
                    await network.pause()
                    assert network.statistics()[block.name].in_work == 0
                    done = len(seen)
                    await trio.sleep(during)
                    assert len(seen) == done
                    network.resume()
            assert network.balance().ok

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert sorted(seen) == list(range(12))


async def test_a_task_that_the_network_does_not_know_may_resume_it(autojump_clock: object) -> None:
    networks: list[Network] = []

    async def resume_later() -> None:
        await trio.sleep(10)
        networks.pop().resume()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(resume_later)
        block = Transformer(slowly)
        results = linked(block)
        async with Network(block) as network:
            networks.append(network)
            await network.pause()
            await block.send(1)
            assert await results.receive() == 1
