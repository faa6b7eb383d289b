"""Messages with priorities: in a buffer of their own, and in the blocks that call functions."""

from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Broadcast,
    Buffer,
    Call,
    Filter,
    Join,
    Network,
    PriorityBuffer,
    Rate,
    ResourcePool,
    Retry,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.core.priority_queue import PriorityQueue
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked, run

JOBS = [(1, "a"), (3, "b"), (2, "c"), (3, "d"), (1, "e")]
SORTED = ["b", "d", "c", "a", "e"]


def urgency(job: tuple[int, str]) -> int:
    """The first part."""
    return job[0]


def is_odd(job: tuple[int, int]) -> bool:
    """A key."""
    return job[1] % 2 == 1


def task(job: tuple[int, str]) -> str:
    """The second part."""
    return job[1]


# The buffer


async def test_the_most_urgent_message_goes_first_and_equal_ones_keep_their_order() -> None:
    buffer = PriorityBuffer(urgency)
    async with Network(buffer):
        for job in JOBS:
            await buffer.send(job)
    assert [name async for _, name in buffer] == SORTED


def test_by_default_the_message_knows_its_priority() -> None:
    buffer: PriorityBuffer[Any] = PriorityBuffer()
    for priority in (1, 2):
        buffer.send_nowait(SimpleNamespace(priority=priority))
    assert [buffer.receive_nowait().priority for _ in range(2)] == [2, 1]


def test_a_message_without_a_priority_is_refused_and_the_sender_keeps_it() -> None:
    buffer: PriorityBuffer[Any] = PriorityBuffer(name="jobs")
    with pytest.raises(TypeError, match="priority buffer 'jobs': the message has no attribute `priority`: 'job'"):
        buffer.send_nowait("job")
    assert len(buffer) == 0


@pytest.mark.parametrize("priority", [None, "high", float("nan"), 1j])
def test_a_priority_must_be_a_number(priority: Any) -> None:
    buffer: PriorityBuffer[str] = PriorityBuffer(lambda job: priority, name="jobs")
    with pytest.raises(
        TypeError, match=rf"priority buffer 'jobs': the priority must be a number, got {priority!r} for 'job'"
    ):
        buffer.send_nowait("job")
    assert len(buffer) == 0


@pytest.mark.parametrize("priority", [True, 1, 0.5, np.int64(1), np.uint8(1), np.float32(0.5)])
def test_every_kind_of_number_is_a_priority(priority: Any) -> None:
    buffer: PriorityBuffer[Any] = PriorityBuffer(lambda item: item)
    buffer.send_nowait(0)
    buffer.send_nowait(priority)
    assert buffer.receive_nowait() == priority


def test_wrong_arguments_are_refused() -> None:
    async def later(item: int) -> int:
        return item

    with pytest.raises(TypeError, match="priority buffer 'p': priority must be a plain function"):
        PriorityBuffer(later, name="p")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="transformer 'str': priority must be a plain function"):
        Transformer(str, priority=later)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(ValueError, match="priority buffer 'p': ageing must be a number > 0, got 0"):
        PriorityBuffer(ageing=0, name="p")
    with pytest.raises(ValueError, match="priority buffer 'p': capacity must be an int >= 1"):
        PriorityBuffer(capacity=0, name="p")


async def test_an_error_of_the_priority_of_a_linked_message_is_a_fault() -> None:
    def broken(job: Any) -> int:
        raise ValueError(job)

    source = UnboundedBuffer[int](name="source")
    source.link_target(PriorityBuffer(broken, name="jobs"))
    with faults(ValueError):
        await run(source, [1])


def test_with_ageing_a_message_gains_a_level_as_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time_slice, "clock", lambda: now)
    buffer = PriorityBuffer(urgency, ageing=2.0)
    buffer.send_nowait((0, "old"))
    now += 3.9
    buffer.send_nowait((2, "urgent"))
    assert task(buffer.receive_nowait()) == "urgent"
    now += 0.2
    buffer.send_nowait((2, "too late"))
    assert task(buffer.receive_nowait()) == "old"


