"""The life of a network: start, finish, fail, cancel."""

from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent
from penstock.blocks import (
    Block,
    BoundedBuffer,
    Call,
    IterableSource,
    Network,
    OverwriteBuffer,
    Shutdown,
    Stalled,
    Timer,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.buffer import BufferCore
from tests.blocks.tools import contents, faults, linked, never, notes, run


def fail(item: object) -> None:
    raise ValueError(item)


async def fail_later(item: object) -> None:
    await trio.sleep(1)
    raise ValueError(item)


# Entering


def test_it_shows_its_name_and_state() -> None:
    network = Network(name="n")
    assert repr(network) == "<Network 'n' new, 0 blocks and agents>"
    assert Network().name.startswith("Network-")


async def test_it_shows_whether_it_runs_or_has_ended() -> None:
    async with Network(UnboundedBuffer[int](), name="n") as network:
        assert repr(network) == "<Network 'n' running, 1 blocks and agents>"
    assert repr(network) == "<Network 'n' ended, 1 blocks and agents>"


def test_what_is_no_block_or_agent_cannot_run_in_it() -> None:
    with pytest.raises(TypeError, match="network 'n': needs blocks and agents, got 3"):
        Network(3, name="n")  # type: ignore[arg-type]  # that is the point


async def test_an_empty_one_runs() -> None:
    async with Network() as network:
        await trio.sleep(1)
    assert network.balance().ok
    assert str(network.balance()) == "it adds up: every item is accounted for"


async def test_everything_that_is_linked_runs_from_wherever_it_starts() -> None:
    for start in range(4):
        source = IterableSource([1, 2])
        double = Transformer[int, int](lambda n: 2 * n)
        side = IterableSource([10])
        results: list[int] = []
        call: Call[int] = Call(results.append)
        source.link_target(double)
        double.link_target(call)
        side.link_target(call)
        blocks: list[Block] = [source, double, side, call]
        async with Network(blocks[start]) as network:
            assert set(network.blocks) == set(blocks)
        assert sorted(results) == [2, 4, 10]


async def test_it_cannot_be_entered_twice() -> None:
    network = Network(name="n")
    async with network:
        with pytest.raises(RuntimeError, match="network 'n' has already run; make a new one"):
            await network.__aenter__()
    with pytest.raises(RuntimeError, match="network 'n' has already run"):
        async with network:
            pass


async def test_a_block_runs_in_one_network_only() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    async with Network(buffer, name="one"):
        with pytest.raises(RuntimeError, match="'b' runs in network 'one' and cannot be linked into 'two' too"):
            async with Network(buffer, name="two"):
                pass
    with pytest.raises(
        RuntimeError, match="unbounded buffer 'b' has already run and is finished; make a new one for net"
    ):
        async with Network(buffer):
            pass
    stopped: UnboundedBuffer[int] = UnboundedBuffer(name="s")
    async with Network(stopped) as network:
        network.cancel()
    with pytest.raises(RuntimeError, match="unbounded buffer 's' has already run and is stopped"):
        async with Network(stopped):
            pass


async def test_a_network_that_could_not_be_entered_leaves_other_blocks_alone() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    used: UnboundedBuffer[int] = UnboundedBuffer()
    await run(used)
    with pytest.raises(RuntimeError, match="has already run"):
        async with Network(buffer, used):
            pass
    await run(buffer, [1])
    assert contents(buffer) == [1]


# Finishing


async def test_leaving_the_body_completes_the_entries_and_drains() -> None:
    first = Transformer[int, int](lambda n: n + 1)
    second = Transformer[int, int](lambda n: n * 2)
    first.link_target(second)
    collector = linked(second)
    await run(first, range(3))
    assert contents(collector) == [2, 4, 6]
    assert first.is_finished
    assert second.is_finished


async def test_leaving_waits_for_async_functions_timers_and_sources() -> None:
    source = IterableSource([1])
    done: list[str] = []

    async def work(item: int) -> None:
        await trio.sleep(5)
        done.append("work")

    source.link_target(Call(work))
    timer = Timer(7, None)
    timer.link_target(Call(lambda _: done.append("timer")))
    timer.start()
    start = trio.current_time()
    async with Network(source, timer):
        pass
    assert done == ["work", "timer"]
    assert trio.current_time() - start == 7


async def test_a_circle_of_links_ends_when_it_is_drained() -> None:
    first = Transformer[int, int](lambda n: n - 1, name="first")
    back = Transformer[int, int](lambda n: n, name="back")
    done: UnboundedBuffer[int] = UnboundedBuffer()
    first.link_target(back, filter=lambda n: n > 0)
    first.link_target(done)
    back.link_target(first)
    async with Network(first):
        for n in (3, 1, 2):
            await first.send(n)
    assert contents(done) == [0, 0, 0]
    assert done.is_finished


async def test_a_circle_whose_items_nobody_takes_is_stalled() -> None:
    first = Transformer[int, int](lambda n: n - 1, name="first")
    first.link_target(first, filter=lambda n: n > 0)
    with faults(Stalled) as found:
        await run(first, [3])
    assert "a filter on the way to transformer 'first' declines the head" in found[0].report


async def test_a_circle_of_bounded_blocks_that_are_all_full_is_stalled() -> None:
    many = TransformMany[int, int](lambda n: [n, n], capacity=1, name="many")
    many.link_target(many)
    with faults(Stalled) as found:
        await run(many, [1])
    assert "many" in found[0].report


async def test_the_body_can_go_on_while_blocks_work() -> None:
    seen: list[int] = []

    async def note(item: int) -> None:
        await trio.sleep(1)
        seen.append(item)

    async with Network(call := Call(note)):
        await call.send(1)
        await trio.sleep(1.5)
        assert seen == [1]
        await call.send(2)
    assert seen == [1, 2]


# Failing


async def test_the_first_fault_cancels_the_body_and_comes_out() -> None:
    call: Call[int] = Call(fail, name="c")
    with faults(ValueError) as found:
        async with Network(call) as network:
            await call.send(7)
            await trio.sleep_forever()
    assert notes(found[0]) == ["in c, item 1: 7"]
    assert not network.cancel_called
    assert network.shutdown.is_shutdown_pending
    info = contents(network.shutdown.errors)[0]
    assert (info.phase, info.item, info.number, info.exception) == ("c", 7, 1, found[0])


async def test_a_fault_after_the_body_comes_out_too() -> None:
    with faults(ValueError):
        await run(Call(fail_later), [1])


async def test_an_exception_of_the_body_comes_out_and_cancels() -> None:
    call: Call[int] = Call(fail_later, name="c")
    with faults(KeyError):
        async with Network(call) as network:
            await call.send(1)
            await wait_all_tasks_blocked()
            raise KeyError
    assert network.balance()["c"].discarded == 1
    assert not network.shutdown.is_shutdown_pending


async def test_a_fault_and_an_exception_of_the_body_come_out_together() -> None:
    call: Call[int] = Call(fail, name="c")
    with faults(ValueError, KeyError):
        async with Network(call):
            await call.send(1)
            try:
                await trio.sleep_forever()
            finally:
                raise KeyError


async def test_several_faults_are_in_the_group_in_order_each_with_its_note() -> None:
    async def work(item: int) -> None:
        try:
            await trio.sleep(item)
        finally:
            raise ValueError(item)

    call: Call[int] = Call(work, concurrency=3, name="c")
    with faults(ValueError, ValueError, ValueError) as found:
        await run(call, [1, 2, 3])
    assert found[0].args == (1,)
    assert sorted(note for error in found for note in notes(error)) == [f"in c, item {n}: {n}" for n in (1, 2, 3)]


async def test_the_same_exception_twice_is_noted_once() -> None:
    error = ValueError("always the same")

    async def work(item: int) -> None:
        try:
            await trio.sleep(item)
        finally:
            raise error

    with pytest.RaisesGroup(ValueError, ValueError):
        await run(Call(work, concurrency=2, name="c"), [1, 2])
    assert notes(error) == ["in c, item 1: 1"]


async def test_a_long_item_is_shortened_in_the_note() -> None:
    call: Call[str] = Call(fail, name="c")
    with faults(ValueError) as found:
        await run(call, ["x" * 10_000])
    assert len(notes(found[0])[0]) < 200


async def test_every_wait_is_woken_by_a_fault() -> None:
    full: BoundedBuffer[int] = BoundedBuffer(1)
    empty: UnboundedBuffer[int] = UnboundedBuffer()
    value: OverwriteBuffer[int] = OverwriteBuffer()
    call: Call[int] = Call(fail)
    full.send_nowait(1)
    woken: list[str] = []

    waits: dict[str, Callable[[], Awaitable[object]]] = {
        "send": partial(full.send, 2),
        "receive": empty.receive,
        "change": value.wait_changed,
    }

    async def wait(what: str) -> None:
        try:
            await waits[what]()
        except trio.BrokenResourceError:
            woken.append(what)

    async with trio.open_nursery() as nursery:
        with faults(ValueError):
            async with Network(full, empty, value, call):
                for what in ("send", "receive", "change"):
                    nursery.start_soon(wait, what)
                await wait_all_tasks_blocked()
                await call.send(1)
                await trio.sleep_forever()
    assert sorted(woken) == ["change", "receive", "send"]


# Cancelling


async def test_cancel_ends_it_without_an_exception_and_counts_what_was_discarded() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(2, name="b")
    async with Network(buffer) as network:
        await buffer.send(1)
        network.cancel()
        await trio.sleep_forever()
    assert network.cancel_called
    assert network.balance()["b"].discarded == 1
    assert not network.shutdown.is_cancellation_pending


async def test_cancel_before_it_starts_lets_it_end_at_once() -> None:
    network = Network(UnboundedBuffer[int]())
    network.cancel()
    async with network:
        await trio.sleep_forever()
    assert network.cancel_called


async def test_cancel_after_its_end_changes_nothing() -> None:
    network = await run(UnboundedBuffer[int]())
    network.cancel()
    assert not network.cancel_called


async def test_cancelling_from_outside_by_a_scope_is_just_that() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    network = Network(buffer)
    with trio.move_on_after(5) as scope:
        async with network:
            await buffer.send(1)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert network.balance()["b"].discarded == 1
    assert not network.cancel_called


async def test_a_sender_outside_learns_that_the_network_was_cancelled_not_completed() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1)

    async def send() -> None:
        await buffer.send(1)
        with pytest.raises(trio.BrokenResourceError):
            await buffer.send(2)

    async with trio.open_nursery() as nursery, Network(buffer) as network:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        network.cancel()


