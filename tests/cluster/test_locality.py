"""Blocks that leave their results on a real Dask cluster: what travels, what is done again, and what is released."""

import gc
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.blocks import (
    Batch,
    Call,
    Cluster,
    DeadLetter,
    ErrorInfo,
    Join,
    Network,
    Retry,
    Source,
    Transformer,
    TransformMany,
    UnboundedBuffer,
    WorkerDied,
)
from tests.blocks.tools import contents, faults, linked, notes, run
from tests.cluster import functions
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import eventually

pytest.importorskip("distributed")

SIZE = 1_000_000


@pytest.fixture
def there(client: Any) -> Cluster:
    return Cluster(client)


def gathered(source: Source[Any], there: Cluster, **options: Any) -> UnboundedBuffer[Any]:
    gather: Transformer[Any, Any] = Transformer(there.gather, concurrency=4, name="gather", **options)
    source.link_target(gather)
    return linked(gather)


async def results(function: Any, items: Any, there: Cluster, concurrency: int = 4, **options: Any) -> list[Any]:
    """What comes of items on the cluster, brought home."""
    block: Transformer[Any, Any] = Transformer(function, executor=there, concurrency=concurrency, **options)
    home = gathered(block, there)
    await run(block, items)
    return contents(home)


def tasks_of(cluster: Any, *blocks: str) -> list[str]:
    """What the scheduler knows of some blocks."""
    return [key for key in list(cluster.scheduler.tasks) if key.rpartition("-")[0] in blocks]


async def test_between_two_blocks_on_a_cluster_the_payload_never_comes_home(proxy: Proxy, far_client: Any) -> None:
    there = Cluster(far_client)
    maker = Transformer(functions.make, executor=there, concurrency=4)
    doubler = Transformer(functions.twice, executor=there, concurrency=4)
    sizer = Transformer(functions.size, executor=there, concurrency=4)
    maker.link_target(doubler)
    doubler.link_target(sizer)
    home = gathered(sizer, there)
    before = dict(proxy.passed)
    await run(maker, [SIZE] * 10)
    assert contents(home) == [2 * SIZE] * 10
    assert proxy.passed["to"] - before["to"] < SIZE / 4  # of thirty million bytes
    assert proxy.passed["from"] - before["from"] < SIZE / 4


async def test_gather_brings_the_payload_home_and_counts_as_that(proxy: Proxy, far_client: Any) -> None:
    before = proxy.passed["from"]
    assert await results(functions.make, [SIZE] * 3, Cluster(far_client)) == [bytes(SIZE)] * 3
    assert proxy.passed["from"] - before > 3 * SIZE


async def test_results_come_in_the_order_of_the_items(there: Cluster) -> None:
    assert await results(functions.tenfold, range(100), there) == [10 * number for number in range(100)]


async def test_messages_are_futures_of_work_that_is_done(there: Cluster) -> None:
    block = Transformer(functions.tenfold, executor=there)
    messages: UnboundedBuffer[Any] = linked(block)
    await run(block, [1, 2])
    assert [message.status for message in contents(messages)] == ["finished"] * 2


async def test_futures_in_tuples_and_lists_are_values_there(there: Cluster) -> None:
    left, right = (Transformer(functions.tenfold, executor=there, name=name) for name in ("left", "right"))
    batch = Batch[Any](2)
    adder: Transformer[Any, Any] = Transformer(functions.add_pairs, executor=there)
    Join(left, right).link_target(batch)
    batch.link_target(adder)
    home = gathered(adder, there)
    async with Network(left, right):
        for number in range(4):
            await left.send(number)
            await right.send(2 * number)
    assert contents(home) == [[0, 30], [60, 90]]


async def test_gather_takes_tuples_and_lists_apart_and_leaves_everything_else_alone(client: Any) -> None:
    there = Cluster(client)
    one, two = client.map(functions.tenfold, [1, 2])
    assert await there.gather((one, "and", two)) == (10, "and", 20)
    assert await there.gather([two, (0, [one])]) == [20, (0, [10])]
    assert await there.gather("nothing there") == "nothing there"


async def test_a_call_on_a_cluster_leaves_nothing_behind(there: Cluster, tmp_path: Path) -> None:
    await run(Call(functions.note, executor=there, concurrency=2), [tmp_path / "calls"] * 5)
    assert functions.calls(tmp_path / "calls") == "xxxxx"


async def test_what_a_function_keeps_in_itself_stays_on_the_worker(there: Cluster) -> None:
    counts = await results(functions.Counting(), range(10), there)
    assert sum(counts) >= 30  # 1 … 5 on each of two workers at least


async def test_an_exception_has_its_own_type_and_the_traceback_of_the_worker_in_a_note(there: Cluster) -> None:
    with faults(ValueError) as found:
        await results(functions.not_two, [1, 2, 3], there)
    text = "\n".join(notes(found[0]))
    assert "it was raised on the worker tcp://" in text
    assert 'raise ValueError("not two")' in text
    assert notes(found[0])[-1] == "in not_two, item 2: 2"


