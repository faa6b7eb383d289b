"""A join by position behind a broadcast: what is lost on one way takes its partners with it, or the join refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    Block,
    BoundedBuffer,
    Broadcast,
    Buffer,
    Call,
    Choice,
    DeadLetter,
    ErrorInfo,
    Filter,
    IterableSource,
    Join,
    Network,
    OverwriteBuffer,
    Retry,
    Source,
    Take,
    Threads,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)

COUNT = 30


@attrs.frozen
class Piece:
    """Blocks in a row; `first` is to be linked to, `last` leads on."""

    first: Any
    last: Any


@attrs.frozen
class Step:
    """One thing that stands on a way: the kind, and which items it loses (those divisible by the number)."""

    kind: str
    by: int


def ignore(letter: ErrorInfo) -> None:
    del letter


def divides_not(by: int) -> Callable[[int], bool]:
    return lambda item: item % by > 0


def failing(by: int) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item % by == 0:
            raise ValueError(item)
        return item

    return work


async def failing_late(by: int, item: int) -> int:
    await trio.sleep(item * 7 % 5)
    return failing(by)(item)


def build(step: Step, pool: Threads) -> Piece:
    by = step.by
    block: Any
    if step.kind == "skip":
        block = Transformer(failing(by), on_error="skip")
    elif step.kind == "skip in tasks":

        async def late(item: int) -> int:
            return await failing_late(by, item)

        block = Transformer(late, on_error="skip", concurrency=3)
    elif step.kind == "skip in threads":
        block = Transformer(failing(by), on_error="skip", executor=pool, concurrency=2)
    elif step.kind == "dead letters":
        block = Transformer(failing(by), on_error=Retry(2, then=DeadLetter(Call[ErrorInfo](ignore))))
    elif step.kind == "filtered link":
        block, aside, on = UnboundedBuffer[int](), Call[int](lambda _: None), UnboundedBuffer[int]()
        block.link_target(on, divides_not(by))
        block.link_target(aside)
        return Piece(block, on)
    elif step.kind == "first some aside":
        block, aside, on = UnboundedBuffer[int](), Call[int](lambda _: None), UnboundedBuffer[int]()
        block.link_target(aside, max_messages=by)
        block.link_target(on)
        return Piece(block, on)
    elif step.kind == "drops":
        block = BoundedBuffer[int](by, overflow="drop_oldest" if by % 2 else "drop_newest")
    elif step.kind == "Filter":
        block = Filter[int](lambda item: item % by > 0)
    elif step.kind == "Filter in tasks":

        async def wanted(item: int) -> bool:
            await trio.sleep(item * 3 % 5)
            if item % 5 == 0:
                raise ValueError(item)
            return item % by > 0

        block = Filter[int](wanted, concurrency=3, on_error="skip")
    elif step.kind == "filter":
        block = Transformer[int, int](lambda item: item, filter=lambda item: item % by > 0)
    elif step.kind == "broadcast":
        block = Broadcast[int](capacity=by)
        block.link_target(Call(lambda _: None))
    elif step.kind == "nested":
        block = Broadcast[int]()
        one, two = Transformer[int, int](failing(by), on_error="skip"), UnboundedBuffer[int]()
        block.link_target(one)
        block.link_target(two)
        both, single = Join(one, two, greedy=by % 2 == 0), Transformer[tuple[int, int], int](min)
        both.link_target(single)
        return Piece(block, single)
    else:
        block = UnboundedBuffer[int]()
    return Piece(block, block)


KINDS = (
    "skip",
    "skip in tasks",
    "dead letters",
    "filtered link",
    "first some aside",
    "drops",
    "filter",
    "Filter",
    "Filter in tasks",
    "broadcast",
    "nested",
    "buffer",
)
STEPS = st.builds(Step, st.sampled_from(KINDS), st.integers(2, 7))


def link_way(fork: Source[int], steps: list[Step], pool: Threads) -> Any:
    """Link pieces behind a broadcast; give the last block."""
    last: Any = fork
    for index, step in enumerate(steps):
        piece = build(step, pool)
        last.link_target(piece.first)
        if step.kind == "filter" and index:
            last.link_target(Call(lambda _: None))
        last = piece.last
    return last


async def run_in_step(ways: list[list[Step]], greedy: bool, limit: int | None) -> list[tuple[int, ...]]:
    got: list[tuple[int, ...]] = []
    source, fork = IterableSource(range(1, COUNT + 1)), Broadcast[int](capacity=3)
    source.link_target(fork)
    fork.link_target(Call(lambda _: None))  # takes what is wanted on no way
    with Threads(2) as pool:
        ends = [link_way(fork, way, pool) for way in ways]
        if not any(ways):
            ends = [UnboundedBuffer[int]() for _ in ways]
            for end in ends:
                fork.link_target(end)
        join: Join[Any] = Join[Any](inputs=len(ends), greedy=greedy)
        for end in ends:
            end.link_target(join)
        sink: Call[Any] = Call(got.append)
        join.link_target(sink)
        if limit is not None:
            PipelineGovernor(limit).govern(fork, sink)
        async with Network(source) as network:
            pass
    assert network.balance().ok
    assert set(network.balance()[join.name].dropped) <= {"no partner"}
    return got


@given(st.lists(st.lists(STEPS, min_size=1, max_size=3), min_size=2, max_size=3), st.booleans())
def test_a_tuple_is_never_made_of_strangers(ways: list[list[Step]], greedy: bool) -> None:
    got = trio.run(run_in_step, ways, greedy, None, clock=MockClock(autojump_threshold=0))
    assert all(len(set(whole)) == 1 for whole in got)
    assert got == sorted(got)
    if not {step.kind for way in ways for step in way} & {"first some aside", "drops", "Filter in tasks"}:
        lost = [step.by for way in ways for step in way if step.kind not in ("broadcast", "buffer")]
        assert [whole[0] for whole in got] == [n for n in range(1, COUNT + 1) if all(n % by for by in lost)]


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_loss_takes_its_partners_with_it(kind: str, greedy: bool) -> None:
    got = await run_in_step([[Step("buffer", 2), Step(kind, 3)], [Step("skip", 4), Step("buffer", 2)]], greedy, None)
    assert got
    assert all(one == two and one % 4 for one, two in got)


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5])
@pytest.mark.parametrize("kind", ["skip", "skip in tasks", "dead letters", "filtered link", "filter", "nested"])
async def test_a_governor_around_it_gets_its_slots_back(kind: str, limit: int, greedy: bool) -> None:
    got = await run_in_step([[Step(kind, 3)], [Step("skip", 4)]], greedy, limit * 4)
    assert got == [(n, n) for n in range(1, COUNT + 1) if n % 3 and n % 4]


class Reader(Agent):
    """Hands on what it reads."""

    def __init__(self, source: Source[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await self.target.send(item)


class Sorted(Buffer[int]):
    """Changes the order."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[int] = []

    def put(self, item: int) -> None:
        self.items.append(item)
        self.items.sort()

    def pop(self) -> int:
        return self.items.pop(0)

    def peek(self) -> int:
        return self.items[0]

    def size(self) -> int:
        return len(self.items)


