"""Blocks on a real Dask cluster through `client.get_executor()`: what is known of every executor holds here too."""

import sys
import threading
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import trio

from penstock.blocks import Call, DeadLetter, ErrorInfo, Network, Retry, Transformer, TransformMany, WorkerDied
from tests.blocks.tools import contents as contents_of
from tests.blocks.tools import faults, linked, notes, run
from tests.cluster import functions
from tests.cluster.waiting import eventually

pytest.importorskip("distributed")


@pytest.fixture
def executor(client: Any) -> Any:
    return client.get_executor()


async def contents(function: Any, items: Any, executor: Any, concurrency: int = 4, **options: Any) -> list[Any]:
    """What comes of items on the cluster."""
    block: Transformer[Any, Any] = Transformer(function, executor=executor, concurrency=concurrency, **options)
    results = linked(block)
    await run(block, items)
    return contents_of(results)


async def test_results_come_in_the_order_of_the_items(executor: Any) -> None:
    assert await contents(functions.tenfold, range(300), executor) == [10 * number for number in range(300)]


async def test_a_function_may_give_several_outputs(executor: Any) -> None:
    block = TransformMany(range, executor=executor, concurrency=2)
    results = linked(block)
    await run(block, [1, 3, 0, 2])
    assert contents_of(results) == [0, 0, 1, 2, 0, 1]


async def test_equal_items_are_not_taken_for_one(executor: Any) -> None:
    names = await contents(functions.new_name, ["same"] * 40, executor)
    assert len(set(names)) == 40


async def test_what_a_function_keeps_in_itself_stays_on_the_worker(executor: Any) -> None:
    counts = await contents(functions.Counting(), range(100), executor)
    assert sum(counts) >= 2 * 50 * 51 / 2  # 1 … 50 on each of two workers at least


async def test_an_exception_has_its_own_type_and_the_traceback_of_the_worker_in_a_note(executor: Any) -> None:
    with faults(ValueError) as found:
        await contents(functions.not_two, [1, 2, 3], executor)
    assert str(found[0]) == "not two"
    assert 'raise ValueError("not two")' in "".join(notes(found[0]))
    assert notes(found[0])[-1] == "in not_two, item 2: 2"


async def test_policies_work_as_everywhere(executor: Any, tmp_path: Path) -> None:
    letters: list[ErrorInfo] = []
    policy = DeadLetter(Call(letters.append))
    assert await contents(functions.not_two, [1, 2, 3], executor, on_error=policy) == [1, 3]
    assert [(letter.number, letter.item, type(letter.exception)) for letter in letters] == [(2, 2, ValueError)]
    retry = Retry(2, then="skip")
    assert await contents(functions.fail_the_first_time, [tmp_path / "calls"], executor, on_error=retry) == [2]


async def test_an_item_that_cannot_be_pickled_fails_alone(executor: Any) -> None:
    items = [1, threading.Lock(), 3]
    assert await contents(functions.identity, items, executor, on_error="skip") == [1, 3]


async def test_a_result_that_cannot_be_pickled_fails_alone(executor: Any) -> None:
    assert await contents(functions.lock_for_two, [1, 2, 3], executor, on_error="skip") == [1, 3]


async def test_a_function_that_was_defined_here_is_sent_along(executor: Any) -> None:
    factor = 7

    def times(number: int) -> int:
        return factor * number

    assert await contents(times, [1, 2], executor) == [7, 14]


async def test_a_function_that_cannot_be_pickled_is_a_fault_whatever_the_policy(executor: Any) -> None:
    with faults(TypeError) as found:
        await contents(threading.Lock().acquire, [1], executor, on_error="skip")
    assert "could not hand items to its executor" in "".join(notes(found[0]))


async def test_a_function_that_the_workers_cannot_import_is_a_fault_whatever_the_policy(
    executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = ModuleType("only_here")
    exec("def function(item): return item", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with faults(ModuleNotFoundError) as found:
        await contents(module.function, [1], executor, on_error="skip")
    assert "the function could not be made on the worker tcp://" in "".join(notes(found[0]))
    assert await contents(functions.tenfold, [1], executor) == [10]  # and the workers are still there


async def test_an_item_is_done_again_if_its_worker_dies(executor: Any, tmp_path: Path) -> None:
    assert await contents(functions.die_the_first_time, [tmp_path / "calls"], executor) == [2]


async def test_an_item_that_kills_its_workers_is_given_up_and_the_others_are_not(executor: Any) -> None:
    letters: list[ErrorInfo] = []
    policy = DeadLetter(Call(letters.append))
    assert await contents(functions.die_of_two, [1, 2, 3], executor, concurrency=1, on_error=policy) == [1, 3]
    (letter,) = letters
    assert (letter.item, type(letter.exception)) == (2, WorkerDied)
    assert "2 different workers" in str(letter.exception)


async def test_a_network_that_is_cancelled_does_not_wait_for_calls_that_run(executor: Any, tmp_path: Path) -> None:
    block = Call(functions.wait_for_file, executor=executor, concurrency=3)
    network = Network(block)
    with trio.CancelScope() as scope:
        async with network:
            for _ in range(10):
                await block.send(tmp_path)
            await eventually(lambda: len(functions.calls(tmp_path / "begun")) == 2)  # one on each worker
            scope.cancel()
    assert scope.cancelled_caught
    assert network.balance()[block.name].discarded == 10
    functions.note(tmp_path / "go")
    assert await contents(functions.tenfold, [1, 2], executor) == [10, 20]
    assert len(functions.calls(tmp_path / "begun")) <= 3  # the third may have begun before its worker heard of it


async def test_an_executor_that_was_shut_down_is_a_fault(executor: Any) -> None:
    executor.shutdown()
    with faults(RuntimeError) as found:
        await contents(functions.tenfold, [1], executor)
    assert "takes no more work: it was shut down" in str(found[0])


async def test_an_executor_that_is_shut_down_under_its_block_is_a_fault(executor: Any, tmp_path: Path) -> None:
    block = Call(functions.wait_for_file, executor=executor)
    with faults(BrokenExecutor):
        async with Network(block):
            await block.send(tmp_path)
            await eventually(lambda: bool(functions.calls(tmp_path / "begun")))
            executor.shutdown(wait=False)
            functions.note(tmp_path / "go")


async def test_a_large_item_is_sent_but_dask_says_what_it_thinks_of_that(executor: Any) -> None:
    with pytest.warns(UserWarning, match="Sending large graph"):
        assert await contents(functions.size, [bytes(11_000_000)], executor) == [11_000_000]
