"""The batch, by number and by time."""

import math
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    IterableSource,
    Join,
    Network,
    Stalled,
    Take,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import contents, faults, is_even, linked, notes, run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_items": 0}, "batch 'b': max_items must be an int >= 1, got 0"),
        ({"max_items": True}, "batch 'b': max_items must be an int >= 1, got True"),
        ({"max_items": 2.0}, "batch 'b': max_items must be an int >= 1, got 2.0"),
        ({"max_items": 2, "max_seconds": 0}, "batch 'b': max_seconds must be a number > 0, got 0"),
        ({"max_items": 2, "capacity": 0}, "batch 'b': capacity must be an int >= 1"),
        ({}, "batch 'b': give max_items, or max_weight and weight, or all three"),
        ({"weight": len}, "batch 'b': weight needs max_weight, the greatest weight of a list"),
        ({"max_items": 2, "weight": len}, "batch 'b': weight needs max_weight, the greatest weight of a list"),
        ({"max_items": 2, "max_weight": 2}, "batch 'b': max_weight needs weight, a function that returns the weight"),
        ({"max_weight": 0, "weight": len}, "batch 'b': max_weight must be a number > 0, got 0"),
        ({"max_weight": math.inf, "weight": len}, "batch 'b': max_weight must be a number > 0, got inf"),
        ({"max_items": 0, "max_weight": 1, "weight": len}, "batch 'b': max_items must be an int >= 1, got 0"),
    ],
)
def test_wrong_numbers_are_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Batch(name="b", **arguments)


async def test_it_makes_lists_and_a_short_last_one() -> None:
    batch: Batch[Any] = Batch(3, name="b")
    collector = linked(batch)
    network = await run(batch, [1, None, 3, 4, 5, 6, 7])
    assert contents(collector) == [[1, None, 3], [4, 5, 6], [7]]
    balance = network.balance()["b"]
    assert (balance.accepted, balance.merged, balance.produced, balance.delivered) == (7, 7, 3, 3)
    assert repr(batch) == "<Batch 'b' finished, 0 held>"


async def test_nothing_makes_no_list() -> None:
    batch: Batch[int] = Batch(3)
    collector = linked(batch)
    await run(batch)
    assert contents(collector) == []


async def test_a_list_goes_out_when_its_first_message_has_waited_so_long() -> None:
    batch: Batch[int] = Batch(3, max_seconds=5)
    start = trio.current_time()
    async with Network(batch):
        await trio.sleep(100)
        await batch.send(1)
        await trio.sleep(4)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
        assert trio.current_time() - start == 105


async def test_the_time_of_each_list_counts_from_its_own_first_message() -> None:
    batch: Batch[int] = Batch(2, max_seconds=5)
    start = trio.current_time()
    async with Network(batch):
        await batch.send(1)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
        await trio.sleep(4)
        await batch.send(3)  # the alarm of the first list rings in a second, and means nothing for this one
        assert await batch.receive() == [3]
        assert trio.current_time() - start == 9


async def test_when_a_list_was_not_taken_the_next_is_due_at_once() -> None:
    batch: Batch[int] = Batch(10, max_seconds=5)
    async with Network(batch):
        await batch.send(1)
        await trio.sleep(6)
        await batch.send(2)
        await trio.sleep(6)
        start = trio.current_time()
        assert await batch.receive() == [1]
        assert await batch.receive() == [2]
        assert trio.current_time() == start


async def test_while_a_list_is_not_taken_senders_wait() -> None:
    batch: Batch[int] = Batch(2, capacity=3)
    full: BoundedBuffer[list[int]] = BoundedBuffer(1)
    batch.link_target(full)
    sent: list[int] = []

    async def send() -> None:
        for n in range(10):
            await batch.send(n)
            sent.append(n)
        batch.complete()

    async with Network(batch), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert len(sent) == 7  # 2 there, 2 ready, 3 waiting
        assert [item async for item in full] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


async def test_its_capacity_is_never_less_than_a_list() -> None:
    batch: Batch[int] = Batch(5, capacity=1)
    collector = linked(batch)
    async with Network(batch):
        for n in range(5):
            await batch.send(n)
        await wait_all_tasks_blocked()
        assert contents(collector) == [[0, 1, 2, 3, 4]]


async def test_outside_a_network_it_makes_full_lists_at_once() -> None:
    batch: Batch[int] = Batch(2, max_seconds=5)
    for n in range(3):
        batch.send_nowait(n)
    assert batch.receive_nowait() == [0, 1]
    with pytest.raises(trio.WouldBlock):
        batch.receive_nowait()
    batch.complete()
    assert batch.receive_nowait() == [2]
    assert batch.is_finished


