"""A run in plain Python: how it starts, how it ends, and that nothing is left."""

import asyncio
import contextvars
import gc
import itertools
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.lowlevel

from penstock.agents import Pipeline
from penstock.agents.pipelines.driving import Drive, live, stop_all
from penstock.agents.pipelines.hand_over import HandOver
from penstock.agents.pipelines.host_thread import HostThread
from penstock.blocks import IterableSource, LoopHeldWarning, Threads
from penstock.blocks.core.block import inside
from tests.agents.pipelines.recipes import comes_true, invert, same
from tests.blocks.executors.test_forked import can_fork, in_a_fork


def runs() -> list[str]:
    """The names of the threads of runs and their workers."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("penstock") or " worker " in name]


class Source:
    """An endless generator that notes what happens to it."""

    def __init__(self) -> None:
        self.read = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[int]:
        try:
            while True:
                yield self.read
                self.read += 1
        finally:
            self.closed.set()


def endless(source: Source) -> Iterator[int]:
    return iter(source)


def test_it_starts_with_the_first_result_that_is_asked_for() -> None:
    source = Source()
    run = Pipeline(same).run(endless(source))
    assert not source.read
    assert not runs()
    assert next(run) == 0
    assert runs()
    run.close()
    assert not runs()
    assert source.closed.is_set()
    run.close()


def test_a_run_that_never_starts_leaves_nothing() -> None:
    run = Pipeline(same).run(endless(Source()))
    run.close()
    assert list(run) == []
    assert not runs()


def test_break_stops_it_at_once_and_closes_the_source() -> None:
    source = Source()
    for item in Pipeline(same).batch(2).run(endless(source)):
        if item[0] > 10:
            break
    assert source.closed.is_set()
    assert not runs()


def test_the_end_of_a_with_block_stops_it() -> None:
    source = Source()
    with Pipeline(same).run(endless(source)) as run:
        assert next(iter(run)) == 0
        assert next(run) == 1
    assert source.closed.is_set()
    assert not runs()
    balance = run.network.balance()
    assert balance.ok
    assert run.network.cancel_called


class CannotBeClosed:
    """A generator whose clean-up fails."""

    def __iter__(self) -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            raise OSError("the source cannot be closed")


def test_what_closing_the_source_raises_comes_out() -> None:
    run = Pipeline(same).run(iter(CannotBeClosed()))
    assert next(run) == 0
    with pytest.raises(OSError, match="the source cannot be closed"):
        run.close()
    run.close()
    with pytest.raises(OSError, match="the source cannot be closed"), Pipeline(same).run(iter(CannotBeClosed())) as run:
        assert next(run) == 0
    assert not runs()


def test_a_fault_that_the_loop_did_not_come_to_comes_out_or_is_noted() -> None:
    def leave(error: Exception | None) -> None:
        with Pipeline(invert).run(range(1, -5, -1)) as run:
            assert next(run) == 1
            run._drive.join(60)
            if error is not None:
                raise error

    with pytest.raises(ZeroDivisionError):
        leave(None)
    with pytest.raises(KeyError) as caught:
        leave(KeyError())
    assert caught.value.__notes__[0].startswith("the run failed, too: ZeroDivisionError(")


def test_an_exception_of_the_block_comes_out_as_it_is() -> None:
    error = KeyError()
    with pytest.raises(KeyError) as caught, Pipeline(same).run(range(3)):
        raise error
    assert caught.value is error
    assert not hasattr(error, "__notes__")


def test_a_fault_that_the_loop_has_raised_is_raised_once() -> None:
    with Pipeline(invert).run(range(1, -5, -1)) as run, suppress(ZeroDivisionError):
        for _ in run:
            pass
    run.close()


@can_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_the_run_of_its_parent() -> None:
    run = Pipeline(same).run(range(1000), limit=8)
    assert next(run) == 0

    def go_on() -> None:
        with pytest.raises(RuntimeError, match="this run goes on in the process from which this one was forked"):
            list(run)
        assert list(Pipeline(same).run(range(3))) == [0, 1, 2]
        stop_all()

    assert in_a_fork(go_on) == 0
    assert list(run) == list(range(1, 1000))


def test_what_was_handed_over_before_a_fork_is_not_given_out_twice() -> None:
    drive = Pipeline(same).run(range(3))._drive
    drive.hand_over.put([1])
    drive.begin_anew()
    assert drive.hand_over.take() is None
    drive.begin_anew()
    assert "was forked; call run() again here" in str(drive.take_error())
    drive.begin_anew()
    assert drive.take_error() is None


def test_an_exception_in_the_loop_stops_it() -> None:
    source = Source()

    def loop() -> None:
        for _ in Pipeline(same).run(endless(source)):
            raise KeyError

    with pytest.raises(KeyError):
        loop()
    gc.collect()
    assert source.closed.wait(60)
    assert not runs()


class Cycle:
    """An object that keeps itself and a run."""

    def __init__(self, run: Iterator[Any]) -> None:
        self.me = self
        self.run = run


def test_the_garbage_collector_stops_it() -> None:
    source = Source()
    cycle = Cycle(iter(Pipeline(same).run(endless(source))))
    assert next(cycle.run) == 0
    del cycle
    gc.collect()
    assert source.closed.wait(60)
    comes_true(lambda: not runs())


@pytest.mark.parametrize("executor", [None, Threads(1)], ids=["loop", "worker"])
def test_the_garbage_collector_may_run_in_a_thread_of_the_run_itself(executor: Threads | None) -> None:
    source = Source()
    box: list[Cycle] = []

    def collect(item: int) -> int:
        if item > 100 and box:
            box.clear()
            gc.collect()
        return item

    gc.disable()
    try:
        box.append(Cycle(iter(Pipeline(collect, executor=executor).run(endless(source), limit=None))))
        next(box[0].run)
        assert source.closed.wait(60)
        comes_true(lambda: not runs())
    finally:
        gc.enable()


def test_the_owner_watch_ends_a_run_that_was_not_stopped() -> None:
    """Ctrl-C in the middle of the clean-up of the consumer."""
    source = Source()
    before = set(live)  # ended ones may be kept by the tracebacks of other tests
    run = Pipeline(same).run(endless(source))
    results = iter(run)
    next(results)
    (drive,) = set(live) - before
    drive._owner = lambda: None
    assert source.closed.wait(60)
    drive.join(60)
    assert list(results) != []
    assert not runs()


def test_a_source_that_waits_is_left_to_itself_and_closed_later() -> None:
    goes_on, closed = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        try:
            yield 1
            goes_on.wait(60)
            yield 2
        finally:
            closed.set()

    for item in Pipeline(same).run(items()):
        assert item == 1
        break
    assert not closed.is_set()
    goes_on.set()
    assert closed.wait(60)
    comes_true(lambda: not runs())


def test_a_take_does_not_wait_for_a_source_that_waits() -> None:
    items: queue.Queue[int] = queue.Queue()
    for n in range(3):
        items.put(n)
    pipeline = Pipeline(same).take(3)
    assert list(pipeline.run(iter(items.get, None))) == [0, 1, 2]
    items.put(3)  # the thread that waits ends


def test_a_take_ends_generators_without_an_end() -> None:
    def count_up(start: int) -> Iterator[int]:
        return itertools.count(start)

    assert list(Pipeline(count_up).flatten().take(3).run([1, 2])) == [1, 2, 3]


def test_break_waits_for_calls_in_threads() -> None:
    goes_on = threading.Event()
    ended: list[int] = []

    def call(item: int) -> int:
        if item:
            goes_on.set()
            time.sleep(0.01)
        ended.append(item)
        return item

    for _ in Pipeline(call, executor=Threads(1)).run(range(1000)):
        assert goes_on.wait(60)
        break
    assert len(ended) >= 2
    assert not runs()


def test_no_more_results_are_handed_over_than_the_limit() -> None:
    source = Source()
    run = Pipeline(same).run(endless(source), limit=8)
    for n in range(50):
        assert next(run) == n
        assert source.read <= n + 1 + 8 + 1
    run.close()


def test_results_that_are_handed_over_come_before_the_fault() -> None:
    def fail(item: int) -> int:
        if item == 3:
            raise ValueError(item)
        return item

    results: list[int] = []
    with pytest.raises(ValueError, match="3"):
        results.extend(Pipeline(fail).run(range(9)))
    assert results == [0, 1, 2]


def test_the_accounts_say_what_the_caller_has_taken() -> None:
    run = Pipeline(same).run(range(100), limit=8)
    assert [next(run) for _ in range(5)] == [0, 1, 2, 3, 4]
    run.close()
    results = run.network.balance()["results"]
    assert results.consumed in (5, 6)  # up to two at a time
    assert results.accepted == results.consumed + results.discarded


def test_it_can_be_watched_while_it_runs() -> None:
    run = Pipeline(same, name="work").run(range(10_000))
    for n in run:
        if n == 5000:
            assert "work" in str(run.network.report())
    assert run.network.statistics().blocks[0].emitted == 10_000


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")


@pytest.mark.parametrize("executor", [None, Threads(1)], ids=["loop", "worker"])
def test_functions_see_the_context_variables_of_the_caller(executor: Threads | None) -> None:
    token = variable.set("caller")
    run = Pipeline.of(int).map(lambda _: variable.get(), executor=executor).run([1])
    variable.reset(token)
    assert list(run) == ["caller"]


def test_stop_iteration_in_a_stage_does_not_end_the_loop_in_silence() -> None:
    def stop(item: int) -> int:
        raise StopIteration(item)

    with pytest.raises(RuntimeError):
        list(Pipeline(stop).run([1, 2]))


async def test_it_refuses_to_hold_a_loop_of_trio() -> None:
    with pytest.raises(RuntimeError, match=r"run\(\) would hold this loop of trio.*pipeline\.stream"):
        Pipeline(same).run([1])


def test_it_warns_in_asyncio_but_not_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[int]:
        return list(Pipeline(same).run([1]))

    with pytest.warns(LoopHeldWarning, match="holds the event loop of asyncio") as caught:
        assert asyncio.run(main()) == [1]
    assert caught[0].filename == __file__
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert asyncio.run(main()) == [1]


def test_runs_can_be_nested() -> None:
    inner = Pipeline(same)
    assert list(inner.run(inner.run(range(4)))) == [0, 1, 2, 3]
    outer = Pipeline.of(int).map(lambda n: sum(inner.run(range(n))), executor=Threads(2), concurrency=2)
    assert list(outer.run([3, 4, 5])) == [3, 6, 10]
    with Threads(2) as pool:
        inner = Pipeline(same, executor=pool, concurrency=2)
        outer = Pipeline.of(int).map(lambda n: sum(inner.run(range(n))), executor=pool, concurrency=2)
        assert list(outer.run([3, 4, 5])) == [3, 6, 10]


def test_only_one_thread_iterates() -> None:
    waits, goes_on = threading.Event(), threading.Event()

    def wait(item: int) -> int:
        waits.set()
        goes_on.wait(60)
        return item

    run = Pipeline(wait, executor=Threads(1)).run([1])
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.extend(run))
    thread.start()
    assert waits.wait(60)
    with pytest.raises(ValueError, match="already executing"):
        next(run)
    goes_on.set()
    thread.join()
    assert results == [1]


def test_asynchronous_functions_run_in_the_library_that_is_asked_for() -> None:
    async def of_trio(item: int) -> int:
        await trio.lowlevel.checkpoint()
        return item

    async def of_asyncio(item: int) -> int:
        await asyncio.sleep(0)
        return item

    async def items() -> AsyncIterator[int]:
        for n in range(3):
            await asyncio.sleep(0)
            yield n

    assert list(Pipeline(of_trio, concurrency=2).run(range(3))) == [0, 1, 2]
    assert list(Pipeline(of_asyncio, concurrency=2).run(range(3), library="asyncio")) == [0, 1, 2]
    assert list(Pipeline(of_asyncio).run(items(), library="asyncio")) == [0, 1, 2]
    assert not runs()


def test_a_function_of_asyncio_is_told_how_to_run() -> None:
    async def waits(item: int) -> int:
        await asyncio.sleep(item)
        return item

    for items in ([0], [1], [1, 1]):  # of several calls that fail at once, there is a group
        with pytest.raises((TypeError, RuntimeError, ExceptionGroup)) as caught:
            list(Pipeline(waits, concurrency=2).run(items))
        assert caught.value.__notes__[-1] == 'a function of asyncio runs here with run(…, library="asyncio")'


def test_a_coroutine_is_no_source() -> None:
    async def items() -> list[int]:
        return [1]

    coroutine: Any = items()
    with pytest.raises(TypeError, match="await it, and give what comes out"):
        Pipeline(same).run(coroutine)
    coroutine.close()


def test_a_block_is_no_source_here() -> None:
    """Only in trio is there a network that could feed it; here the run would wait for ever."""
    with pytest.raises(TypeError, match=r"cannot come from source 'numbers': .* link the block to a section\(\)"):
        Pipeline(same).run(IterableSource([1], name="numbers"))


@pytest.mark.parametrize(
    ("items", "hint"),
    [
        (Path("words.txt"), "open it, and give the file"),
        (trio.open_memory_channel[int](1)[0], "give the receive channel"),
        (print, "call it, and give what it returns"),
        (7, "put a single item into a list"),
    ],
)
def test_what_cannot_be_iterated_is_refused_with_a_hint(items: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=f"must be an iterable or asynchronous iterable, got .*; {hint}"):
        Pipeline(same).run(items)


def test_what_has_only_items_by_number_is_a_source() -> None:
    class Squares:
        def __getitem__(self, number: int) -> int:
            if number == 4:
                raise IndexError(number)
            return number * number

    squares: Any = Squares()
    assert list(Pipeline(same).run(squares)) == [0, 1, 4, 9]


def test_queues_are_no_sources_here() -> None:
    with pytest.raises(TypeError, match="can only be read in a program of asyncio"):
        Pipeline(same).run(asyncio.Queue[int]())
    with pytest.raises(TypeError, match=r"give iter\(queue.get, end\)"):
        Pipeline(same).run(queue.Queue())  # type: ignore[arg-type]  # pyright: ignore


def test_ctrl_c_comes_out_in_the_caller() -> None:
    source = Source()
    items = endless(source)

    def interrupt(item: int) -> int:
        if item == 100:
            os.kill(os.getpid(), signal.SIGINT)
        return item

    with pytest.raises(KeyboardInterrupt):
        for _ in Pipeline(interrupt).run(items):
            pass
    gc.collect()
    assert source.closed.wait(60)
    comes_true(lambda: not runs())


def test_what_is_left_at_the_end_of_the_program_is_stopped() -> None:
    source = Source()
    results = iter(Pipeline(same).run(endless(source)))
    next(results)
    stop_all()
    assert source.closed.is_set()
    assert not runs()
    results.close()  # type: ignore[attr-defined]  # pyright: ignore


@pytest.mark.parametrize(("end", "code"), [("pass", 0), ("sys.exit(3)", 3), ("1 / 0", 1)])
def test_a_program_ends_although_a_run_is_left(end: str, code: int) -> None:
    program = f"""
        import itertools, sys
        from penstock.agents import Pipeline
        run = iter(Pipeline(abs).run(n for n in itertools.count()))
        print(next(run), next(run))
        {end}
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "0 1\n"
    assert done.returncode == code
    assert ("Error" in done.stderr) is (code == 1)


