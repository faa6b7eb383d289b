"""What holds the loop is reported, once a block."""

import warnings
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Call,
    IterableSource,
    LoopHeldWarning,
    Network,
    Source,
    Target,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.loop_held import is_wanted
from penstock.blocks.base.timing import time_slice
from penstock.blocks.limits.step_watch import Watches, watches
from tests.blocks.tools import contents, faults, never, run

Hold = Callable[[int], None]


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Let time pass."""
    now = 0.0

    def pass_by(milliseconds: int) -> None:
        nonlocal now
        now += milliseconds / 1000

    monkeypatch.setattr(time_slice, "clock", lambda: now)
    return pass_by


@contextmanager
def heard() -> Generator[list[warnings.WarningMessage]]:
    """Keep every warning."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        yield record


def warned(record: list[warnings.WarningMessage]) -> list[str]:
    return [str(entry.message) for entry in record if entry.category is LoopHeldWarning]


async def test_it_is_reported_once_with_the_remedy_and_the_place_of_the_function(hold: Hold) -> None:
    def slow(milliseconds: int) -> None:
        hold(milliseconds)

    with pytest.warns(LoopHeldWarning) as record:
        await run(Call(slow, name="filter"), [100, 230, 400])
    assert warned(record.list) == ["call 'filter' held the event loop for 230 ms; give it executor=Threads(n)"]
    assert record.list[0].filename == __file__
    assert record.list[0].lineno == slow.__code__.co_firstlineno


async def test_every_block_reports_for_itself(hold: Hold) -> None:
    def slow(milliseconds: int) -> int:
        hold(milliseconds)
        return milliseconds

    first, second = Transformer(slow, name="first"), Call(slow, name="second")
    first.link_target(second)
    with pytest.warns(LoopHeldWarning) as record:
        await run(first, [200])
    assert len(warned(record.list)) == 2


async def test_a_function_without_code_of_its_own_is_named_by_its_block(hold: Hold) -> None:
    with pytest.warns(LoopHeldWarning) as record:
        await run(Call(partial(hold), name="filter"), [200])
    assert record.list[0].filename == "<filter>"


async def test_a_generator_that_is_slow_is_reported_too(hold: Hold) -> None:
    def parts(milliseconds: int) -> Iterator[int]:
        hold(milliseconds)
        yield 1

    block: TransformMany[int, Any] = TransformMany(parts, name="parts")
    block.link_target(Call(abs))
    with pytest.warns(LoopHeldWarning, match="transform-many 'parts' held the event loop for 150 ms"):
        await run(block, [150])


async def test_a_source_that_is_slow_is_reported_once(hold: Hold) -> None:
    def slow() -> Iterator[int]:
        for n in range(3):
            hold(300)
            yield n

    source: IterableSource[int] = IterableSource(slow(), name="reader")
    source.link_target(Call(abs))
    with pytest.warns(LoopHeldWarning) as record:
        async with Network(source):
            pass
    assert warned(record.list) == ["source 'reader' held the event loop for 300 ms; give it executor=Threads(1)"]


async def test_an_asynchronous_source_that_does_not_wait_is_reported_and_one_that_waits_is_not(hold: Hold) -> None:
    async def read(waits: bool) -> AsyncIterator[int]:
        for n in range(2):
            for _ in range(4):
                hold(75)
                if waits:
                    await trio.lowlevel.checkpoint()
            yield n

    for waits in (True, False):
        source: IterableSource[int] = IterableSource(read(waits), name="reader")
        source.link_target(Call(abs))
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            async with Network(source):
                pass
        expected = "source 'reader' held the event loop for 300 ms; its asynchronous iterable does not wait in between"
        assert warned(record) == [] if waits else [expected]


