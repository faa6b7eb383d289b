"""Scopes: tasks with results, names and a limit; the end of a scope is the end of all its tasks."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Handle, NotRun, Scope, TaskState, gather
from penstock.agents.scopes.in_executor import call_in
from penstock.agents.tasks.names import task_name
from penstock.blocks import BoundedBuffer, Network, Stalled, Threads


def test_a_partial_object_has_the_name_of_its_class() -> None:
    assert task_name("x", partial(Gauge())) == "Gauge"


async def double(number: int, times: int = 2) -> int:
    await trio.lowlevel.checkpoint()
    return number * times


async def fail(number: int = 1) -> None:
    raise ValueError(number)


async def test_a_handle_has_the_result_of_its_task() -> None:
    async with Scope() as scope:
        one, two = scope.spawn(double, 1), scope.spawn(double, 2, times=3, name="two")
        assert (one.state, one.done(), one.exception) == (TaskState.QUEUED, False, None)
        assert await one == 2
        assert await one == 2
    assert await two == 6
    assert (two.state, two.done(), two.exception) == (TaskState.COMPLETED, True, None)
    assert [(handle.name, handle.task_id) for handle in (one, two)] == [("double", 1), ("two", 2)]
    assert repr(two) == "<Handle 'two', completed>"
    assert repr(scope).endswith(", 2 tasks started>")


async def test_the_scope_waits_for_all_tasks_also_for_those_of_tasks() -> None:
    ran: list[int] = []

    async def spawn(scope: Scope, n: int) -> None:
        await trio.sleep(1)
        ran.append(n)
        if n:
            scope.spawn(spawn, scope, n - 1)

    async with Scope() as scope:
        scope.spawn(spawn, scope, 3)
    assert ran == [3, 2, 1, 0]
    with pytest.raises(RuntimeError, match=r"spawn\(\) works inside of its `async with` block only"):
        scope.spawn(double, 1)
    with pytest.raises(RuntimeError, match="was entered already; make another one"):
        await scope.__aenter__()


async def test_the_first_exception_stops_the_scope_and_names_the_task() -> None:
    stopped: list[str] = []

    async def wait() -> None:
        try:
            await trio.sleep_forever()
        finally:
            stopped.append("wait")

    handles: list[Handle[Any]] = []

    async def main() -> None:
        async with Scope(name="s") as scope:
            handles.extend([scope.spawn(wait), scope.spawn(partial(fail, 3), name="broken")])
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as raised:
        await main()
    (error,) = raised.value.exceptions
    assert (type(error), error.args, error.__notes__) == (ValueError, (3,), ["in task 'broken' of scope 's'"])
    assert stopped == ["wait"]
    assert [handle.state for handle in handles] == [TaskState.CANCELLED, TaskState.FAILED]
    with pytest.raises(NotRun, match="task 'wait' was cancelled"):
        await handles[0]
    with pytest.raises(ValueError, match="3"):
        await handles[1]


async def test_an_exception_of_the_body_cancels_the_tasks() -> None:
    handles: list[Handle[None]] = []

    async def main() -> None:
        async with Scope() as scope:
            handles.append(scope.spawn(trio.sleep_forever))
            await wait_all_tasks_blocked()
            raise KeyError("body")

    with pytest.raises(ExceptionGroup) as raised:
        await main()
    assert isinstance(raised.value.exceptions[0], KeyError)
    assert handles[0].state is TaskState.CANCELLED


async def test_a_scope_can_be_cancelled_and_only_that() -> None:
    async with Scope() as scope:
        async with scope.child() as child:
            inner = child.spawn(trio.sleep_forever)
            await wait_all_tasks_blocked()
            child.cancel()
            await trio.sleep_forever()
        outer = scope.spawn(double, 1)
        assert isinstance(inner.exception, NotRun)
    assert await outer == 2
    scope.cancel()


async def test_a_time_limit_is_one_of_trios() -> None:
    handles: list[Handle[None]] = []
    with trio.move_on_after(1) as limit:
        async with Scope(limit=1) as scope:
            handles += [scope.spawn(trio.sleep_forever) for _ in range(3)]
    assert limit.cancelled_caught
    assert {handle.state for handle in handles} == {TaskState.CANCELLED}


async def test_a_held_exception_waits_in_the_handle() -> None:
    async with Scope() as scope:
        handles = [scope.spawn(fail, n, hold=True) for n in range(2)]
        other = scope.spawn(double, 4, hold=True)
        with pytest.raises(ValueError, match="0"):
            await handles[0]
        await wait_all_tasks_blocked()
        assert isinstance(handles[1].exception, ValueError)
        assert await other == 8


async def test_a_held_exception_at_which_nothing_looks_is_raised_at_the_end() -> None:
    async def main() -> None:
        async with Scope(name="s") as scope:
            for n, name in enumerate("abc"):
                handle = scope.spawn(fail, n, name=name, hold=True)
                if not n:
                    await wait_all_tasks_blocked()
                    assert handle.exception is not None

    with pytest.raises(ExceptionGroup, match="'s' have failed, and nothing has looked at them: 'b', 'c'") as raised:
        await main()
    assert [error.args for error in raised.value.exceptions] == [(1,), (2,)]


async def test_a_held_exception_is_told_if_another_one_comes_out() -> None:
    async def main() -> None:
        async with Scope(name="s") as scope:
            scope.spawn(fail, name="held", hold=True)
            await wait_all_tasks_blocked()
            scope.spawn(fail, 2)

    with pytest.raises(ExceptionGroup) as raised:
        await main()
    assert raised.value.__notes__ == ["tasks of scope 's' have failed, and nothing has looked at them: 'held'"]


async def test_a_message_names_the_first_ten_of_many_held_exceptions() -> None:
    async def main() -> None:
        async with Scope(name="s") as scope:
            for n in range(13):
                scope.spawn(fail, n, name=f"{n}", hold=True)

    with pytest.raises(ExceptionGroup, match=r"have failed, and nothing has looked at them: '0', .*, '9' and 3 others"):
        await main()


async def test_a_held_exception_at_which_something_has_looked_is_freed_with_the_handle() -> None:
    class Big:
        """An argument."""

    async def fail_with(_: Big) -> None:
        raise ValueError("bad")

    async with Scope() as scope:
        big = Big()
        found = weakref.ref(big)
        handle = scope.spawn(fail_with, big, hold=True)
        del big
        await wait_all_tasks_blocked()
        assert found() is not None
        assert isinstance(handle.exception, ValueError)
        del handle
        gc.collect()
        assert found() is None


async def test_cancellation_is_not_held() -> None:
    handles: list[Handle[None]] = []
    with trio.move_on_after(1):
        async with Scope() as scope:
            handles.append(scope.spawn(trio.sleep_forever, hold=True))
    assert handles[0].state is TaskState.CANCELLED


async def test_several_may_wait_for_one_task() -> None:
    async with Scope() as scope:
        handle = scope.spawn(trio.sleep, 1)
        waits = [scope.spawn(as_function(handle)) for _ in range(3)]
        assert await gather(waits) == [None] * 3


def as_function(handle: Handle[Any]) -> Any:
    async def wait() -> Any:
        return await handle

    return wait


class Gauge:
    """Counts how many run at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, seconds: float = 1) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await trio.sleep(seconds)
        finally:
            self.now -= 1


