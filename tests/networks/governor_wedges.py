"""Networks that get stuck because a governor lets nothing in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Batch,
    Call,
    Transformer,
    UnboundedBuffer,
)

from .stuck_agents import SlotTaker
from .wedge import Wedge, slowly


class GovernorWedges(Wedge):
    """Each `build_` method builds one."""

    # Governors

    def build_governor_tighter_than_a_batch(self) -> None:
        outside, entry = UnboundedBuffer[Any](name="outside"), UnboundedBuffer[Any](name="entry")
        batch = Batch[Any](self.pick(5, 7), name="culprit")
        self.source.link_target(outside)
        outside.link_target(entry)
        self.stage(entry, "stage").link_target(batch)
        batch.link_target(Call(slowly, name="taker"))
        limit = self.room("tight", 1, 4)
        weight: Callable[[Any], float] | None = (lambda item: 1 + item.origin % 3) if self.pick(0, 1) else None
        PipelineGovernor(limit, weight=weight, name="tight").govern(entry, batch)
        self.culprits = ["'outside'", "'culprit'", "'tight'", f"of {limit} in flight"]
        self.members = ["governor 'tight' waits for", "batch 'culprit' waits for"]
        self.advised = "raise the limit of governor 'tight' to at least"

    def build_governor_tighter_than_two_batches(self) -> None:
        outside, entry = UnboundedBuffer[Any](name="outside"), UnboundedBuffer[Any](name="entry")
        first, second = Batch[Any](2, name="first"), Batch[Any](3, name="culprit")
        self.source.link_target(outside)
        outside.link_target(entry)
        entry.link_target(first)
        first.link_target(second)
        self.drain(second)
        PipelineGovernor(self.room("tight", 1, 2), name="tight").govern(entry, second)
        self.culprits = ["'outside'", "'tight'"]
        self.members = ["governor 'tight' waits for"]
        self.advised = "raise the limit of governor 'tight' to at least"

    def build_governor_over_a_body_that_sends_before_it_receives(self) -> None:
        culprit, results = Transformer(slowly, name="culprit"), UnboundedBuffer[Any](name="results")
        culprit.link_target(results)
        PipelineGovernor(self.pick(1, 3), name="tight").govern(culprit, results)
        self.drain(self.source)
        self.apart.append(culprit)
        self.culprits = ["'tight'", "waits to send"]
        self.members = ["governor 'tight' waits for", "unbounded buffer 'results' waits for the body", "the body"]
        self.advised = "receive from unbounded buffer 'results' in a task of its own"
        self.send_then_receive(culprit, results)

    def build_slot_that_is_never_freed(self) -> None:
        inbox = UnboundedBuffer[Any](name="inbox")
        self.source.link_target(inbox)
        self.advised = r"call free_slot\(\) of governor 'explicit'"
        limit = self.pick(1, 3)
        SlotTaker(inbox, limit, name="taker", frees=self.followed.says(self.advised))
        self.culprits = ["take a slot", "governor 'explicit'", f"{limit} of {limit}"]
        self.members = ["agent 'taker' waits to take a slot", "governor 'explicit' waits for agent 'taker'"]

    def build_body_that_waits_for_what_it_should_read(self) -> None:
        culprit, results = Transformer(slowly, name="culprit"), UnboundedBuffer[Any](name="results")
        culprit.link_target(results)
        governor = PipelineGovernor(self.pick(2, 9), name="busy")
        governor.govern(culprit, results)
        self.hold(self.followed.says("results' in a task of its own"))
        self.apart.append(culprit)
        self.culprits = ["waits to see the pipeline empty at governor 'busy'"]
        self.members = ["governor 'busy' waits for", "unbounded buffer 'results' waits for the body", "the body"]
        self.advised = "receive from unbounded buffer 'results' in a task of its own"
        is_cured = self.followed.says(self.advised)

        async def wait() -> None:
            async with trio.open_nursery() as nursery:
                if is_cured:
                    nursery.start_soon(results.receive)
                await culprit.send(1)
                await governor.wait_for_empty()

        self.body = wait