async def same(item: int) -> int:
    return item


def untrusted() -> Iterator[tuple[str, Callable[[], tuple[Any, Any]]]]:
    def single(make: Callable[[], Block]) -> Callable[[], tuple[Any, Any]]:
        def build() -> tuple[Any, Any]:
            block = make()
            return block, block

        return build

    def agent() -> tuple[Any, Any]:
        before, behind = UnboundedBuffer[int](), UnboundedBuffer[int]()
        Reader(before, behind)
        return before, behind

    def merged() -> tuple[Any, Any]:
        first, behind = UnboundedBuffer[int](), UnboundedBuffer[int]()
        first.link_target(behind)
        IterableSource([1, 2]).link_target(behind)
        return first, behind

    def prefilled() -> tuple[Any, Any]:
        behind = UnboundedBuffer[int](name="prefilled")
        behind.send_nowait(0)
        return behind, behind

    yield "unordered", single(lambda: Transformer(same, concurrency=2, ordered=False))
    yield "TransformMany", single(lambda: TransformMany[int, int](lambda item: [item] * 2))
    yield "Batch", single(lambda: Batch[int](2))
    yield "Choice", single(Choice)
    yield "buffer of one's own", single(Sorted)
    yield "agent", agent
    yield "several sources", merged
    yield "by hand", prefilled


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize(("name", "make"), list(untrusted()))
async def test_a_way_that_cannot_be_trusted_is_refused_with_the_remedy(
    name: str, make: Callable[[], tuple[Any, Any]], greedy: bool
) -> None:
    fork = Broadcast[int](name="fork")
    first, last = make()
    fork.link_target(first)
    other = UnboundedBuffer[int]()
    fork.link_target(other)
    join = Join[Any](last, other, greedy=greedy, name="pairs")
    join.link_target(Call(lambda _: None))
    network = Network(fork)
    with pytest.raises(ValueError, match=r"join 'pairs' pairs messages of broadcast 'fork' by position.*key="):
        async with network:
            raise AssertionError(f"{name}: it has started")
    assert any("join 'pairs'" in line for line in Network(fork).check())


