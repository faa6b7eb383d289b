"""Blocks on executors of others that work in other processes: the standard pool, and loky."""

import multiprocessing
import os
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from penstock.blocks import (
    Call,
    DeadLetter,
    ErrorInfo,
    Network,
    RemoteError,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.elsewhere import (
    Poison,
    Stubborn,
    count,
    die_at_3,
    double,
    exit_at_3,
    fail_at_3,
    give_a_lambda,
    refuse,
    same,
    where,
)
from tests.blocks.tools import contents, faults, linked, notes, run

pytestmark = pytest.mark.usefixtures("real_time")


def standard(workers: int = 2) -> Executor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def loky(workers: int = 2) -> Executor:
    executor: Executor = pytest.importorskip("loky").ProcessPoolExecutor(workers)
    return executor


KINDS = {"standard": standard, "loky": loky}


@pytest.fixture(scope="module", params=KINDS)
def pool(request: pytest.FixtureRequest) -> Generator[Executor]:
    """Some processes; starting them takes a while, so that many tests share them."""
    with KINDS[request.param]() as executor:
        yield executor


async def test_results_come_in_order_and_from_elsewhere(pool: Executor) -> None:
    block = Transformer(double, executor=pool, concurrency=2)
    collector = linked(block)
    network = await run(block, range(500))
    assert contents(collector) == list(range(0, 1000, 2))
    assert network.balance()["double"].delivered == 500

    block = Transformer(where, executor=pool, concurrency=2)
    collector = linked(block)
    await run(block, range(9))
    assert os.getpid() not in contents(collector)


async def test_outputs_come_in_order(pool: Executor) -> None:
    block = TransformMany(count, executor=pool, concurrency=2)
    collector = linked(block)
    await run(block, [3, 0, 2] * 10)
    assert contents(collector) == [0, 1, 2, 0, 1] * 10


async def test_an_exception_keeps_its_type_and_says_where_it_was_raised(pool: Executor) -> None:
    block = Transformer(fail_at_3, executor=pool, name="block")
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(9))
    assert str(found[0]) == "bad 3"
    told = notes(found[0])
    assert any("in fail_at_3" in note for note in told)
    assert "in block, item 4: 3" in told


async def test_one_that_cannot_be_sent_has_a_stand_in(pool: Executor) -> None:
    with faults(RemoteError) as found:
        await run(Call(refuse, executor=pool), [1])
    assert str(found[0]) == "Refuses: no 1"


async def test_an_exit_out_of_the_function_stops_the_network(pool: Executor) -> None:
    with pytest.RaisesGroup(SystemExit):
        await run(Call(exit_at_3, executor=pool, on_error="skip"), range(9))
    await run(call := Call(double, executor=pool), range(9))  # the pool is as it was
    assert call.is_finished


async def test_failures_of_single_items_leave_the_others_alone(pool: Executor) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = Transformer(fail_at_3, executor=pool, concurrency=2, on_error=DeadLetter(dead))
    collector = linked(block)
    await run(block, range(100))
    assert contents(collector) == [n for n in range(100) if n % 10 != 3]
    assert sorted((letter.item, letter.number) for letter in contents(dead)) == [(n, n + 1) for n in range(3, 100, 10)]


async def test_items_and_results_that_cannot_be_sent_fail_alone(pool: Executor) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = Transformer[Any, Any](same, executor=pool, on_error=DeadLetter(dead))
    collector = linked(block)
    await run(block, [1, 2, Stubborn(), 3, Poison(), 4])
    assert contents(collector) == [1, 2, 3, 4]
    assert [letter.number for letter in contents(dead)] == [3, 5]


async def test_a_result_that_cannot_be_sent_is_a_fault_that_says_so(pool: Executor) -> None:
    block = Transformer(give_a_lambda, executor=pool, name="b")
    linked(block)
    with pytest.RaisesGroup(Exception) as caught:
        await run(block, [0, 1, 2])
    told = " ".join(notes(caught.value.exceptions[0]))
    assert "the result could not be sent back from the process that works for transformer 'b'" in told


async def test_what_is_queued_when_the_network_is_cancelled_does_not_come_out(pool: Executor) -> None:
    block = Transformer(double, executor=pool, concurrency=2, name="block")
    linked(block)
    async with Network(block) as network:
        for n in range(200):
            await block.send(n)
        network.cancel()
    balance = network.balance()["block"]
    assert balance.delivered + balance.discarded == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_a_worker_that_dies_is_a_fault_that_says_what_to_do(kind: str) -> None:
    with KINDS[kind](1) as pool:  # a standard pool that breaks while another worker starts may hang in its own shutdown
        call = Call(die_at_3, executor=pool, on_error="skip", name="call")
        with pytest.RaisesGroup(BrokenProcessPool) as caught:
            await run(call, range(9))
        told = " ".join(notes(caught.value.exceptions[0]))
        assert "a worker of it has died" in told
        assert "Processes(n) goes on with a new worker" in told
        assert "call 'call'" in told


async def test_loky_takes_functions_of_every_kind() -> None:
    factor = 3
    with loky() as pool:
        block = Transformer[int, int](lambda item: factor * item, executor=pool)
        collector = linked(block)
        await run(block, range(9))
    assert contents(collector) == list(range(0, 27, 3))