async def test_its_filter_decides_what_it_takes() -> None:
    source: UnboundedBuffer[int] = UnboundedBuffer()
    batch: Batch[int] = Batch(2, filter=is_even)
    source.link_target(batch)
    rest = linked(source)
    collector = linked(batch)
    await run(source, range(5))
    assert (contents(collector), contents(rest)) == ([[0, 2], [4]], [1, 3])


async def test_what_it_holds_is_discarded_when_the_network_stops() -> None:
    batch: Batch[int] = Batch(2, name="b", max_seconds=5)
    async with Network(batch) as network:
        for n in range(5):
            await batch.send(n)
        await wait_all_tasks_blocked()
        network.cancel()
    balance = network.balance()["b"]
    assert (balance.merged, balance.discarded) == (2, 4)


async def test_a_network_does_not_wait_for_an_alarm_that_means_nothing() -> None:
    batch: Batch[int] = Batch(2, max_seconds=1_000)
    collector = linked(batch)
    start = trio.current_time()
    await run(batch, range(3))
    assert contents(collector) == [[0, 1], [2]]
    assert trio.current_time() == start


async def test_an_alarm_that_nobody_needs_any_more_keeps_no_network_from_ending() -> None:
    batch: Batch[int] = Batch(2, max_seconds=3_600)
    start = trio.current_time()
    async with Network(batch):
        await batch.send(1)
        await trio.sleep(1)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
    assert trio.current_time() - start < 3_600


# By weight


def same(item: int) -> int:
    return item


@pytest.mark.parametrize(
    ("weights", "options", "expected"),
    [
        ([5, 5, 4, 4, 4, 1], {}, [[5, 5], [4, 4], [4, 1]]),  # it weighs 10; the next would make it 12; no more come
        ([10, 1, 10, 1], {}, [[10], [1], [10], [1]]),
        ([1, 50, 1, 50], {}, [[1], [50], [1], [50]]),  # too heavy: a list of its own
        ([50, 50], {}, [[50], [50]]),
        ([0, 0, 10, 0, 0], {}, [[0, 0, 10], [0, 0]]),  # full with the third
        ([0.5, 9.5, 0.25], {}, [[0.5, 9.5], [0.25]]),
        ([1, 1, 1, 9, 9], {"max_items": 2}, [[1, 1], [1, 9], [9]]),  # either is enough
        ([9, 9, 9], {"max_items": 1}, [[9], [9], [9]]),
        ([0, 0, 0, 0, 0], {"capacity": 2}, [[0, 0], [0, 0], [0]]),  # more could not wait
        ([0, 0, 0], {"capacity": None}, [[0, 0, 0]]),
        ([], {}, []),
    ],
)
async def test_a_list_is_as_heavy_as_it_may_be(
    weights: list[float], options: dict[str, Any], expected: list[list[float]]
) -> None:
    batch: Batch[float] = Batch(max_weight=10, weight=abs, name="b", **options)
    collector = linked(batch)
    network = await run(batch, weights)
    assert contents(collector) == expected
    balance = network.balance()["b"]
    assert (balance.merged, balance.produced) == (len(weights), len(expected))


async def test_a_list_goes_out_as_soon_as_its_weight_is_reached_or_the_next_message_is_too_heavy() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same)
    collector = linked(batch)
    async with Network(batch):
        for item, expected in ((4, []), (6, [[4, 6]]), (7, []), (5, [[7]]), (5, [[5, 5]]), (70, [[70]])):
            await batch.send(item)
            await wait_all_tasks_blocked()
            assert contents(collector) == expected


async def test_each_message_is_weighed_once() -> None:
    weighed: list[int] = []

    def weight(item: int) -> int:
        weighed.append(item)
        return 3

    batch: Batch[int] = Batch(max_weight=10, weight=weight)
    collector = linked(batch)
    await run(batch, range(10))
    assert weighed == list(range(10))
    assert contents(collector) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


@pytest.mark.parametrize("weight", [-1, math.nan, None, "x"])
async def test_what_is_no_weight_is_a_fault_that_names_the_message(weight: Any) -> None:
    batch: Batch[str] = Batch(max_weight=10, weight=lambda item: weight if item == "b" else 1, name="b")
    linked(batch)
    with faults(ValueError) as found:
        await run(batch, "abc")
    assert str(found[0]) == f"batch 'b': a weight must be a number >= 0, got {weight!r}"
    assert notes(found[0])[0] == "in the weight of batch 'b' for 'b'"


async def test_a_weight_that_raises_is_a_fault_and_nothing_is_lost_in_silence() -> None:
    batch: Batch[str] = Batch(max_weight=10, weight=len, name="b")
    linked(batch)
    with faults(TypeError) as found:
        async with Network(batch) as network:
            await batch.send("abc")
            await batch.send(5)  # type: ignore[arg-type]  # that is the point
            await trio.sleep_forever()
    assert notes(found[0])[0] == "in the weight of batch 'b' for 5"
    balance = network.balance()["b"]
    assert (balance.accepted, balance.discarded) == (2, 2)


