"""What it costs to have another process do next to nothing: with a 6 MB array there and back, and with small items.

The array is returned by the function as it came, so each way needs one copy at least, into memory that both processes
see: two copies of memory are the baseline. It copies between the same two arrays to and fro, which stay in the cache of
one core; a second one takes turns among a dozen, as the items of a pipeline do, which have to come from memory.
"""

from __future__ import annotations

import multiprocessing
import typing
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import Any

import numpy as np
import trio

from penstock.blocks import Processes

from .measuring import Contender, Effort, Row, compare
from .stage import through
from .workloads import compute

ARRAYS, INTS, RECORDS = 100, 20_000, 10_000
FLOATS = 6_000_000 // 8
ECHO: Callable[[Any], Any] = partial(typing.cast, None)
"""Gives back what it gets; of the standard library, so that every worker process can import it."""
Run = Callable[[int], int]


def array_of(number: int) -> np.ndarray[Any, Any]:
    return np.full(FLOATS, float(number))


def copies(items: int) -> int:
    """Copy an array to and fro."""
    here, there = array_of(1), array_of(0)
    done = 0
    for _ in range(items):
        np.copyto(there, here)
        np.copyto(here, there)
        done += 1
    return done


@cache
def dozen() -> list[np.ndarray[Any, Any]]:
    return [array_of(number) for number in range(12)]


def cold_copies(items: int) -> int:
    """Copy an array that is in no cache, and the copy again."""
    arrays, done = dozen(), 0
    for number in range(items):
        start = number * 3
        np.copyto(arrays[(start + 1) % 12], arrays[start % 12])
        np.copyto(arrays[(start + 2) % 12], arrays[(start + 1) % 12])
        done += 1
    return done


def in_blocks(executor: Executor, make: Callable[[int], Any], window: int, items: int) -> int:
    """One block, one worker; the window bounds the items in flight."""
    item = make(1)
    return through(ECHO, executor, (item for _ in range(items)), window=window, capacity=None)


def in_two(executor: Executor, function: Callable[[Any], Any], make: Callable[[int], Any], items: int) -> int:
    """One block, two workers, and what they are given if nothing is said."""
    return through(function, executor, map(make, range(items)), concurrency=2)


def mapped(pool: Any, function: Callable[[Any], Any], make: Callable[[int], Any], chunk: int, items: int) -> int:
    """`imap` of a pool of `multiprocessing`, or `map` of the standard executor."""
    results = (
        pool.map(function, map(make, range(items)), chunksize=chunk)
        if isinstance(pool, Executor)
        else pool.imap(function, map(make, range(items)), chunk)
    )
    return sum(1 for _ in results)


def record(number: int) -> dict[str, Any]:
    """A small record."""
    return {"id": number, "name": f"item {number}", "values": [number * 0.5] * 8, "tags": ("a", "b")}


def in_pool(pool: Executor, make: Callable[[int], Any], chunk: int, items: int) -> int:
    """The standard pool: item by item, or by its own `map` in chunks."""
    item = make(1)
    if chunk == 1:
        return sum(pool.submit(ECHO, item).result() is not None for _ in range(items))
    return sum(result is not None for result in pool.map(ECHO, (item for _ in range(items)), chunksize=chunk))


def in_trio_parallel(make: Callable[[int], Any], items: int) -> int:
    parallel: Any = import_module("trio_parallel")
    item, done = make(1), 0

    async def main() -> None:
        nonlocal done
        for _ in range(items):
            done += await parallel.run_sync(ECHO, item) is not None

    trio.run(main)
    return done


def in_dask(client: Any, make: Callable[[int], Any], items: int) -> int:
    item = make(1)
    return sum(client.submit(ECHO, item, pure=False).result() is not None for _ in range(items))