async def test_policies_work_as_everywhere(there: Cluster, tmp_path: Path) -> None:
    letters: list[ErrorInfo] = []
    policy = DeadLetter(Call(letters.append))
    assert await results(functions.not_two, [1, 2, 3], there, on_error=policy) == [1, 3]
    assert [(letter.number, letter.item, type(letter.exception)) for letter in letters] == [(2, 2, ValueError)]
    retry = Retry(2, then="skip")
    assert await results(functions.fail_the_first_time, [tmp_path / "calls"], there, on_error=retry) == [2]


async def test_what_cannot_be_pickled_fails_alone(there: Cluster) -> None:
    items = [1, threading.Lock(), 3]
    assert await results(functions.identity, items, there, on_error="skip") == [1, 3]
    assert await results(functions.lock_for_two, [1, 2, 3], there, on_error="skip") == [1, 3]


def test_a_function_that_cannot_be_pickled_is_refused_at_once(there: Cluster) -> None:
    with pytest.raises(TypeError, match=r"call 'locked': .* cannot be pickled"):
        Call(threading.Lock().acquire, executor=there, name="locked")


def test_a_transform_many_is_refused_at_once(there: Cluster) -> None:
    with pytest.raises(TypeError, match="a Cluster does not run the function of a TransformMany"):
        TransformMany(range, executor=there)


async def test_what_a_lost_worker_had_is_computed_again(there: Cluster, client: Any, tmp_path: Path) -> None:
    maker = Transformer(functions.note_and_make, executor=there)
    messages: UnboundedBuffer[Any] = linked(maker)
    await run(maker, [(tmp_path / "calls", SIZE)])
    (message,) = contents(messages)
    (worker,) = client.who_has([message])[message.key]
    os.kill(client.run(os.getpid, workers=[worker])[worker], signal.SIGKILL)
    sizer = Transformer(functions.size, executor=there)
    home = gathered(sizer, there)
    await run(sizer, [message])
    assert contents(home) == [SIZE]
    assert functions.calls(tmp_path / "calls") == "xx"


async def test_an_item_is_done_again_if_its_worker_dies(there: Cluster, tmp_path: Path) -> None:
    assert await results(functions.die_the_first_time, [tmp_path / "calls"], there) == [2]


async def test_an_item_that_kills_its_workers_is_given_up_and_the_others_are_not(there: Cluster) -> None:
    letters: list[ErrorInfo] = []
    policy = DeadLetter(Call(letters.append))
    assert await results(functions.die_of_two, [1, 2, 3], there, concurrency=1, on_error=policy) == [1, 3]
    (letter,) = letters
    assert (letter.item, type(letter.exception)) == (2, WorkerDied)


async def test_the_scheduler_forgets_what_no_message_stands_for_any_more(there: Cluster, cluster: Any) -> None:
    known: list[int] = []
    maker = Transformer(functions.make, executor=there, concurrency=4, name="maker")
    doubler = Transformer(functions.twice, executor=there, concurrency=4, capacity=4, name="doubler")
    maker.link_target(doubler)
    doubler.link_target(Call(lambda _: known.append(len(tasks_of(cluster, "maker", "doubler")))))
    await run(maker, [10] * 200)
    assert len(known) == 200
    assert max(known) < 150
    gc.collect()
    await eventually(lambda: not tasks_of(cluster, "maker", "doubler"))


async def test_a_network_that_is_cancelled_takes_its_work_back(there: Cluster, cluster: Any, tmp_path: Path) -> None:
    block = Call(functions.wait_for_file, executor=there, concurrency=3)
    network = Network(block)
    with trio.CancelScope() as scope:
        async with network:
            for _ in range(10):
                await block.send(tmp_path)
            await eventually(lambda: len(functions.calls(tmp_path / "begun")) == 2)  # one on each worker
            scope.cancel()
    assert network.balance()[block.name].discarded == 10
    await eventually(lambda: not tasks_of(cluster, "wait_for_file"))
    functions.note(tmp_path / "go")


async def test_a_gather_that_is_cancelled_leaves_the_future_alone(client: Any, tmp_path: Path) -> None:
    there = Cluster(client)
    future = client.submit(functions.wait_for_file, tmp_path)
    with trio.move_on_after(0.01) as scope:
        await there.gather(future)
    assert scope.cancelled_caught
    functions.note(tmp_path / "go")
    assert await there.gather(future) == "went"


async def test_it_is_an_ordinary_executor_too(client: Any) -> None:
    with Cluster(client) as there:
        assert there.submit(functions.tenfold, 1).result(60) == 10
        assert list(there.map(functions.tenfold, range(3))) == [0, 10, 20]
        assert isinstance(there.submit(functions.not_two, 2).exception(60), ValueError)
    with pytest.raises(RuntimeError, match="takes no more work"):
        there.submit(functions.tenfold, 1)
    with faults(RuntimeError):
        await run(Call(functions.tenfold, executor=there), [1])
    assert client.status == "running"