async def test_an_async_function_that_does_not_wait_is_reported_once(hold: Hold) -> None:
    async def slow(milliseconds: int) -> None:
        hold(milliseconds)

    with pytest.warns(LoopHeldWarning) as record:
        await run(Call(slow, name="filter"), [200, 300])
    assert warned(record.list) == [
        "call 'filter' held the event loop for 200 ms; its async function does not wait in between; make it a plain "
        "function with executor=Threads(n)"
    ]


@pytest.mark.parametrize("where", ["link", "block", "weight"])
async def test_what_a_step_calls_besides_a_function_is_reported_once(hold: Hold, where: str) -> None:
    def slow(item: Any) -> bool:
        hold(200)
        return True

    source: IterableSource[int] = IterableSource(range(3), name="source")
    end: Call[int] = Call(abs, filter=slow if where == "block" else None, name="end")
    source.link_target(end, filter=slow if where == "link" else None)
    if where == "weight":
        PipelineGovernor(limit=1000, weight=lambda item: int(slow(item))).govern(end, end)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        async with Network(source):
            pass
    (message,) = warned(record)
    assert message.startswith("a step of source 'source' held the event loop for ")
    assert "a filter, a key or a weight that it calls is slow" in message


async def test_what_a_function_has_taken_is_not_reported_as_a_step_too(hold: Hold) -> None:
    def slow(milliseconds: int) -> bool:
        hold(milliseconds)
        return True

    block = Transformer(slow, name="slow")
    block.link_target(Call(abs, name="end"), filter=lambda _: slow(150))
    with pytest.warns(LoopHeldWarning) as record:
        await run(block, [200, 200])
    assert [message.partition(" ms")[0] for message in warned(record.list)] == [
        "transformer 'slow' held the event loop for 200",
        "a step of transformer 'slow' held the event loop for 150",
    ]


# What runs in tasks

ADVICE = (
    "; run slow code in a thread, with `await trio.to_thread.run_sync(…)`, or in a block with "
    "executor=Threads(n); a filter, a key or a weight that is called when it sends counts as its own"
)


class Slow(Agent):
    """Hands on what it reads, and takes its time for it."""

    def __init__(self, source: Source[int], target: Target[int], hold: Hold, name: str = "slow") -> None:
        super().__init__(inputs=[source], outputs=[target], name=name)
        self.source, self.target, self.hold = source, target, hold

    async def run(self) -> None:
        async for milliseconds in self.source:
            self.hold(milliseconds)
            await self.target.send(milliseconds)


class Once(Agent):
    """Takes its time, and fails if it is to."""

    def __init__(self, hold: Hold, fails: bool = False) -> None:
        super().__init__(name="once")
        self.hold, self.fails = hold, fails

    async def run(self) -> None:
        self.hold(200)
        if self.fails:
            raise ValueError(1)


async def test_an_async_function_that_waits_and_then_holds_the_loop_is_reported(hold: Hold) -> None:
    async def slow(milliseconds: int) -> None:
        await trio.lowlevel.checkpoint()
        hold(milliseconds)
        await trio.lowlevel.checkpoint()

    with heard() as record:
        await run(Call(slow, name="filter"), [60, 60, 200, 300])
    assert [message.partition(";")[0] for message in warned(record)] == ["call 'filter' held the event loop for 200 ms"]
    assert record[0].lineno == slow.__code__.co_firstlineno


async def test_an_agent_is_reported_once_and_by_the_place_of_its_run(hold: Hold) -> None:
    first, second = UnboundedBuffer[int](), UnboundedBuffer[int]()
    agents = [Slow(first, second, hold), Slow(second, UnboundedBuffer(), hold, name="other")]
    with heard() as record:
        async with Network(*agents):
            for milliseconds in (60, 150, 300):
                await first.send(milliseconds)
                await trio.testing.wait_all_tasks_blocked()
    assert warned(record) == [
        f"agent 'slow' held the event loop for 150 ms{ADVICE}",
        f"agent 'other' held the event loop for 150 ms{ADVICE}",
    ]
    assert record[0].filename == __file__
    assert record[0].lineno == Slow.run.__code__.co_firstlineno