async def test_up_to_the_limit_run_at_once_and_in_order() -> None:
    gauge = Gauge()
    began: list[int] = []

    async def note(n: int) -> None:
        began.append(n)
        await gauge()

    async with Scope(limit=3) as scope:
        for n in range(10):
            scope.spawn(note, n)
        await wait_all_tasks_blocked()
        assert gauge.now == 3
    assert (gauge.most, sorted(began[:3]), began[3:]) == (3, sorted(began[:3]), began[3:])
    assert sorted(began) == [*range(10)]


@pytest.mark.parametrize("limit", [1, 2, 4])
async def test_files_and_their_parts_share_a_limit(limit: int) -> None:
    gauge = Gauge()
    done: list[tuple[int, int]] = []
    open_files: set[int] = set()
    most_open: list[int] = []

    async def chunk(file: int, part: int) -> None:
        await gauge()
        done.append((file, part))

    async def read(scope: Scope, file: int) -> None:
        open_files.add(file)
        most_open.append(len(open_files))
        await gauge()
        async with scope.child(name=f"file {file}") as chunks:
            for part in range(3):
                chunks.spawn(chunk, file, part)
        await gauge()
        open_files.remove(file)

    async with Scope(limit=limit) as scope:
        for file in range(20):
            scope.spawn(read, scope, file)
    assert len(done) == 60
    assert gauge.most == limit
    assert max(most_open) <= 2 * limit  # depth first: the parts of a file go before the next file