# Shared shutdown buffers


async def test_a_fault_stops_all_networks_that_share_the_buffers() -> None:
    shutdown = Shutdown("shared")
    call: Call[int] = Call(fail, name="c")
    other: UnboundedBuffer[int] = UnboundedBuffer()

    async def second() -> None:
        with faults(trio.BrokenResourceError) as found:
            async with Network(other, shutdown=shutdown, name="second"):
                await trio.sleep_forever()
        assert str(found[0]) == "network 'second' was stopped by a fault in c, item 1: 7"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(second)
        await wait_all_tasks_blocked()
        with faults(ValueError):
            async with Network(call, shutdown=shutdown):
                await call.send(7)
                await trio.sleep_forever()
    assert shutdown.pending.value is True


async def test_a_network_that_starts_after_the_fault_is_stopped_at_once() -> None:
    shutdown = Shutdown()
    with faults(ValueError):
        await run(Call(fail), [1], shutdown=shutdown)
    with faults(trio.BrokenResourceError):
        async with Network(UnboundedBuffer[int](), shutdown=shutdown):
            await trio.sleep_forever()


async def test_a_request_to_stop_ends_all_networks_quietly() -> None:
    shutdown = Shutdown()

    async def second() -> None:
        async with Network(UnboundedBuffer[int](), shutdown=shutdown) as network:
            await trio.sleep_forever()
        assert network.cancel_called

    async with trio.open_nursery() as nursery:
        nursery.start_soon(second)
        async with Network(UnboundedBuffer[int](), shutdown=shutdown) as network:
            await wait_all_tasks_blocked()
            shutdown.cancel()
            await trio.sleep_forever()
        assert network.cancel_called
    async with Network(UnboundedBuffer[int](), shutdown=shutdown) as network:
        await trio.sleep_forever()
    assert network.cancel_called