@pytest.mark.parametrize("fails", [False, True])
async def test_an_agent_that_ends_with_that_is_reported_too(hold: Hold, fails: bool) -> None:
    with heard() as record, faults(ValueError) if fails else nullcontext():
        async with Network(Once(hold, fails)):
            pass
    assert warned(record) == [f"agent 'once' held the event loop for 200 ms{ADVICE}"]


async def test_the_body_is_reported(hold: Hold) -> None:
    block: Call[int] = Call(abs)
    with heard() as record:
        async with Network(block, name="n"):
            hold(200)
            await block.send(1)
    assert warned(record) == [f"the body of network 'n' held the event loop for 200 ms{ADVICE}"]
    assert record[0].filename == "<n>"


async def test_who_looks_on_from_a_nursery_in_the_body_is_reported(hold: Hold) -> None:
    async def observe(network: Network) -> None:
        await trio.lowlevel.checkpoint()
        str(network.report())
        hold(250)

    with heard() as record:
        async with Network(Call(abs)) as network, trio.open_nursery() as nursery:
            nursery.start_soon(observe, network, name="observer")
    assert warned(record) == [f"task 'observer' held the event loop for 250 ms{ADVICE}"]


async def test_a_task_outside_that_uses_a_block_is_reported_and_one_that_does_not_is_not(hold: Hold) -> None:
    block: Call[int] = Call(abs)

    async def stranger(uses: bool) -> None:
        if uses:
            await block.send(1)
        hold(200)

    with heard() as record:
        async with trio.open_nursery() as nursery, Network(block):
            nursery.start_soon(partial(stranger, True), name="user")
            nursery.start_soon(partial(stranger, False), name="stranger")
            await trio.testing.wait_all_tasks_blocked()
    assert warned(record) == [f"task 'user' held the event loop for 200 ms{ADVICE}"]


async def test_what_was_explained_while_the_warning_was_ignored_hides_nothing_later(hold: Hold) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        await run(Call(lambda _: hold(500), name="call"), [1])
    with heard() as record:
        async with Network(Call(abs), name="net"):
            hold(200)
            await trio.lowlevel.checkpoint()
    assert warned(record) == [f"the body of network 'net' held the event loop for 200 ms{ADVICE}"]


@pytest.mark.parametrize("where", ["block", "link", "weight"])
@pytest.mark.parametrize("who", ["agent", "body"])
async def test_what_is_called_when_somebody_sends_is_reported(hold: Hold, where: str, who: str) -> None:
    def slow(item: Any) -> bool:
        hold(200)
        return True

    buffer, feed = UnboundedBuffer[int](name="buffer"), UnboundedBuffer[int]()
    end: Call[int] = Call(abs, filter=slow if where == "block" else None, name="end")
    buffer.link_target(UnboundedBuffer[int](), filter=never)
    if where == "weight":
        PipelineGovernor(limit=1000, weight=lambda item: int(slow(item))).govern(end, end)
    target: Any = end
    if where == "link":
        buffer.link_target(end, filter=slow)
        target = buffer
    agent = Slow(feed, target, hold, name="agent")
    with heard() as record:
        async with Network(agent, end, buffer):
            await (feed if who == "agent" else target).send(0)
            await trio.testing.wait_all_tasks_blocked()
    culprit = "a step of unbounded buffer" if where == "link" else f"{who} "
    assert culprit in warned(record)[0]


async def test_a_function_of_on_shutdown_is_reported_by_name(hold: Hold) -> None:
    def hook() -> None:
        hold(200)

    def shut_down(network: Network) -> None:
        network.shutdown.on_shutdown(hook)
        network.shutdown.cancel()

    with heard() as record:
        async with Network(Call(abs)) as network:
            shut_down(network)
    (message,) = warned(record)
    assert message.startswith("a function of on_shutdown of ")
    assert record[0].lineno == hook.__code__.co_firstlineno