async def test_a_task_that_waits_for_a_handle_gives_its_place_back() -> None:
    async with Scope(limit=1) as scope:

        async def down(n: int) -> int:
            return 0 if not n else 1 + await scope.spawn(down, n - 1)

        assert await scope.spawn(down, 50) == 50


@pytest.mark.parametrize("ends", [(1, 2, 3), (3, 2, 1)])
async def test_a_task_that_waits_for_several_handles_at_once_gives_its_place_back(ends: tuple[int, ...]) -> None:
    gauge = Gauge()

    async def both() -> list[None]:
        results = await gather([scope.spawn(gauge, end) for end in ends])
        await gauge(1)
        return results

    with trio.fail_after(1000):
        async with Scope(limit=1) as scope:
            scope.spawn(both)
            scope.spawn(both)
    assert gauge.most == 1


async def test_a_wait_may_begin_while_another_one_of_its_task_ends() -> None:
    async with Scope(limit=1) as scope:
        gauge = Gauge()

        async def waits_twice() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(double_wait)
                await trio.sleep(1.5)  # the other task comes back from its wait, and has no place yet
                await scope.spawn(gauge, 1)

        async def double_wait() -> None:
            await scope.spawn(trio.sleep, 1)

        scope.spawn(waits_twice)
        await wait_all_tasks_blocked()
        scope.spawn(gauge, 3)
        scope.spawn(gauge, 3)
    assert gauge.most == 1


async def test_what_a_task_leaves_running_takes_no_place() -> None:
    async with trio.open_nursery() as nursery, Scope(limit=1) as scope:

        async def leaves_something() -> None:
            nursery.start_soon(waits)

        async def waits() -> None:
            await trio.sleep(1)
            await scope.spawn(trio.sleep, 1)

        await scope.spawn(leaves_something)
        await trio.sleep(3)
        with trio.fail_after(1000):
            await scope.spawn(trio.sleep, 1)


async def test_a_task_comes_back_before_new_ones_begin() -> None:
    order: list[str] = []

    async def inner() -> None:
        await trio.sleep(1)

    async def outer(scope: Scope, name: str) -> None:
        order.append(f"{name} begins")
        await scope.spawn(inner)
        order.append(f"{name} ends")

    async with Scope(limit=1) as scope:
        for name in "ab":
            scope.spawn(outer, scope, name)
            await wait_all_tasks_blocked()
    assert order == ["a begins", "b begins", "a ends", "b ends"]


async def test_a_task_that_is_cancelled_while_it_waits_for_a_place_leaves_none_behind() -> None:
    async with Scope(limit=1) as scope:
        gauge = Gauge()
        scope.spawn(gauge, 5)
        async with scope.child() as child:
            for _ in range(3):
                child.spawn(gauge)
            await wait_all_tasks_blocked()
            child.cancel()
        scope.spawn(gauge)
    assert (gauge.now, gauge.most) == (0, 1)


async def test_a_task_that_is_cancelled_while_it_waits_for_another_holds_no_place() -> None:
    async with Scope(limit=2) as scope:
        gauge = Gauge()

        async def impatient() -> None:
            with trio.move_on_after(1):
                await scope.spawn(gauge, 3)
            with trio.move_on_after(1):
                async with scope.child() as child:
                    child.spawn(trio.sleep, 100)

        await scope.spawn(impatient)
        for _ in range(4):
            scope.spawn(gauge)
    assert gauge.most == 2


