"""Blocks on a Dask cluster of this machine: a scheduler and two workers, each a process of its own, as on several.

What one machine can show: the cost of a task, what two workers make of work that computes, and how short an item may be
for that to pay. The two workers share the processor with the scheduler and with this process, so on a machine with two
cores the efficiency is lower than on one where they have a core each. Work that only waits stands for work on machines
of their own.
"""

from __future__ import annotations

import subprocess
import sys
import typing
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import attrs

from penstock.blocks import Cluster

from .measuring import Contender, Effort, Program, Row, Timings, compare
from .stage import through

WORKERS = 2
ITEMS, TASKS, NO_OPS, PAYLOADS = 200, 400, 20_000, 40
ECHO: Callable[[Any], Any] = partial(typing.cast, None)
"""Gives back what it gets; of the standard library, so that the scheduler of Dask can import it."""
SHORT = (0.3, 1.0, 3.0, 10.0)
"""Milliseconds of work per item, to see from which a cluster pays."""


@attrs.frozen
class Work:
    """Computes for about this many milliseconds, in Python."""

    loops: int

    def __call__(self, x: int) -> int:
        total = 0
        for number in range(self.loops):
            total += number & 3
        return x + (total < 0)


@attrs.frozen
class ArrayWork:
    """Computes for about this many milliseconds, in NumPy, which releases the interpreter lock."""

    times: int

    def __call__(self, x: int) -> int:
        np: Any = import_module("numpy")
        values = np.full(100_000, float(x))
        for _ in range(self.times):
            values = np.sqrt(values * values + 1.0)
        return x + int(values[0] < 0)


class Waiting:
    """Takes 20 ms, and no processor."""

    def __call__(self, x: int) -> int:
        sleep(0.02)
        return x


@cache
def lasting(kind: Callable[[int], Callable[[int], int]], milliseconds: float) -> Callable[[int], int]:
    """Make work that takes so long here."""
    rounds = 10
    while (seconds := fastest(kind(rounds))) < 0.02:
        rounds *= 2
    return kind(max(1, round(rounds * milliseconds / (seconds * 1e3))))


def fastest(function: Callable[[int], int]) -> float:
    """The shortest of a few calls, in seconds."""
    best = float("inf")
    for _ in range(3):
        start = perf_counter()
        function(1)
        best = min(best, perf_counter() - start)
    return best


@contextmanager
def dask_client() -> Generator[Any]:
    """Start a scheduler and workers with one thread each, and connect to them."""
    import_module("cloudpickle").register_pickle_by_value(sys.modules[__name__])  # no worker can import this folder
    with ExitStack() as stack:
        file = Path(stack.enter_context(TemporaryDirectory())) / "scheduler.json"
        options = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
        scheduler = ["scheduler", *options, "--port", "0", "--idle-timeout", "10 minutes"]  # both end if we are killed
        worker = ["worker", *options, "--nthreads", "1", "--memory-limit", "0", "--no-nanny", "--death-timeout", "60"]
        for name, *arguments in (scheduler, *[worker] * WORKERS):
            command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            wait_for(file, process)
        client = stack.enter_context(import_module("distributed").Client(scheduler_file=file, set_as_default=False))
        client.wait_for_workers(WORKERS, timeout=60)
        yield client


def wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the scheduler has said where it is."""
    while not file.exists():
        if process.poll() is not None:
            raise RuntimeError(f"a process of the cluster ended with {process.returncode}: {process.args!r}")
        sleep(0.05)


def here(function: Callable[[int], Any], items: int) -> int:
    """A plain loop in this process."""
    return sum(1 for x in range(items) if function(x) is not None)


def in_block(executor: Executor, function: Callable[[Any], Any], concurrency: int, item: Any, items: int) -> int:
    """One block on the cluster; its results come home, unless it is a `Cluster`."""
    inputs = range(items) if item is None else (item for _ in range(items))
    return through(function, executor, inputs, concurrency=concurrency)


def one_by_one(client: Any, items: int) -> int:
    """Dask's own way: submit a task, wait for its result, submit the next one."""
    return sum(1 for x in range(items) if client.submit(ECHO, x, pure=False).result() == x)