async def test_faults_of_two_networks_at_once_come_out_of_each() -> None:
    shutdown = Shutdown()

    async def work(item: int) -> None:
        try:
            await trio.sleep(item)
        finally:
            raise ValueError(item)

    async def one(item: int) -> None:
        with faults(ValueError):
            await run(Call(work), [item], shutdown=shutdown)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one, 1)
        nursery.start_soon(one, 2)
    assert [info.item for info in contents(shutdown.errors)] == [1, 2]


async def test_cancelling_one_network_leaves_those_that_share_its_buffers() -> None:
    shutdown = Shutdown()
    async with Network(UnboundedBuffer[int](), shutdown=shutdown) as other:
        async with Network(UnboundedBuffer[int](), shutdown=shutdown) as network:
            network.cancel()
        await trio.sleep(1)
    assert not other.cancel_called


async def test_a_hook_that_raises_is_in_the_group_beside_the_fault() -> None:
    shutdown = Shutdown()
    shutdown.on_shutdown(lambda: fail("hook"))
    with faults(ValueError, ValueError) as found:
        await run(Call(fail), ["item"], shutdown=shutdown)
    assert sorted(error.args[0] for error in found) == ["hook", "item"]


# The books


def nothing(_: object) -> int:
    """Count nothing."""
    return 0


