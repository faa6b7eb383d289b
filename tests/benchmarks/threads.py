"""What it costs to have a thread do next to nothing, and how late the loop is beside threads that compute.

An item is "in flight" from when it is handed to a thread to when its result is back on the loop.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from time import perf_counter
from typing import Any

import outcome
import trio

from penstock.blocks import Call, IterableSource, Network, Threads
from penstock.blocks.executors.threads import switch_interval

from .latency import watch
from .measuring import Contender, Effort, Row, compare, percentile
from .stage import through
from .workloads import counting_sink, increment

ITEMS = 20_000
BURNS = 400
IN_FLIGHT = {1: 0.1, 16: 0.25, 256: 1.0}
"""How many items are in flight, and which part of the items is enough then."""
SHARE_OF_TO_THREAD = 0.1


def in_executor(make: Callable[[], Executor], in_flight: int, items: int) -> int:
    """One block with one worker; the window is what bounds the items in flight."""
    with make() as executor:
        return through(increment, executor, range(items), window=in_flight, capacity=None)


def by_to_thread(in_flight: int, items: int) -> int:
    """As many tasks as items are in flight, each of which hands one item at a time to a thread of trio's."""
    sink, count = counting_sink()

    async def work(numbers: Iterator[int], limiter: trio.CapacityLimiter) -> None:
        for x in numbers:
            sink(await trio.to_thread.run_sync(increment, x, limiter=limiter))

    async def main() -> None:
        numbers, limiter = iter(range(items)), trio.CapacityLimiter(in_flight)
        async with trio.open_nursery() as nursery:
            for _ in range(in_flight):
                nursery.start_soon(work, numbers, limiter)

    trio.run(main)
    return count()


def by_bare_worker(items: int) -> int:
    """A thread that takes one item from a queue, and wakes the task that waits for its result: one in flight."""
    sink, count = counting_sink()
    queue: SimpleQueue[int | None] = SimpleQueue()

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()
        task = trio.lowlevel.current_task()

        def work() -> None:
            while (x := queue.get()) is not None:
                token.run_sync_soon(trio.lowlevel.reschedule, task, outcome.Value(increment(x)))

        thread = threading.Thread(target=work)
        thread.start()
        for x in range(items):
            queue.put(x)
            sink(await trio.lowlevel.wait_task_rescheduled(never))
        queue.put(None)
        thread.join()

    trio.run(main)
    return count()


def in_two_threads(items: int) -> int:
    """One block with two workers, which holds 16 items at most."""
    with Threads(2) as executor:
        return through(increment, executor, range(items), concurrency=2, capacity=16)


def in_window(items: int) -> int:
    """The standard pool by hand: at most 16 futures at a time, whose results are taken in order."""
    done = 0
    with ThreadPoolExecutor(2) as pool:
        futures: deque[Future[int]] = deque()
        for x in range(items):
            if len(futures) == 16:
                futures.popleft().result()
                done += 1
            futures.append(pool.submit(increment, x))
        for future in futures:
            future.result()
            done += 1
    return done


def submit_all(make: Callable[[int], Executor], items: int) -> int:
    """Through the standard interface, the results after the last item."""
    with make(2) as executor:
        futures = [executor.submit(increment, x) for x in range(items)]
        return sum(future.result() > 0 for future in futures)


def submit_each(make: Callable[[int], Executor], items: int) -> int:
    """Through the standard interface, each result before the next item."""
    with make(2) as executor:
        return sum(executor.submit(increment, x).result() > 0 for x in range(items))


def never(_: object) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED


def burn(x: int) -> int:
    """Compute in pure Python for some milliseconds."""
    total = 0
    for i in range(50_000):
        total += i
    return x