def all_at_once(client: Any, items: int) -> int:
    """Dask's own way: submit all tasks, then fetch all results."""
    return len(client.gather(client.map(ECHO, range(items), pure=False)))


def scaling(client: Any, effort: Effort) -> Iterator[Row]:
    """Work of 20 ms per item, on one worker and on two."""
    first, *_ = client.scheduler_info()["workers"]
    works = (("Python", lasting(Work, 20)), ("NumPy", lasting(ArrayWork, 20)), ("waiting", Waiting()))
    for what, work in works:
        contenders = [
            Contender("a loop here", partial(here, work)),
            Contender("1 worker", partial(in_block, client.get_executor(workers=[first]), work, 2, None)),
            Contender("2 workers", partial(in_block, client.get_executor(), work, 4, None)),
            Contender("2 workers, Cluster", partial(in_block, Cluster(client), work, 4, None)),
        ]
        timings = compare(f"cluster, {what}, 20 ms", contenders, effort.items(ITEMS, 8), effort, perf_counter)
        yield timings.row("a loop here", unit=1e-3)
        for contender in contenders[1:]:
            yield timings.row(contender.name, "a loop here", unit=1e-3)
        for who in ("2 workers", "2 workers, Cluster"):
            efficiency = timings.ratio("1 worker", who) / WORKERS
            yield Row(timings.what, f"efficiency of {who}", f"{efficiency:.0%} of twice 1 worker")


def costs(client: Any, effort: Effort) -> Iterator[Row]:
    """Tasks that do nothing."""
    few, many = effort.items(TASKS, 8), effort.items(NO_OPS, 40)
    contenders = [
        Contender("Dask, one by one", partial(one_by_one, client), few / many),
        Contender("Dask, all at once", partial(all_at_once, client), few / many),
        Contender("penstock, one an item (Cluster)", partial(in_block, Cluster(client), ECHO, 4, None), few / many),
        Contender("penstock, many a submission", partial(in_block, client.get_executor(), ECHO, 4, None)),
    ]
    timings = compare("cluster, no-op tasks", contenders, many, effort, perf_counter)
    yield timings.row(contenders[0].name, unit=1e-6)
    for contender in contenders[1:]:
        yield timings.row(contender.name, contenders[0].name, unit=1e-6)


def break_even(client: Any, effort: Effort) -> Iterator[Row]:
    """Short items, on two workers and in a loop here: below 1 × it pays."""
    for milliseconds in SHORT:
        work = lasting(Work, milliseconds)
        programs: dict[str, Program] = {
            "a loop here": partial(here, work),
            "2 workers": partial(in_block, client.get_executor(), work, 4, None),
            "2 workers, Cluster": partial(in_block, Cluster(client), work, 4, None),
        }
        timings = times(
            f"cluster, {milliseconds:g} ms per item", programs, effort.items(round(1000 / milliseconds), 8), effort
        )
        yield timings.row("2 workers", "a loop here", unit=1e-3)
        yield timings.row("2 workers, Cluster", "a loop here", unit=1e-3)


def payloads(client: Any, effort: Effort) -> Iterator[Row]:
    """Items of some size there and back, and made there and left there."""
    for size, name in ((10_000, "10 kB"), (100_000, "100 kB"), (1_000_000, "1 MB")):
        programs: dict[str, Program] = {
            "there and back": partial(in_block, client.get_executor(), ECHO, 4, bytes(size)),
            "made and left there (Cluster)": partial(in_block, Cluster(client), bytes, 4, size),
        }
        timings = times(f"cluster, payload of {name}", programs, effort.items(PAYLOADS, 4), effort)
        for who in programs:
            yield timings.row(who, unit=1e-3)


def times(what: str, programs: dict[str, Program], items: int, effort: Effort) -> Timings:
    contenders = [Contender(name, program) for name, program in programs.items()]
    return compare(what, contenders, items, effort, perf_counter)


def rows(effort: Effort) -> Iterator[Row]:
    """Start a cluster and compare; without Dask there is nothing to measure."""
    if find_spec("distributed") is None:
        yield Row("cluster", "dask", "left out: distributed is not installed")
        return
    with dask_client() as client:
        for benchmark in (scaling, costs, break_even, payloads):
            yield from benchmark(client, effort)