def test_a_hand_over_tells_the_loop_when_it_has_room_again() -> None:
    hand_over: HandOver[int] = HandOver(8)
    assert hand_over.take_nowait() is None
    told: list[int] = []
    hand_over.open(lambda: told.append(hand_over.released()))
    hand_over.put([1, 2, 3, 4, 5])
    assert [hand_over.take() for _ in range(3)] == [[1, 2], [3, 4], [5]]
    assert told == [2, 2]
    assert hand_over.take_nowait() is None
    assert told == [2, 2, 1]
    hand_over.put([6])
    hand_over.close()
    assert hand_over.unread() == 1
    hand_over.end(None)
    assert hand_over.take() == [6]
    assert hand_over.take() is None


def test_a_run_that_is_stopped_before_its_thread_has_begun_ends() -> None:
    drive = Drive(Pipeline(same).steps, range(10), {}, None)
    drive.stop()
    trio.run(drive.drive)
    assert drive.network.cancel_called
    assert drive.hand_over.take() is None


def test_the_outlet_says_what_it_waits_for() -> None:
    run = Pipeline(same).run(range(10), limit=2)
    assert next(run) == 0
    outlet = inside(run.network.blocks[-1])
    assert outlet.why_waiting() == f"the program has {outlet.out} results, and takes no more now"
    assert outlet.out in (1, 2)
    run.close()