@contextmanager
def dask_client() -> Generator[Any]:
    """A cluster of one worker process."""
    distributed: Any = import_module("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def standard_pool(workers: int = 1) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def rows(effort: Effort) -> Iterator[Row]:
    """Compare with copies of memory, the standard pool, trio-parallel and Dask."""
    with ExitStack() as stack:
        enter: Callable[[AbstractContextManager[Any]], Any] = stack.enter_context
        ours, pool = enter(Processes(1)), enter(standard_pool())
        contenders = [
            Contender("two copies", copies),
            Contender("two copies, from memory", cold_copies),
            Contender("Processes", partial(in_blocks, ours, array_of, 1)),
            Contender("ProcessPoolExecutor", partial(in_pool, pool, array_of, 1), 0.5),
        ]
        if find_spec("trio_parallel") is not None:
            contenders.append(Contender("trio-parallel", partial(in_trio_parallel, array_of), 0.5))
        if find_spec("distributed") is not None:
            contenders.append(Contender("Dask", partial(in_dask, enter(dask_client()), array_of), 0.5))
        timings = compare("6 MB array to a process and back", contenders, effort.items(ARRAYS, 4), effort, perf_counter)
        yield timings.row("two copies", unit=1e-6)
        excess = (timings.median("Processes") - 1.5 * timings.median("two copies")) * 1e6
        ratio = timings.ratio("Processes", "two copies")
        value = f"{timings.median('Processes') * 1e6:,.0f} µs per item"
        target = "≤ 1.5 × + 100 µs"
        yield Row(timings.what, "Processes", value, ratio, "two copies", target, excess <= 100)
        yield timings.row("Processes", "two copies, from memory", unit=1e-6)
        for contender in contenders[3:]:
            yield timings.row(contender.name, "Processes", unit=1e-6)
        yield from small_rows(effort, ours, pool)
    with Processes(2) as two, standard_pool(2) as pool, multiprocessing.get_context("spawn").Pool(2) as imap:
        yield from pair_rows(effort, two, pool, imap)


def pair_rows(effort: Effort, ours: Executor, pool: Executor, imap: Any) -> Iterator[Row]:
    """Two workers: ints that are given back, and records on each of which a worker computes for a while.

    The second time is the processor time of the main process.
    """
    items = effort.items(5 * INTS, 64)
    contenders = [
        Contender("Processes", partial(in_two, ours, abs, int)),
        Contender("Pool.imap, chunks of 1024", partial(mapped, imap, abs, int, 1024)),
    ]
    timings = compare("ints to two processes", contenders, items, effort, perf_counter)
    yield timings.row("Pool.imap, chunks of 1024")
    yield timings.row("Processes", "Pool.imap, chunks of 1024")
    items = effort.items(RECORDS, 64)
    contenders = [
        Contender("Processes", partial(in_two, ours, compute, record)),
        Contender("ProcessPoolExecutor.map", partial(mapped, pool, compute, record, 32)),
    ]
    for clock, what in ((perf_counter, "records, 30 µs each"), (process_time, "the same, main process")):
        timings = compare(what, contenders, items, effort, clock)
        yield timings.row("ProcessPoolExecutor.map", unit=1e-6)
        yield timings.row("Processes", "ProcessPoolExecutor.map", unit=1e-6)


def small_rows(effort: Effort, ours: Executor, pool: Executor) -> Iterator[Row]:
    """Ints: item by item, and many at a time."""
    items = effort.items(INTS, 64)
    for what, window, chunk, part in (
        ("int to a process and back, 1 in flight", 1, 1, 0.05),
        ("ints to a process and back", 1024, 256, 1.0),
    ):
        count = max(10, round(items * part))
        contenders = [
            Contender("Processes", partial(in_blocks, ours, int, window)),
            Contender("ProcessPoolExecutor", partial(in_pool, pool, int, chunk)),
        ]
        timings = compare(what, contenders, count, effort, perf_counter)
        yield timings.row("Processes", unit=1e-6)
        yield timings.row("ProcessPoolExecutor", "Processes", unit=1e-6)
