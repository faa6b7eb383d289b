"""Runs a network that is built to get stuck, behind a healthy part of any shape, and looks at what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import attrs
import trio
from hypothesis import strategies as st

from penstock.blocks import IterableSource, Network, Stalled
from penstock.blocks.base.diagnosis import Diagnosis

from .building import Building, Stage
from .forks import build_chain
from .harness import Schedule, Watch, leaves
from .items import Item
from .strategies import Draw, Drawer, Rules
from .wedge import Followed
from .wedges import Wedged

ITEMS = 12
MOST_ROUNDS = 20


@attrs.frozen
class Healthy:
    """The part before the wedge, which hands every item on."""

    stages: tuple[Stage, ...]
    feed: str
    given: int


@st.composite
def healthy_parts(draw: Draw) -> Healthy:
    """A part that loses nothing, and in which no task gives up and tries again, which is not a standstill."""
    rules = Rules("none", losses=False, silent_losses=False, batches=False, expansion=False, impatience=False)
    return Healthy(
        Drawer(draw).chain(rules, 2), draw(st.sampled_from(["list", "async", "body"])), draw(st.integers(0, 20))
    )


HEALTHY_PARTS = healthy_parts()


async def items_in_time() -> AsyncIterator[Item]:
    """The items, one by one."""
    for number in range(ITEMS):
        await trio.sleep(0.1)
        yield Item(number)


@attrs.define
class WedgedRun:
    """One run of a wedge.

    Attributes:
        wedged: What was built.
        found: What came out.
    """

    wedge: str
    healthy: Healthy
    seed: int
    followed: Followed
    wedged: Wedged | None = None
    found: list[BaseException] = attrs.field(factory=list[BaseException])

    def go(self, schedule: Schedule) -> None:
        """Run it."""
        watch = Watch()

        async def main() -> None:
            building = Building()
            piece = build_chain(self.healthy.stages, building)
            wedged = self.wedged = Wedged(piece.exit, ITEMS, self.seed, self.followed)
            if self.healthy.feed != "body":
                items = items_in_time() if self.healthy.feed == "async" else map(Item, range(ITEMS))
                IterableSource(items, name="feed").link_target(piece.entry)
            build: Any = getattr(wedged, f"build_{self.wedge}")
            build()
            node = building.nodes[self.healthy.given % len(building.nodes)]
            network = Network(node, *wedged.apart, name="wedged")
            network.check()
            async with network:
                watch.network = network
                if self.healthy.feed == "body":
                    for number in range(ITEMS):
                        await piece.entry.send(Item(number))
                await wedged.body()

        self.found = list(leaves(watch.run(schedule, main)))

    def diagnosis(self) -> Diagnosis:
        """What was said; it must be a standstill and nothing else."""
        assert len(self.found) == 1, self.found
        stalled = self.found[0]
        assert isinstance(stalled, Stalled), repr(stalled)
        assert stalled.diagnosis is not None
        assert stalled.report == str(stalled.diagnosis)
        return stalled.diagnosis


def check_wedge(wedge: str, healthy: Healthy, seed: int, schedule: Schedule) -> None:
    """It stalls, and says who is to blame, who waits for whom, and what would help."""
    run = WedgedRun(wedge, healthy, seed, Followed())
    run.go(schedule)
    diagnosis = run.diagnosis()
    text = str(diagnosis)
    wedged = run.wedged
    assert wedged is not None
    for culprit in wedged.culprits:
        assert culprit in text, f"{culprit!r} is not in the report:\n{text}"
    circle = "\n".join(diagnosis.cycle)
    for member in wedged.members:
        assert member in circle, f"{member!r} is not in the circle:\n{text}"
    assert any(re.search(wedged.advised, line) for line in diagnosis.advice), f"{wedged.advised!r}:\n{text}"


def check_cure(wedge: str, healthy: Healthy, seed: int, schedule: Schedule) -> int:
    """Doing what is advised, again and again if need be, makes the network end; give how often it took."""
    followed = Followed()
    for rounds in range(MOST_ROUNDS):
        run = WedgedRun(wedge, healthy, seed, followed)
        run.go(schedule)
        wedged = run.wedged
        assert wedged is not None
        if not run.found or not wedged.cure:
            return rounds
        followed.follow(run.diagnosis().advice)
    raise AssertionError(f"still stuck after {MOST_ROUNDS} rounds of {followed.lines}")
