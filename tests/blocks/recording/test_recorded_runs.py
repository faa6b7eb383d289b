"""What a recording says of a run."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    Activity,
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    DeadLetter,
    IterableSource,
    Join,
    Network,
    OverwriteBuffer,
    Recording,
    Retry,
    Span,
    Threads,
    Throttle,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from penstock.blocks.recording import task_trace
from penstock.blocks.recording.tracer import Tracer
from tests.blocks.tools import faults


def tracer_of(network: Network) -> Tracer:
    tracer = network._run.measures.tracer
    assert isinstance(tracer, Tracer)
    return tracer


class Thing:
    """An item like no other."""

    def __init__(self, name: object) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def things(count: int) -> list[Thing]:
    return [Thing(n) for n in range(count)]


def same(thing: Thing) -> Thing:
    return thing


def again(thing: object) -> Thing:
    """A new thing made of another."""
    return Thing(thing)


async def again_in_tasks(thing: object) -> Thing:
    await trio.lowlevel.checkpoint()
    return Thing(thing)


def twins(thing: object) -> list[Thing]:
    return [Thing(thing), Thing(thing)]


async def twins_in_tasks(thing: object) -> list[Thing]:
    return twins(thing)


async def twins_one_by_one(thing: object) -> AsyncIterator[Thing]:
    for twin in twins(thing):
        yield twin


def work(recording: Recording, stage: str) -> list[Span]:
    return [span for span in recording.spans if span.stage == stage and span.activity is Activity.WORK]


def items(recording: Recording, stage: str) -> list[int]:
    return [span.item for span in work(recording, stage)]


def waits(recording: Recording, stage: str, activity: Activity) -> list[Span]:
    return [span for span in recording.spans if span.stage == stage and span.activity is activity]


async def recorded(first: Any, given: Iterable[Any], *others: Any, **options: Any) -> Recording:
    recording = Recording(**options)
    async with Network(first, *others, recording=recording):
        for item in given:
            await first.send(item)
    return recording


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stands still until it is moved."""
    now = [0.0]
    monkeypatch.setattr(time_slice, "clock", lambda: now[0])
    return now


@pytest.mark.parametrize("function", [again, again_in_tasks])
async def test_an_item_keeps_its_number_through_stages_on_the_loop(function: Callable[[Any], Any]) -> None:
    first, second = Transformer(function, name="first"), Transformer(function, name="second")
    end: Call[object] = Call(repr, name="end")
    first.link_target(second)
    second.link_target(end)
    recording = await recorded(first, things(5))
    for stage in ("body", "first", "second", "end"):
        assert items(recording, stage) == [1, 2, 3, 4, 5]
        assert {span.worker for span in work(recording, stage)} == {stage}
    assert [span.label for span in work(recording, "first")] == [f"<{n}>" for n in range(5)]
    assert recording.stages == ("body", "first", "second", "end")
    assert recording.links == (("body", "first"), ("first", "second"), ("second", "end"))


@pytest.mark.parametrize(
    ("function", "concurrency"), [(twins, 1), (twins_in_tasks, 1), (twins_in_tasks, 3), (twins_one_by_one, 1)]
)
async def test_what_is_made_of_one_item_has_its_number(function: Callable[[Any], Any], concurrency: int) -> None:
    many = TransformMany(function, concurrency=concurrency, name="many")
    end: Call[object] = Call(repr, name="end")
    many.link_target(end)
    recording = await recorded(many, things(3))
    assert sorted(items(recording, "many")) == [1, 2, 3]
    assert items(recording, "end") == [1, 1, 2, 2, 3, 3]


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("function", [again, twins])
@pytest.mark.parametrize("make", [lambda: Threads(2), lambda: ThreadPoolExecutor(2)])
async def test_work_in_an_executor_is_recorded_where_it_is_done(
    function: Callable[[Any], Any], make: Callable[[], Executor]
) -> None:
    kind: Any = Transformer if function is again else TransformMany
    with make() as executor:
        block = kind(function, executor=executor, concurrency=2, name="work")
        end: Call[object] = Call(repr, name="end")
        block.link_target(end)
        recording = await recorded(block, things(40))
    assert sorted(items(recording, "work")) == list(range(1, 41))
    assert items(recording, "end") == [n for n in range(1, 41) for _ in range(1 if kind is Transformer else 2)]
    assert {span.worker for span in work(recording, "work")} <= {"work 1", "work 2"}
    assert all(0 <= span.start <= span.end <= recording.seconds for span in recording.spans)