def forgetful(monkeypatch: pytest.MonkeyPatch) -> UnboundedBuffer[int]:
    """A buffer that loses count."""
    buffer = UnboundedBuffer[int](name="forgetful")
    monkeypatch.setattr(BufferCore, "held", nothing)
    monkeypatch.setattr(BufferCore, "undelivered", nothing)
    return buffer


async def test_accounts_that_do_not_add_up_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="the accounts do not add up; please report this as an error in Penstock"):
        await run(forgetful(monkeypatch), [1])


async def test_accounts_that_do_not_add_up_are_noted_on_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.RaisesGroup(KeyError) as caught:
        async with Network(buffer := forgetful(monkeypatch)):
            buffer._core.counts["produced"] += 1
            raise KeyError
    assert "the accounts do not add up" in notes(caught.value)[0]


# Joining late


class Idle(Agent):
    """Reads its input to the end."""

    def __init__(self, source: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source])
        self.source = source
        self.got: list[int] = []

    async def run(self) -> None:
        async for item in self.source:
            self.got.append(item)  # shows what came before an error


async def test_an_agent_behind_a_block_that_is_linked_late_starts() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    async with Network(entry):
        between: UnboundedBuffer[int] = UnboundedBuffer()
        agent = Idle(between)
        entry.link_target(between)
        await entry.send(1)
    assert agent.got == [1]