async def test_a_buffer_of_ones_own_may_say_that_it_keeps_the_order() -> None:
    class Honest(Sorted):
        @property
        def keeps_order(self) -> bool:
            """Items come sorted."""
            return True

    got: list[Any] = []
    source, fork, one, two = IterableSource(range(9)), Broadcast[int](), Honest(), UnboundedBuffer[int]()
    source.link_target(fork)
    for block in (one, two):
        fork.link_target(block)
    Join(one, two).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(n, n) for n in range(9)]


async def test_inputs_without_a_common_broadcast_are_paired_as_they_come() -> None:
    got: list[Any] = []
    one, two = IterableSource(range(4)), Transformer[int, int](failing(2), on_error="skip")
    more = IterableSource(range(8))
    more.link_target(two)
    Join(one, two).link_target(Call(got.append))
    async with Network(one):
        pass
    assert got == [(0, 1), (1, 3), (2, 5), (3, 7)]


async def test_a_value_that_is_shown_is_no_message_of_the_broadcast() -> None:
    got: list[Any] = []
    source, fork, shown = IterableSource([1, 2, 3]), Broadcast[int](), OverwriteBuffer[int]()
    source.link_target(fork)
    direct = UnboundedBuffer[int]()
    for block in (shown, direct):
        fork.link_target(block)
    Join(direct, shown).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(1, 1), (2, 2), (3, 3)]


async def test_the_nearest_broadcast_counts_and_what_is_before_it_does_not() -> None:
    got: list[Any] = []
    source, far, near = IterableSource(range(6)), Broadcast[int](), Broadcast[int]()
    many = TransformMany[int, int](lambda item: [item, item])
    source.link_target(far)
    far.link_target(many)
    far.link_target(Call(lambda _: None))
    many.link_target(near)
    one, two = Transformer[int, int](failing(2), on_error="skip"), UnboundedBuffer[int]()
    for block in (one, two):
        near.link_target(block)
    Join(one, two).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(n, n) for n in (1, 1, 3, 3, 5, 5)]


async def test_inputs_that_get_copies_of_several_broadcasts_are_refused() -> None:
    one, two = Broadcast[int](name="one"), Broadcast[int](name="two")
    join = Join[Any](one, one_and_two := UnboundedBuffer[int](), two, name="pairs")
    one.link_target(one_and_two)
    two.link_target(one_and_two)
    join.link_target(Call(lambda _: None))
    assert any("none of these feeds them all" in line for line in Network(one, two).check())
    with pytest.raises(ValueError, match="none of these feeds them all"):
        async with Network(one, two):
            raise AssertionError("it has started")
    outer_fork = Broadcast[Any](name="outer")
    for block in (one, two):
        outer_fork.link_target(block)
    direct = UnboundedBuffer[Any]()
    outer_fork.link_target(direct)
    Join[Any](join, direct, name="outer pairs").link_target(Call(lambda _: None))
    assert any("join 'outer pairs'" in line or "join 'pairs'" in line for line in Network(one, two).check())