@pytest.mark.usefixtures("real_time")
async def test_one_call_at_a_time_makes_one_row() -> None:
    block = Call(again, executor=Threads(2), name="work")
    recording = await recorded(block, things(10))
    assert {span.worker for span in work(recording, "work")} == {"work"}


async def test_calls_at_the_same_time_have_rows_of_their_own() -> None:
    block = Call(again_in_tasks, concurrency=3, name="work")
    recording = await recorded(block, things(9))
    assert {span.worker for span in work(recording, "work")} == {"work 1", "work 2", "work 3"}


@pytest.mark.parametrize("kind", ["loop", "tasks", "threads", "many", "many in threads"])
@pytest.mark.usefixtures("real_time")
async def test_work_that_fails_says_so_and_keeps_its_number(kind: str) -> None:
    left = [2]

    def fail(thing: Thing) -> list[Thing]:
        if thing.name == 1 and left[0]:
            left[0] -= 1
            raise ValueError("not yet")
        return [thing]

    async def fail_in_tasks(thing: Thing) -> list[Thing]:
        return fail(thing)

    executor = Threads(1) if "threads" in kind else None
    make: Any = TransformMany if "many" in kind else Transformer
    function = fail_in_tasks if kind == "tasks" else fail
    block = make(function, executor=executor, on_error=Retry(3, backoff=0), name="work")
    end: Call[object] = Call(repr, name="end")
    block.link_target(end)
    recording = await recorded(block, things(3))
    assert [(span.item, span.error) for span in work(recording, "work") if span.item == 2] == [
        (2, "ValueError('not yet')"),
        (2, "ValueError('not yet')"),
        (2, ""),
    ]
    assert items(recording, "end") == [1, 2, 3]


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("executor", [None, Threads(1)])
async def test_a_dead_letter_has_the_number_of_its_item_and_one_that_is_skipped_ends(executor: Executor | None) -> None:
    def fail(thing: Thing) -> None:
        raise ValueError(thing)

    letters: Call[object] = Call(repr, name="letters")
    block = Transformer(fail, executor=executor, on_error=DeadLetter(letters), name="work")
    recording = await recorded(block, things(3))
    assert items(recording, "letters") == [1, 2, 3]
    skips = Transformer(fail, executor=executor, on_error="skip", name="work")
    recording = Recording()
    async with Network(skips, recording=recording) as network:
        for thing in things(3):
            await skips.send(thing)
    assert len(tracer_of(network).numbers) == 0


async def test_a_fault_is_the_last_that_a_recording_says() -> None:
    def fail(thing: Thing) -> None:
        raise ValueError("broken")

    call = Call(fail, name="work")
    recording = Recording()
    with faults(ValueError):
        async with Network(call, recording=recording):
            await call.send(Thing(1))
    assert [span.error for span in work(recording, "work")] == ["ValueError('broken')"]
    assert recording.seconds > 0


async def test_what_is_made_of_several_has_the_number_of_the_first() -> None:
    left, right = UnboundedBuffer[Thing](name="left"), UnboundedBuffer[Thing](name="right")
    for greedy in (False, True):
        join = Join(left, right, greedy=greedy) if not greedy else Join[tuple[Thing, Thing]](inputs=2, greedy=True)
        del join
    batch, end = Batch[Thing](2), Call[object](repr, name="end")
    batch.link_target(end)
    recording = await recorded(batch, things(4))
    assert items(recording, "end") == [1, 3]


@pytest.mark.parametrize("greedy", [False, True])
async def test_a_joined_tuple_has_the_number_of_its_first_part(greedy: bool) -> None:
    left, right = UnboundedBuffer[Thing](name="left"), UnboundedBuffer[Thing](name="right")
    join = Join(left, right, greedy=greedy)
    end = Call[object](repr, name="end")
    join.link_target(end)
    recording = Recording()
    async with Network(join, recording=recording):
        for n in range(3):
            await right.send(Thing(f"right {n}"))
            await left.send(Thing(f"left {n}"))
    assert items(recording, "end") == [2, 4, 6]


async def test_a_choice_hands_the_number_on() -> None:
    left = UnboundedBuffer[Thing](name="left")
    choice = Choice(left)
    end = Call[object](repr, name="end")
    choice.link_target(end)
    recording = Recording()
    async with Network(choice, recording=recording):
        for thing in things(3):
            await left.send(thing)
    assert items(recording, "end") == [1, 2, 3]


