"""A pipeline of ten stages in which every buffer is full: one fault, or a cancellation, and all is over at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Literal

import attrs
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import BoundedBuffer, Call, Network, Transformer
from tests.networks.harness import SCHEDULES, Schedule, Watch, leaves
from tests.networks.items import Boom

STAGES = 10
Ending = Literal["fault", "plain fault", "scope", "network", "shutdown", "body"]


@attrs.frozen
class Full:
    """How the pipeline is built, and how it ends."""

    ending: Ending
    place: int
    capacities: tuple[int, ...]
    concurrency: int
    senders: int


FULL = st.builds(
    Full,
    ending=st.sampled_from(["fault", "plain fault", "scope", "network", "shutdown", "body"]),
    place=st.integers(0, STAGES - 1),
    capacities=st.lists(st.integers(1, 3), min_size=STAGES, max_size=STAGES).map(tuple),
    concurrency=st.integers(1, 3),
    senders=st.integers(1, 3),
)


class Pipeline:
    """Ten transformers with a buffer behind each, and a call at the end in which everything is held up."""

    def __init__(self, full: Full) -> None:
        self.full = full
        self.gate = trio.Event()
        self.hold_up = trio.Event()
        self.is_broken = False
        self.calls = 0  # of the function that fails: those before may pass, as there is room for them behind it
        self.blocks: list[Transformer[int, int] | BoundedBuffer[int]] = []
        for place, capacity in enumerate(full.capacities):
            transformer: Transformer[int, int] = Transformer(
                self._function(place),
                concurrency=1 if self._is_plain(place) else full.concurrency,
                capacity=max(capacity, full.concurrency),
                window=None if self._is_plain(place) else full.concurrency,
                name=f"stage {place}",
            )
            self.blocks += [transformer, BoundedBuffer(capacity, name=f"buffer {place}")]
        for left, right in zip(self.blocks, self.blocks[1:], strict=False):
            left.link_target(right)
        self.last = Call(self._wait, capacity=1, name="last")
        self.blocks[-1].link_target(self.last)

    def _is_plain(self, place: int) -> bool:
        return place != self.full.place or self.full.ending == "plain fault"

    def _function(self, place: int) -> Callable[[int], Any]:
        def pass_on(number: int) -> int:
            if place == self.full.place and self.is_broken:
                raise Boom(f"stage {place}")
            return number

        async def pass_on_later(number: int) -> int:
            self.calls += 1
            if self.full.ending == "fault" and self.calls > self.full.concurrency:
                await self.gate.wait()
                raise Boom(f"stage {place}")
            return number

        return pass_on if self._is_plain(place) else pass_on_later

    async def _wait(self, number: int) -> None:
        del number
        await self.hold_up.wait()


@given(FULL, SCHEDULES)
def test_a_full_pipeline_is_over_at_once(full: Full, schedule: Schedule) -> None:
    watch = Watch()
    reports: list[str] = []
    times: list[float] = []
    sent: list[int] = []
    numbers = itertools.count()  # each once, whichever sender sends it

    async def main() -> None:
        pipeline = Pipeline(full)
        try:
            with trio.CancelScope() as scope:
                async with Network(pipeline.last, name="full") as network, trio.open_nursery() as nursery:
                    watch.network = network
                    for index in range(full.senders):
                        nursery.start_soon(send_for_ever, pipeline, name=f"sender {index}")
                    await trio.sleep(1)  # by then all is full: the clock only jumps when nothing moves
                    reports.append(str(network.report()))
                    times.append(trio.current_time())
                    end(pipeline, network, scope)
                    await trio.sleep(1_000)
        finally:
            times.append(trio.current_time())

    async def send_for_ever(pipeline: Pipeline) -> None:
        entry = pipeline.blocks[0]
        while True:
            await entry.send(next(numbers))
            sent.append(1)

    def end(pipeline: Pipeline, network: Network, scope: trio.CancelScope) -> None:
        pipeline.is_broken = True
        pipeline.gate.set()
        if full.ending == "plain fault":
            pipeline.hold_up.set()
        elif full.ending == "scope":
            scope.cancel()
        elif full.ending == "network":
            network.cancel()
        elif full.ending == "shutdown":
            network.shutdown.cancel()
        elif full.ending == "body":
            raise Boom("body")

    raised = watch.run(schedule, main)
    assert watch.network is not None
    check_end(full, watch.network, raised, times)
    check_report(full, reports[0])
    balance = watch.network.balance()
    assert balance.held == 0
    assert sum(block.accepted for block in balance.blocks if block.name == "stage 0") == len(sent)


def check_end(full: Full, network: Network, raised: BaseException | None, times: list[float]) -> None:
    """A cancellation is silent, a fault comes out once, and neither takes any time."""
    assert times[0] == times[1]
    if full.ending in ("scope", "network", "shutdown"):
        assert raised is None
        assert network.cancel_called == (full.ending != "scope")
        return
    found = list(leaves(raised))
    assert len(found) >= 1
    assert all(isinstance(error, Boom) for error in found)
    if full.ending != "body":
        notes = [note for error in found for note in getattr(error, "__notes__", [])]
        assert all(note.startswith(f"in stage {full.place}, item ") for note in notes), notes
        assert len(notes) == len(found)


def check_report(full: Full, report: str) -> None:
    """Before the end, the report shows who holds what, and that the senders wait."""
    held_up = "'last'" if full.ending != "fault" else f"'stage {full.place}'"
    assert held_up in report
    stages = range(full.place if full.ending == "fault" else STAGES)
    for place in stages:
        assert (
            f"<BoundedBuffer 'buffer {place}' open, {full.capacities[place]} of {full.capacities[place]} held>"
            in report
        )
    for index in range(full.senders):
        assert f"task 'sender {index}' waits to send" in report