async def test_two_pairs_of_inputs_with_two_broadcasts_are_kept_in_step_each() -> None:
    got: list[Any] = []
    ends: list[Any] = []
    sources: list[IterableSource[Any]] = [IterableSource(range(1, 9)), IterableSource("abcdefgh")]
    for source in sources:
        fork: Broadcast[Any] = Broadcast()
        source.link_target(fork)
        one, two = Transformer[Any, Any](lambda item: item), UnboundedBuffer[Any]()
        fork.link_target(one, lambda item: item not in (2, 3, "b", "g"))
        fork.link_target(two)
        ends += [one, two]
    Join[Any](*ends).link_target(Call(got.append))
    async with Network(*sources) as network:
        pass
    assert got == [(n, n, c, c) for n, c in zip((1, 4, 5, 6, 7, 8), "acdefh", strict=True)]
    assert network.balance().ok


async def test_a_way_that_ends_early_leaves_the_others_without_partners() -> None:
    got: list[Any] = []
    source, fork = IterableSource(range(9)), Broadcast[int]()
    source.link_target(fork)
    one, two = UnboundedBuffer[int](), UnboundedBuffer[int]()
    fork.link_target(one, max_messages=3)
    fork.link_target(two)
    join = Join(one, two)
    join.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [(0, 0), (1, 1), (2, 2)]
    assert network.balance()[join.name].dropped == {"no partner": 6}


@pytest.mark.parametrize("what", ["sent", "linked"])
async def test_messages_that_come_from_elsewhere_in_the_middle_of_a_run_stop_it(what: str) -> None:
    fork, one, two = Broadcast[int](), UnboundedBuffer[int](name="one"), UnboundedBuffer[int]()
    for block in (one, two):
        fork.link_target(block)
    Join(one, two).link_target(Call(lambda _: None))
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="pairs messages .*by position.* cannot know")):
        async with Network(fork):
            await fork.send(1)
            if what == "sent":
                await one.send(2)
            else:
                IterableSource([2]).link_target(one)
            await trio.sleep_forever()


async def test_a_filter_that_changes_while_a_message_waits_for_it_stops_it() -> None:
    fork, one, two = Broadcast[int](), BoundedBuffer[int](1, name="one"), UnboundedBuffer[int]()
    for block in (one, two):
        fork.link_target(block)
    join = Join(one, two)
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="the filter of .* was changed")):
        async with Network(fork, join):
            for item in range(3):
                await fork.send(item)
            await wait_all_tasks_blocked()
            one.filter = lambda _: False
            await trio.sleep_forever()


async def test_a_join_may_be_linked_while_the_network_runs() -> None:
    got: list[Any] = []
    fork = Broadcast[int]()
    fork.link_target(Call(lambda _: None))
    async with Network(fork):
        for item in range(5):
            await fork.send(item)
        await wait_all_tasks_blocked()
        one, two = Transformer[int, int](failing(3), on_error="skip"), UnboundedBuffer[int]()
        join = Join[Any](inputs=2)
        fork.link_target(two)
        two.link_target(join)
        await fork.send(5)
        await wait_all_tasks_blocked()
        fork.link_target(one)
        one.link_target(join)
        join.link_target(Call(got.append))
        for item in range(6, 12):
            await fork.send(item)
    assert got == [(n, n) for n in (7, 8, 10, 11)]


async def test_a_join_that_is_linked_after_something_was_lost_is_refused() -> None:
    fork = Broadcast[int]()
    one, two = Transformer[int, int](failing(3), on_error="skip"), UnboundedBuffer[int]()
    for block in (one, two):
        fork.link_target(block)
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="was linked while messages .* were lost")):
        async with Network(fork):
            for item in range(5):
                await fork.send(item)
            await wait_all_tasks_blocked()
            Join(one, two).link_target(Call(lambda _: None))
            await trio.sleep_forever()


async def test_a_loop_through_the_join_is_no_way_of_its_own() -> None:
    got: list[Any] = []
    source, fork = IterableSource(range(4)), Broadcast[int]()
    source.link_target(fork)
    one, two = UnboundedBuffer[int](), UnboundedBuffer[int]()
    for block in (one, two):
        fork.link_target(block)
    join = Join(one, two)
    back = Transformer[tuple[int, int], int](sum)
    join.link_target(back, lambda whole: whole[0] == 1)
    join.link_target(Call(got.append))
    back.link_target(fork)
    async with Network(source):
        pass
    assert sorted(got) == [(n, n) for n in (0, 2, 2, 3)]