async def test_a_weight_must_be_a_plain_function() -> None:
    async def weight(item: int) -> int:
        return item

    with pytest.raises(TypeError, match="batch 'b': weight must be a plain function"):
        Batch[int](max_weight=10, weight=weight, name="b")  # type: ignore[arg-type]  # that is the point


async def test_a_light_list_goes_out_when_its_first_message_has_waited_so_long() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same, max_seconds=5)
    start = trio.current_time()
    async with Network(batch):
        await batch.send(1)
        await trio.sleep(4)
        await batch.send(2)
        assert await batch.receive() == [1, 2]
        assert trio.current_time() - start == 5
        await batch.send(6)
        await trio.sleep(3)
        await batch.send(7)  # does not fit: the list goes out, and the time of the next one begins
        assert await batch.receive() == [6]
        assert trio.current_time() - start == 8
        assert await batch.receive() == [7]
        assert trio.current_time() - start == 13


async def test_while_a_heavy_list_is_not_taken_senders_wait() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same, capacity=2)
    sent: list[int] = []

    async def send() -> None:
        for n in (10, 3, 3, 3, 3):
            await batch.send(n)
            sent.append(n)
        batch.complete()

    async with Network(batch), trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert sent == [10, 3, 3]
        assert [item async for item in batch] == [[10], [3, 3], [3, 3]]


async def test_outside_a_network_it_weighs_too() -> None:
    batch: Batch[int] = Batch(max_weight=4, weight=same)
    for n in (1, 2, 3):
        batch.send_nowait(n)
    assert batch.receive_nowait() == [1, 2]
    batch.complete()
    assert batch.receive_nowait() == [3]
    assert batch.is_finished


def first_of(items: list[int]) -> int:
    return items[0]


async def test_a_join_by_key_gets_heavy_lists_and_what_has_no_partner_is_dropped() -> None:
    source, fork = IterableSource([1, 2, 3, 4, 5, 6]), Broadcast[int]()
    heavy, threes = Batch[int](max_weight=10, weight=same), Batch[int](3)
    join = Join(heavy, threes, key=first_of, name="j")
    source.link_target(fork)
    fork.link_target(heavy)
    fork.link_target(threes)
    collector = linked(join)
    async with Network(source) as network:
        pass
    assert contents(collector) == [([1, 2, 3, 4], [1, 2, 3])]
    assert network.balance()["j"].dropped == {"no partner": 3}  # [5], [6] and [4, 5, 6]


async def test_a_governor_that_lets_in_too_little_for_a_heavy_list_is_a_standstill() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same, name="b")
    linked(batch)
    PipelineGovernor(3, name="g").govern(batch, batch)
    with faults(Stalled) as found:
        await run(batch, [1] * 9)
    assert "governor 'g'" in found[0].report


async def test_a_governor_lets_in_what_a_heavy_list_needs() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same)
    call: Call[list[int]] = Call(print)
    lists = linked(batch)
    PipelineGovernor(3).govern(batch, batch)
    await run(batch, [4] * 9, call)
    assert contents(lists) == [[4, 4]] * 4 + [[4]]


async def test_targets_that_need_no_more_end_a_batch_by_weight() -> None:
    source, batch = IterableSource(range(1, 1000)), Batch[int](max_weight=10, weight=same)
    few: Take[list[int]] = Take(2)
    source.link_target(batch)
    batch.link_target(few)
    collector = linked(few)
    async with Network(source) as network:
        pass
    assert contents(collector) == [[1, 2, 3, 4], [5]]
    assert network.balance()[batch.name].held == 0


# By hand


async def test_by_hand_what_waits_goes_out_at_once() -> None:
    batch: Batch[int] = Batch(3, name="b")
    collector = linked(batch)
    async with Network(batch):
        batch.flush()  # nothing waits: there is no list
        await batch.send(1)
        batch.flush()
        batch.flush()
        await batch.send(2)
        await batch.send(3)
        await wait_all_tasks_blocked()
        assert contents(collector) == [[1]]
        batch.flush()
        for n in (4, 5, 6, 7):
            await batch.send(n)
        await wait_all_tasks_blocked()
        assert contents(collector) == [[2, 3], [4, 5, 6]]
        batch.flush()
    assert contents(collector) == [[7]]
    batch.flush()  # it has ended: nothing happens


async def test_by_hand_each_list_ends_where_it_was_cut_although_none_was_taken_yet() -> None:
    batch: Batch[str] = Batch(3)
    async with Network(batch):
        for text in ("ab", "cdefg", "", "h", "ijk"):
            for letter in text:
                await batch.send(letter)
            batch.flush()
        await batch.send("l")
        batch.complete()
        assert ["".join(letters) async for letters in batch] == ["ab", "cde", "fg", "h", "ijk", "l"]