async def test_copies_have_the_number_of_what_they_are_copies_of() -> None:
    broadcast = Broadcast[Thing]()
    first, second = Call[object](repr, name="first"), Call[object](repr, name="second")
    even = Call[object](repr, name="even")
    broadcast.link_target(first)
    broadcast.link_target(second)
    recording = await recorded(broadcast, things(3))
    assert items(recording, "first") == items(recording, "second") == [1, 2, 3]
    broadcast, first = Broadcast[Thing](), Call[object](repr, name="first")
    broadcast.link_target(first)
    broadcast.link_target(even, filter=lambda thing: thing.name == 2)
    recording = await recorded(broadcast, things(3))
    assert items(recording, "first") == [1, 2, 3]
    assert items(recording, "even") == [3]


async def test_a_value_that_stays_is_recorded_where_it_goes() -> None:
    latest: OverwriteBuffer[Thing] = OverwriteBuffer(name="latest")
    end = Call[object](repr, name="end")
    latest.link_target(end)
    recording = await recorded(latest, things(3))
    assert items(recording, "end") == [1, 2, 3]


async def test_reading_is_recorded_item_by_item(clock: list[float]) -> None:
    def read() -> Iterator[Thing]:
        for thing in things(3):
            clock[0] += 2
            yield thing

    async def read_in_tasks() -> AsyncIterator[Thing]:
        for thing in read():
            yield thing

    for reader in (read(), read_in_tasks()):
        clock[0] = 0.0
        source = IterableSource[Thing](reader, name="read")
        end = Call[object](repr, name="end")
        source.link_target(end)
        recording = Recording()
        async with Network(source, recording=recording):
            pass
        assert [(span.item, span.seconds) for span in work(recording, "read")] == [(1, 2.0), (2, 2.0), (3, 2.0)]
        assert items(recording, "end") == [1, 2, 3]


async def test_waits_are_recorded_from_when_to_when(clock: list[float]) -> None:
    first, full = Transformer(again, name="first"), BoundedBuffer[Thing](1, name="full")
    first.link_target(full)
    recording = Recording()
    async with Network(first, recording=recording):
        await wait_all_tasks_blocked()
        clock[0] = 3.0
        await first.send(Thing(1))
        await first.send(Thing(2))
        await wait_all_tasks_blocked()
        clock[0] = 5.0
        async for _ in full:
            if not len(full):
                first.complete()
    assert [(span.start, span.end) for span in waits(recording, "first", Activity.WAIT_FOR_INPUT)][:1] == [(0.0, 3.0)]
    assert (3.0, 5.0) in [(span.start, span.end) for span in waits(recording, "first", Activity.WAIT_FOR_OUTPUT)]