async def test_dead_letters_are_no_copies_of_the_messages() -> None:
    fork, letters, other = Broadcast[int](), UnboundedBuffer[Any](), UnboundedBuffer[int]()
    fork.link_target(Call(failing(2), on_error=DeadLetter(letters), name="picky"))
    fork.link_target(other)
    Join[Any](letters, other).link_target(Call(lambda _: None))
    with pytest.raises(ValueError, match="dead letters of call 'picky' come along this path"):
        async with Network(fork):
            raise AssertionError("it has started")


async def test_a_join_that_is_linked_after_messages_were_received_by_hand_is_refused() -> None:
    fork, one, two = Broadcast[int](), UnboundedBuffer[int](name="one"), UnboundedBuffer[int]()
    for block in (one, two):
        fork.link_target(block)
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="messages have left unbounded buffer 'one' already")):
        async with Network(fork):
            for item in range(3):
                await fork.send(item)
            assert await one.receive() == 0
            Join(one, two).link_target(Call(lambda _: None))
            await trio.sleep_forever()


async def test_an_input_may_be_linked_later_as_long_as_nothing_was_paired() -> None:
    got: list[Any] = []
    fork = Broadcast[int]()
    ends = [UnboundedBuffer[int]() for _ in range(3)]
    for end in ends[:2]:
        fork.link_target(end)
    join = Join[Any](*ends[:2], inputs=3)
    join.link_target(Call(got.append))
    async with Network(fork):
        await fork.send(1)
        await wait_all_tasks_blocked()
        fork.link_target(ends[2])
        ends[2].link_target(join)
        with pytest.raises(trio.WouldBlock):
            join.receive_nowait()
        for item in (2, 3):
            await fork.send(item)
    assert got == [(2, 2, 2), (3, 3, 3)]


async def test_an_input_that_is_linked_after_messages_were_paired_stops_it() -> None:
    fork, one = Broadcast[int](), UnboundedBuffer[int]()
    fork.link_target(one)
    join = Join[Any](one, inputs=2)
    join.link_target(Call(lambda _: None))
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="linked after messages were paired")):
        async with Network(fork):
            before = UnboundedBuffer[int]()
            link = before.link_target(join.inputs[1])
            await fork.send(1)
            await before.send(5)
            await wait_all_tasks_blocked()
            link.unlink()
            late = UnboundedBuffer[int]()
            fork.link_target(late)
            late.link_target(join.inputs[1])
            await trio.sleep_forever()


def test_two_joins_in_a_circle_are_looked_at_once() -> None:
    fork, one, two = Broadcast[Any](name="fork"), UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    for block in (one, two):
        fork.link_target(block)
    first, second = Join[Any](one, inputs=2, name="first"), Join[Any](two, inputs=2, name="second")
    first.link_target(second.inputs[1])
    second.link_target(first.inputs[1])
    assert isinstance(Network(fork).check(), tuple)


def test_a_join_inside_of_a_way_that_mixes_broadcasts_is_told() -> None:
    one, two = Broadcast[Any](name="one"), Broadcast[Any](name="two")
    mixed, direct = UnboundedBuffer[Any](), UnboundedBuffer[Any]()
    inner = Join[Any](one, mixed, two, name="inner")
    for fork in (one, two):
        fork.link_target(mixed)
    one.link_target(direct)
    outer = Join[Any](inner, direct, name="outer")
    outer.link_target(Call(lambda _: None))
    assert any("join 'inner' pairs" in line for line in Network(one, two).check())


async def test_nothing_is_received_from_a_join_that_has_lost_count() -> None:
    fork, one, two = Broadcast[int](), UnboundedBuffer[int](), UnboundedBuffer[int]()
    for block in (one, two):
        fork.link_target(block)
    join = Join(one, two)
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="cannot know any more")):
        async with Network(fork, join):
            await fork.send(1)
            await wait_all_tasks_blocked()
            one.send_nowait(9)
            with pytest.raises(trio.WouldBlock):
                join.receive_nowait()
            await trio.sleep_forever()


