"""A join by key: whatever the order, the losses and the number of branches, only equal keys are paired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    Broadcast,
    Call,
    Choice,
    DeadLetter,
    ErrorInfo,
    IterableSource,
    Join,
    Network,
    Source,
    Stalled,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)

COUNT = 24


def key_of(item: tuple[int, str]) -> int:
    return item[0]


def same(item: int) -> int:
    return item


def first_letter(text: str) -> str:
    return text[0]


def second(pair: tuple[str, str]) -> str:
    return pair[1]


def inverse(number: int) -> float:
    return 1 // number


def in_list(number: int) -> list[int]:
    return [number]


BROKEN_KEYS: list[tuple[Callable[[int], Any], list[int], type[Exception], str]] = [
    (inverse, [0], ZeroDivisionError, "division"),
    (in_list, [5], TypeError, r"the key of 5 must be hashable, got \[5\]"),
]


def stage(name: str, losses: int, seed: int, ordered: bool, on_error: Any = "skip") -> Transformer[int, Any]:
    async def work(item: int) -> tuple[int, str]:
        await trio.sleep((item * seed) % 7)
        if losses and item % losses == 0:
            raise ValueError(item)
        return item, name

    return Transformer(work, concurrency=4, ordered=ordered, on_error=on_error, name=name)


async def run_by_key(ways: list[tuple[int, int, bool]], capacity: int, limit: int | None) -> list[tuple[int, ...]]:
    got: list[Any] = []
    source, fork = IterableSource(range(1, COUNT + 1)), Broadcast[int](capacity=2)
    source.link_target(fork)
    stages = [stage(f"way {n}", *way) for n, way in enumerate(ways)]
    for block in stages:
        fork.link_target(block)
    join = Join[Any](*stages, key=key_of, capacity=capacity, name="pairs")
    sink: Call[Any] = Call(got.append)
    join.link_target(sink)
    if limit is not None:
        PipelineGovernor(limit).govern(fork, sink)
    async with Network(source) as network:
        pass
    assert network.balance().ok
    assert set(network.balance()["pairs"].dropped) <= {"no partner", "fault"}
    return [tuple(item[0] for item in whole) for whole in got]


WAYS = st.tuples(st.sampled_from([0, 2, 3, 5, 7]), st.integers(0, 6), st.booleans())


@given(st.lists(WAYS, min_size=2, max_size=3), st.integers(16, 40), st.sampled_from([None, 12, 30]))
def test_all_keys_that_reach_every_input_are_paired_and_no_others(
    ways: list[tuple[int, int, bool]], capacity: int, limit: int | None
) -> None:
    got = trio.run(run_by_key, ways, capacity, limit, clock=MockClock(autojump_threshold=0))
    losses = [losses for losses, _, _ in ways if losses]
    assert sorted(got) == [(n,) * len(ways) for n in range(1, COUNT + 1) if all(n % by for by in losses)]


async def run_join(
    one: list[Any], two: list[Any], *, network: list[Network] | None = None, **options: Any
) -> list[Any]:
    got: list[Any] = []
    left, right = IterableSource(one, name="left"), IterableSource(two, name="right")
    join = Join[Any](left, right, name="pairs", **options)
    join.link_target(Call(got.append))
    running = Network(left, right)
    if network is not None:
        network.append(running)
    async with running:
        pass
    return got


async def later(item: int) -> int:
    return item


def in_turn(item: int) -> Iterator[int]:
    yield item


@pytest.mark.parametrize("key", [later, in_turn])
async def test_a_key_that_has_not_run_is_told(key: Any) -> None:
    def hidden(item: object) -> Any:
        return key(item)

    with pytest.RaisesGroup(pytest.RaisesExc(TypeError, match=r"join 'pairs': key returned a .*plain function")):
        await run_join([1], [1], key=hidden)


async def test_inputs_may_have_keys_of_their_own() -> None:
    got = await run_join(["b1", "a2"], [("x", "a"), ("y", "b")], key=(first_letter, second))
    assert got in ([("b1", ("y", "b")), ("a2", ("x", "a"))], [("a2", ("x", "a")), ("b1", ("y", "b"))])


async def test_what_has_no_partner_is_dropped_and_counted() -> None:
    networks: list[Network] = []
    got = await run_join([1, 2, 3], [3, 4, 1], key=same, network=networks)
    assert sorted(got) == [(1, 1), (3, 3)]
    assert networks[0].balance()["pairs"].dropped == {"no partner": 2}


async def test_what_was_lost_on_a_way_is_given_up_while_the_network_goes_on() -> None:
    got: list[Any] = []
    fork: Broadcast[int] = Broadcast()
    one = Transformer[int, int](lambda n: n * (n - 2) // (n - 2), on_error="skip")
    two: UnboundedBuffer[int] = UnboundedBuffer()
    for block in (one, two):
        fork.link_target(block)
    join = Join[Any](one, two, key=same, name="pairs")
    join.link_target(Call(got.append))
    async with Network(fork) as network:
        for n in (2, 3, 4):
            await fork.send(n)
        await wait_all_tasks_blocked()
        assert got == [(3, 3), (4, 4)]
        assert network.balance()["pairs"].dropped == {"no partner": 1}


async def test_what_has_no_partner_can_be_a_fault_that_names_key_and_branch() -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(LookupError, match=r"2 of input 0 has no partner: its key 2 has not come to input 1 \(")
    ):
        await run_join([1, 2], [1], key=same, unmatched="fail")


async def test_what_has_no_partner_can_go_to_the_dead_letters() -> None:
    letters: list[ErrorInfo] = []
    networks: list[Network] = []
    letter_box: Call[ErrorInfo] = Call(letters.append)
    got = await run_join([1, 2, 3], [1], key=same, unmatched=DeadLetter(letter_box), network=networks, capacity=1)
    assert got == [(1, 1)]
    assert [letter.item for letter in letters] == [2, 3]
    assert all(isinstance(letter.exception, LookupError) for letter in letters)
    assert networks[0].balance()["pairs"].dead_lettered == 2


@pytest.mark.parametrize(("key", "items", "error", "match"), BROKEN_KEYS)
async def test_a_key_that_raises_or_cannot_be_hashed_is_a_fault(
    key: Callable[[int], Any], items: list[int], error: type[Exception], match: str
) -> None:
    networks: list[Network] = []
    with pytest.RaisesGroup(pytest.RaisesExc(error, match=match)):
        await run_join(items, [], key=(key, key), network=networks)
    assert networks[0].balance().ok
    assert networks[0].balance()["pairs"].dropped["fault"] == 1


async def test_a_key_that_comes_twice_while_it_waits_is_a_fault() -> None:
    left, right = UnboundedBuffer[int](), UnboundedBuffer[int]()
    Join(left, right, key=lambda _: "same", name="pairs").link_target(Call(lambda _: None))
    network = Network(left)
    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="the key 'same' came twice, the second time with 6")):
        async with network:
            await left.send(5)
            await left.send(6)
            await trio.sleep_forever()
    assert network.balance()["pairs"].dropped == {"fault": 1}


async def test_a_key_may_come_again_after_it_was_paired() -> None:
    assert await run_join([1, 1], [1, 1], key=same, capacity=1) == [(1, 1), (1, 1)]


async def test_the_verdict_names_the_key_and_the_branch_that_lacks_it() -> None:
    left, right = UnboundedBuffer[int](name="left"), UnboundedBuffer[int](name="right")
    for number in (3, 1, 2):
        left.send_nowait(number)
    join = Join(left, right, key=same, capacity=2, name="pairs")
    pairs = UnboundedBuffer[Any]()
    join.link_target(pairs)
    with pytest.RaisesGroup(Stalled) as caught:
        async with Network(join):
            await pairs.receive()
    assert "key 3 on input 1 (unbounded buffer 'right')" in str(caught.value.exceptions[0])


class Sieve(Agent):
    """Hands on odd numbers, and does not report the others as lost."""

    def __init__(self, source: Source[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            if item % 2:
                await self.target.send(item)


async def test_an_agent_on_a_way_may_lose_any_number_if_keys_come_in_order() -> None:
    got: list[Any] = []
    source, fork = IterableSource(range(300)), Broadcast[int]()
    source.link_target(fork)
    before, behind, other = UnboundedBuffer[int](), UnboundedBuffer[int](), UnboundedBuffer[int]()
    fork.link_target(before)
    fork.link_target(other)
    join = Join(behind, other, key=same, capacity=4, name="pairs")
    join.link_target(Call(got.append))
    async with Network(source, Sieve(before, behind)) as network:
        pass
    assert got == [(n, n) for n in range(1, 300, 2)]
    assert network.balance()["pairs"].dropped == {"no partner": 150}


async def test_one_to_many_ways_are_joined_by_key() -> None:
    got: list[Any] = []
    source, fork = IterableSource(range(8)), Broadcast[int]()
    source.link_target(fork)
    many = TransformMany[int, int](lambda n: [n] if n % 3 else [])
    other = UnboundedBuffer[int]()
    fork.link_target(many)
    fork.link_target(other)
    Join(many, other, key=same).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(n, n) for n in range(8) if n % 3]


async def test_what_is_numbered_afresh_behind_a_loss_is_not_taken_for_lost() -> None:
    got: list[Any] = []
    numbers = iter(range(100))
    source, fork = IterableSource(range(6)), Broadcast[int]()
    source.link_target(fork)

    def odd(item: int) -> int:
        if item % 2 == 0:
            raise ValueError(item)
        return item

    clean = Transformer[int, int](odd, on_error="skip")
    number = Transformer[int, int](lambda _: next(numbers))
    other = Transformer[int, int](lambda item: item // 2, filter=lambda item: item % 2 == 1)
    fork.link_target(clean)
    fork.link_target(other)
    clean.link_target(number)
    Join(number, other, key=same).link_target(Call(got.append))
    async with Network(source):
        pass
    assert got == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"key": (len,)}, ValueError, "one function, or one for each of 2 inputs, got 1"),
        ({"key": 3}, TypeError, "key must be a function"),
        ({"key": (len, None)}, TypeError, "each key must be a function, got None"),
        ({"unmatched": "drop"}, ValueError, "needs key="),
        ({"key": len, "unmatched": "skip"}, ValueError, "'drop', 'fail' or a DeadLetter, got 'skip'"),
    ],
)
def test_wrong_keys_are_errors(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        Join[Any](UnboundedBuffer[Any](), UnboundedBuffer[Any](), **options)


async def test_a_stop_in_the_middle_discards_what_waits() -> None:
    left, right = UnboundedBuffer[int](), UnboundedBuffer[int]()
    join = Join(left, right, key=same, name="pairs")
    join.link_target(Call(lambda _: None))
    async with Network(join) as network:
        for number in range(5):
            await left.send(number)
        await trio.testing.wait_all_tasks_blocked()
        network.cancel()
        await trio.sleep_forever()
    assert network.balance().ok
    assert network.balance()["pairs"].discarded == 5


async def test_very_many_are_paired_in_several_steps() -> None:
    left, right = UnboundedBuffer[int](), UnboundedBuffer[int]()
    for number in range(3_000):
        left.send_nowait(number)
        right.send_nowait(2_999 - number)
    got: list[Any] = []
    join = Join(left, right, key=same, capacity=5_000)
    join.link_target(Call(got.append, capacity=None))
    async with Network(join):
        pass
    assert sorted(got) == [(n, n) for n in range(3_000)]


async def test_inputs_of_several_broadcasts_and_ways_that_meet_are_joined_by_key() -> None:
    got: list[Any] = []
    one, two, both = Broadcast[int](), Broadcast[int](), UnboundedBuffer[int]()
    for fork in (one, two):
        IterableSource(range(4) if fork is one else range(4, 8)).link_target(fork)
        fork.link_target(both)
    first, second = UnboundedBuffer[int](), UnboundedBuffer[int]()
    one.link_target(first)
    two.link_target(second)
    Join(first, both, key=same, capacity=20).link_target(Call(got.append))
    second.link_target(Call(lambda _: None))
    async with Network(one, two):
        pass
    assert sorted(got) == [(n, n) for n in range(4)]


async def test_inputs_of_several_broadcasts_are_joined_by_key_too() -> None:
    got: list[Any] = []
    one, two, both = Broadcast[int](), Broadcast[int](), UnboundedBuffer[int]()
    for fork in (one, two):
        IterableSource(range(4)).link_target(fork)
    ends = [UnboundedBuffer[int](), both, UnboundedBuffer[int]()]
    one.link_target(ends[0])
    one.link_target(both)
    two.link_target(ends[2])
    other = Transformer[int, int](lambda number: number + 100)
    two.link_target(other)
    other.link_target(both)
    Join[Any](*ends, key=same).link_target(Call(got.append))
    async with Network(one, two):
        pass
    assert sorted(got) == [(n, n, n) for n in range(4)]


async def test_an_input_may_be_linked_while_it_runs() -> None:
    got: list[Any] = []
    left, right = UnboundedBuffer[int](), UnboundedBuffer[int]()
    join = Join[Any](left, inputs=2, key=same)
    join.link_target(Call(got.append))
    async with Network(join):
        await left.send(1)
        await trio.testing.wait_all_tasks_blocked()
        right.link_target(join)
        await right.send(1)
    assert got == [(1, 1)]


async def test_an_empty_join_that_is_waited_for_has_no_key_to_name() -> None:
    left, right, pairs = UnboundedBuffer[int](), UnboundedBuffer[int](), UnboundedBuffer[Any]()
    Join(left, right, key=same, name="pairs").link_target(pairs)
    with pytest.RaisesGroup(Stalled):
        async with Network(left):
            await pairs.receive()


async def test_what_has_no_key_yet_is_not_what_is_sought() -> None:
    left, right, pairs = UnboundedBuffer[int](), Batch[int](5), UnboundedBuffer[Any]()
    wrap = Transformer[list[int], tuple[int, str]](lambda numbers: (numbers[0], "right"))
    right.link_target(wrap)
    Join(left, wrap, key=(same, key_of), name="pairs").link_target(pairs)
    with pytest.RaisesGroup(Stalled) as caught:
        async with Network(left, right):
            await left.send(3)
            await right.send(3)
            await pairs.receive()
    assert "key 3 on input 1" in str(caught.value.exceptions[0])


class Sleeper(Agent):
    """Takes its time."""

    def __init__(self, source: Source[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        async for item in self.source:
            await trio.sleep(1)
            await self.target.send(item)


async def test_what_an_agent_has_in_hand_is_waited_for() -> None:
    got: list[Any] = []
    source, fork = IterableSource(range(5)), Broadcast[int]()
    source.link_target(fork)
    before, behind, other = UnboundedBuffer[int](), UnboundedBuffer[int](), UnboundedBuffer[int]()
    for block in (before, other):
        fork.link_target(block)
    Join(behind, other, key=same).link_target(Call(got.append))
    async with Network(source, Sleeper(before, behind)):
        pass
    assert got == [(n, n) for n in range(5)]


async def test_behind_a_choice_no_key_is_given_up_by_its_order() -> None:
    got: list[Any] = []
    left, right = UnboundedBuffer[int](), UnboundedBuffer[int]()
    for number in (5, 6, 1):
        left.send_nowait(number)
    for number in (1, 5, 6):
        right.send_nowait(number)
    value = Transformer[Any, int](lambda chosen: chosen.value)
    Choice(left).link_target(value)
    join = Join(value, right, key=same, capacity=3)
    join.link_target(Call(got.append))
    async with Network(join):
        pass
    assert sorted(got) == [(1, 1), (5, 5), (6, 6)]


async def test_an_input_that_was_full_counts_as_full_no_longer() -> None:
    sources = [UnboundedBuffer[int]() for _ in range(3)]
    join: Join[Any] = Join(*sources, key=same, capacity=3)
    join.link_target(UnboundedBuffer[Any]())
    async with Network(join) as network:

        def dropped() -> int:
            return network.balance()[join.name].dropped.get("no partner", 0)

        for place, item in ((0, 1), (0, 2), (0, 3), (1, 4)):
            await sources[place].send(item)
            await wait_all_tasks_blocked()
        assert dropped() == 3  # the first input was full, and the second has passed what it held
        await sources[2].send(5)
        await wait_all_tasks_blocked()
        assert dropped() == 3  # no input is full, so the fourth message may wait
        network.cancel()
