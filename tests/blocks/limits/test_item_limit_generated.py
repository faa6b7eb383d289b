"""Time limits of items that take generated times, in tasks and in an executor: same results, accounts that add up."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from penstock.blocks import Network, Transformer
from tests.blocks.executors.kinds import ByHand, HandOver
from tests.blocks.tools import contents, linked

R = TypeVar("R")
LIMIT = 10
durations = st.lists(st.sampled_from([0, 1, 3, 9, 11, 30, 100]), max_size=12)


class Paced(ByHand):
    """Takes as long for each hand-over as it was told.

    Attributes:
        most: The most that it had begun and not ended at once.
    """

    def __init__(self, seconds: list[int]) -> None:
        super().__init__()
        self.seconds = seconds
        self.running = self.most = 0

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Begin, and end in a while."""
        future = super().submit(fn, *args, **kwargs)
        trio.lowlevel.spawn_system_task(self._work, self.all[-1], self.seconds[len(self.all) - 1])
        return future

    async def _work(self, hand_over: HandOver, seconds: int) -> None:
        if not hand_over.begin():  # it was taken back in the same moment
            return
        self.running += 1
        self.most = max(self.most, self.running)
        await trio.sleep(seconds)
        self.running -= 1
        hand_over.end()


async def check(block: "Transformer[Any, Any]", seconds: list[int], stops_at: int | None, ordered: bool) -> None:
    """Run a block, to its end or until a moment, and look at what came of the items."""
    collector = linked(block)
    network = Network(block)
    async with network:
        for item in enumerate(seconds):
            await block.send(item)
        if stops_at is not None:
            await trio.sleep(stops_at)
            network.cancel()
    balance = network.balance()[block.name]
    assert balance.accepted == len(seconds)
    assert network.balance().ok
    late = sum(duration > LIMIT for duration in seconds)
    if stops_at is None:
        in_time = [(number, duration) for number, duration in enumerate(seconds) if duration <= LIMIT]
        got = contents(collector)
        assert (got if ordered else sorted(got)) == in_time
        assert balance.dropped == ({"skipped": late} if late else {})
    else:
        assert sum(balance.dropped.values()) <= late


moments = st.none() | st.sampled_from([0, 5, 10, 15, 50])


@given(durations, moments, st.integers(1, 3), st.booleans())
def test_in_tasks(seconds: list[int], stops_at: int | None, concurrency: int, ordered: bool) -> None:
    async def work(item: tuple[int, int]) -> tuple[int, int]:
        await trio.sleep(item[1])
        return item

    async def main() -> None:
        block = Transformer(work, concurrency=concurrency, ordered=ordered, time_limit=LIMIT, on_error="skip")
        await check(block, seconds, stops_at, ordered)

    trio.run(main, clock=MockClock(autojump_threshold=0))


@given(durations, moments, st.integers(1, 3), st.booleans())
def test_in_an_executor(seconds: list[int], stops_at: int | None, concurrency: int, ordered: bool) -> None:
    async def main() -> None:
        executor = Paced(seconds)
        block: Transformer[Any, Any] = Transformer(
            lambda item: item,
            executor=executor,
            concurrency=concurrency,
            ordered=ordered,
            time_limit=LIMIT,
            on_error="skip",
            name="t",
        )
        await check(block, seconds, stops_at, ordered)
        assert executor.most <= concurrency
        assert not executor.running

    trio.run(main, clock=MockClock(autojump_threshold=0))
