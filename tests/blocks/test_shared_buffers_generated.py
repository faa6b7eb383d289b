"""Shared buffers in generated runs: items fail and processes die in two stages, and each run ends in some way."""

from __future__ import annotations

import gc
import sys
import time
from traceback import clear_frames
from typing import Any, Literal
from weakref import WeakValueDictionary

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import BufferPool, Call, Fail, Lease, Network, Processes, Retry, Skip, Transformer, WorkerDied
from tests.blocks.executors import lease_functions as functions
from tests.blocks.executors import process_functions
from tests.blocks.executors.lease_functions import Acts
from tests.blocks.executors.process_functions import SECONDS
from tests.blocks.tools import contents, leaves

pytestmark = pytest.mark.slow
SIZE = 5000


@attrs.frozen
class Plan:
    """A run.

    Attributes:
        items: The items, and what the stages do with them.
        buffers: How many buffers there are.
        concurrency: That of each stage.
        is_ordered: Whether results leave in order.
        policy: What the stages do about failures.
        cancelled_after: After how many results the network is cancelled, if it is.
        between: Where a stage between the two calls its function.
    """

    items: list[Acts]
    buffers: int
    concurrency: tuple[int, int]
    is_ordered: bool
    policy: Fail | Skip | Retry
    cancelled_after: int | None
    between: Literal["nowhere", "loop"]


acts = st.sampled_from(["go on"] * 6 + ["raise", "die", "tie", "lose"])
workers = st.integers(1, 2)
plans = st.builds(
    Plan,
    st.lists(st.tuples(acts, acts), max_size=12).map(lambda both: [(n, *pair) for n, pair in enumerate(both)]),
    st.integers(1, 4),
    st.tuples(workers, workers),
    st.booleans(),
    st.sampled_from([Fail(), Skip(), Skip(), Retry(1, then="skip")]),
    st.none() | st.integers(0, 5),
    st.sampled_from(["nowhere", "loop"]),
)


class Run:
    """One run of a plan."""

    def __init__(self, plan: Plan, executor: Processes) -> None:
        self.plan = plan
        self.pool: BufferPool[memoryview] = BufferPool.shared(SIZE, plan.buffers)
        how: dict[str, Any] = {"executor": executor, "ordered": plan.is_ordered, "on_error": plan.policy}
        self.first: Transformer[Acts, Any] = Transformer(
            functions.first, resource=self.pool, concurrency=plan.concurrency[0], **how
        )
        self.second: Transformer[Any, Any] = Transformer(functions.second, concurrency=plan.concurrency[1], **how)
        source: Transformer[Any, Any] = self.first
        if plan.between == "loop":
            source = Transformer(self.keep)
            self.first.link_target(source)
        source.link_target(self.second)
        self.second.link_target(Call(self.use))
        self.numbers: list[int] = []
        self.known: WeakValueDictionary[int, Lease[memoryview]] = WeakValueDictionary()
        self.network: Network | None = None

    def keep(self, pair: tuple[Acts, Lease[memoryview]]) -> tuple[Acts, Lease[memoryview]]:
        """Remember which lease an item has."""
        self.known[pair[0][0]] = pair[1]
        return pair

    def use(self, pair: tuple[Acts, Lease[memoryview]]) -> None:
        """Look into the buffer, and give it back."""
        (number, *_), lease = pair
        assert self.known.pop(number, lease) is lease
        with lease:
            assert bytes(lease.value) == bytes([number + 100]) * SIZE
        self.numbers.append(number)
        if len(self.numbers) == self.plan.cancelled_after and self.network is not None:
            self.network.cancel()

    async def run(self) -> None:
        """Run it to its end."""
        with trio.fail_after(SECONDS):
            async with Network(self.first) as self.network:
                for item in self.plan.items:
                    await self.first.send(item)

    def check(self) -> None:
        """All buffers are back, and nothing came out that should not."""
        assert self.network is not None
        contents(self.network.shutdown.errors)
        first = self.network.shutdown.first_error
        item: Any = None if first is None else first.item
        kept = isinstance(item, tuple) and isinstance(item[1], Lease)  # the first error names its item
        gc.collect()
        until = time.monotonic() + SECONDS
        while self.pool.in_use > kept and time.monotonic() < until:  # a process that was killed has not ended yet
            time.sleep(0.001)
        assert self.pool.in_use == kept
        ends_well = {n for n, *both in self.plan.items if not {"raise", "die", "lose"}.intersection(both)}
        assert len(self.numbers) == len(set(self.numbers))
        assert ends_well.issuperset(self.numbers)
        if self.plan.is_ordered:
            assert self.numbers == sorted(self.numbers)
        fails = isinstance(self.plan.policy, Fail) and len(ends_well) < len(self.plan.items)
        if not fails and self.plan.cancelled_after is None:
            assert len(self.numbers) == len(ends_well)


@pytest.mark.usefixtures("real_time")
def test_however_a_run_ends_buffers_come_back_and_none_is_used_by_two_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [process_functions.ROOT, *sys.path])

    @given(plans)
    def check(plan: Plan) -> None:
        run = Run(plan, two)
        try:
            trio.run(run.run)
        except BaseExceptionGroup as group:
            assert isinstance(plan.policy, Fail)
            errors = leaves(group)
            assert all(isinstance(error, (ValueError, TypeError, WorkerDied)) for error in errors)
            while errors:
                clear_frames(errors.pop().__traceback__)
        run.check()

    with Processes(2, name="two") as two:
        check()
