"""Other threads: what they call does no harm and says what to do, and there is one way to send from them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    BoundedBuffer,
    Call,
    Declined,
    Join,
    Network,
    OverwriteBuffer,
    Producer,
    Shutdown,
    Stalled,
    Threads,
    Timer,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.threads import Loop, held_up, others_move, resident
from penstock.blocks.core import threads
from penstock.blocks.core.producer import ProducerToken
from tests.blocks.tools import contents, faults, leaves, linked

pytestmark = pytest.mark.usefixtures("real_time")
LONGEST = 60


def in_thread(function: Callable[[], object]) -> BaseException | None:
    """Call a function in a thread of its own and give what it has raised; the loop does not run meanwhile."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="driver")
    thread.start()
    thread.join(LONGEST)
    assert not thread.is_alive()
    return raised[0] if raised else None


class Driver:
    """A thread that runs beside the loop."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._work = work
        self.thread = threading.Thread(target=self._run, name="driver", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()

    async def join(self) -> BaseException | None:
        await trio.to_thread.run_sync(self.join_now)
        return self.error

    def join_now(self) -> None:
        self.thread.join(LONGEST)
        assert not self.thread.is_alive()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what threads do."""
    with trio.fail_after(LONGEST):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.001)


class Waits(Agent):
    async def run(self) -> None:
        await trio.sleep_forever()


# What is refused


def check_refused(use: Callable[[], object], words: str = "") -> None:
    error = in_thread(use)
    assert isinstance(error, RuntimeError), error
    assert "called in thread 'driver', but the loop runs in another one; nothing was done" in str(error)
    assert "send_from_thread" in str(error)
    assert words in str(error)


async def test_in_a_network_every_call_from_another_thread_is_refused_and_changes_nothing() -> None:
    inbox: UnboundedBuffer[Any] = UnboundedBuffer(name="inbox")
    other: UnboundedBuffer[Any] = UnboundedBuffer(name="other")
    numbers: SequenceMultiplexer[Any] = SequenceMultiplexer(UnboundedBuffer[Any](), key=int, name="numbers")
    linked(numbers)
    timer: Timer[Any] = Timer(60, None, name="timer")
    linked(timer)
    agent = Waits(name="waits")
    async with Network(inbox, numbers, timer, agent, name="net") as network:
        await inbox.send(1)
        link = inbox.link_target(other, filter=lambda item: item is None)
        await wait_all_tasks_blocked()
        inbox.reserve("me")
        uses: list[Callable[[], object]] = [
            lambda: inbox.send_nowait(2),
            lambda: inbox.offer(2),
            inbox.complete,
            inbox.producer,
            lambda: setattr(inbox, "filter", None),
            inbox.receive_nowait,
            lambda: inbox.reserve("him"),
            lambda: inbox.consume("me"),
            lambda: inbox.release("me"),
            lambda: inbox.link_target(UnboundedBuffer()),
            lambda: UnboundedBuffer[Any]().link_target(inbox),
            inbox.unlink_targets,
            link.unlink,
            lambda: numbers.tombstone(1),
            lambda: numbers.inputs[0].complete(),
            timer.start,
            timer.pause,
            timer.stop,
            agent.cancel,
            network.cancel,
            network.shutdown.cancel,
            lambda: trio.run(inbox.send, 2),
            lambda: trio.run(inbox.aclose),
        ]
        for use in uses:
            if use in (timer.pause,):
                timer.start()
            check_refused(use)
        inbox.release("me")
        assert len(inbox) == 1
        assert link.is_linked
        assert inbox.receive_nowait() == 1
        await inbox.send(3)
        assert network.balance().held == 1
        assert not network.cancel_called
        agent.cancel()
        timer.stop()
        inbox.receive_nowait()


async def test_the_error_names_the_block_and_the_network() -> None:
    progress: Call[int] = Call(print, name="progress")
    async with Network(progress, name="net"):
        check_refused(lambda: progress.send_nowait(1), "use call 'progress' of network 'net'")
        check_refused(progress.complete, "complete call 'progress'")


