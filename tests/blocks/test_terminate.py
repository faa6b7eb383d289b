"""Networks that are ended in steps: they take no more, drain, and cancel what is late."""

import threading
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, Service
from penstock.blocks import (
    BoundedBuffer,
    Call,
    Declined,
    IterableSource,
    Join,
    Network,
    Stalled,
    Threads,
    Timer,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults, linked


async def slowly(n: int) -> int:
    """Give the number after a second."""
    await trio.sleep(1)
    return n


def endless() -> Any:
    """Numbers without an end."""
    n = 0
    while True:
        yield n
        n += 1


async def test_what_is_there_drains(autojump_clock: object) -> None:
    source, timer, call = IterableSource(endless()), Timer(0.5, -1, repeating=True), Call[int](print)
    timer.start()
    work = Transformer(slowly, capacity=3)
    source.link_target(work)
    results, ticks = linked(work), linked(timer)
    async with Network(source, timer, call) as network:
        await trio.sleep(2.6)
        balance = await network.terminate()
        assert all(network.balance()[block.name].held == 0 for block in (source, work, timer))
        assert balance.discarded == 0
        with pytest.raises(Declined):
            await call.send(1)
        assert (await network.terminate()).discarded == 0  # a second call finds it drained
    found = contents(results)
    assert found == list(range(len(found)))
    assert 3 <= len(found) < 20
    assert len(ticks) == 5
    assert (await network.terminate(drain=1)).discarded == 0  # so does one after the end
    assert not network.cancel_called


async def test_the_body_goes_on_after_it(autojump_clock: object) -> None:
    work = Transformer(slowly, concurrency=2)
    done: list[int] = []
    work.link_target(Call(done.append))
    async with trio.open_nursery() as nursery, Network(work, Service(slowly), time_limit=1_000_000) as network:
        for n in range(3):
            await work.send(n)
        for _ in range(2):
            nursery.start_soon(network.terminate)
        await network.terminate()
        assert done == [0, 1, 2]
        await trio.sleep(100)
        with pytest.raises(RuntimeError, match="was terminated and has drained; it takes no more"):
            work.link_target(UnboundedBuffer[int]())
        done.append(3)
    assert done == [0, 1, 2, 3]
    assert trio.current_time() < 1_000  # the task of the limit has ended with the body
    assert not network.cancel_called


async def test_what_has_not_drained_in_time_is_discarded_and_counted(autojump_clock: object) -> None:
    work = Transformer(slowly)
    results: list[int] = []
    work.link_target(Call(results.append))
    lines: list[str] = []
    async with Network(work) as network:
        for n in range(10):
            await work.send(n)
        balance = await network.terminate(drain=2.5, cancel=1)
        assert trio.current_time() == 2.5
        lines.append("the body goes on up to its next wait")
        assert balance[work.name].discarded == 8
        assert balance.ok
        await trio.sleep(1)
        lines.append("not here")
    assert lines == ["the body goes on up to its next wait"]
    assert results == [0, 1]
    assert network.cancel_called
    assert network.balance().discarded == 8


async def test_nothing_more_is_worked_on_without_time_to_drain(autojump_clock: object) -> None:
    work = Transformer(slowly)
    results = linked(work)
    async with Network(work, paused=True) as network:
        await work.send(1)
        assert (await network.terminate(drain=0, cancel=1)).discarded == 1
    assert contents(results) == []


async def test_a_paused_network_goes_on_to_drain(autojump_clock: object) -> None:
    work = Transformer(slowly)
    results = linked(work)
    async with Network(work, paused=True) as network:
        await work.send(1)
        assert (await network.terminate(drain=5)).discarded == 0
        assert trio.current_time() == 1
    assert contents(results) == [1]


async def test_an_agent_that_makes_its_messages_is_told(autojump_clock: object) -> None:
    class Beats(Agent):
        def __init__(self, target: Any) -> None:
            super().__init__(outputs=[target])
            self.target = target

        async def run(self) -> None:
            while not self.should_terminate:
                await self.target.send("beat")
                await trio.sleep(1)

    for way in ("terminate", "body", "cancel"):
        beats: list[str] = []
        agent = Beats(Call(beats.append))
        async with Network(agent) as network:
            assert not agent.should_terminate
            await trio.sleep(2.5)
            if way == "terminate":
                await network.terminate(drain=5)
                assert agent.is_done
            elif way == "cancel":
                agent.cancel()
                assert agent.should_terminate
        assert beats == ["beat"] * 3
        assert not network.cancel_called


async def test_a_service_and_a_reading_body_end_when_another_task_terminates(autojump_clock: object) -> None:
    service = Service(slowly)
    numbers = UnboundedBuffer[int]()
    got: list[int] = []
    balances: list[Any] = []

    async def ends() -> None:
        await trio.sleep(3)
        balances.append(await network.terminate(drain=5))

    async with trio.open_nursery() as nursery, Network(service, numbers) as network:
        nursery.start_soon(ends)
        await numbers.send(await service.ask(1))
        got.extend([number async for number in numbers])
        assert trio.current_time() == 3
    assert got == [1]
    assert balances[0].ok


async def test_a_body_that_waits_for_ever_is_cancelled(autojump_clock: object) -> None:
    async def ends() -> None:
        await network.terminate(drain=1.5, cancel=1)

    work = Transformer(slowly)
    work.link_target(Call(abs))
    async with trio.open_nursery() as nursery:
        async with Network(work) as network:
            for n in range(3):
                await work.send(n)
            nursery.start_soon(ends)
            await trio.sleep_forever()
        assert trio.current_time() == 1.5
    assert network.balance()[work.name].discarded == 2


async def test_what_can_never_drain_is_stalled() -> None:
    call = Call[int](print)
    full = BoundedBuffer[int](2)
    full.link_target(call, filter=lambda n: n > 1)
    with faults(Stalled) as found:
        async with Network(full) as network:
            await full.send(1)
            await network.terminate(drain=1e6)
    assert "a filter on the way to" in str(found[0])


async def test_a_call_in_a_thread_may_end_later(real_time: None) -> None:
    go, begun = threading.Event(), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def waits(n: int) -> int:
        token.run_sync_soon(begun.set)
        go.wait(60)
        return n

    work = Transformer(waits, executor=Threads(1))
    linked(work)
    async with Network(work) as network:
        await work.send(1)
        await begun.wait()
        balance = await network.terminate(drain=0.01, cancel=0.01)
        assert balance.ok
        assert (balance.held, balance.discarded) == (1, 0)
        go.set()
    assert network.balance().discarded == 1


async def test_it_cannot_be_called_too_early_or_from_inside() -> None:
    class Ends(Agent):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(network.terminate)

    network = Network(Ends(name="ends"), name="flow")
    with pytest.raises(RuntimeError, match="'flow' does not run yet"):
        await network.terminate()
    with faults(RuntimeError) as found:
        async with network:
            pass
    assert "a task that it has started cannot wait for its end" in str(found[0])
    for drain, cancel in ((-1, 0), (None, float("nan"))):
        with pytest.raises(ValueError, match="must be a number >= 0"):
            await network.terminate(drain, cancel)


async def test_a_wait_for_the_end_in_another_task_does_not_hide_a_standstill() -> None:
    first, second = UnboundedBuffer[int](name="first"), UnboundedBuffer[int](name="second")
    linked(Join(first, second))
    network = Network(first)

    async def end() -> None:
        await wait_all_tasks_blocked()
        assert len(first) == 1
        balance = await network.terminate()
        assert balance["first"].discarded == 1

    with faults(Stalled) as found:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end, name="end")
            async with network:
                await first.send(1)
                await trio.sleep_forever()
    assert "task 'end' waits to terminate" in str(found[0])


async def test_what_needs_the_rest_of_a_run_settles_while_another_task_waits_for_the_end() -> None:
    numbers = UnboundedBuffer[int](name="numbers")
    agreed: list[int] = []

    class Echo(Agent):
        async def run(self) -> None:
            async for number in numbers:
                agreed.append(number)
                if number > 1:
                    await numbers.send(number // 2)

    network = Network(Echo(inputs=[numbers], outputs=[numbers]))

    async def end() -> None:
        assert not numbers.is_finished
        await network.terminate()

    async with trio.open_nursery() as nursery, network:
        await numbers.send(8)
        nursery.start_soon(end)
        await wait_all_tasks_blocked()
    assert agreed == [8, 4, 2, 1]
