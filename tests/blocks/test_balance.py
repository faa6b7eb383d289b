"""The accounts."""

import io

import pytest
import trio
from rich.console import Console
from trio.testing import wait_all_tasks_blocked

from penstock.blocks import (
    Balance,
    Batch,
    BlockBalance,
    BoundedBuffer,
    Broadcast,
    Call,
    DeadLetter,
    ErrorInfo,
    Network,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import Fussy, run


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
    with pytest.raises(KeyError, match="no block 'c'; there are none"):
        Balance(())["c"]
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
        "                                                dropped   dropped      dead",
        "       accepted  produced  delivered  merged  (skipped)  (newest)  lettered  held",
        "work          8                    6                                      2",
        "skip          6                    5                  1",
        "batch         5         3          3       5",
        "drop          3                                                 2               1",
        "dead          2                                                                 2",
        "it adds up: every item is accounted for",
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
        assert str(balance).splitlines() == [
            "      accepted  held",
            "c            2     2",
            "idle",
            "it adds up: every item is accounted for",
        ]


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


def test_a_table_that_does_not_add_up_says_where() -> None:
    balance = Balance((entry(accepted=3, delivered=1), entry(received=2)))
    assert str(balance).splitlines() == [
        "   accepted  delivered  received  difference",
        "b         3          1                     2",
        "b                              2          -2",
        "it does not add up: b has 2 lost and b has 2 too many",
    ]
    assert str(Balance(())) == "it adds up: every item is accounted for"


def test_rich_draws_it_in_colour() -> None:
    file = io.StringIO()
    Console(file=file, force_terminal=True, width=80).print(Balance((entry(accepted=1),)))
    assert "\x1b[1;31mit does not add up: b has 1 lost" in file.getvalue()


async def test_who_looks_in_the_middle_of_a_step_is_told_so() -> None:
    looks: list[str] = []

    def look(_: object) -> bool:
        looks.append(network.balance().verdict)
        return True

    copies = Broadcast[int]()
    copies.link_target(Call[int](abs, filter=look))
    network = Network(copies)
    async with network:
        await copies.send(1)
    assert "this is the middle of a step: some items are on their way, and counted nowhere" in looks
    assert network.balance().verdict == "it adds up: every item is accounted for"