async def test_what_the_body_receives_from_a_way_has_no_partner_on_the_other() -> None:
    got: list[Any] = []
    fork, one, two = Broadcast[int](), UnboundedBuffer[int](), BoundedBuffer[int](1)
    for block in (one, two):
        fork.link_target(block)
    join = Join(one, two, name="pairs")
    async with Network(fork, join) as network:
        for item in (1, 2, 3):
            await fork.send(item)
        await wait_all_tasks_blocked()
        assert await one.receive() == 1
        join.link_target(Call(got.append))
    assert got == [(2, 2), (3, 3)]
    assert network.balance()["pairs"].dropped == {"no partner": 1}


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("by", [100, 4_000])
async def test_many_losses_leave_nothing_behind(by: int, greedy: bool) -> None:
    source, fork = IterableSource(range(1, 1_001)), Broadcast[int](capacity=8)
    source.link_target(fork)
    rare = Transformer[int, int](but_one_in(by), on_error="skip", capacity=8)
    other = Transformer[int, int](lambda item: item, capacity=8)
    kept: list[int] = []

    def note(item: int) -> int:
        branches = fork._core.outboxes()[0].branches
        kept.append(max(len(numbers._missing) for branch in branches for numbers in branch._arrivals))
        return item

    seen = Transformer[int, int](note, capacity=8)
    for first, second in ((fork, seen), (seen, other), (fork, rare)):
        first.link_target(second)
    got: list[Any] = []
    join = Join(rare, other, greedy=greedy, capacity=8 if greedy else None, name="pairs")
    join.link_target(Call(got.append))
    async with Network(source) as network:
        pass
    assert got == [(n, n) for n in range(by, 1_001, by)]
    assert network.balance()["pairs"].dropped == {"no partner": 1_000 - len(got)}
    assert len(kept) == 1_000
    assert max(kept) < 200


def but_one_in(by: int) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item % by:
            raise ValueError(item)
        return item

    return work


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("kind", ["fork", "late fork", "stage"])
async def test_values_that_are_shown_are_told_apart_too(kind: str, greedy: bool) -> None:
    shown, got = OverwriteBuffer[int](name="shown"), list[Any]()
    fork: Any = Broadcast[int]() if kind == "stage" else shown
    one, two = Transformer[int, int](but_not(3), on_error="skip"), Transformer[int, int](but_not(5), on_error="skip")
    if kind == "late fork":
        shown.send_nowait(1)
    for block in (one, two):
        fork.link_target(block)
    source: Any = two
    if kind == "stage":
        two.link_target(shown)
        source = shown
    join = Join(one, source, greedy=greedy, name="pairs")
    join.link_target(Call(got.append))
    async with Network(fork) as network:
        for number in range(2 if kind == "late fork" else 1, 8):
            await fork.send(number)
            await wait_all_tasks_blocked()
    assert got == [(n, n) for n in (1, 2, 4, 6, 7)]
    assert network.balance()["pairs"].dropped == {"no partner": 2}


def but_not(unwanted: int) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item == unwanted:
            raise ValueError(item)
        return item

    return work


@pytest.mark.parametrize("is_first", [True, False])
async def test_what_feeds_it_without_an_end_ends_when_one_path_was_left_early(is_first: bool) -> None:
    source, both, few, rest = IterableSource(count()), Broadcast[int](), Take[int](3), Transformer[int, int](int)
    got: list[tuple[int, int]] = []
    source.link_target(both)
    for block in (few, rest):
        both.link_target(block)
    Join(*((few, rest) if is_first else (rest, few))).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(0, 0), (1, 1), (2, 2)]


async def test_a_path_does_all_its_work_when_the_other_one_is_done_before() -> None:
    source, both, odd = IterableSource(range(20)), Broadcast[int](), Filter[int](lambda number: number % 2 == 1)
    seen: list[int] = []
    got: list[tuple[int, int]] = []

    async def slow(number: int) -> int:
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        seen.append(number)
        return number

    work = Transformer(slow)
    source.link_target(both)
    both.link_target(odd)
    both.link_target(work)
    Join(odd, work).link_target(Call(got.append))
    async with Network(source):
        pass
    assert seen == [*range(20)]
    assert got == [(number, number) for number in range(1, 20, 2)]