async def test_a_buffer_without_a_network_is_refused_to_others_while_a_task_waits_there() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="lone")
    before: UnboundedBuffer[int] = UnboundedBuffer(name="before")
    before.link_target(buffer)
    got: list[int] = []

    async def receive() -> None:
        got.append(await buffer.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        for use in (
            lambda: buffer.send_nowait(1),
            lambda: before.send_nowait(1),
            buffer.complete,
            buffer.receive_nowait,
        ):
            check_refused(use)
        elsewhere: UnboundedBuffer[int] = UnboundedBuffer()
        assert in_thread(lambda: elsewhere.send_nowait(1)) is None
        buffer.send_nowait(2)
    assert got == [2]
    assert (len(buffer), len(before)) == (0, 0)
    assert in_thread(lambda: buffer.send_nowait(3)) is None
    assert contents(buffer) == [3]


async def test_a_value_can_be_read_in_any_thread_and_not_set_while_somebody_waits_for_it() -> None:
    value: OverwriteBuffer[int] = OverwriteBuffer(name="value")
    value.send_nowait(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(value.wait_changed)
        await wait_all_tasks_blocked()
        check_refused(lambda: value.send_nowait(2))
        read: list[int] = []
        assert in_thread(lambda: read.append(value.value)) is None
        assert read == [1]
        value.send_nowait(3)


async def test_a_shutdown_is_not_set_off_from_another_thread() -> None:
    shutdown = Shutdown("both")
    agent = Waits(shutdown=shutdown)
    async with trio.open_nursery() as nursery:
        agent.start(nursery)
        await wait_all_tasks_blocked()
        check_refused(shutdown.cancel, "cancel both")
        assert not shutdown.is_cancellation_pending
        shutdown.cancel()
    assert in_thread(shutdown.cancel) is None


async def test_a_slot_is_not_freed_from_another_thread() -> None:
    governor = PipelineGovernor(1, name="g")
    await governor.wait_for_available_slot()
    error = in_thread(governor.free_slot)
    assert "free a slot of governor 'g'" in str(error)
    assert governor.in_flight == 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(governor.wait_for_available_slot)
        await wait_all_tasks_blocked()

        async def free() -> None:
            governor.free_slot()

        check_refused(lambda: trio.run(free))
        assert governor.in_flight == 1
        governor.free_slot()


async def test_a_function_in_an_executor_that_sends_by_itself_is_a_fault_and_no_hang() -> None:
    progress: Call[int] = Call(lambda item: None, name="progress")
    worker: Call[int] = Call(progress.send_nowait, executor=Threads(1), name="work")
    with faults(RuntimeError) as found:
        async with Network(worker, progress, name="net"):
            await worker.send(1)
    assert "use call 'progress' of network 'net': called in thread 'work worker 1'" in str(found[0])


# Sending from a thread


async def test_a_thread_sends_and_closes_the_handle_when_it_is_done() -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)
    async with Network(sink):
        handle = sink.producer()
        driver = Driver(lambda: send_all(handle, range(5)))
    assert await driver.join() is None
    assert got == [0, 1, 2, 3, 4]


def send_all(handle: Producer[Any], items: Any) -> None:
    with handle:
        send_each(handle, items)


def send_each(handle: Producer[Any], items: Any) -> None:
    for item in items:
        handle.send_from_thread(item)


async def test_a_thread_waits_for_room() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(2, name="b")
    handle = buffer.producer()
    sent: list[int] = []

    def work() -> None:
        with handle:
            for item in range(4):
                handle.send_from_thread(item)
                sent.append(item)

    async with Network(buffer) as network:
        driver = Driver(work)
        await until(lambda: "task \"thread 'driver'\" waits to send 2" in str(network.report()))
        assert (sent, len(buffer)) == ([0, 1], 2)
        assert [await buffer.receive() for _ in range(4)] == [0, 1, 2, 3]
    assert await driver.join() is None
    assert not held_up


async def test_several_threads_send_and_nothing_is_lost() -> None:
    got: list[int] = []
    buffer: BoundedBuffer[int] = BoundedBuffer(1)
    buffer.link_target(Call(got.append))
    handles = [buffer.producer() for _ in range(3)]
    async with Network(buffer) as network:
        drivers = [
            Driver(partial(send_all, handle, range(n, n + 10))) for n, handle in zip((0, 10, 20), handles, strict=True)
        ]
    for driver in drivers:
        assert await driver.join() is None
    assert sorted(got) == list(range(30))
    assert [item for item in got if item < 10] == list(range(10))
    assert network.balance().ok


@pytest.mark.parametrize("how", ["cancelled", "fault", "shutdown"])
async def test_a_thread_that_waits_is_woken_when_the_network_is_stopped(how: str) -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    handle = buffer.producer()
    with pytest.raises(BaseExceptionGroup) if how == "fault" else nullcontext():
        async with Network(buffer) as network:
            driver = Driver(lambda: send_all(handle, range(9)))
            await until(lambda: bool(held_up))
            if how == "fault":
                raise ValueError
            if how == "cancelled":
                network.cancel()
            else:
                network.shutdown.cancel()
    error = await driver.join()
    assert isinstance(error, trio.BrokenResourceError)
    assert "cannot send to bounded buffer 'b': its network was stopped" in str(error)


async def test_a_thread_that_the_network_itself_waits_for_is_woken_too() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    handle = buffer.producer()
    errors: list[BaseException] = []

    def work(item: int) -> None:
        try:
            while True:
                handle.send_from_thread(item)
        except trio.BrokenResourceError as error:
            errors.append(error)

    worker: Call[int] = Call(work, executor=Threads(1))
    async with Network(worker, buffer) as network, trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, work, 2)
        await worker.send(1)
        await until(lambda: len(held_up) == 2)
        network.cancel()
    handle.close()
    assert len(errors) == 2