async def test_a_task_whose_wait_was_cancelled_counts_again() -> None:
    gauge = Gauge()
    begun: list[float] = []

    async def begin() -> None:
        begun.append(trio.current_time() - start)
        await trio.sleep(2)

    async def impatient() -> None:
        with trio.move_on_after(1):
            await scope.spawn(begin)
        scope.spawn(begin)
        await trio.sleep(9)

    start = trio.current_time()
    async with Scope(limit=1) as scope:
        scope.spawn(impatient)
    assert begun == [0, 10]
    assert gauge.most == 0


async def test_a_task_that_is_cancelled_while_it_comes_back_counts_again() -> None:
    begun: list[float] = []

    async def begin() -> None:
        begun.append(trio.current_time() - start)
        await trio.sleep(5)

    async def impatient() -> None:
        quick = scope.spawn(trio.sleep, 1)
        await wait_all_tasks_blocked()
        scope.spawn(begin)  # gets the place when the quick one ends, before this task asks for it
        with trio.move_on_after(3):
            await quick
        assert trio.current_time() - start == 3
        scope.spawn(begin)
        await trio.sleep(10)

    start = trio.current_time()
    async with Scope(limit=1) as scope:
        scope.spawn(impatient)
    assert begun == [1, 13]


async def test_a_cancelled_task_that_comes_back_leaves_its_place_to_another_wait() -> None:
    begun: list[float] = []

    async def begin() -> None:
        begun.append(trio.current_time() - start)
        await trio.sleep(5)

    async def wait_for(handle: Handle[None], seconds: float) -> None:
        with trio.move_on_after(seconds):
            await handle

    async def both() -> None:
        quick = scope.spawn(trio.sleep, 1)
        await wait_all_tasks_blocked()
        slow = scope.spawn(begin)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for, quick, 3)
            await trio.sleep(2)  # the other task wants to come back now
            nursery.start_soon(wait_for, slow, 100)
        await scope.spawn(begin)

    start = trio.current_time()
    async with Scope(limit=1) as scope:
        scope.spawn(both)
    assert begun == [1, 6]


async def test_only_the_thread_of_the_loop_may_spawn_and_cancel() -> None:
    async with Scope(name="s") as scope:
        with ThreadPoolExecutor(1) as threads:
            spawned, cancelled = threads.submit(scope.spawn, double, 1), threads.submit(scope.cancel)
        with pytest.raises(RuntimeError, match=r"Scope 's': spawn <function double.*: called in thread"):
            spawned.result()
        with pytest.raises(RuntimeError, match="cancel Scope 's': called in thread"):
            cancelled.result()
        assert await scope.spawn(double, 1) == 2


async def test_only_the_thread_of_the_loop_may_await_and_cancel_a_task() -> None:
    async with Scope(name="s") as scope:
        handle = scope.spawn(trio.sleep, 1, cancellable=True, name="nap")
        await wait_all_tasks_blocked()

        async def wait() -> None:
            await handle

        with ThreadPoolExecutor(1) as threads:
            awaited, cancelled = threads.submit(trio.run, wait), threads.submit(handle.cancel)
        with pytest.raises(RuntimeError, match="await task 'nap' of scope 's': called in thread"):
            awaited.result()
        with pytest.raises(RuntimeError, match="cancel task 'nap' of scope 's': called in thread"):
            cancelled.result()
        await handle
    with ThreadPoolExecutor(1) as threads:
        threads.submit(trio.run, wait).result()
        assert not threads.submit(handle.cancel).result()


async def test_the_place_of_another_scope_is_not_given_back() -> None:
    async with Scope(limit=1) as one, Scope(limit=1) as other, Scope() as free:
        gauge = Gauge()

        async def outer() -> None:
            async with other.child() as child:
                child.spawn(gauge)
            await free.spawn(middle)

        async def middle() -> None:
            await other.spawn(gauge)

        await one.spawn(outer)
    assert gauge.most == 1


