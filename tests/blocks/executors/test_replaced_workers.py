"""Worker processes that are replaced after some items, or when they use too much memory."""

import logging
import os
import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.blocks import Call, DeadLetter, Network, Processes, Retry, Transformer, TransformMany
from penstock.blocks.executors import process_backend
from penstock.blocks.executors.process_child import Child
from penstock.blocks.executors.setup import Setup
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.in_thread import start_in_thread
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import contents, faults, linked, run


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    monkeypatch.setattr(sys, "path", [functions.ROOT, *sys.path])


class InThreads:
    """Has children that are threads of the test, and counts the items of each."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def start(self, who: str, setup: Setup) -> Child:
        """Start a child."""
        self.seeds.append(setup.seed)
        return start_in_thread(who, setup)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> InThreads:
    children = InThreads()
    monkeypatch.setattr(process_backend, "start", children.start)
    return children


def count_down(item: int) -> tuple[int, int]:
    """The item and the seed of the worker; a negative item fails."""
    if item < 0:
        raise ValueError(item)
    return item, functions.number_and_seed()[1]


class Dead:
    """Takes dead letters."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.block: Call[Any] = Call(self.take)

    def take(self, letter: Any) -> None:
        """Take one."""
        self.items.append(letter.item)


POLICIES = ["skip", "dead letter", "retry"]


@settings(max_examples=25)
@given(
    items=st.lists(st.integers(-3, 100), max_size=60),
    max_items=st.integers(1, 12),
    concurrency=st.integers(1, 3),
    ordered=st.booleans(),
    policy=st.sampled_from(POLICIES),
)
def test_no_item_is_lost_and_no_process_does_more(
    items: list[int], max_items: int, concurrency: int, ordered: bool, policy: str
) -> None:
    dead = Dead()
    on_error: Any = {
        "skip": "skip",
        "dead letter": DeadLetter(dead.block),
        "retry": Retry(times=1, backoff=0, then="skip"),
    }[policy]
    executor = Processes(2, max_items=max_items)
    block = Transformer(count_down, executor=executor, concurrency=concurrency, ordered=ordered, on_error=on_error)
    results = linked(block)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(process_backend, "start", InThreads().start)
        trio.run(run, block, items)
    found = contents(results)
    expected = [item for item in items if item >= 0]
    assert Counter(item for item, _ in found) == Counter(expected)
    if ordered:
        assert [item for item, _ in found] == expected
    assert all(count <= max_items for count in Counter(seed for _, seed in found).values())
    if policy == "dead letter":
        assert Counter(dead.items) == Counter(item for item in items if item < 0)
    tries = sum(1 + (item < 0 and policy == "retry") for item in items)
    assert executor._options.replaced <= tries // max_items


async def test_items_of_one_hand_over_are_shared_out(children: InThreads, real_time: None) -> None:
    children.seeds.clear()
    executor = Processes(1, max_items=10, name="pool")
    block = Transformer(count_down, executor=executor)
    results = linked(block)
    await run(block, range(95))
    found = contents(results)
    assert [item for item, _ in found] == list(range(95))
    assert list(Counter(seed for _, seed in found).values()) == [10] * 9 + [5]
    assert len(set(children.seeds)) == len(children.seeds) == 10
    assert repr(executor) == "<Processes 'pool', 0 of 1 workers, 9 replaced>"