async def test_a_thread_that_goes_on_while_the_network_is_stopped_is_told_at_once() -> None:
    sink: UnboundedBuffer[int] = UnboundedBuffer(name="sink")
    handle = sink.producer()
    sent: list[int] = []

    def work(item: int) -> None:
        while True:
            handle.send_from_thread(item)
            sent.append(item)

    worker: Call[int] = Call(work, executor=Threads(1), on_error="skip")
    async with Network(worker, sink) as network:
        await worker.send(1)
        await until(lambda: bool(sent))
        network.cancel()
    handle.close()


async def test_a_complete_target_and_a_filter_decline_what_a_thread_sends() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b", filter=lambda item: item > 0)
    async with Network(buffer):
        with buffer.producer() as handle:
            driver = Driver(lambda: handle.send_from_thread(0))
            error = await driver.join()
            assert isinstance(error, Declined)
            assert "the filter of unbounded buffer 'b' declined 0" in str(error)
            buffer.complete()
            error = await Driver(lambda: handle.send_from_thread(1)).join()
            assert isinstance(error, Declined)
            assert "is complete and takes no more" in str(error)
    assert isinstance(await Driver(lambda: handle.send_from_thread(1)).join(), trio.ClosedResourceError)


async def test_a_target_that_completes_while_a_thread_waits_declines() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    with buffer.producer() as handle:
        async with Network(buffer) as network:
            driver = Driver(partial(send_each, handle, range(2)))
            await until(lambda: bool(held_up))
            buffer.complete()
            error = await driver.join()
            assert isinstance(error, Declined)
            assert network.balance().held == 1
    assert contents(buffer) == [0]


async def test_a_filter_that_raises_does_so_in_the_thread() -> None:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer(filter=lambda item: item / 0)
    async with Network(buffer):
        with buffer.producer() as handle:
            assert isinstance(await Driver(lambda: handle.send_from_thread(1)).join(), ZeroDivisionError)


async def test_after_the_network_has_ended_a_thread_is_told_so() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    handle = buffer.producer()
    async with Network(buffer) as network:
        network.cancel()
    error = in_thread(lambda: handle.send_from_thread(1))
    assert isinstance(error, trio.BrokenResourceError)
    handle.close()


def test_before_the_network_starts_a_thread_waits_for_it() -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)
    handle = sink.producer()
    driver = Driver(lambda: send_all(handle, range(3)))

    async def main() -> None:
        async with Network(sink):
            pass

    assert not driver.ended.wait(0.01)
    trio.run(main)
    driver.join_now()
    assert (driver.error, got) == (None, [0, 1, 2])