@pytest.mark.usefixtures("real_time")
async def test_plain_functions_run_in_the_executor() -> None:
    with Threads(2) as threads:
        async with Scope(limit=2, executor=threads) as scope:
            assert await scope.spawn(sum, [1, 2]) == 3
            assert await scope.spawn(threading.current_thread) is not threading.current_thread()
            async with scope.child() as child:
                handle = child.spawn(int, "x", hold=True)
                with pytest.raises(ValueError, match="invalid literal"):
                    await handle
            assert await scope.spawn(double, 3) == 6


class Slow(Executor):
    """Begins its calls when it is told to."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


class Distant(Executor):
    """Calls functions at once, as if it was another process."""

    is_here = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


async def test_a_function_goes_to_another_process_as_it_is() -> None:
    async with Scope(executor=Distant()) as scope:
        assert await scope.spawn(sum, [1, 2]) == 3


async def test_a_call_that_runs_is_waited_for() -> None:
    for error in (None, KeyError("late")):
        slow, ended = Slow(), trio.Event()
        found: list[BaseException] = []

        async def call(slow: Slow = slow, ended: trio.Event = ended, found: list[BaseException] = found) -> None:
            try:
                with trio.move_on_after(1) as scope:
                    await call_in(slow, int, (), {})
                assert scope.cancelled_caught
            except KeyError as raised:
                found.append(raised)
            ended.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await wait_all_tasks_blocked()
            assert slow.futures[0].set_running_or_notify_cancel()
            await trio.sleep(2)
            assert not ended.is_set()
            if error is None:
                slow.futures[0].set_result(1)
            else:
                slow.futures[0].set_exception(error)
            await ended.wait()
        assert found == ([] if error is None else [error])


def test_a_call_that_ends_after_the_loop_wakes_nothing() -> None:
    slow = Slow()

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await call_in(slow, int, (), {})

    trio.run(main)
    assert slow.futures[0].cancelled()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"limit": 0}, ValueError, "Scope 's': limit must be an int >= 1, got 0"),
        ({"executor": 3}, TypeError, r"Scope 's': executor must be an executor, such as Threads\(4\), or None, got 3"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Scope(name="s", **options)


async def test_wrong_functions_are_refused() -> None:
    async with Scope(name="s") as scope:
        with pytest.raises(TypeError, match="Scope 's': 'sum' is a plain function, which would hold the loop; give"):
            scope.spawn(sum, [1])
        wrong: Any = 3
        with pytest.raises(TypeError, match=r"Scope\.spawn: needs a function, got 3"):
            scope.spawn(wrong)
    with pytest.raises(RuntimeError, match=r"spawn\(\) works inside"):
        Scope().spawn(double, 1)


def test_it_needs_trio() -> None:
    with pytest.raises(RuntimeError, match="Penstock runs in trio"):
        Scope().__aenter__().send(None)
    Scope().cancel()


async def test_the_verdict_of_a_network_names_the_task() -> None:
    buffer = BoundedBuffer[int](1, name="b")

    async def main() -> None:
        async with Network(buffer), Scope() as scope:
            await buffer.send(1)
            scope.spawn(buffer.send, 2, name="index a.gz")

    with pytest.raises(ExceptionGroup) as raised:
        await main()
    stalled, _ = raised.value.split(Stalled)
    while isinstance(stalled, ExceptionGroup):
        stalled = stalled.exceptions[0]  # type: ignore[assignment]
    assert "task 'index a.gz' waits to send" in str(stalled)


async def test_results_are_freed_with_the_handle() -> None:
    class Big:
        """A result."""

    async def make(_: int) -> Big:
        return Big()

    async with Scope() as scope:
        handle = scope.spawn(make, 1)
        found = weakref.ref(await handle)
        assert found() is not None
        del handle
        await trio.lowlevel.checkpoint()
        assert found() is None