def lateness(threads: int, interval: float, items: int) -> tuple[float, list[float]]:
    """Compute in threads with a switch interval; give the seconds of it, and how late the loop was each time."""
    late: list[float] = []

    async def main() -> float:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, late)
            start = perf_counter()
            source: Any = IterableSource(range(items))
            source.link_target(Call(burn, executor=Threads(threads), concurrency=threads))
            async with Network(source):
                pass
            nursery.cancel_scope.cancel()
            return perf_counter() - start

    before, switch_interval.seconds = switch_interval.seconds, interval
    try:
        return trio.run(main), late
    finally:
        switch_interval.seconds = before


def rows(effort: Effort) -> Iterator[Row]:
    """Compare with trio's threads, a bare worker and the standard pool; then look at the loop beside busy threads."""
    for in_flight, part in IN_FLIGHT.items():
        to_thread = Contender("to_thread.run_sync", partial(by_to_thread, in_flight), SHARE_OF_TO_THREAD)
        threads = Contender("Threads", partial(in_executor, partial(Threads, 1), in_flight))
        pool = Contender("ThreadPoolExecutor", partial(in_executor, partial(ThreadPoolExecutor, 1), in_flight))
        bare = [Contender("bare worker", by_bare_worker)] if in_flight == 1 else []
        items = effort.items(round(ITEMS * part), 64)
        what = f"no-op in a thread, {in_flight} in flight"
        timings = compare(what, [to_thread, *bare, threads, pool], items, effort, perf_counter)
        yield timings.row("Threads", unit=1e-6)
        if bare:
            yield timings.row("Threads", "bare worker", at_most=1.3, unit=1e-6)
            yield timings.faster_row("Threads", "to_thread.run_sync", at_least=1)
        else:
            yield timings.faster_row("Threads", "to_thread.run_sync", at_least=8 if in_flight == 16 else 50)
        yield timings.row("ThreadPoolExecutor", "Threads", unit=1e-6)
    yield from pool_rows(effort)
    yield from lateness_rows(effort)


def pool_rows(effort: Effort) -> Iterator[Row]:
    """Two threads beside the standard pool of two: in a block, and by `submit`."""
    contenders = [Contender("Threads", in_two_threads), Contender("ThreadPoolExecutor", in_window)]
    timings = compare("no-op in two threads, 16 in flight", contenders, effort.items(ITEMS, 64), effort, perf_counter)
    yield timings.row("ThreadPoolExecutor", unit=1e-6)
    yield timings.row("Threads", "ThreadPoolExecutor", at_most=1, unit=1e-6)
    for what, submit, part in (("all at once", submit_all, 0.5), ("one by one", submit_each, 0.1)):
        contenders = [
            Contender("Threads", partial(submit, Threads)),
            Contender("ThreadPoolExecutor", partial(submit, ThreadPoolExecutor)),
        ]
        items = effort.items(round(ITEMS * part), 64)
        timings = compare(f"submit to two threads, {what}", contenders, items, effort, perf_counter)
        yield timings.row("ThreadPoolExecutor", unit=1e-6)
        yield timings.row("Threads", "ThreadPoolExecutor", at_most=1, unit=1e-6)


def lateness_rows(effort: Effort) -> Iterator[Row]:
    """The loop beside two threads of pure Python, with the interpreter's interval and with ours."""
    intervals = {"5 ms": 0.005, "1 ms": 0.001, "0.5 ms": 0.0005, "0.2 ms": 0.0002}
    seconds: dict[str, list[float]] = {name: [] for name in intervals}
    late: dict[str, list[float]] = {name: [] for name in intervals}
    items = effort.items(BURNS, 8)
    for _ in range(effort.rounds):
        for name, interval in intervals.items():
            took, noted = lateness(2, interval, items)
            seconds[name].append(took / items)
            late[name] += noted
    for name in intervals:
        ratio = sorted(a / b for a, b in zip(seconds[name], seconds["5 ms"], strict=True))[effort.rounds // 2]
        value = f"p50 {percentile(late[name], 0.5) * 1e3:.2f}, p99 {percentile(late[name], 0.99) * 1e3:.2f} ms late"
        yield Row("loop beside pure Python", f"switch interval {name}", value, ratio, "time at 5 ms")