def test_a_block_that_joins_a_running_network_lets_threads_begin() -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)
    handle = sink.producer()
    driver = Driver(lambda: send_all(handle, range(3)))

    async def main() -> None:
        source: UnboundedBuffer[int] = UnboundedBuffer()
        async with Network(source):
            source.link_target(sink)
            await driver.join()

    trio.run(main)
    assert (driver.error, got) == (None, [0, 1, 2])


def test_a_handle_made_in_a_run_that_is_over_waits_for_the_network_of_another() -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)

    async def make() -> Producer[int]:
        return sink.producer()

    handle = trio.run(make)
    driver = Driver(lambda: send_all(handle, range(3)))

    async def main() -> None:
        async with Network(sink):
            pass

    trio.run(main)
    driver.join_now()
    assert (driver.error, got) == (None, [0, 1, 2])


def test_a_run_that_ends_before_the_item_has_got_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def running() -> Loop | None:
        return Loop.running()

    over = trio.run(running)

    def asked_too_early(inlet: object, handle: object) -> Loop | None:
        del inlet, handle
        return over

    monkeypatch.setattr(threads, "wait_for_loop", asked_too_early)
    words = "cannot send to unbounded buffer 'b': its network was stopped"
    with UnboundedBuffer[int](name="b").producer() as handle, pytest.raises(trio.BrokenResourceError, match=words):
        handle.send_from_thread(1)


def test_a_handle_that_is_closed_while_a_thread_is_about_to_wait_is_told() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    token = ProducerToken("h", for_threads=True)
    token.is_closed = True
    with buffer.producer(), pytest.raises(trio.ClosedResourceError, match="the handle for unbounded buffer 'b' was cl"):
        threads.wait_for_loop(buffer._core.inbox, token)


def test_a_handle_that_is_closed_before_anything_starts_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 0.01)
    handle = UnboundedBuffer[int](name="b").producer()
    driver = Driver(lambda: handle.send_from_thread(1))
    handle.close()
    driver.join_now()
    assert isinstance(driver.error, (trio.ClosedResourceError, Declined))


def test_a_program_that_ends_before_its_network_starts_is_not_kept_by_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        def is_alive(self) -> bool:
            return False

    handle = UnboundedBuffer[int](name="b").producer()
    monkeypatch.setattr(threading, "main_thread", Ended)
    error = in_thread(lambda: handle.send_from_thread(1))
    assert "the program ends, and no network has started" in str(error)
    handle.close()


async def test_without_a_network_a_thread_sends_to_a_task() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    handle = buffer.producer()
    driver = Driver(lambda: send_all(handle, range(5)))
    assert [item async for item in buffer] == [0, 1, 2, 3, 4]
    assert await driver.join() is None


def test_a_thread_that_waits_outside_a_network_is_woken_when_trio_ends() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")

    async def main() -> tuple[Producer[int], Driver]:
        handle = buffer.producer()
        driver = Driver(partial(send_each, handle, range(3)))
        await until(lambda: bool(held_up))
        return handle, driver

    handle, driver = trio.run(main)
    driver.join_now()
    assert isinstance(driver.error, trio.BrokenResourceError)
    handle.close()


async def test_in_the_thread_of_the_loop_it_is_refused_and_says_what_to_use() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    with buffer.producer() as handle:
        function: Transformer[int, None] = Transformer(handle.send_from_thread)
        linked(function)
        with pytest.raises(RuntimeError, match=r"called in the thread of the loop.*`await send\(item\)`"):
            handle.send_from_thread(1)
        with faults(RuntimeError):
            async with Network(function, buffer):
                await function.send(1)


async def test_a_task_of_trio_sends_through_a_thread_of_trio() -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)
    async with Network(sink):
        with sink.producer() as handle:
            await trio.to_thread.run_sync(handle.send_from_thread, 1)
    assert got == [1]


class Interrupted(threads.Errand[Any]):
    """One whose thread gets a Ctrl-C while it waits."""

    def run(self, loop: Any) -> None:
        self._settled.release()
        self._settled = cast("Any", self)
        super().run(loop)

    def acquire(self) -> None:
        raise KeyboardInterrupt

    def release(self) -> None: ...


