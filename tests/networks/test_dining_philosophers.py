"""Five philosophers, five chopsticks, and joins that take both or none: nobody starves, whatever the interleaving."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.agents import Agent, wait_for_all
from penstock.blocks import BoundedBuffer, Join, Network, Target, UnboundedBuffer
from tests.networks.building import Pace
from tests.networks.harness import SCHEDULES, Schedule, Watch
from tests.networks.strategies import PACES

SEATS = 5
MEALS = 50


class Philosopher(Agent):
    """Takes both chopsticks at once, eats, puts them back, and thinks."""

    def __init__(
        self, both: Join[tuple[int, int]], left: Target[int], right: Target[int], pace: Pace, seat: int
    ) -> None:
        super().__init__(inputs=[both], outputs=[left, right], name=f"philosopher {seat}")
        self.both, self.left, self.right, self.pace = both, left, right, pace
        self.seat = seat
        self.meals = 0

    async def run(self) -> None:
        for meal in range(MEALS):
            left, right = await self.both.receive()
            assert (left, right) == (self.seat, (self.seat + 1) % SEATS)
            await self.pace.wait(meal)
            self.meals += 1
            await self.left.send(left)
            await self.right.send(right)


@settings(max_examples=max(5, settings().max_examples // 10))
@given(st.lists(PACES, min_size=SEATS, max_size=SEATS), st.booleans(), SCHEDULES)
def test_five_philosophers_all_eat_fifty_times(paces: list[Pace], is_bounded: bool, schedule: Schedule) -> None:
    watch = Watch()
    philosophers: list[Philosopher] = []
    chopsticks: list[BoundedBuffer[int] | UnboundedBuffer[int]] = []

    async def main() -> None:
        for seat in range(SEATS):
            name = f"chopstick {seat}"
            chopsticks.append(BoundedBuffer(1, name=name) if is_bounded else UnboundedBuffer(name=name))
        for seat, pace in enumerate(paces):
            left, right = chopsticks[seat], chopsticks[(seat + 1) % SEATS]
            philosophers.append(Philosopher(Join(left, right), left, right, pace, seat))
        async with Network(*philosophers) as network:
            watch.network = network
            for seat, chopstick in enumerate(chopsticks):
                chopstick.send_nowait(seat)
            await wait_for_all(*philosophers)
            for chopstick in chopsticks:
                chopstick.unlink_targets()  # nobody wants them any more: they stay on the table

    assert watch.run(schedule, main) is None
    assert [philosopher.meals for philosopher in philosophers] == [MEALS] * SEATS
    assert [chopstick.receive_nowait() for chopstick in chopsticks] == list(range(SEATS))