def test_a_function_of_asyncio_cannot_be_called_when_its_loop_has_ended() -> None:
    async def later() -> int:
        return 1

    async def main() -> None:
        thread = HostThread()
        host = thread.host
        thread.start()
        call = host.wrap(later)
        assert host.wrap(3) == 3
        assert await call() == 1
        thread.end()
        with pytest.raises(RuntimeError, match="'later' cannot be called: the asyncio loop of the pipeline has ended"):
            await call()

    trio.run(main)


def test_a_function_of_asyncio_that_ends_its_loop_ends_the_run(recwarn: pytest.WarningsRecorder) -> None:
    async def leave(item: int) -> int:
        sys.exit(item)

    with pytest.raises(SystemExit):
        list(Pipeline(leave).run(range(3), library="asyncio"))
    assert not recwarn.list  # about an exception in a thread
    comes_true(lambda: not runs())


def test_a_run_can_be_shown_on_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(Pipeline(str).run([1, 2], dashboard=True)) == ["1", "2"]
    assert "the page of network 'pipeline' is at http://127.0.0.1:" in capsys.readouterr().err
    for thread in threading.enumerate():
        if thread.name == "penstock dashboard":
            thread.join(60)


def test_a_run_may_be_closed_in_another_thread_which_does_not_wait_for_it() -> None:
    """The garbage collector may do this anywhere."""
    run = Pipeline(same).run(itertools.count())
    assert next(run) == 0
    closing = threading.Thread(target=run.close)
    closing.start()
    closing.join()
    assert list(run) == []
