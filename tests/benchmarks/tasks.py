"""What a task costs: in a runtime beside the standard pool, in a scope beside trio's nursery, and in a graph.

Processor time; for tasks of a runtime that are waited for one by one it is the time on the wall, because two threads
wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import attrs
import trio

from penstock.agents import Runtime, Scope, TaskGraph
from penstock.blocks import Threads

from .measuring import Contender, Effort, Row, Timings, compare
from .workloads import increment

TASKS = 20_000
FIB = {20: 6, 200: 11, 2_000: 15, 8_361: 18}
"""For a number of tasks, the Fibonacci number that takes about as many, without a result that is used."""


def rows(effort: Effort) -> Iterator[Row]:
    """Compare."""
    items = effort.items(TASKS)
    pool = [Contender("ThreadPoolExecutor(2)", pool_all), Contender("Runtime(2)", runtime_all)]
    yield from against(compare("submit all, then get all", pool, items, effort), pool, 1.0)
    one = [Contender("ThreadPoolExecutor(2)", pool_each), Contender("Runtime(2)", runtime_each)]
    yield from against(compare("submit and get one by one", one, items // 4, effort, perf_counter), one, 1.0)
    chain = [Contender("ThreadPoolExecutor(2)", pool_all), Contender("a chain of handles", runtime_chain)]
    yield from against(compare("handles as inputs", chain, items, effort), chain, 1.5)
    yield from nested(effort)
    scopes = [Contender("nursery", nursery), Contender("Scope", scope)]
    if find_spec("aioresult") is not None:
        scopes.insert(0, Contender("aioresult", aioresult))
    yield from against(compare("tasks in trio, with results", scopes, items, effort), scopes, 1.2, "Scope")
    yield from graphs(effort)


def against(timings: Timings, contenders: list[Contender], at_most: float, ours: str | None = None) -> Iterator[Row]:
    """Lines against the first contender; the last one, or `ours`, has a goal."""
    baseline = contenders[0].name
    yield timings.row(baseline, unit=1e-6)
    for contender in contenders[1:]:
        is_ours = contender.name == (ours or contenders[-1].name)
        yield timings.row(contender.name, baseline, at_most=at_most if is_ours else None, unit=1e-6)


def within(row: Row, microseconds: float, most: float) -> Row:
    """A line with a goal in microseconds."""
    return attrs.evolve(row, target=f"≤ {most:g} µs", is_met=microseconds <= most)


def pool_all(items: int) -> int:
    """Submit all, then wait for all."""
    with ThreadPoolExecutor(2) as pool:
        return len([future.result() for future in [pool.submit(increment, n) for n in range(items)]])


def runtime_all(items: int) -> int:
    """The same in a runtime."""
    with Runtime(2) as runtime:
        return len([handle.get() for handle in [runtime.submit(increment, n) for n in range(items)]])


def pool_each(items: int) -> int:
    """Submit one, and wait for it."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.submit(increment, n).result() == n + 1 for n in range(items))


def runtime_each(items: int) -> int:
    """The same in a runtime."""
    with Runtime(2) as runtime:
        return sum(runtime.submit(increment, n).get() == n + 1 for n in range(items))


def runtime_chain(items: int) -> int:
    """Each task needs the one before."""
    with Runtime(2) as runtime:
        handle = runtime.submit(increment, -1)
        for _ in range(items):
            handle = runtime.submit(increment, handle)
        return handle.get()


def fibonacci(runtime: Runtime, n: int) -> int:
    """Compute with a task for each call; return the number of tasks."""
    if n < 2:
        return 1
    one, other = runtime.submit(fibonacci, runtime, n - 1), runtime.submit(fibonacci, runtime, n - 2)
    return 1 + one.get() + other.get()


def nested(effort: Effort) -> Iterator[Row]:
    """Tasks that wait for tasks, in one thread."""
    items = effort.items(8_361)
    n = next(fib for tasks, fib in reversed(FIB.items()) if tasks <= items)

    def run(count: int) -> int:
        with Runtime(1) as runtime:
            assert runtime.submit(fibonacci, runtime, n).get() == count
        return count

    tasks = calls_of(n)
    contender = attrs.evolve(Contender("Runtime(1)", lambda _: run(tasks) and _), share=1.0)
    timings = compare(f"nested waits, fibonacci({n})", [contender], tasks, effort)
    yield within(timings.row("Runtime(1)", unit=1e-6), 1e6 * timings.median("Runtime(1)"), 15)


def calls_of(n: int) -> int:
    """How many tasks the Fibonacci number needs."""
    return 1 if n < 2 else 1 + calls_of(n - 1) + calls_of(n - 2)


async def later(number: int) -> int:
    """Return the number."""
    return number


def nursery(items: int) -> int:
    """Tasks that put their results into a list."""
    results: list[int] = []

    async def note(number: int) -> None:
        results.append(await later(number))

    async def main() -> None:
        async with trio.open_nursery() as tasks:
            for number in range(items):
                tasks.start_soon(note, number)

    trio.run(main)
    return len(results)


def scope(items: int) -> int:
    """Tasks with handles."""

    async def main() -> int:
        async with Scope() as tasks:
            handles = [tasks.spawn(later, number) for number in range(items)]
        return sum(handle.done() and handle.exception is None for handle in handles)

    return trio.run(main)


def aioresult(items: int) -> int:
    """Tasks whose results aioresult keeps."""
    capture: Any = import_module("aioresult").ResultCapture

    async def main() -> int:
        async with trio.open_nursery() as tasks:
            results = [capture.start_soon(tasks, later, number) for number in range(items)]
        return sum(result.result() >= 0 for result in results)

    return trio.run(main)


def graph_of(executor: Any, items: int) -> int:
    """Leaves and a reduction over them, built and run; return the number of leaves."""
    graph = TaskGraph(executor=executor)
    total = graph.reduce(sum, graph.map(one_of, range(items)))
    return graph.run_sync()[total]


def one_of(number: int) -> int:
    """Count as one."""
    return 1


def graphs(effort: Effort) -> Iterator[Row]:
    """A graph of leaves and sums, per leaf; there are 1.14 tasks per leaf."""
    items = effort.items(TASKS // 4)
    contenders = [
        Contender("on the loop", lambda count: graph_of(None, count)),
        Contender("Threads(2)", lambda count: graph_of(Threads(2), count)),
    ]
    if find_spec("dask") is not None:
        contenders.append(Contender("dask.delayed, threads", dask_delayed, 0.2))
    timings = compare("graph, build and run", contenders, items, effort)
    for contender, most in zip(contenders, (6.0, 10.0, None), strict=False):
        row = timings.row(contender.name, unit=1e-6)
        yield row if most is None else within(row, 1e6 * timings.median(contender.name) / (8 / 7), most)


def dask_delayed(items: int) -> int:
    """The same graph in Dask."""
    delayed: Any = import_module("dask").delayed
    level = [delayed(one_of)(number) for number in range(items)]
    while len(level) > 1:
        level = [delayed(sum)(level[start : start + 8]) for start in range(0, len(level), 8)]
    total: int = level[0].compute(scheduler="threads", num_workers=2)
    return total