async def test_by_hand_a_light_list_goes_out() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same)
    async with Network(batch):
        for items in ((4, 4, 4), (4, 4), (20,), (1, 1)):
            for item in items:
                await batch.send(item)
            batch.flush()
        batch.complete()
        assert [items async for items in batch] == [[4, 4], [4], [4, 4], [20], [1, 1]]


async def test_by_hand_the_time_of_the_next_list_begins_anew() -> None:
    batch: Batch[int] = Batch(3, max_seconds=5)
    start = trio.current_time()
    async with Network(batch):
        await batch.send(1)
        await trio.sleep(4)
        batch.flush()
        assert await batch.receive() == [1]
        await batch.send(2)
        assert await batch.receive() == [2]
        assert trio.current_time() - start == 9


async def test_by_hand_outside_a_network() -> None:
    batch: Batch[int] = Batch(3)
    batch.send_nowait(1)
    batch.flush()
    assert batch.receive_nowait() == [1]


async def test_by_hand_from_a_function_that_sees_the_end_of_a_group() -> None:
    batch: Batch[str] = Batch(100)

    def last_of_a_document(word: str) -> str:
        if word.endswith("."):
            trio.lowlevel.current_trio_token().run_sync_soon(batch.flush)
        return word

    words: Transformer[str, str] = Transformer(last_of_a_document)
    words.link_target(batch)
    collector = linked(batch)
    async with Network(words):
        for word in ("One", "two.", "Three."):
            await words.send(word)
            await wait_all_tasks_blocked()
    assert contents(collector) == [["One", "two."], ["Three."]]


async def test_by_hand_a_governor_is_no_standstill() -> None:
    batch: Batch[int] = Batch(max_weight=10, weight=same)
    collector = linked(batch)
    PipelineGovernor(2).govern(batch, batch)
    async with Network(batch):
        for n in range(5):
            await batch.send(1)
            if n % 2:
                batch.flush()
    assert contents(collector) == [[1, 1], [1, 1], [1]]


@pytest.mark.usefixtures("real_time")
async def test_by_hand_from_another_thread_is_refused() -> None:
    batch: Batch[int] = Batch(3, name="b")
    async with Network(batch):
        with pytest.raises(RuntimeError, match="flush batch 'b'"):
            await trio.to_thread.run_sync(batch.flush)


async def test_targets_that_need_no_more_end_a_batch_with_cuts() -> None:
    batch: Batch[int] = Batch(3)
    few: Take[list[int]] = Take(1)
    gate: BoundedBuffer[list[int]] = BoundedBuffer(1)
    batch.link_target(few)
    few.link_target(gate)
    async with Network(batch):
        for n in range(4):
            batch.send_nowait(n)
            batch.flush()
        await wait_all_tasks_blocked()
        assert await gate.receive() == [0]
    assert batch.is_finished


Step = tuple[str, int]


def lists_of(steps: list[Step], max_items: int, max_weight: float) -> list[list[int]]:
    """The lists that a batch must make."""
    lists: list[list[int]] = [[]]
    for what, item in steps:
        if what == "flush":
            lists.append([])
        elif lists[-1] and sum(lists[-1]) + item > max_weight:
            lists.append([item])
        else:
            lists[-1].append(item)
        if len(lists[-1]) >= max_items or sum(lists[-1]) >= max_weight:
            lists.append([])
    return [items for items in lists if items]


@given(
    steps=st.lists(st.tuples(st.sampled_from(["send", "send", "send", "flush", "receive"]), st.integers(0, 6))),
    max_items=st.none() | st.integers(1, 5),
    max_weight=st.none() | st.integers(1, 12),
)
def test_any_mixture_of_weights_and_cuts_gives_the_same_lists_whenever_they_are_taken(
    steps: list[Step], max_items: int | None, max_weight: int | None
) -> None:
    if max_items is None and max_weight is None:
        max_items = 3
    by_weight: dict[str, Any] = {} if max_weight is None else {"max_weight": max_weight, "weight": same}
    batch: Batch[int] = Batch(max_items, **by_weight)
    taken: list[list[int]] = []

    async def main() -> None:
        async with Network(batch):
            for what, item in steps:
                if what == "send":
                    await batch.send(item)
                elif what == "flush":
                    batch.flush()
                else:
                    await wait_all_tasks_blocked()
                    try:
                        taken.append(batch.receive_nowait())
                    except trio.WouldBlock:
                        continue
            batch.complete()
            taken.extend([items async for items in batch])

    trio.run(main)
    sent = [step for step in steps if step[0] != "receive"]
    assert taken == lists_of(sent, max_items or 1024, math.inf if max_weight is None else max_weight)
