"""The block that hands messages on at up to a rate."""

from contextvars import ContextVar
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    BoundedBuffer,
    Broadcast,
    Call,
    IterableSource,
    Join,
    Network,
    Rate,
    Take,
    Throttle,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.base.timing import time_slice
from tests.blocks.tools import contents, linked, run


class Arrivals:
    """Notes the messages that come, and when."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, float]] = []
        self.began = trio.current_time()

    def __call__(self, item: Any) -> None:
        self.all.append((item, round(trio.current_time() - self.began, 6)))

    @property
    def times(self) -> list[float]:
        """The times."""
        return [time for _, time in self.all]


async def test_messages_go_on_unchanged_at_the_rate() -> None:
    throttle, arrivals = Throttle[Any](2), Arrivals()
    throttle.link_target(Call(arrivals))
    items: list[Any] = [[1], None, "three", 4]
    network = await run(throttle, items)
    assert arrivals.all == [([1], 0.0), (None, 0.5), ("three", 1.0), (4, 1.5)]
    assert arrivals.all[0][0] is items[0]
    assert network.balance()[throttle.name].delivered == 4


async def test_a_burst_goes_on_at_once() -> None:
    throttle, arrivals = Throttle[int](Rate(1, seconds=10, burst=3)), Arrivals()
    throttle.link_target(Call(arrivals))
    await run(throttle, range(5))
    assert arrivals.times == [0, 0, 0, 10, 20]


async def test_a_large_burst_goes_on_in_several_steps() -> None:
    throttle, arrivals = Throttle[int](Rate(1, burst=3000), capacity=None), Arrivals()
    throttle.link_target(Call(arrivals, capacity=None))
    for item in range(3001):
        throttle.send_nowait(item)
    async with Network(throttle):
        pass
    assert arrivals.times == [0] * 3000 + [1]


async def test_many_messages_go_on_at_a_high_rate() -> None:
    throttle, arrivals = Throttle[int](100_000, capacity=None), Arrivals()
    throttle.link_target(Call(arrivals))
    await run(throttle, range(1000))
    assert [item for item, _ in arrivals.all] == list(range(1000))
    assert arrivals.times[-1] == pytest.approx(0.01, rel=0.01)


async def test_it_shares_a_rate_with_a_function() -> None:
    rate, arrivals = Rate(1), Arrivals()
    throttle, call = Throttle[int](rate), Call[int](arrivals, rate=rate)
    throttle.link_target(Call(arrivals))
    async with Network(throttle, call):
        for item in range(2):
            await throttle.send(item)
            await call.send(-item)
    assert arrivals.times == [0, 1, 2, 3]


async def test_while_messages_are_not_taken_no_further_one_is_let_through() -> None:
    throttle, full = Throttle[int](Rate(1, burst=3), capacity=3), BoundedBuffer[int](1)
    throttle.link_target(full)
    async with Network(throttle):
        sent = 0
        with trio.move_on_after(100):
            while True:
                await throttle.send(sent)
                sent += 1
        assert sent == 4  # 1 in the buffer, 3 in the throttle
        throttle.complete()
        assert [item async for item in full] == [0, 1, 2, 3]


async def test_a_cancelled_network_waits_no_longer() -> None:
    rate = Rate(1, seconds=1000)
    throttle, began = Throttle[int](rate, name="slow"), trio.current_time()
    linked(throttle)
    async with Network(throttle) as network:
        for item in range(3):
            await throttle.send(item)
        await trio.sleep(1)
        network.cancel()
    assert trio.current_time() - began == 1
    balance = network.balance()["slow"]
    assert (balance.delivered, balance.discarded) == (1, 2)
    assert not rate._users


async def test_messages_that_were_sent_before_the_network_starts_wait_for_it() -> None:
    throttle, arrivals = Throttle[int](1), Arrivals()
    throttle.link_target(Call(arrivals))
    for item in range(3):
        throttle.send_nowait(item)
    async with Network(throttle):
        pass
    assert arrivals.all == [(0, 0), (1, 1), (2, 2)]


async def test_a_take_behind_it_ends_it() -> None:
    numbers, throttle, take = IterableSource(range(100)), Throttle[int](1), Take[int](3)
    numbers.link_target(throttle)
    throttle.link_target(take)
    collector, began = linked(take), trio.current_time()
    async with Network(numbers):
        pass
    assert contents(collector) == [0, 1, 2]
    assert trio.current_time() - began == 2


async def test_a_governor_counts_the_messages_that_wait() -> None:
    throttle, governor, arrivals = Throttle[int](1), PipelineGovernor(2), Arrivals()
    end = Call[int](arrivals)
    throttle.link_target(end)
    governor.govern(first=throttle, last=end)
    await run(throttle, range(4))
    assert arrivals.times == [0, 1, 2, 3]
    assert governor.in_flight == 0


async def test_a_join_knows_that_it_keeps_the_order() -> None:
    copies: Broadcast[int] = Broadcast()
    throttle, plain = Throttle[int](5), UnboundedBuffer[int]()
    copies.link_target(throttle)
    copies.link_target(plain)
    collector = linked(Join(throttle, plain))
    await run(copies, range(5))
    assert contents(collector) == [(n, n) for n in range(5)]


client: ContextVar[str] = ContextVar("client", default="")


async def test_the_context_of_the_sender_goes_through_it() -> None:
    throttle: Throttle[str] = Throttle(1)
    last: Transformer[str, tuple[str, str]] = Transformer(lambda name: (name, client.get()), context=True)
    throttle.link_target(last)
    collector = linked(last)

    async def send(name: str) -> None:
        client.set(name)
        await throttle.send(name)

    async with Network(throttle), trio.open_nursery() as clients:
        clients.start_soon(send, "alice")
        clients.start_soon(send, "bob")
    assert sorted(contents(collector)) == [("alice", "alice"), ("bob", "bob")]


async def test_its_wait_is_in_the_statistics_and_it_may_be_the_bottleneck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slice, "clock", trio.current_time)
    throttle = Throttle[int](1, name="slow")
    throttle.link_target(Call(id))
    network = await run(throttle, range(5))
    assert network.statistics()["slow"].wait_for_rate.total == pytest.approx(4)
    assert "the rate of slow is the bottleneck" in str(network.report())


@pytest.mark.parametrize("rate", [None, "fast", True])
def test_what_is_no_rate_is_refused(rate: Any) -> None:
    with pytest.raises(TypeError, match="throttle 'slow': rate must be a Rate, or the number of"):
        Throttle(rate, name="slow")


@pytest.mark.parametrize(("options", "message"), [({"rate": 0}, "rate"), ({"rate": 1, "capacity": 0}, "capacity")])
def test_options_out_of_range_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"throttle 'slow': {message} must be"):
        Throttle(**options, name="slow")
