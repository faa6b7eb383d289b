"""A regroup puts together what came of one input, whatever was lost on the way."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Collect,
    Distribute,
    Filter,
    Flatten,
    Fold,
    IterableSource,
    Join,
    Network,
    Recording,
    Regroup,
    Retry,
    Stalled,
    Take,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
    chain,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked, run


def parts(n: int) -> list[tuple[int, int]]:
    """As many parts as the number says; a negative number fails."""
    if n < 0:
        raise ValueError("no parts")
    return [(n, part) for part in range(n)]


def lazily(n: int) -> Iterator[tuple[int, int]]:
    """The same, one by one."""
    yield from parts(n)


async def later(n: int) -> list[tuple[int, int]]:
    """The same, after some time; the larger numbers take less."""
    await trio.sleep(1 / (1 + abs(n)))
    return parts(n)


async def bit_by_bit(n: int) -> Any:
    """The same, one by one with pauses."""
    for part in parts(n):
        await trio.sleep(0.1)
        yield part


def splits() -> dict[str, Callable[[], TransformMany[int, tuple[int, int]]]]:
    """Every way in which the parts of a number can be made."""
    return {
        "lists": lambda: TransformMany(parts, on_error="skip"),
        "generators": lambda: TransformMany(lazily, on_error="skip"),
        "retried": lambda: TransformMany(lazily, on_error=Retry(1, backoff=0.1, then="skip")),
        "tasks": lambda: TransformMany(later, concurrency=3, on_error="skip"),
        "async generators": lambda: TransformMany(bit_by_bit, concurrency=3, on_error="skip"),
        "one async generator": lambda: TransformMany(bit_by_bit, on_error="skip"),
        "executor": lambda: TransformMany(parts, executor=OnLoop(0.1, 2), concurrency=2, on_error="skip"),
        "executor with limit": lambda: TransformMany(
            lazily, executor=OnLoop(0.1, 2), concurrency=2, on_error="skip", time_limit=99
        ),
    }


SPLITS = tuple(splits())


def appended(parts: list[Any], part: Any) -> list[Any]:
    """A fold that makes the same lists."""
    parts.append(part)
    return parts


def sometimes(part: tuple[int, int]) -> tuple[int, int]:
    """Fail for some parts."""
    if sum(part) % 3 == 2:
        raise ValueError("not this one")
    return part


def comes(part: tuple[int, int]) -> bool:
    """Whether it does not fail."""
    return sum(part) % 3 != 2


def stages() -> dict[str, Callable[[], tuple[Any, Any, Callable[[tuple[int, int]], bool]]]]:
    """Stages in between, each as its first and last block, with a function that says which parts come through."""

    def single(block: Any, passes: Callable[[tuple[int, int]], bool]) -> tuple[Any, Any, Any]:
        return block, block, passes

    def lanes() -> tuple[Any, Any, Any]:
        first, last = Distribute[Any](), Collect[Any]()
        for _ in range(2):
            first.link_target(stage := Transformer(sometimes, on_error="skip"))
            stage.link_target(last)
        return first, last, comes

    async def slowly(part: tuple[int, int]) -> tuple[int, int]:
        await trio.sleep(0.2 - 0.05 * min(part[1], 3))
        return sometimes(part)

    return {
        "nothing": lambda: single(UnboundedBuffer[Any](), lambda _: True),
        "a small buffer": lambda: single(BoundedBuffer[Any](1), lambda _: True),
        "a filter": lambda: single(Filter[Any](comes), comes),
        "losses": lambda: single(Transformer(sometimes, on_error="skip"), comes),
        "losses in tasks": lambda: single(Transformer(slowly, concurrency=3, on_error="skip"), comes),
        "losses in an executor": lambda: single(
            Transformer(sometimes, executor=OnLoop(0.3, 2), concurrency=2, on_error="skip"), comes
        ),
        "all lost": lambda: single(Filter[Any](lambda _: False), lambda _: False),
        "lanes": lanes,
    }


STAGES = tuple(stages())


@given(
    split=st.sampled_from(SPLITS),
    stage=st.sampled_from(STAGES),
    numbers=st.lists(st.integers(-1, 6), max_size=8),
    limit=st.sampled_from([None, 2]),
    is_folded=st.booleans(),
)
def test_each_list_has_what_came_of_one_input(
    split: str, stage: str, numbers: list[int], limit: int | None, is_folded: bool
) -> None:
    many = splits()[split]()
    first, last, passes = stages()[stage]()
    many.link_target(first)
    fold: Any = (appended, []) if is_folded else ()
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](many, *fold)
    last.link_target(groups)
    seen: list[list[tuple[int, int]]] = []
    end = Call(seen.append)
    groups.link_target(end)
    if limit is not None:
        PipelineGovernor(limit).govern(end, end)

    async def main() -> None:
        async with Network(many) as network:
            for number in numbers:
                await many.send(number)
        assert network.balance().ok

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert seen == [list(filter(passes, parts(number))) for number in numbers if number >= 0]


@pytest.mark.parametrize("kind", ["generator", "list"])
async def test_in_real_threads(kind: str, real_time: None) -> None:
    split = TransformMany(lazily if kind == "generator" else parts, executor=Threads(2), concurrency=2)
    work = Transformer[tuple[int, int], int](sum, executor=Threads(2), concurrency=2)
    groups = Regroup[int, list[int]](split)
    split.link_target(work)
    work.link_target(groups)
    results = linked(groups)
    await run(split, [3, 0, 700, 2])
    assert contents(results) == [[3, 4, 5], [], [700 + n for n in range(700)], [2, 3]]


async def test_a_list_may_be_larger_than_any_buffer_and_waits_for_its_taker() -> None:
    split = Flatten[int]()
    work = Transformer[int, int](abs)
    groups = Regroup[int, list[int]](split)
    split.link_target(work)
    work.link_target(groups)
    async with Network(split) as network:
        await split.send(range(10_000))
        await split.send(range(3))
        await split.send(range(5_000))
        assert len(await groups.receive()) == 10_000
        assert network.balance()[groups.name].held <= 5_000
        assert await groups.receive() == [0, 1, 2]
        assert len(await groups.receive()) == 5_000
    assert network.balance().ok


@pytest.mark.parametrize("what", ["list", "state"])
async def test_what_nothing_takes_is_named_where_the_network_stalls(what: str) -> None:
    fold: Any = (appended, []) if what == "state" else ()
    split = TransformMany(parts)
    work = Transformer[Any, Any](sum)
    groups = Regroup[Any, list[Any]](split, *fold, name="groups")
    split.link_target(work)
    work.link_target(groups)
    with faults(Stalled) as found:
        async with Network(split):
            await split.send(3)
            await trio.testing.wait_all_tasks_blocked()  # now the first one is there, and takes the room
            await split.send(3)
    assert f"it is offered to regroup 'groups', but it has a {what} that nothing has taken" in str(found[0])
    assert "link a target to regroup 'groups', or receive from it in the body" in str(found[0])


async def test_lanes_in_between() -> None:
    split = TransformMany(parts, on_error="skip")
    first, last, passes = stages()["lanes"]()
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split)
    split.link_target(first)
    last.link_target(groups)
    results = linked(groups)
    await run(split, [4, -1, 0, 3])
    assert contents(results) == [list(filter(passes, parts(number))) for number in (4, 0, 3)]


async def test_what_has_come_of_a_list_is_discarded_if_it_is_not_needed(autojump_clock: object) -> None:
    split = TransformMany(bit_by_bit)
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split)
    split.link_target(groups)
    groups.link_target(first := Take[list[tuple[int, int]]](1))
    first.link_target(sizes := Call(len))
    async with Network(split, sizes) as network:
        for n in (3, 2, 4):
            await split.send(n)
        await trio.sleep(0.45)
    assert network.balance().ok
    assert network.balance()[first.name].delivered == 1


async def test_fold_each_list_and_take_the_first() -> None:
    split = TransformMany(parts)
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split)
    split.link_target(groups)
    groups.link_target(first := Take[list[tuple[int, int]]](2))
    first.link_target(sizes := Transformer(len))
    results = linked(sizes)
    async with Network(split) as network:
        for n in (3, 2, 4):
            await split.send(n)
    assert contents(results) == [3, 2]
    assert network.balance().ok


async def test_what_has_come_of_a_list_is_counted_if_the_network_stops(autojump_clock: object) -> None:
    split = TransformMany(bit_by_bit)

    async def hang(part: tuple[int, int]) -> tuple[int, int]:
        await trio.sleep(100 if part[1] == 3 else 0)
        return part

    split.link_target(work := Transformer(hang))
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split)
    work.link_target(groups)
    linked(groups)
    async with Network(split) as network:
        await split.send(6)
        await trio.sleep(5)
        assert network.balance()[groups.name].held == 3
        network.cancel()
    assert network.balance()[groups.name].discarded == 3
    assert network.balance().ok


@pytest.mark.parametrize("fold", [(), (appended, [])], ids=["lists", "states"])
async def test_contexts_and_recordings_go_with_the_lists(fold: Any) -> None:
    variable = contextvars.ContextVar[str]("variable", default="")
    seen: list[tuple[str, list[int]]] = []
    split = TransformMany(parts, context=True)
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split, *fold)
    split.link_target(groups)
    groups.link_target(Call(lambda group: seen.append((variable.get(), [part for _, part in group])), context=True))
    recording = Recording()
    async with Network(split, recording=recording):
        for name, n in (("one", 2), ("none", 0), ("two", 1)):
            variable.set(name)
            await split.send(n)
    assert seen == [("one", [0, 1]), ("", []), ("two", [0])]
    assert recording.spans


async def test_a_list_without_items_is_recorded_as_a_new_item() -> None:
    split = TransformMany[int, tuple[int, int]](parts)
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split)
    count = Transformer[list[tuple[int, int]], int](len, name="count")
    split.link_target(groups)
    groups.link_target(count)
    collector = linked(count)
    recording = Recording()
    await run(split, [2, 0, 1], recording=recording)
    assert contents(collector) == [2, 0, 1]
    assert len({span.item for span in recording.spans if span.stage == "count" and span.item}) == 3


async def test_a_state_holds_no_messages_and_starts_anew_for_each_input() -> None:
    split = Flatten[int]()
    work = Transformer[int, int](abs)
    totals = Regroup[int, float](split, lambda total, number: total + number, 0.5)
    split.link_target(work)
    work.link_target(totals)
    async with Network(split) as network:
        await split.send(range(10_000))
        await split.send(())
        await split.send((1, 2))
        assert await totals.receive() == sum(range(10_000)) + 0.5
        assert await totals.receive() == 0.5
        assert await totals.receive() == 3.5
    assert network.balance()[totals.name].merged == 10_002
    assert network.balance()[totals.name].produced == 3
    assert network.balance().ok


async def test_an_exception_of_the_function_names_the_message_and_stops_the_network() -> None:
    def add(total: int, number: int) -> int:
        if number == 7:
            raise ValueError("not seven")
        return total + number

    split = Flatten[int](name="split")
    totals = Regroup[int, int](split, add, 0, name="totals")
    split.link_target(totals)
    linked(totals)
    with faults(ValueError) as found:
        async with Network(split) as network:
            await split.send((1, 2))
            await split.send((5, 7, 8))
    assert "raised by the function of regroup 'totals' for 7, message 2 of its group" in found[0].__notes__
    row = network.balance()["totals"]
    assert (row.merged, row.dropped, row.produced) == (3, {"fault": 1}, 1)
    assert network.balance().ok


def test_a_fold_that_cannot_work_is_refused_and_the_split_stays_free() -> None:
    async def later(state: int, item: int) -> int:
        return state + item

    split = Flatten[int]()
    wrong: list[tuple[tuple[Any, ...], str]] = [
        ((later, 0), "must be a plain function"),
        ((abs, 0), "is called with the state and an item"),
        (("add", 0), "function must be"),
        ((lazily, 0), "must be a plain function"),
        ((max, threading.Lock()), "start must be possible to copy"),
        ((max,), "start is missing"),
        ((None, 3), "function is missing"),
    ]
    for fold, why in wrong:
        with pytest.raises(TypeError, match=why):
            Regroup[int, int](split, *fold)
    Regroup[int, int](split, max, 0)


def test_a_split_that_cannot_tell_is_refused() -> None:
    async def wait(n: int) -> list[int]:
        return [n]

    wrong: list[tuple[Any, str]] = [
        (TransformMany(wait, concurrency=2, ordered=False), "does not keep the order"),
        (TransformMany(wait, key=abs, concurrency=2), "does not keep the order"),
        (TransformMany(parts, at_end=lambda: [(0, 0)]), "has at_end"),
    ]
    for split, why in wrong:
        with pytest.raises(ValueError, match=why):
            Regroup(split)
    others: list[Any] = [Transformer(abs), Fold(max, 0), "split"]
    for other in others:
        with pytest.raises(TypeError, match="split must be a TransformMany or a Flatten"):
            Regroup(other)
    split = TransformMany(parts)
    Regroup(split)
    with pytest.raises(ValueError, match="has another regroup already"):
        Regroup(split)


async def test_a_split_that_runs_already_is_refused() -> None:
    split = TransformMany(parts)
    async with Network(split):
        with pytest.raises(ValueError, match="has run already"):
            Regroup(split)


class PassOn(Agent):
    """Reads and sends on."""

    def __init__(self, source: Any, target: Any) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for message in self.source:
            await self.target.send(message)


def graphs() -> dict[str, Callable[[Any, Any], object]]:
    """Ways from a split to a regroup that cannot be relied on."""

    def batched(split: Any, groups: Any) -> None:
        split.link_target(batch := Batch[Any](2))
        batch.link_target(groups)

    def by_agent(split: Any, groups: Any) -> object:
        split.link_target(buffer := UnboundedBuffer[Any]())
        return PassOn(buffer, groups)

    def two_feed_it(split: Any, groups: Any) -> None:
        split.link_target(groups)
        IterableSource([(0, 0)]).link_target(groups)

    return {
        "no path leads from": lambda split, groups: IterableSource([1]).link_target(groups),
        "does not give one message for each": batched,
        "stands in between": by_agent,
        "2 sources feed": two_feed_it,
    }


@pytest.mark.parametrize("why", tuple(graphs()))
async def test_a_way_that_cannot_be_relied_on_is_refused(why: str) -> None:
    split = TransformMany(parts, name="parts")
    groups = Regroup[Any, list[Any]](split, name="groups")
    node: Any = graphs()[why](split, groups)
    with pytest.raises(ValueError, match=r"regroup 'groups' cannot know which messages came of one input of") as found:
        async with Network(split, groups, *([node] if isinstance(node, Agent) else [])):
            pass
    assert why in str(found.value)
    assert "give each output the key of its input" in str(found.value)


async def test_one_that_is_linked_to_a_running_network_is_checked_too() -> None:
    split, buffer = TransformMany(parts), UnboundedBuffer[Any]()
    async with Network(buffer):
        with pytest.raises(ValueError, match="no path leads from"):
            buffer.link_target(Regroup(split))


async def test_what_comes_in_between_while_it_runs_is_a_fault() -> None:
    split = TransformMany(parts)
    groups = Regroup[Any, list[Any]](split)
    split.link_target(groups)
    linked(groups)
    with faults(ValueError) as found:
        async with Network(split):
            await split.send(2)
            await groups.send((9, 9))
    assert "a message was sent to it directly" in str(found[0])


async def test_a_receiver_that_takes_a_part_is_a_loss() -> None:
    split = TransformMany(parts)
    groups = Regroup[Any, list[Any]](split)
    buffer = UnboundedBuffer[Any]()
    split.link_target(buffer)
    buffer.link_target(groups, filter=lambda part: part[1] != 1)
    buffer.link_target(others := UnboundedBuffer[Any]())
    results = linked(groups)
    async with Network(split):
        await split.send(3)
        await split.send(2)
    assert contents(results) == [[(3, 0), (3, 2)], [(2, 0)]]
    assert contents(others) == [(3, 1), (2, 1)]


async def test_outputs_that_go_elsewhere_do_not_belong_to_the_list() -> None:
    split = TransformMany(parts)
    groups = Regroup[Any, list[Any]](split)
    split.link_target(groups, filter=lambda part: part[1] % 2 == 0)
    split.link_target(others := UnboundedBuffer[Any]())
    results = linked(groups)
    async with Network(split):
        for n in (3, 1, 2):
            await split.send(n)
    assert contents(results) == [[(3, 0), (3, 2)], [(1, 0)], [(2, 0)]]
    assert len(contents(others)) == 2


@given(
    outer=st.sampled_from(SPLITS),
    inner=st.sampled_from(SPLITS),
    stage=st.sampled_from(STAGES),
    numbers=st.lists(st.integers(-1, 5), max_size=6),
    fold=st.sampled_from([(), (appended, [])]),
)
def test_groups_of_groups(outer: str, inner: str, stage: str, numbers: list[int], fold: Any) -> None:
    """Each part of a number is split again; the second part of each number is lost there."""
    many, again = splits()[outer](), splits()[inner]()
    turned = Transformer[tuple[int, int], int](lambda part: -1 if part[1] == 1 else part[1])
    first, last, passes = stages()[stage]()
    groups = Regroup[Any, list[Any]](again, *fold)
    lists = Regroup[list[Any], list[list[Any]]](many, *fold)
    seen: list[list[list[Any]]] = []
    chain(many, turned, again, first)
    chain(last, groups, lists, Call(seen.append))

    async def main() -> None:
        async with Network(many) as network:
            for number in numbers:
                await many.send(number)
        assert network.balance().ok

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert seen == [
        [list(filter(passes, parts(part))) for part in range(number) if part != 1] for number in numbers if number >= 0
    ]


@pytest.mark.parametrize("meeting", ["join", "collect"])
async def test_groups_between_a_fork_and_the_block_where_its_paths_meet(
    meeting: str, autojump_clock: MockClock
) -> None:
    """What is lost inside a group is missing in its list only; an input that is lost has no partner, or no turn."""
    fork: Any = Broadcast[int]() if meeting == "join" else Distribute[int]()
    split = TransformMany(parts, on_error="skip")
    stage = Transformer(sometimes, on_error="skip")
    groups = Regroup[tuple[int, int], list[tuple[int, int]]](split)
    plain = UnboundedBuffer[int]()
    fork.link_target(split)
    fork.link_target(plain)
    chain(split, stage, groups)
    end: Any = Join(groups, plain) if meeting == "join" else Collect[Any](groups, plain)
    results = linked(end)
    await run(fork, [2, 7, -1, 8, 3, 9])
    if meeting == "join":
        assert contents(results) == [(list(filter(comes, parts(n))), n) for n in (2, 7, 8, 3, 9)]
    else:
        assert contents(results) == [list(filter(comes, parts(2))), 7, 8, list(filter(comes, parts(3))), 9]


async def test_a_join_of_two_links_behind_a_regroup_matches_by_position(autojump_clock: MockClock) -> None:
    split = TransformMany(parts)
    groups = Regroup[Any, list[Any]](split)
    split.link_target(groups)
    even, odd = UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    groups.link_target(even, filter=lambda group: len(group) % 2 == 0)
    groups.link_target(odd)
    results = linked(Join(even, odd))
    await run(split, [2, 1, 4, 3])
    assert [(len(a), len(b)) for a, b in contents(results)] == [(2, 1), (4, 3)]


async def test_a_lane_that_begins_behind_a_regroup(autojump_clock: MockClock) -> None:
    """The collect takes turns of lists, whatever was lost before they were made."""
    split = TransformMany(parts)
    stage = Transformer(sometimes, on_error="skip")
    groups = Regroup[Any, list[Any]](split)
    chain(split, stage, groups)
    results = linked(Collect[Any](groups, IterableSource("abc")))
    await run(split, [3, 2, 4])
    assert contents(results) == [
        *(x for n, c in zip((3, 2, 4), "abc", strict=True) for x in (list(filter(comes, parts(n))), c))
    ]


def test_regroups_in_a_circle_of_links_trust_nothing() -> None:
    first, second = Flatten[Any](), Flatten[Any]()
    one, two = Regroup[Any, list[Any]](first), Regroup[Any, list[Any]](second)
    chain(first, two, second, one)
    one.link_target(first)
    network = Network(first)
    assert any("cannot know which messages came of one input" in finding for finding in network.check())