def test_the_queue_shows_its_messages_in_the_order_in_which_they_leave() -> None:
    queue = PriorityQueue[int]("test", lambda n: n)
    for n in (1, 3, 2):
        queue.append(n)
    queue.appendleft(0)
    assert list(queue) == [queue[n] for n in range(4)] == [0, 3, 2, 1]
    assert queue.take(2) == [0, 3]
    assert queue[1] == 1
    queue.clear()
    assert not len(queue)


# How far an urgent message overtakes


class Seen:
    """Takes a second for each item, in one of several ways, and remembers the order."""

    def __init__(self) -> None:
        self.items: list[str] = []

    def plainly(self, job: tuple[int, str]) -> None:
        """Work in an executor."""
        self.items.append(task(job))

    async def later(self, job: tuple[int, str]) -> None:
        """Work in a task."""
        self.items.append(task(job))
        await trio.sleep(1)


def workers(seen: Seen, concurrency: int, **options: Any) -> dict[str, Call[tuple[int, str]]]:
    """A call of each kind, each of which takes 1 s an item."""
    pool = OnLoop(seconds=1.0, workers=concurrency)
    return {
        "tasks": Call(seen.later, concurrency=concurrency, **options),
        "tasks by key": Call(seen.later, concurrency=concurrency, key=task, **options),
        "executor": Call(seen.plainly, concurrency=concurrency, executor=pool, time_limit=99, **options),  # 1 a job
        "executor by key": Call(seen.plainly, concurrency=concurrency, executor=pool, key=task, **options),
    }


KINDS = tuple(workers(Seen(), 1))


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["in the block", "in a buffer before it", "in a buffer of one's own"])
async def test_an_urgent_message_waits_for_what_is_in_work_and_a_batch(
    kind: str, concurrency: int, place: str, autojump_clock: object
) -> None:
    seen = Seen()
    options = {"priority": urgency} if place == "in the block" else {}
    call = workers(seen, concurrency, **options)[kind]
    door: Any = call
    if place != "in the block":
        door = PriorityBuffer(urgency) if place == "in a buffer before it" else Upwards()
        door.link_target(call)
    async with Network(door):
        for n in range(60):
            await door.send((1, f"{n}"))
        await trio.sleep(3.5)
        before = len(seen.items)
        await door.send((2, "urgent"))
    assert len(seen.items) == 61
    assert seen.items.index("urgent") - before <= 2 * concurrency  # what was handed to the executor, and one each


class Upwards(Buffer[tuple[int, str]]):
    """Gives the most urgent job first, in a user's class."""

    def __init__(self) -> None:
        self.jobs: list[tuple[int, str]] = []
        super().__init__()

    def put(self, item: tuple[int, str]) -> None:
        self.jobs.append(item)
        self.jobs.sort(key=urgency)

    def pop(self) -> tuple[int, str]:
        return self.jobs.pop()

    def peek(self) -> tuple[int, str]:
        return self.jobs[-1]

    def size(self) -> int:
        return len(self.jobs)


async def test_a_plain_function_on_the_loop_starts_the_most_urgent_next() -> None:
    seen: list[str] = []
    call = Call[tuple[int, str]](lambda job: seen.append(task(job)), priority=urgency)
    async with Network(call):
        for job in JOBS:
            call.send_nowait(job)
    assert seen == SORTED


async def test_messages_that_come_along_links_are_sorted_too() -> None:
    source = UnboundedBuffer[tuple[int, str]]()
    seen: list[str] = []
    source.link_target(Call(lambda job: seen.append(task(job)), priority=urgency))
    async with Network(source):
        for job in JOBS:
            source.send_nowait(job)
    assert seen == SORTED


# With everything that they meet

variable: ContextVar[int] = ContextVar("variable", default=0)
OPTIONS = ["rate", "resource", "key", "context", "retry", "governor", "filter", "limit"]


