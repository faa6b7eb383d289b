"""What goes wrong while a network stops or outside of one, and who hears of it."""

import itertools
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from queue import SimpleQueue

import outcome
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, AgentStatus
from penstock.blocks import BoundedBuffer, Call, IterableSource, Network, Node, Retry, Take, UnboundedBuffer
from penstock.blocks.base.timing import time_slice
from tests.blocks.tools import contents, faults, linked, notes


def untidy() -> Iterator[int]:
    try:
        yield from itertools.count()
    finally:
        raise OSError("clean-up")


async def test_a_clean_up_that_raises_hides_nothing_and_stops_nobody() -> None:
    source = IterableSource(untidy(), name="numbers")
    source.link_target(BoundedBuffer[int](1))
    other: UnboundedBuffer[int] = UnboundedBuffer()
    told: list[str] = []

    async def outside() -> None:
        try:
            await other.receive()
        except trio.BrokenResourceError as error:
            told.append(str(error))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(outside)
        await wait_all_tasks_blocked()
        with faults(ValueError, OSError) as found:
            async with Network(source, other):
                await trio.sleep(1)
                raise ValueError("body")
    assert "in numbers" in notes(found[1])
    assert len(told) == 1


async def test_a_clean_up_that_raises_after_a_cancellation_comes_out_too() -> None:
    source = IterableSource(untidy(), name="numbers")
    source.link_target(BoundedBuffer[int](1))
    with faults(OSError):
        async with Network(source) as network:
            await trio.sleep(1)
            network.cancel()


async def test_a_clean_up_that_raises_when_the_network_is_terminated_is_a_fault() -> None:
    source = IterableSource(untidy(), name="numbers")
    source.link_target(BoundedBuffer[int](1))
    with faults(OSError) as found:
        async with Network(source) as network:
            await trio.sleep(1)
            await network.terminate()
    assert notes(found[0]) == ["in numbers"]


async def test_a_clean_up_that_raises_when_no_more_is_needed_is_a_fault_of_the_source() -> None:
    source = IterableSource(untidy(), name="numbers")
    few = Take[int](3, name="few")
    source.link_target(few)
    linked(few)
    with faults(OSError) as found:
        async with Network(source):
            pass
    assert notes(found[0]) == ["in numbers"]


async def test_a_cancelled_worker_takes_no_further_item_although_its_function_is_shielded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    done: list[int] = []

    async def shielded(item: int) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(2)
        done.append(item)

    block = Call(shielded)
    with trio.move_on_after(1):
        async with Network(block):
            for item in range(5):
                await block.send(item)
    assert done == [0]


async def test_what_is_left_in_a_buffer_can_go_to_the_next_network() -> None:
    left: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(left):
        await left.send(1)
        await left.send(2)
    got: list[int] = []
    call: Call[int] = Call(got.append, capacity=1)
    left.link_target(call)
    async with Network(call):
        pass
    assert got == [1, 2]


def test_a_callback_that_is_no_task_can_use_what_never_waits() -> None:
    """Like a button, in trio's guest mode: the host calls it in the thread of the loop, beside all tasks."""
    jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
    opened: list[Network] = []
    got: list[int] = []
    ended: list[outcome.Outcome[None]] = []
    buffer: UnboundedBuffer[int] = UnboundedBuffer()

    async def main() -> None:
        async with Network(buffer) as network:
            opened.append(network)
            got.append(await buffer.receive())

    def press() -> None:
        assert not trio.lowlevel.in_trio_task()
        for item in (1, 2):
            buffer.send_nowait(item)

    trio.lowlevel.start_guest_run(
        main, run_sync_soon_threadsafe=jobs.put, done_callback=ended.append, host_uses_signal_set_wakeup_fd=True
    )
    pressed = False
    while not ended:
        jobs.get(timeout=60)()
        if opened and not pressed:
            press()
            pressed = True
    ended[0].unwrap()
    assert got == [1]
    assert contents(buffer) == [2]


async def test_another_thread_cannot_use_even_what_never_waits() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="inbox")
    errors: list[RuntimeError] = []

    def press() -> None:
        try:
            buffer.send_nowait(1)
        except RuntimeError as error:
            errors.append(error)

    async with Network(buffer):
        thread = threading.Thread(target=press, name="other")
        thread.start()
        thread.join()
    (error,) = errors
    assert "use unbounded buffer 'inbox'" in str(error)
    assert "called in thread 'other'" in str(error)
    assert contents(buffer) == []


def test_a_filter_upstream_that_raises_does_not_lose_what_is_received() -> None:
    first: UnboundedBuffer[int] = UnboundedBuffer()
    second: BoundedBuffer[int] = BoundedBuffer(1)
    asked: list[int] = []

    def picky(item: int) -> bool:
        asked.append(item)
        if len(asked) == 3:
            raise ValueError("filter")
        return True

    first.link_target(second, filter=picky)
    first.send_nowait(1)
    first.send_nowait(2)
    with pytest.raises(ValueError, match="filter"):
        second.receive_nowait()
    assert contents(second) == [1]
    first.send_nowait(3)
    assert contents(second) == [2, 3]