async def test_a_target_linked_after_the_body_completes_in_its_turn() -> None:
    entry: UnboundedBuffer[int] = UnboundedBuffer()
    late: UnboundedBuffer[int] = UnboundedBuffer()

    async def work(item: int) -> int:
        await trio.sleep(5)
        if item == 1:
            block.link_target(late, filter=lambda n: n > 1)
        return item

    block = Transformer(work, name="w")
    first: UnboundedBuffer[int] = UnboundedBuffer()
    block.link_target(first, filter=lambda n: n == 1)
    entry.link_target(block)
    await run(entry, [1, 2])
    assert (contents(first), contents(late)) == ([1], [2])
    assert late.is_finished


async def test_an_entry_that_appears_after_the_body_completes() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    target: UnboundedBuffer[int] = UnboundedBuffer()
    link = source.link_target(target, filter=never)

    async def unlink(item: int) -> None:
        await trio.sleep(5)
        link.unlink()
        source.link_target(Call(lambda n: None))

    async with Network(source, call := Call(unlink)):
        await source.send(1)
        await call.send(1)
    assert target.is_finished


async def test_a_slow_inline_function_lets_the_body_run() -> None:
    turns = 0
    from time import perf_counter

    def slow(item: int) -> None:
        end = perf_counter() + 0.001
        while perf_counter() < end:
            pass

    call: Call[int] = Call(slow)
    async with Network(call):
        for n in range(30):
            await call.send(n)
        while call._core.held():
            turns += 1
            await trio.lowlevel.checkpoint()
    assert turns > 5


async def test_shutdown_buffers_can_be_linked_to_a_log_in_the_network_itself() -> None:
    seen: list[str] = []
    shutdown = Shutdown()
    shutdown.errors.link_target(Call(lambda info: seen.append(info.phase), name="log"))
    call: Call[int] = Call(fail_later, name="c")
    with faults(ValueError):
        async with Network(call, shutdown.errors, shutdown=shutdown):
            await call.send(1)
    assert shutdown.is_shutdown_pending


@attrs.frozen
class FrozenError(Exception):
    """Takes no notes."""

    number: int


async def test_an_exception_that_takes_no_notes_comes_out_all_the_same() -> None:
    def frozen(item: int) -> None:
        raise FrozenError(item)

    with faults(FrozenError) as found:
        await run(Call(frozen), [7])
    assert found[0].number == 7


async def test_shutdown_buffers_that_are_linked_into_a_network_end_with_it() -> None:
    seen: list[str] = []
    shutdown = Shutdown()
    shutdown.errors.link_target(Call(lambda info: seen.append(info.phase), name="log"))
    async with Network(shutdown.errors, UnboundedBuffer[int](), shutdown=shutdown):
        await trio.sleep(1)
        assert not shutdown.errors.is_finished
    assert shutdown.errors.is_finished
    assert seen == []


class Log(Agent):
    """Reads the errors to their end."""

    def __init__(self, shutdown: Shutdown) -> None:
        super().__init__(inputs=[shutdown.errors])
        self.shutdown_buffers = shutdown

    async def run(self) -> None:
        async for _ in self.shutdown_buffers.errors:
            pass


async def test_an_agent_that_reads_the_errors_ends_with_the_network() -> None:
    shutdown = Shutdown()
    log = Log(shutdown)
    async with Network(log, shutdown=shutdown):
        await trio.sleep(1)
    assert log.is_done


async def test_an_interrupt_is_not_blamed_on_the_accounts() -> None:
    with pytest.RaisesGroup(KeyboardInterrupt) as caught:
        async with Network(buffer := UnboundedBuffer[int]()):
            buffer._core.counts["produced"] += 1
            raise KeyboardInterrupt
    assert notes(caught.value) == []


async def test_tasks_that_have_come_and_gone_are_forgotten() -> None:
    seen: list[int] = []
    call: Call[int] = Call(seen.append)
    async with Network(call) as network:
        for _ in range(5):
            async with trio.open_nursery() as nursery:
                for n in range(100):
                    nursery.start_soon(call.send, n)
        assert len(network._run.outside) <= 200
    assert len(seen) == 500
