"""Outputs of generators leave threads and processes before the generator has ended."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Activity,
    BoundedBuffer,
    Call,
    Network,
    Processes,
    Recording,
    Stalled,
    Threads,
    TimeLimitExceeded,
    Transformer,
    TransformMany,
    UnboundedBuffer,
    WorkerDied,
)
from penstock.blocks.executors.lane import Job
from penstock.blocks.executors.stream import MOST_AHEAD, Piece
from penstock.blocks.executors.work import Task
from penstock.blocks.executors.worker_pool import WorkerPool
from penstock.blocks.functions.streams import Streams
from tests.blocks.executors import process_functions as functions
from tests.blocks.executors.kinds import SECONDS, comes_true, is_set
from tests.blocks.tools import contents, faults, linked, notes, run

pytestmark = pytest.mark.usefixtures("real_time")


@pytest.fixture
def processes() -> Processes:
    return Processes(2)


@pytest.fixture(params=["threads", "processes"])
def pool(request: pytest.FixtureRequest) -> WorkerPool:
    return Threads(2) if request.param == "threads" else Processes(2)


@pytest.mark.parametrize(("concurrency", "ordered"), [(1, True), (2, True), (2, False)])
@pytest.mark.parametrize(("room", "window"), [(1, None), (1024, None), (1024, 4)])
async def test_every_output_comes_once_and_in_order(
    pool: WorkerPool, concurrency: int, ordered: bool, room: int, window: int | None
) -> None:
    many: TransformMany[int, tuple[int, int]] = TransformMany(
        functions.pairs, executor=pool, concurrency=concurrency, ordered=ordered, window=window, name="many"
    )
    got: list[tuple[int, int]] = []
    many.link_target(Call(got.append, capacity=room))
    items = [0, 1, 300, *[2] * 30, 200]
    network = await run(many, items)
    expected = [pair for item in items for pair in functions.pairs(item)]
    assert got == expected if ordered else sorted(got) == sorted(expected)
    account = network.balance()["many"]
    assert (account.accepted, account.consumed, account.produced) == (len(items), len(items), len(expected))


async def test_outputs_are_seen_while_the_generator_goes_on() -> None:
    seen = [threading.Event() for _ in range(3)]

    def waits_for_the_taker(count: int) -> Iterator[int]:
        for n in range(count):
            yield n
            assert seen[n].wait(SECONDS)  # only when this one has arrived does it go on

    many: TransformMany[int, int] = TransformMany(waits_slowly(waits_for_the_taker), executor=Threads(1))
    many.link_target(Call(lambda n: seen[n].set()))
    await run(many, [3])


def waits_slowly(function: Callable[[int], Iterator[int]]) -> Callable[[int], Iterator[int]]:
    """Every output takes more than the time of a chunk."""

    def slow(item: int) -> Iterator[int]:
        outputs = function(item)
        threading.Event().wait(0.003)
        for output in outputs:
            yield output
            threading.Event().wait(0.003)

    return slow


async def test_outputs_leave_a_process_while_the_generator_goes_on(processes: Processes) -> None:
    many: TransformMany[int, int] = TransformMany(functions.endless, executor=processes, name="many")
    many.link_target(full := BoundedBuffer[int](1))
    async with Network(many) as network:
        await many.send(0)
        assert [await full.receive() for _ in range(5)] == [0, 1, 2, 3, 4]
        network.cancel()
    assert network.balance().ok


async def test_a_generator_is_read_no_further_than_its_outputs_are_taken(pool: WorkerPool) -> None:
    many: TransformMany[int, int] = TransformMany(functions.endless, executor=pool, window=8, name="many")
    many.link_target(full := BoundedBuffer[int](2))
    async with Network(many) as network:
        await many.send(0)
        assert await full.receive() == 0
        await comes_true(lambda: network.statistics()["many"].held > 1 and many._core.runner.waits_for_room)
        held = network.statistics()["many"].held
        assert held <= 2 * 8 + 1
        for n in range(1, 100):
            assert await full.receive() == n
        assert network.statistics()["many"].held <= 2 * 8 + 1
        network.cancel()


@pytest.mark.parametrize("end", ["cancel", "fault elsewhere", "fault of its own", "exhausted"])
@pytest.mark.parametrize("where", ["running", "paused"])
async def test_a_generator_is_closed_once_where_it_runs(end: str, where: str) -> None:
    closed: list[str] = []

    def numbers(count: int) -> Iterator[int]:
        try:
            for n in range(count):
                if n == 5 and end == "fault of its own":
                    raise ValueError("enough")
                yield n
        finally:
            closed.append(threading.current_thread().name)

    many: TransformMany[int, int] = TransformMany(numbers, executor=Threads(1), name="many")
    full: BoundedBuffer[int] = BoundedBuffer(2 if where == "paused" else 100_000, name="full")
    many.link_target(full)

    async def use(network: Network) -> None:
        await many.send(20 if end == "exhausted" else 10**9)
        assert await full.receive() == 0
        if where == "paused" and end in ("cancel", "fault elsewhere"):
            await comes_true(lambda: many._core.runner.waits_for_room)
        if end == "cancel":
            network.cancel()
        elif end == "fault elsewhere":
            raise ValueError("enough")
        else:
            many.complete()
            async for _ in full:
                pass

    if "fault" in end:
        with faults(ValueError) as found:
            async with Network(many) as network:
                await use(network)
        if end == "fault of its own":
            assert notes(found[0])[0] == "in many, item 1: 1000000000"
    else:
        async with Network(many) as network:
            await use(network)
    assert closed == ["many worker 1"]
    assert network.balance().ok


async def test_one_that_is_left_behind_closes_its_generator_itself() -> None:
    closed = threading.Event()
    inside, may_go_on = threading.Event(), threading.Event()

    def numbers(_: int) -> Iterator[int]:
        try:
            yield 0
            inside.set()
            assert may_go_on.wait(SECONDS)
            yield 1
        finally:
            closed.set()

    many: TransformMany[int, int] = TransformMany(numbers, executor=Threads(1, abandon_on_cancel=True))
    linked(many)
    async with Network(many) as network:
        await many.send(0)
        await is_set(inside)
        network.cancel()
    assert not closed.is_set()
    may_go_on.set()
    await is_set(closed)


async def test_unless_every_failure_is_a_fault_an_item_that_fails_has_given_nothing(pool: WorkerPool) -> None:
    for on_error in ("skip", "fail"):
        many: TransformMany[int, int] = TransformMany(
            functions.fails_late, executor=pool, on_error=on_error, name="many"
        )
        collector = linked(many)
        if on_error == "skip":
            network = await run(many, [2, 8, 3])
            assert contents(collector) == [0, 1, 0, 1, 2]
            assert network.balance()["many"].dropped == {"skipped": 1}
        else:
            network = Network(many)
            with faults(ValueError):
                async with network:
                    await many.send(8)
            assert contents(collector) == []
            assert network.balance().ok


async def test_a_stage_behind_it_in_the_same_pool_gets_a_worker_while_it_waits_for_room() -> None:
    for pool in (Threads(1), Threads(2)):
        many: TransformMany[int, tuple[int, int]] = TransformMany(functions.pairs, executor=pool, concurrency=2)
        stage: Transformer[tuple[int, int], int] = Transformer(sum, executor=pool, capacity=1)
        many.link_target(stage)
        collector = linked(stage)
        await run(many, [500, 3, 200])
        assert contents(collector) == [sum(pair) for item in (500, 3, 200) for pair in functions.pairs(item)]


async def test_one_whose_outputs_nobody_takes_is_stalled_and_not_silent(pool: WorkerPool) -> None:
    many: TransformMany[int, int] = TransformMany(functions.endless, executor=pool, window=4, name="many")
    many.link_target(BoundedBuffer[int](1, name="full"), filter=lambda n: n < 3)
    with faults(Stalled) as found:
        await run(many, [0])
    assert "'many'" in str(found[0])


async def test_waiting_for_room_takes_nothing_of_the_time_of_an_item(pool: WorkerPool) -> None:
    many: TransformMany[int, int] = TransformMany(functions.up_to, executor=pool, window=2, time_limit=2, name="many")
    many.link_target(full := BoundedBuffer[int](1))
    async with Network(many):
        await many.send(20)
        many.complete()
        assert await full.receive() == 0
        await comes_true(lambda: many._core.runner.waits_for_room)
        await trio.sleep(2.5)
        assert [n async for n in full] == list(range(1, 20))


async def test_a_generator_that_is_late_fails(pool: WorkerPool) -> None:
    many: TransformMany[float, int] = TransformMany(functions.hangs_late, executor=pool, time_limit=1, name="many")
    got: list[int] = []
    many.link_target(Call(got.append))
    with faults(TimeLimitExceeded):
        await run(many, [1.6])  # a busy machine may need long for the first output: a worker imports the function
    assert got in ([0], [0, 1])


async def test_a_process_that_dies_in_the_middle_has_given_what_it_gave() -> None:
    many: TransformMany[int, int] = TransformMany(functions.dies_late, executor=Processes(1), name="many")
    many.link_target(got := UnboundedBuffer[int]())
    with faults(WorkerDied):
        async with Network(many) as network:
            await many.send(3)
            assert [await got.receive() for _ in range(3)] == [0, 1, 2]
            await trio.sleep_forever()
    assert network.balance().ok


async def test_outputs_that_cannot_be_sent_are_a_failure_of_their_item(processes: Processes) -> None:
    for function, note in (
        (functions.gives_a_lock, "could not be pickled, which Processes needs"),
        (functions.gives_what_cannot_be_loaded, "could not be made again from its pickle"),
    ):
        many: TransformMany[int, Any] = TransformMany(function, executor=processes, name="many")
        linked(many)
        with pytest.raises(ExceptionGroup) as caught:
            await run(many, [2])
        assert any(note in line for line in notes(caught.value.exceptions[0]))


async def test_big_outputs_come_whole_through_shared_memory(processes: Processes) -> None:
    many: TransformMany[int, bytes] = TransformMany(functions.big_parts, executor=processes, window=2)
    many.link_target(full := BoundedBuffer[bytes](1))
    async with Network(many):
        await many.send(12)
        many.complete()
        assert [(len(part), part[0]) async for part in full] == [(300_000, n) for n in range(12)]


async def test_many_items_with_chunks_among_them_keep_their_order_in_a_process(processes: Processes) -> None:
    many: TransformMany[int, tuple[int, int]] = TransformMany(functions.pairs_slowly, executor=processes)
    collector = linked(many)
    items = [1] * 100 + [40] + [1] * 100 + [700] + [0] * 50 + [3]
    await run(many, items)
    assert contents(collector) == [pair for item in items for pair in functions.pairs(item)]


async def test_it_is_recorded(pool: WorkerPool) -> None:
    recording = Recording()
    many: TransformMany[int, tuple[int, int]] = TransformMany(functions.pairs, executor=pool, window=4, name="many")
    end: Call[Any] = Call(str, name="end", capacity=2)
    many.link_target(end)
    await run(many, [30, 0, 2], recording=recording)
    work = [span for span in recording.spans if span.stage == "many" and span.activity is Activity.WORK]
    assert [(span.item, span.label) for span in work] == [(1, "30"), (2, "0"), (3, "2")]
    ends = [span.item for span in recording.spans if span.stage == "end" and span.activity is Activity.WORK]
    assert ends == [1] * 30 + [3] * 2


async def test_what_fails_is_recorded(pool: WorkerPool) -> None:
    for function, message in ((functions.fails_late, "enough"), (functions.stops, "raised StopIteration")):
        recording = Recording()
        many: TransformMany[int, int] = TransformMany(function, executor=pool, name="many")
        linked(many)
        with pytest.raises(ExceptionGroup):
            await run(many, [8], recording=recording)
        (work,) = [span for span in recording.spans if span.stage == "many" and span.activity is Activity.WORK]
        assert message in work.error


async def test_it_is_governed() -> None:
    governor = PipelineGovernor(limit=3)
    many: TransformMany[int, tuple[int, int]] = TransformMany(functions.pairs, executor=Threads(2), name="many")
    end: Call[Any] = Call(str, name="end")
    many.link_target(end)
    governor.govern(many, end)
    network = await run(many, [5] * 20)
    assert network.balance()["end"].consumed == 100


async def test_its_waits_for_room_are_no_work_and_are_measured_as_waits() -> None:
    many: TransformMany[int, int] = TransformMany(functions.endless, executor=Threads(1), window=2, name="many")
    many.link_target(full := BoundedBuffer[int](1))
    async with Network(many) as network:
        await many.send(0)
        await comes_true(lambda: many._core.runner.waits_for_room)
        await trio.sleep(0.05)
        assert network.statistics()["many"].wait_for_output.total >= 0.04
        assert await full.receive() == 0
        network.cancel()


async def test_what_is_no_generator_may_be_an_iterable_with_a_close() -> None:
    closed: list[int] = []

    class Lines:
        def __init__(self, count: int) -> None:
            self.left = count

        def __iter__(self) -> "Lines":
            return self

        def __next__(self) -> int:
            if not self.left:
                raise StopIteration
            self.left -= 1
            return self.left

        def close(self) -> None:
            closed.append(self.left)

    many: TransformMany[int, int] = TransformMany(Lines, executor=Threads(1))
    collector = linked(many)
    await run(many, [3, 2])
    assert contents(collector) == [2, 1, 0, 1, 0]
    assert closed == [0, 0]


async def test_what_is_no_generator_need_not_have_a_close() -> None:
    def distinct(text: str) -> dict[str, None]:
        return dict.fromkeys(text)

    many: TransformMany[str, str] = TransformMany(distinct, executor=Threads(1))
    collector = linked(many)
    await run(many, ["abca", "", "bb"])
    assert contents(collector) == ["a", "b", "c", "b"]


def called(function: Callable[[int], Any]) -> Callable[[int], Any]:
    return lambda item: function(item)


async def test_a_coroutine_or_a_stop_iteration_is_explained() -> None:
    async def coroutine(_: int) -> list[int]:
        return []

    for function, kind in ((partial(coroutine), TypeError), (functions.stops, RuntimeError)):
        for recording in (None, Recording()):
            many: TransformMany[int, int] = TransformMany(called(function), executor=Threads(1), name="many")
            linked(many)
            with faults(kind):
                await run(many, [1], recording=recording)


class Noted:
    """Stands for the runner of a block."""

    def __init__(self) -> None:
        self.chunks: list[list[Piece]] = []
        self.pauses: list[bool] = []

    def take_chunk(self, job: Job, chunk: list[Piece]) -> None:
        del job
        self.chunks.append(chunk)

    def job_pauses(self, job: Job, pauses: bool) -> None:
        del job
        self.pauses.append(pauses)


async def test_a_job_that_comes_home_while_its_worker_waits_pauses_no_more() -> None:
    noted = Noted()
    streams = Streams(noted, lambda: None, None)
    job = Job(Task(list, True, True, "many"), [1], None, (0,))
    streams.begin(job, 5)
    assert job.stream is not None
    job.stream.chunks.extend([] for _ in range(MOST_AHEAD))
    streams.end(job)
    assert len(noted.chunks) == MOST_AHEAD
    assert noted.pauses == [True, False]


async def test_a_chunk_whose_job_has_come_home_before_it_is_looked_at_is_taken_once() -> None:
    noted = Noted()
    streams = Streams(noted, lambda: None, None)
    job = Job(Task(list, True, True, "many"), [1], None, (0,))
    streams.begin(job, 5)
    assert job.stream is not None
    job.stream.put([(0, [1, 2])])
    streams.end(job)
    streams.take_in()
    assert noted.chunks == [[(0, [1, 2])]]