@given(
    jobs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), max_size=30),
    kind=st.sampled_from(["loop", "tasks", "executor"]),
    many=st.booleans(),
    concurrency=st.integers(1, 3),
    ordered=st.booleans(),
    options=st.sets(st.sampled_from(OPTIONS)),
)
def test_nothing_is_lost_and_what_waits_is_taken_by_priority(
    jobs: list[tuple[int, int]], kind: str, many: bool, concurrency: int, ordered: bool, options: set[str]
) -> None:
    started: list[tuple[int, int]] = []
    failed: set[tuple[int, int]] = set()
    concurrency = 1 if kind == "loop" else concurrency

    def work(job: tuple[int, int], *leases: Any) -> Any:
        for lease in leases:
            lease.give_back()
        if "retry" in options and job[1] % 5 == 0 and job not in failed:
            failed.add(job)
            raise ValueError(job)
        started.append(job)
        return [job] if many else job

    async def later(job: tuple[int, int], *lease: object) -> Any:
        await trio.sleep(0.1)
        return work(job, *lease)

    function = later if kind == "tasks" else work
    made: dict[str, Any] = {
        "rate": {"rate": Rate(10, burst=2)},
        "resource": {"resource": ResourcePool(["a", "b"])},
        "key": {} if kind == "loop" else {"key": is_odd},
        "context": {"context": True} if kind != "executor" else {},
        "retry": {"on_error": Retry(2)},
        "limit": {"time_limit": 5.0},
    }
    given_options: dict[str, Any] = {}
    for option in options:
        given_options |= made.get(option, {})
    if kind == "executor":
        given_options["executor"] = OnLoop(seconds=0.1, workers=concurrency)
    block: Any = (TransformMany if many else Transformer)(
        function,
        concurrency=concurrency,
        ordered=ordered,
        priority=lambda job: job[0],
        filter=(lambda job: job[1] != 7) if "filter" in options else None,
        **given_options,
    )
    source = UnboundedBuffer[Any]()
    source.link_target(block, filter=(lambda job: job[1] != 7) if "filter" in options else None)
    if "filter" in options:
        source.link_target(Call(lambda job: None), filter=lambda job: job[1] == 7)
    results = linked(block)
    if "governor" in options:
        PipelineGovernor(4).govern(block, block)

    async def main() -> None:
        with trio.fail_after(1000):
            await feed()

    async def feed() -> None:
        async with Network(source) as network:
            for job in jobs:
                source.send_nowait(job)
        assert network.balance().ok

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    wanted = [job for job in jobs if not ("filter" in options and job[1] == 7)]
    assert sorted(contents(results)) == sorted(wanted)
    if kind == "loop" and not options:
        assert started == sorted(jobs, key=lambda job: -job[0])


async def test_the_context_of_the_sender_goes_with_the_message() -> None:
    seen: list[tuple[int, int]] = []
    call = Call[int](lambda n: seen.append((n, variable.get())), priority=lambda n: n, context=True)
    async with Network(call):
        for n in (1, 3, 2):
            variable.set(10 * n)
            call.send_nowait(n)
    assert seen == [(3, 30), (2, 20), (1, 10)]


@pytest.mark.parametrize("context", [False, True])
async def test_the_last_call_comes_last(context: bool) -> None:
    block = TransformMany[int, int](lambda n: [n], priority=lambda n: n, at_end=lambda: [0], context=context)
    results = linked(block)
    async with Network(block):
        for n in (1, 3, 2):
            block.send_nowait(n)
    assert contents(results) == [3, 2, 1, 0]


async def test_a_join_by_position_refuses_a_branch_that_sorts() -> None:
    broadcast = Broadcast[int]()
    sorted_branch: Transformer[int, str] = Transformer(str, priority=lambda n: n, name="sorts")
    other: Transformer[int, str] = Transformer(str)
    broadcast.link_target(sorted_branch)
    broadcast.link_target(other)
    join = Join(sorted_branch, other)
    linked(join)
    with pytest.raises(Exception, match="sorts"):
        async with Network(broadcast):
            pass


async def test_what_waits_is_discarded_and_counted_when_the_network_stops() -> None:
    call = Call[int](lambda n: None, priority=lambda n: n)
    buffer = PriorityBuffer[int](lambda n: n)
    buffer.link_target(Filter(lambda n: True))
    async with Network(call, buffer) as network:
        for n in range(3):
            call.send_nowait(n)
            buffer.send_nowait(n)
        network.cancel()
    assert network.balance().ok
    assert network.balance().discarded == 6