async def test_an_interrupted_wait_takes_its_item_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "Errand", Interrupted)
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    async with Network(buffer):
        await buffer.send(0)
        with buffer.producer() as handle:
            assert isinstance(in_thread(lambda: handle.send_from_thread(1)), KeyboardInterrupt)
            await wait_all_tasks_blocked()
            assert contents(buffer) == [0]
            await wait_all_tasks_blocked()
            assert len(buffer) == 0


# The verdict


async def test_a_network_waits_for_a_thread_that_has_not_sent_yet() -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(LONGEST)
        send_all(handle, [1])

    async with Network(sink):
        handle = sink.producer()
        driver = Driver(work)
        timer = threading.Timer(0.05, go_on.set)
        timer.start()
    assert await driver.join() is None
    assert got == [1]


async def test_a_thread_that_waits_in_vain_is_a_standstill() -> None:
    buffer: BoundedBuffer[int] = BoundedBuffer(1, name="b")
    join: Join[Any] = Join(buffer, UnboundedBuffer[int](name="never"))
    linked(join)
    handle = buffer.producer()
    driver = Driver(lambda: send_all(handle, range(5)))
    with pytest.raises(BaseExceptionGroup) as found:
        async with Network(buffer):
            pass
    (stalled,) = leaves(found.value)
    assert isinstance(stalled, Stalled)
    assert "task \"thread 'driver'\" waits to send" in str(stalled)
    assert isinstance(await driver.join(), trio.BrokenResourceError)


async def test_a_call_that_waits_for_room_in_its_own_block_is_a_standstill() -> None:
    def work(item: int) -> None:
        handle.send_from_thread(item + 1)

    block: Call[int] = Call(work, executor=Threads(1), capacity=1, name="work")
    handle = block.producer()
    with faults(Stalled) as found:
        async with Network(block):
            await block.send(1)
            await block.send(2)
    assert "task \"thread 'work worker 1'\" waits to send 2 to call 'work': it is full (1 of 1)" in str(found[0])
    assert "raise the capacity of call 'work' to at least 3" in str(found[0])
    handle.close()


@pytest.mark.parametrize("how", ["call", "callback"])
async def test_what_was_submitted_to_an_executor_may_still_send(how: str) -> None:
    got: list[int] = []
    sink: Call[int] = Call(got.append)
    may_go, may_end = threading.Event(), threading.Event()
    handle = sink.producer()

    def send(_: object) -> None:
        assert may_go.wait(LONGEST)
        send_all(handle, range(3))

    async with Network(sink):
        with Threads(1) as pool:
            if how == "call":
                pool.submit(send, None)
            else:
                pool.submit(may_end.wait, LONGEST).add_done_callback(send)
                may_end.set()
            assert others_move()
            trio.lowlevel.current_trio_token().run_sync_soon(may_go.set)
            await trio.to_thread.run_sync(pool.shutdown)
    assert got == [0, 1, 2]


async def test_a_handle_for_threads_is_waited_for_though_nothing_else_can_move() -> None:
    sink: Call[int] = Call(lambda item: None)
    handle = sink.producer(for_threads=True)
    with trio.move_on_after(0.05) as scope:
        async with Network(sink):
            pass
    assert scope.cancelled_caught
    handle.close()


async def test_a_handle_that_is_forgotten_is_still_a_standstill() -> None:
    sink: Call[int] = Call(lambda item: None)
    handle = sink.producer()
    with pytest.raises(BaseExceptionGroup) as found:
        async with Network(sink):
            pass
    assert isinstance(leaves(found.value)[0], Stalled)
    handle.close()


async def test_only_threads_that_may_do_something_count_as_moving() -> None:
    assert not others_move()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert others_move()
        resident.add(thread)
        assert not others_move()
    finally:
        stop.set()
        thread.join()


async def until_idle() -> None:
    for _ in range(10_000):
        if not others_move():
            return
        await trio.sleep(0.001)
    raise AssertionError("the worker of the pool is never idle")


async def test_a_worker_of_a_pool_counts_as_moving_only_while_it_has_something_to_do(real_time: None) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        await until_idle()
        busy = pool.submit(stop.wait)
        queued = pool.submit(int)
        assert others_move()
        stop.set()
        assert busy.result()
        assert queued.result() == 0
        await until_idle()