@pytest.mark.parametrize(
    "make", [lambda: Throttle[Thing](0.5, name="slow"), lambda: Transformer(again, rate=0.5, name="slow")]
)
async def test_waits_for_a_rate_are_recorded_apart(
    make: Callable[[], Throttle[Thing] | Transformer[Thing, Thing]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    slow, recording = make(), Recording()
    slow.link_target(Call[object](repr, name="end"))
    async with Network(slow, recording=recording) as network:
        for number in range(3):
            await slow.send(Thing(number))
    spans = waits(recording, "slow", Activity.WAIT_FOR_RATE)
    assert [(span.worker, span.item) for span in spans] == [("slow", 0)] * 2
    assert [span.seconds for span in spans] == pytest.approx([2, 2])
    assert network.statistics()["slow"].wait_for_rate.total == pytest.approx(4)


async def test_the_body_waits_with_the_item_that_it_sends(clock: list[float]) -> None:
    full = BoundedBuffer[Thing](1, name="full")
    recording = Recording()
    async with Network(full, recording=recording), trio.open_nursery() as nursery:

        async def take() -> None:
            await wait_all_tasks_blocked()
            clock[0] = 4.0
            full.receive_nowait()

        nursery.start_soon(take)
        await full.send(Thing(1))
        await full.send(Thing(2))
        assert (await full.receive()).name == 2
        clock[0] = 6.0
    (wait,) = waits(recording, "body", Activity.WAIT_FOR_OUTPUT)
    assert (wait.item, wait.start, wait.end) == (2, 0.0, 4.0)
    assert [(span.item, span.start, span.end) for span in work(recording, "body")][-1] == (2, 4.0, 6.0)


async def test_what_a_stranger_takes_is_forgotten() -> None:
    buffer = UnboundedBuffer[Thing](name="buffer")
    recording = Recording()
    async with Network(buffer, recording=recording) as network, trio.open_nursery() as nursery:

        async def take() -> None:
            await buffer.receive()
            await buffer.receive()

        nursery.start_soon(take)
        await wait_all_tasks_blocked()
        for thing in things(2):
            await buffer.send(thing)
    assert len(tracer_of(network).numbers) == 0


async def test_only_the_newest_spans_are_kept_and_the_others_counted() -> None:
    recording = await recorded(Call[object](repr, name="call"), things(100), max_spans=10)
    assert len(recording.spans) == 10
    assert recording.dropped > 90


async def test_an_item_keeps_its_number_however_few_spans_are_kept() -> None:
    first, last = Transformer[Thing, Thing](same, name="first"), Call[object](repr, name="last")
    first.link_target(last)
    source = IterableSource(things(1000))
    source.link_target(first)
    recording = Recording(max_spans=3)
    async with Network(source, recording=recording):
        pass
    assert items(recording, "last")[-1] == 1000


async def test_a_block_is_never_taken_for_the_body() -> None:
    block = Transformer[Thing, Thing](same, name="body")
    block.link_target(Call[object](repr, name="end"))
    recording = await recorded(block, things(2))
    assert recording.stages == ("body", "body-2", "end")
    assert recording.links == (("body", "body-2"), ("body-2", "end"))


async def test_what_the_body_hands_on_keeps_its_number() -> None:
    left, right = UnboundedBuffer[Thing](name="left"), UnboundedBuffer[Thing](name="right")
    end, new = Call[object](repr, name="end"), Call[object](repr, name="new")
    recording = Recording()
    async with Network(left, right, end, new, recording=recording):
        await left.send(Thing("left"))
        await right.send(Thing("right"))
        one, other = await left.receive(), await right.receive()
        await end.send(one)
        await end.send(other)
        await new.send(Thing(one))
    assert items(recording, "end") == [1, 2]
    assert items(recording, "new") == [2]


async def test_the_body_remembers_only_what_it_has_received_lately(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_trace, "MOST_REMEMBERED", 2)
    left, end = UnboundedBuffer[object](name="left"), Call[object](repr, name="end")
    recording = Recording()
    async with Network(left, end, recording=recording):
        given = things(3)
        for thing in given:
            await left.send(thing)
        taken = [await left.receive() for _ in given]
        for item in taken:
            await end.send(item)
    assert items(recording, "end") == [3, 2, 3]


async def test_an_item_that_lies_where_another_has_lain_is_not_taken_for_it(clock: list[float]) -> None:
    recording = Recording()
    async with Network(name="n", recording=recording) as network:
        trace = task_trace.TaskTrace(tracer_of(network), "task")
        gone, item = Thing("gone"), Thing("item")
        trace.begins(gone)
        trace._received[id(item)] = trace._received.pop(id(gone))
        trace.begins(Thing("last"))
        trace.sending(item, "target")
        assert tracer_of(network).numbers.take(item, "target") == 2
    assert clock == [0.0]


async def test_a_recording_is_of_one_run() -> None:
    recording = await recorded(Call[object](repr), things(1))
    with pytest.raises(ValueError, match="already has a run; make another Recording"):
        async with Network(Call[object](repr), recording=recording):
            pass


async def test_things_that_are_one_object_are_told_apart_by_their_order() -> None:
    first, second = Transformer[int, int](abs, name="first"), Transformer[int, int](abs, name="second")
    first.link_target(second)
    second.link_target(Call[int](abs, name="end"))
    recording = await recorded(first, [0, 0, 1, 0])
    assert items(recording, "first") == items(recording, "second") == items(recording, "end") == [1, 2, 3, 4]


@pytest.mark.usefixtures("real_time")
async def test_a_call_that_fails_in_an_executor_is_recorded_where_it_was_made() -> None:
    def fail(thing: Thing) -> None:
        raise ValueError("broken")

    call = Call(fail, executor=Threads(2), concurrency=2, on_error="skip", name="work")
    recording = await recorded(call, things(8))
    assert {span.worker for span in work(recording, "work")} <= {"work 1", "work 2"}
    assert {span.error for span in work(recording, "work")} == {"ValueError('broken')"}


async def test_a_link_that_takes_the_place_of_another_counts_from_then_on() -> None:
    first = Transformer[int, int](abs, name="first")
    old, new = Call[int](abs, name="old"), Call[int](abs, name="new")
    link = first.link_target(old)
    async with Network(first, new, recording=Recording()) as network:
        numbers = tracer_of(network).numbers

        def first_that_can_come_to(taker: str) -> int:
            item = 257 + len(taker)  # not one of those that are used everywhere
            numbers.give(item, 100, "old")
            numbers.give(item, 200, "first")
            taken, _ = numbers.take(item, taker), numbers.take(item, taker)
            return taken

        assert (first_that_can_come_to("old"), first_that_can_come_to("new")) == (200, 100)
        link.unlink()
        first.link_target(new)
        assert (first_that_can_come_to("old"), first_that_can_come_to("new")) == (100, 200)
