"""The accounts."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    Balance,
    Batch,
    BlockBalance,
    BoundedBuffer,
    Call,
    DeadLetter,
    ErrorInfo,
    Network,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import Fussy, linked, run


def entry(**numbers: int) -> BlockBalance:
    fields = dict.fromkeys(
        ("accepted", "produced", "delivered", "received", "consumed", "merged", "dead_lettered", "discarded", "held"), 0
    )
    return BlockBalance(name="b", dropped={}, **{**fields, **numbers})


def test_what_came_in_and_is_nowhere_is_a_difference() -> None:
    assert entry(accepted=3, produced=1, delivered=4).difference == 0
    assert entry(accepted=3, delivered=1, held=1).difference == 1
    assert entry(received=1).difference == -1
    assert Balance((entry(accepted=1, consumed=1),)).ok
    assert not Balance((entry(accepted=1),)).ok


def test_an_unknown_block_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(KeyError, match="no block 'c'; there are 'b'"):
        Balance((entry(),))["c"]


async def test_it_adds_up_over_all_blocks_and_can_be_read() -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer(name="dead")
    work: Transformer[int, int] = Transformer(Fussy(1, 2), on_error=DeadLetter(dead), name="work")
    skip: Transformer[int, int] = Transformer(Fussy(30), on_error="skip", name="skip")
    batch: Batch[int] = Batch(2, name="batch")
    drop: BoundedBuffer[list[int]] = BoundedBuffer(1, overflow="drop_newest", name="drop")
    work.link_target(skip)
    skip.link_target(batch)
    batch.link_target(drop)
    network = await run(work, range(8))
    balance = network.balance()
    assert balance.ok
    assert (balance.dropped, balance.discarded, balance.held) == (1 + 2, 0, 3)
    assert str(balance).splitlines() == [
        "work: accepted 8, delivered 6, dead_lettered 2",
        "skip: accepted 6, delivered 5, dropped (skipped) 1",
        "batch: accepted 5, produced 3, delivered 3, merged 5",
        "drop: accepted 3, held 1, dropped (newest) 2",
        "dead: accepted 2, held 2",
    ]


async def test_it_can_be_read_while_the_network_runs() -> None:
    call: Call[int] = Call(trio.sleep, name="c")
    idle: UnboundedBuffer[int] = UnboundedBuffer(name="idle")
    async with Network(call, idle) as network:
        await call.send(1)
        await call.send(1)
        await wait_all_tasks_blocked()
        balance = network.balance()
        assert balance.ok
        assert balance["c"].held == 2
        assert str(balance).splitlines()[1] == "idle: nothing"


async def test_what_is_received_and_what_is_discarded_is_told_apart() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    async with Network(buffer) as network:
        for n in range(5):
            await buffer.send(n)
        await buffer.receive()
        assert buffer.reserve("me")
        buffer.consume("me")
        network.cancel()
    balance = network.balance()["b"]
    assert (balance.received, balance.delivered, balance.discarded, balance.held) == (1, 1, 3, 0)
    assert network.balance().discarded == 3


async def test_a_quiet_network_reports_nothing() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    linked(buffer)
    async with Network(buffer, name="n") as network:
        assert str(network.report()).splitlines()[0] == "network 'n'"
    assert str(network.report()) == "network 'n'\n  nothing is held and nobody waits"
