"""Networks that are built to get stuck always say so, and name the culprit; behind a healthy part of any shape."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    Call,
    Choice,
    IterableSource,
    Join,
    Network,
    Source,
    Stalled,
    Target,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.block import Node
from tests.networks.building import Building, Stage
from tests.networks.forks import build_chain
from tests.networks.harness import SCHEDULES, Schedule, Watch, leaves
from tests.networks.items import Item
from tests.networks.strategies import Draw, Drawer, Rules

ITEMS = 8


def never(item: object) -> bool:
    """A filter that nothing passes."""
    del item
    return False


async def slowly(item: Any) -> Any:
    """Work that takes a while."""
    await trio.sleep(0.1)
    return item


class Wedged:
    """One network that gets stuck: what stands behind the healthy part, and what the report must say.

    Attributes:
        culprits: What the report must contain.
        body: What the body does.
        apart: What is not linked to the healthy part.
    """

    def __init__(self, source: Source[Any]) -> None:
        self.source = source
        self.culprits: list[str] = []
        self.body: Callable[[], Any] = self.nothing
        self.apart: list[Node] = []

    async def nothing(self) -> None:
        """Leave the body at once."""

    def build_filter_without_taker(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.source.link_target(culprit)
        culprit.link_target(Call(slowly, name="taker"), filter=never)
        self.culprits = ["'culprit'", "a filter on the way to call 'taker' declines the head"]

    def build_target_without_taste(self) -> None:
        culprit = Transformer(slowly, name="culprit")
        self.source.link_target(culprit)
        culprit.link_target(Call(slowly, filter=never, name="taker"))
        self.culprits = ["'culprit'", "a filter on the way to call 'taker' declines the head"]

    def build_starving_join(self) -> None:
        left, right = UnboundedBuffer[Any](name="culprit"), UnboundedBuffer[Any](name="empty")
        self.source.link_target(left)
        join = Join(left, right, name="join")
        join.link_target(Call(slowly, name="taker"))
        self.culprits = ["'culprit'", "'join'"]

    def build_greedy_join_with_leftovers(self) -> None:
        left, right = UnboundedBuffer[Any](name="left"), IterableSource([1], name="short")
        self.source.link_target(left)
        Join(left, right, greedy=True, name="culprit").link_target(Call(slowly, name="taker"))
        self.culprits = ["'culprit'"]

    def build_bounded_rejoin(self) -> None:
        fork = Broadcast[Any](name="fork", capacity=1)
        narrow, batch = BoundedBuffer[Any](2, name="narrow"), Batch[Any](6, capacity=6, name="culprit")
        unpack: TransformMany[list[Any], Any] = TransformMany(lambda items: items, name="unpack")
        self.source.link_target(fork)
        fork.link_target(narrow)
        fork.link_target(batch)
        batch.link_target(unpack)
        Join(narrow, unpack, name="join").link_target(Call(slowly, name="taker"))
        self.culprits = ["'culprit'", "'narrow'", "'fork'"]

    def build_missing_consumer(self) -> None:
        self.source.link_target(Transformer(slowly, name="culprit"))
        self.culprits = ["'culprit'", "nothing is linked to it"]

    def build_full_buffer(self) -> None:
        before, culprit = UnboundedBuffer[Any](name="before"), BoundedBuffer[Any](2, name="culprit")
        self.source.link_target(before)
        before.link_target(culprit)
        self.culprits = ["'before'", "'culprit'", "full (2 of 2)"]

    def build_agents_that_wait_for_one_another(self) -> None:
        inbox = UnboundedBuffer[Any](name="inbox")
        there, back = UnboundedBuffer[int](name="there"), UnboundedBuffer[int](name="back")
        self.source.link_target(inbox)
        Waiting(back, there, name="first")
        Waiting(there, back, name="second")
        Waiting(inbox, there, name="third", reads=False)
        self.culprits = [
            "'first'",
            "'second'",
            "waits to receive at unbounded buffer 'there'",
            "at unbounded buffer 'back'",
        ]

    def build_reserved_head(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.source.link_target(culprit)
        Holder(culprit, name="holder")
        self.culprits = ["'culprit'", "the head is reserved by", "'holder'"]

    def build_agent_that_leaves_early(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.source.link_target(culprit)
        Leaver(culprit, name="leaver")
        self.culprits = ["'culprit'", "its reader agent 'leaver' is done"]

    def build_body_parked_in_send(self) -> None:
        culprit = BoundedBuffer[Any](1, name="culprit")
        culprit.link_target(Call(slowly, name="taker"), filter=never)
        self.source.link_target(Call(slowly, name="drain"))
        self.apart.append(culprit)

        async def send() -> None:
            for number in range(3):
                await culprit.send(number)

        self.body = send
        self.culprits = ["waits to send", "bounded buffer 'culprit'", "full"]

    def build_children_of_the_body_parked_in_send(self) -> None:
        self.build_body_parked_in_send()
        send = self.body

        async def spawn() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                nursery.start_soon(send)

        self.body = spawn

    def build_body_that_receives_in_vain(self) -> None:
        culprit = UnboundedBuffer[Any](name="culprit")
        self.apart.append(culprit)
        drain = UnboundedBuffer[Any](name="drain")
        self.source.link_target(drain)
        Choice(drain, name="choice").link_target(Transformer(slowly, name="held"))

        async def receive() -> None:
            with culprit.producer() as producer:
                await producer.send(1)
                await culprit.receive()
                await culprit.receive()

        self.body = receive
        self.culprits = ["waits to receive", "unbounded buffer 'culprit'", "'held'"]

    def build_governor_tighter_than_a_batch(self) -> None:
        outside, entry = UnboundedBuffer[Any](name="outside"), UnboundedBuffer[Any](name="entry")
        batch = Batch[Any](5, name="culprit")
        self.source.link_target(outside)
        outside.link_target(entry)
        entry.link_target(batch)
        batch.link_target(Call(slowly, name="taker"))
        governor = PipelineGovernor(3, name="tight")
        governor.govern(entry, batch)
        self.culprits = ["'outside'", "'culprit'", "'tight'", "3 of 3"]

    def build_slot_that_is_never_freed(self) -> None:
        inbox = UnboundedBuffer[Any](name="inbox")
        self.source.link_target(inbox)
        SlotTaker(inbox, name="taker")
        self.culprits = ["take a slot", "governor 'explicit'", "2 of 2"]

    def build_loop_that_grows(self) -> None:
        culprit = TransformMany[Any, Any](lambda item: [item, item], capacity=2, name="culprit")
        self.source.link_target(culprit)
        culprit.link_target(culprit)
        self.culprits = ["'culprit'", "full (2 of 2)"]


class Waiting(Agent):
    """Reads before it writes."""

    def __init__(self, source: Source[Any], target: Target[int], *, name: str, reads: bool = True) -> None:
        super().__init__(inputs=[source], outputs=[target], name=name)
        self.source, self.target, self.reads = source, target, reads

    async def run(self) -> None:
        if self.reads:
            await self.target.send(await self.source.receive())
        async for _ in self.source:
            pass


class Holder(Agent):
    """Reserves a message, and then waits for the next one."""

    def __init__(self, source: Source[Any], *, name: str) -> None:
        super().__init__(inputs=[source], name=name)
        self.source = source

    async def run(self) -> None:
        while not self.source.reserve(self):  # noqa: ASYNC110  # a source does not tell when it has a head
            await trio.sleep(0.1)
        await self.source.receive()


class Leaver(Agent):
    """Reads one message and is done."""

    def __init__(self, source: Source[Any], *, name: str) -> None:
        super().__init__(inputs=[source], name=name)
        self.source = source

    async def run(self) -> None:
        await self.source.receive()


class SlotTaker(Agent):
    """Takes a slot an item and frees none."""

    def __init__(self, source: Source[Any], *, name: str) -> None:
        super().__init__(inputs=[source], name=name)
        self.source = source
        self.governor = PipelineGovernor(2, name="explicit")

    async def run(self) -> None:
        async for _ in self.source:
            await self.governor.wait_for_available_slot()


WEDGES = sorted(name.removeprefix("build_") for name in vars(Wedged) if name.startswith("build_"))


@attrs.frozen
class Healthy:
    """The part before the wedge, which hands every item on."""

    stages: tuple[Stage, ...]
    feed: str
    given: int


@st.composite
def healthy_parts(draw: Draw) -> Healthy:
    """A part that loses nothing, and in which nobody gives up and tries again, which is not a standstill."""
    rules = Rules("none", losses=False, silent_losses=False, batches=False, expansion=False, impatience=False)
    return Healthy(
        Drawer(draw).chain(rules, 2), draw(st.sampled_from(["list", "async", "body"])), draw(st.integers(0, 20))
    )


async def items_in_time() -> AsyncIterator[Item]:
    """The items, one by one."""
    for number in range(ITEMS):
        await trio.sleep(0.1)
        yield Item(number)


@pytest.mark.parametrize("wedge", WEDGES)
@settings(max_examples=max(20, settings().max_examples // 10))  # for each of them
@given(healthy_parts(), SCHEDULES)
def test_a_standstill_is_reported_with_its_culprit(wedge: str, healthy: Healthy, schedule: Schedule) -> None:
    watch = Watch()
    report: list[str] = []

    async def main() -> None:
        building = Building()
        piece = build_chain(healthy.stages, building)
        wedged = Wedged(piece.exit)
        if healthy.feed != "body":
            items = items_in_time() if healthy.feed == "async" else map(Item, range(ITEMS))
            IterableSource(items, name="feed").link_target(piece.entry)
        getattr(wedged, f"build_{wedge}")()
        report.extend(wedged.culprits)
        node = building.nodes[healthy.given % len(building.nodes)]
        async with Network(node, *wedged.apart, name="wedged") as network:
            watch.network = network
            if healthy.feed == "body":
                for number in range(ITEMS):
                    await piece.entry.send(Item(number))
            await wedged.body()

    raised = watch.run(schedule, main)
    found = list(leaves(raised))
    assert len(found) == 1, found
    stalled = found[0]
    assert isinstance(stalled, Stalled), repr(stalled)
    for culprit in report:
        assert culprit in str(stalled), f"{culprit!r} is not in the report:\n{stalled}"