async def test_what_the_network_calls_between_steps_is_said_to_be_its_own(hold: Hold) -> None:
    block: Call[int] = Call(abs)

    def hook() -> bool:
        hold(200)
        return False

    with heard() as record:
        async with Network(block, name="n") as network:
            network._run.pump.when_idle = hook
            await block.send(1)
            await trio.testing.wait_all_tasks_blocked()
            network._run.pump.when_idle = lambda: False
    assert warned(record)[0].startswith(
        "network 'n' held the event loop for 200 ms; a function that it calls between the steps"
    )


async def test_as_an_error_it_is_a_fault_of_the_network(hold: Hold) -> None:
    feed = UnboundedBuffer[int]()
    with warnings.catch_warnings(), faults(LoopHeldWarning):
        warnings.simplefilter("error")
        async with Network(Slow(feed, UnboundedBuffer(), hold)):
            await feed.send(200)
            await trio.sleep_forever()


async def test_so_it_is_when_the_network_is_about_to_end(hold: Hold) -> None:
    with warnings.catch_warnings(), faults(ValueError, LoopHeldWarning):
        warnings.simplefilter("error")
        async with Network(Once(hold, fails=True)):
            await trio.sleep_forever()


async def test_nothing_is_watched_when_nobody_wants_to_hear_of_it(hold: Hold) -> None:
    feed = UnboundedBuffer[int]()
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("ignore", LoopHeldWarning)
        async with Network(Slow(feed, UnboundedBuffer(), hold)):
            assert watches.watch is None
            await feed.send(200)
    assert warned(record) == []


def test_it_is_wanted_by_default_and_whatever_else_is_filtered() -> None:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        assert is_wanted()
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "something else")
        warnings.filterwarnings("ignore", lineno=3)
        assert is_wanted()
        warnings.filterwarnings("ignore", ".* held the event loop")
        assert not is_wanted()
        warnings.simplefilter("error")
        assert is_wanted()


async def test_one_watch_is_there_for_all_networks_and_none_after_them() -> None:
    with heard():
        async with Network(Call(abs)):
            first = watches.watch
            async with Network(Call(abs)):
                assert watches.watch is first is not None
            assert first is not None
            assert len(first.networks) == 1
    assert watches.watch is None


async def test_a_network_that_starts_at_once_after_another_one_gets_its_watch(hold: Hold) -> None:
    with heard() as record:
        async with Network(Call(abs)):
            first = watches.watch
        hold(200)  # no network runs
        async with Network(Call(abs)):
            assert watches.watch is first is not None
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        assert watches.spare is None
        async with Network(Call(abs)):
            assert watches.watch is not first
    assert warned(record) == []


def test_the_watch_of_a_loop_that_crashed_is_forgotten() -> None:
    own = Watches()
    network: Any = Network(Call(abs))

    async def crash() -> None:
        own.enter(network)

    with heard():
        trio.run(crash)
        first = own.watch
        trio.run(crash)
    assert own.watch is not first


async def test_what_several_steps_take_together_is_nobodys_fault(hold: Hold) -> None:
    feed, kept = UnboundedBuffer[int](), UnboundedBuffer[int]()
    with heard() as record:
        async with Network(Slow(feed, kept, hold)):
            await feed.send(60)
            hold(60)
            await trio.lowlevel.checkpoint()
    assert warned(record) == []
    assert contents(kept) == [60]


async def test_what_is_to_be_said_when_the_pump_has_gone_is_said_at_the_end() -> None:
    def say() -> None:
        raise LoopHeldWarning("it held the event loop")

    with faults(LoopHeldWarning):
        async with Network(Call(abs)) as network:
            await trio.testing.wait_all_tasks_blocked()
            network.cancel()
            network._run.pump.tell_soon(say)