@pytest.mark.parametrize("max_items", [1, 2])
def test_each_future_is_an_item(max_items: int, children: InThreads) -> None:
    with Processes(1, max_items=max_items) as executor:
        seeds = [executor.submit(count_down, n).result(SECONDS)[1] for n in range(6)]
    assert list(Counter(seeds).values()) == [max_items] * (6 // max_items)


async def test_a_failure_that_ends_the_network_is_as_before(children: InThreads, real_time: None) -> None:
    block = Transformer(count_down, executor=Processes(1, max_items=2))
    with faults(ValueError):
        await run(block, [1, 2, 3, -1, 4])


async def test_a_job_that_takes_long_ends_where_a_process_is_replaced(
    children: InThreads, real_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other items of the job are begun anew, so that a stop need not wait for all of them."""
    monkeypatch.setattr(process_backend, "perf_counter", iter(range(10_000)).__next__)  # far more than a job may take
    block = Transformer(count_down, executor=Processes(1, max_items=3))
    results = linked(block)
    await run(block, range(50))
    assert [item for item, _ in contents(results)] == list(range(50))


@pytest.mark.slow
@pytest.mark.parametrize("worker_exit", [None, functions.exit_logged])
async def test_processes_are_replaced_in_an_orderly_way(
    worker_exit: Any, caplog: pytest.LogCaptureFixture, real_time: None
) -> None:
    caplog.set_level(logging.INFO, "penstock")
    executor = Processes(1, max_items=3, worker_init=functions.model, worker_exit=worker_exit, name="pool")
    block = Transformer(functions.process_of, executor=executor)
    results = linked(block)
    await run(block, range(8))
    assert list(Counter(pid for _, pid in contents(results)).values()) == [3, 3, 2]
    said = [record.getMessage() for record in caplog.records if record.name == "penstock"]
    assert said == ["Processes 'pool': worker 1 is replaced after 3 items (max_items)"] * 2
    ends = [record for record in caplog.records if record.name == functions.log.name]
    assert len(ends) == (3 if worker_exit else 0)


@pytest.mark.slow
async def test_outputs_that_leave_in_parts_are_kept_together(real_time: None) -> None:
    block: TransformMany[int, tuple[int, int]] = TransformMany(
        functions.process_of_each, executor=Processes(2, max_items=2), concurrency=2
    )
    results = linked(block)
    await run(block, range(0, 30, 3))
    found = contents(results)
    assert [item for item, _ in found] == list(range(30))
    assert all(first[1] == second[1] for first, second in pairwise(found) if second[0] % 3)
    assert max(Counter(pid for _, pid in found).values()) <= 6


@pytest.mark.slow
async def test_a_network_that_is_cancelled_ends_as_before(real_time: None) -> None:
    executor = Processes(1, max_items=1)
    async with Network(block := Transformer(functions.process_of, executor=executor)) as network:
        results = linked(block)
        for n in range(20):
            await block.send(n)
        await results.receive()
        network.cancel()
    # on leaving, the network has checked that the balance adds up
    assert 1 <= len(contents(results)) + 1 + network.balance().discarded <= 20


@pytest.mark.slow
def test_a_process_that_uses_too_much_memory_is_replaced_before_the_next_job() -> None:
    with Processes(1, max_memory="500 MiB") as executor:
        small = [executor.submit(functions.hold, 1).result(SECONDS) for _ in range(3)]
        large = executor.submit(functions.hold, 600).result(SECONDS)
        other = executor.submit(functions.hold, 1).result(SECONDS)
        assert executor._options.replaced == 1
    assert set(small) == {large}
    assert other != large


@pytest.mark.slow
def test_one_that_is_too_big_from_the_start_does_one_job_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with Processes(1, max_memory=1, name="pool") as executor:
        pids = [executor.submit(os.getpid).result(SECONDS) for _ in range(3)]
    assert len(set(pids)) == 3
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said.startswith("Processes 'pool': a worker process uses ")
    assert said.endswith("max_memory is 1 B: it does only one job; give max_memory a larger number")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "7"])
def test_the_number_of_items_is_checked(wrong: Any) -> None:
    with pytest.raises(ValueError, match="Processes 'pool': max_items must be an int >= 1 or None, got"):
        Processes(1, max_items=wrong, name="pool")


def test_the_memory_is_checked_and_can_be_read() -> None:
    with pytest.raises(ValueError, match="Processes 'pool': max_memory must be at least 1 byte"):
        Processes(1, max_memory=0, name="pool")
    with pytest.raises(TypeError, match="Processes 'pool': max_memory must be a number of bytes or a text"):
        Processes(1, max_memory=[], name="pool")  # type: ignore[arg-type]  # that is the point
    executor = Processes(1, max_items=3, max_memory="2 GiB")
    assert (executor.max_items, executor.max_memory) == (3, 2 << 30)


@pytest.mark.parametrize("limit", [{"max_items": 3}, {"max_memory": 1 << 30}])
def test_a_function_that_holds_something_for_the_end_needs_one_process(limit: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"'many': at_end= needs an executor that keeps its process"):
        TransformMany(functions.up_to, at_end=list, executor=Processes(1, **limit), name="many")