def test_ctrl_c_outside_a_network_comes_out_at_once() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    collector = linked(source)
    interrupts = iter([True])

    def interrupted(item: int) -> bool:
        if next(interrupts, False):
            raise KeyboardInterrupt
        return item > 0

    collector.filter = interrupted
    with pytest.raises(KeyboardInterrupt):
        source.send_nowait(1)
    source.send_nowait(2)
    assert contents(collector) == [1, 2]


class Reader:
    def __init__(self, buffer: UnboundedBuffer[int]) -> None:
        self.buffer = buffer
        self.got: list[int] = []

    async def read(self) -> None:
        await trio.sleep(1)
        self.got = [item async for item in self.buffer]


async def test_a_task_around_the_network_that_knows_a_block_is_waited_for() -> None:
    declined: UnboundedBuffer[int] = UnboundedBuffer()
    declined.link_target(UnboundedBuffer[int](), filter=lambda _: False)
    reader = Reader(declined)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.read)
        async with Network(declined):
            await declined.send(1)
    assert reader.got == [1]


def test_a_handle_that_was_made_before_trio_runs_is_waited_for() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    box = [buffer.producer()]  # where the verdict cannot see it

    async def close_later() -> None:
        await trio.sleep(1)
        with box.pop() as producer:
            await producer.send(2)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(close_later)
            async with Network(buffer):
                await buffer.send(1)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert contents(buffer) == [1, 2]


# A Cancelled that nothing in the network has asked for


async def caught_elsewhere() -> trio.Cancelled:
    """A `Cancelled` that has nothing to do with the task that will raise it."""
    found: list[trio.Cancelled] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as error:
            found.append(error)
    return found[0]


class Raises:
    """Raises an exception wherever it is used."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def at_once(self, _: object) -> bool:
        raise self.error

    async def later(self, _: object) -> None:
        await trio.lowlevel.checkpoint()
        raise self.error

    def source(self) -> Iterator[int]:
        yield 1
        raise self.error

    async def source_later(self) -> AsyncGenerator[int]:
        yield 1
        raise self.error


class Worker(Agent):
    """Does something with each item."""

    def __init__(self, buffer: UnboundedBuffer[int], work: Callable[[object], Awaitable[None]]) -> None:
        self.buffer = buffer
        self.work = work
        super().__init__(inputs=[buffer], name="place")

    async def run(self) -> None:
        async for item in self.buffer:
            await self.work(item)


def fail(_: object) -> None:
    raise OSError


def feeding(source: IterableSource[int]) -> IterableSource[int]:
    """Let the source have a target."""
    linked(source)
    return source


PLACES: dict[str, Callable[[Raises, UnboundedBuffer[int]], object]] = {
    "function": lambda raises, buffer: buffer.link_target(Call(raises.at_once, on_error="skip", name="place")),
    "async function": lambda raises, buffer: buffer.link_target(Call(raises.later, on_error="skip", name="place")),
    "policy": lambda raises, buffer: buffer.link_target(Call(fail, on_error=Retry(1, on=raises.at_once), name="place")),
    "source": lambda raises, _: feeding(IterableSource(raises.source(), name="place")),
    "async source": lambda raises, _: feeding(IterableSource(raises.source_later(), name="place")),
    "agent": lambda raises, buffer: Worker(buffer, raises.later),
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_cancelled_that_was_caught_elsewhere_does_not_end_a_network_in_silence(place: str) -> None:
    stray = await caught_elsewhere()
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="buffer")
    made = PLACES[place](Raises(stray), buffer)
    members: list[Node] = [made, buffer] if isinstance(made, (IterableSource, Agent)) else [buffer]
    with faults(RuntimeError) as found:
        async with Network(*members) as network:
            await buffer.send(1)
            await trio.sleep_forever()
    assert str(found[0]).startswith("trio.Cancelled was raised although nothing had cancelled the task")
    assert notes(found[0]) == ["in place"]
    assert found[0].__cause__ is stray
    assert network.balance().ok


async def test_an_agent_without_a_network_raises_it_too() -> None:
    stray = await caught_elsewhere()
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    reader = Worker(buffer, Raises(stray).later)
    with faults(RuntimeError) as found:
        async with trio.open_nursery() as nursery:
            reader.start(nursery)
            await buffer.send(1)
            await trio.sleep_forever()
    assert found[0].__cause__ is stray
    assert reader.status is AgentStatus.FAULTED


async def test_ctrl_c_in_a_policy_loses_no_item() -> None:
    call = Call(fail, on_error=Retry(1, on=Raises(KeyboardInterrupt()).at_once), name="fail")
    with faults(KeyboardInterrupt):
        async with Network(call) as network:
            await call.send(1)
            await trio.sleep_forever()
    assert network.balance()["fail"].dropped == {"fault": 1}
